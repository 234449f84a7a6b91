package bundle

import (
	"encoding/json"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

// History is a revenue history as a file: all that its digest covers, a value a
// bucket in each list.
type History struct {
	BucketMinutes int           `json:"bucket_minutes"`
	Start         revenue.Local `json:"start"`
	States        []int         `json:"states"` // 0 missing, 1 open, 2 closed
	Amounts       []money.Minor `json:"amounts"`
	Counts        []int32       `json:"counts"`
}

// EncodeHistory writes a history as the file of it.
func EncodeHistory(h revenue.History) ([]byte, error) {
	f := History{BucketMinutes: h.BucketMinutes, Start: h.Start, States: make([]int, h.Len()), Amounts: h.Amounts, Counts: h.Counts}
	for i, s := range h.States {
		f.States[i] = int(s)
	}
	return json.Marshal(f)
}

// ParseHistory reads the file of a history.
func ParseHistory(data []byte) (revenue.History, error) {
	var f History
	if err := decode(data, &f); err != nil {
		return revenue.History{}, err
	}
	h := revenue.History{BucketMinutes: f.BucketMinutes, Start: f.Start, Amounts: f.Amounts, Counts: f.Counts}
	for _, s := range f.States {
		if s < int(revenue.Missing) || s > int(revenue.Closed) {
			return revenue.History{}, malformed("a state is none of 0, 1 and 2", "상태가 0, 1, 2가 아닙니다")
		}
		h.States = append(h.States, revenue.State(s))
	}
	if err := h.Validate(); err != nil {
		return revenue.History{}, fault.New(fault.Malformed, "history_malformed", "The history cannot be read.", "매출 이력을 읽을 수 없습니다.").Because(err)
	}
	return h, nil
}
