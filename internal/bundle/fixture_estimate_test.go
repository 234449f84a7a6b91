package bundle_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"

	"redress/internal/baseline"
	"redress/internal/bundle"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// madeFrom are the inputs of the estimates in these tests.
type madeFrom struct {
	Claim  string `json:"claim"`
	Scheme struct {
		ID      string `json:"id"`
		Version int    `json:"version"`
		Hash    string `json:"hash"`
	} `json:"scheme"`
	Lines []madeFromLine `json:"lines"`
}

type madeFromLine struct {
	Service       string            `json:"service"`
	HistoryDigest string            `json:"history_digest"`
	Windows       []baseline.Window `json:"windows"`
}

// estimated makes an estimate's document: the claim gets what the scheme has as its
// share of the shortfall.
func estimated(inputs []byte, histories map[string]revenue.History, scheme []byte) ([]byte, error) {
	var in madeFrom
	var rules struct {
		SharePercent money.Minor `json:"share_percent"`
	}
	if err := json.Unmarshal(inputs, &in); err != nil {
		return nil, err
	}
	if err := json.Unmarshal(scheme, &rules); err != nil {
		return nil, err
	}
	if len(in.Lines) != 1 {
		return nil, fmt.Errorf("%d lines", len(in.Lines))
	}
	currency, err := money.ParseCurrency("KRW")
	if err != nil {
		return nil, err
	}
	result, err := expected(baseline.Input{Currency: currency, History: histories[in.Lines[0].Service], Windows: in.Lines[0].Windows})
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]any{
		"claim_id": in.Claim, "model": baseline.Model, "input_hash": sha(inputs), "scheme": in.Scheme,
		"compensation": map[string]any{"amount": result.Total.Shortfall * rules.SharePercent / 100}, "lines": []any{result},
	})
}

// results are what baseline.Estimate answers, by the digest of the history: all
// windows of these tests are the same.
var results sync.Map

func expected(in baseline.Input) (baseline.Result, error) {
	digest := revenue.Digest(in.History)
	if known, ok := results.Load(digest); ok {
		return known.(baseline.Result), nil
	}
	result, err := baseline.Estimate(in)
	if err == nil && result.Total == nil {
		err = fmt.Errorf("no estimate: %+v", result)
	}
	results.Store(digest, result)
	return result, err
}

// remake is how the readers of these tests make an estimate again.
func remake(f bundle.EstimateFiles) error {
	made, err := estimated(f.Inputs, f.Histories, f.Scheme)
	if err == nil && !bytes.Equal(made, f.Estimate) {
		err = fmt.Errorf("the estimate differs")
	}
	return err
}

var scheme = []byte(`{"share_percent":70}`)

// hourly is a history of some weeks before a window, and nothing sold within it.
func hourly(t testing.TB, seed int) (revenue.History, []baseline.Window) {
	t.Helper()
	start, err := revenue.ParseLocal("2022-07-18T00:00")
	if err != nil {
		t.Fatal(err)
	}
	outage, err := revenue.ParseLocal("2022-10-15T12:00")
	if err != nil {
		t.Fatal(err)
	}
	h := revenue.History{BucketMinutes: 60, Start: start}
	for at := start; at < outage+2*revenue.Day; at += revenue.Hour {
		state, amount, count := revenue.Closed, money.Minor(0), int32(0)
		if hour := at.Clock().Hour(); hour >= 9 && hour < 21 {
			state = revenue.Open
			if at < outage || at >= outage+6*revenue.Hour {
				amount, count = money.Minor(10_000+1_000*hour+500*((int(at/revenue.Hour)*31+hour*17+seed)%11)), 3
			}
		}
		h.States, h.Amounts, h.Counts = append(h.States, state), append(h.Amounts, amount), append(h.Counts, count)
	}
	return h, []baseline.Window{{Span: revenue.Span{Start: outage, End: outage + 6*revenue.Hour}, DownBasisPoints: 10_000}}
}

// histories is how many different histories the claims have.
const histories = 11

// awards are what the scheme pays on each of the histories.
var awards = sync.OnceValues(func() (all [histories]money.Minor, err error) {
	won, err := money.ParseCurrency("KRW")
	if err != nil {
		return all, err
	}
	for i := range all {
		h, windows := hourly(&testing.T{}, i)
		result, err := expected(baseline.Input{Currency: won, History: h, Windows: windows})
		if err != nil {
			return all, err
		}
		all[i] = result.Total.Shortfall * 70 / 100
	}
	return all, nil
})

func awardOf(t testing.TB, claim int) money.Minor {
	t.Helper()
	all, err := awards()
	if err != nil {
		t.Fatal(err)
	}
	return all[claim%histories]
}

// show has the accountant get what there is of each claim that was drawn: its
// estimate, or of the one that comes first by its id, that its claimant was erased.
func (o *operator) show() {
	o.Helper()
	drawn := map[publication.Hash]int{}
	for i, l := range o.leaves {
		drawn[l.ID] = i
	}
	var ids []publication.Hash
	for _, s := range o.contents.Samples {
		var read publication.Sample
		if err := json.Unmarshal(s.Drawn, &read); err != nil {
			o.Fatal(err)
		}
		for _, d := range read.Drawn {
			ids = append(ids, d.ID)
		}
	}
	slices.SortFunc(ids, func(a, b publication.Hash) int { return bytes.Compare(a[:], b[:]) })
	for i, id := range slices.Compact(ids) {
		claim, filed := drawn[id]
		switch {
		case !filed: // the operator lied
		case i == 0:
			o.erase(id, claim)
		default:
			o.estimate(id, claim)
		}
	}
}

func (o *operator) erase(id publication.Hash, claim int) {
	o.contents.Estimates = append(o.contents.Estimates, bundle.Estimate{ID: id})
	o.write("claimant.erased", fmt.Sprintf(claimants, claim), map[string]any{"reason": "asked", "claims": 1}, &o.contents.Estimates[len(o.contents.Estimates)-1].Erased)
}

// estimate makes the estimate of one claim, which its leaf has.
func (o *operator) estimate(id publication.Hash, claim int) {
	o.Helper()
	h, windows := hourly(o, claim%histories)
	digest := revenue.Digest(h)
	in := madeFrom{Claim: fmt.Sprintf(claimIDs, claim), Lines: []madeFromLine{{"taxi", hex.EncodeToString(digest[:]), windows}}}
	in.Scheme.ID, in.Scheme.Version, in.Scheme.Hash = "share", 1, sha(scheme)
	e := bundle.Estimate{ID: id, Inputs: o.json(in), Histories: map[string]revenue.History{"taxi": h}}
	var err error
	if e.Estimate, err = estimated(e.Inputs, e.Histories, scheme); err != nil {
		o.Fatal(err)
	}
	if o.lies.estimate != nil {
		e.Estimate = o.lies.estimate(e.Estimate)
	}
	o.contents.Estimates = append(o.contents.Estimates, e)
	facts := map[string]any{"data": map[string]any{"estimate_hash": sha(e.Estimate)}}
	o.write("claim.submitted", in.Claim, facts, &o.contents.Estimates[len(o.contents.Estimates)-1].Receipt)
}
