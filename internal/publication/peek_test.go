package publication_test

import (
	"fmt"
	"redress/internal/publication"
	"testing"
)

func TestPeek(t *testing.T) {
	for seed := range uint64(3) {
		rs, _ := history(seed, publication.DefaultRule(), "")
		for _, e := range rs {
			for _, m := range e.Release.Measures {
				s := fmt.Sprint(seed, " ", e.Release.Number, " ", m.Measure, " asof ", m.AsOf)
				if m.Total != nil {
					s += fmt.Sprint(" total ", *m.Total)
					for _, tb := range m.Tables {
						shown := 0
						exact := 0
						for _, r := range tb.Rows {
							if r.Value != nil {
								if r.Step == 1 {
									exact++
								} else {
									shown++
								}
							}
						}
						s += fmt.Sprintf(" %v:%d+%d/%d rest%d%%", tb.By, shown, exact, len(tb.Rows), 100*tb.Rest/max(1, *m.Total))
					}
				}
				if m.AsOf == e.Release.Number && (e.Release.Number == 1 || e.Release.Number == 9) {
					fmt.Println(s)
				} else {
					fmt.Println(seed, e.Release.Number, m.Measure, m.AsOf)
				}
			}
		}
	}
}
