package publication_test

import (
	"fmt"
	"testing"

	"redress/internal/publication"
)

func TestJointExperiment(t *testing.T) {
	n := 0
	for seed := range uint64(25) {
		releases, err := history(seed, publication.DefaultRule(), "")
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range releases[1:] {

			p := &program{}
			at := map[string]int{}
			truth := parts(e)
			for _, m := range e.Release.Measures[1:] {
				if m.AsOf == e.Release.Number {
					for k, v := range variables(p, m) {
						at[k] = v
					}
				}
			}
			linked := func(a, b publication.Measure, status string) {
				for k, v := range at {
					for _, d := range []string{"[service status]", "[sector status]", "[region status]", "[month status]"} {
						var code string
						if c, _ := fmt.Sscanf(k, string(a)+d+" [%s "+status+"]", &code); c == 1 && k == string(a)+d+" ["+code+" "+status+"]" {
							if w, ok := at[string(b)+d+" ["+code+" "+status+"]"]; ok {
								p.equation(0, map[int]float64{v: 1, w: -1})
							}
						}
					}
				}
			}
			linked("paid", "awarded", "paid")
			linked("awarded", "estimated", "paid")
			linked("awarded", "estimated", "approved")
			s, ok := p.solve()
			if !ok {
				t.Fatal("infeasible")
			}
			a := &adversary{rule: publication.DefaultRule()}
			bounds := map[string][2]float64{}
			for k, v := range at {
				lo, hi := s.bounds(v)
				bounds[k] = [2]float64{lo, hi}
				n++
			}
			for _, m := range e.Release.Measures[1:] {
				if m.AsOf != e.Release.Number {
					continue
				}
				for _, tb := range m.Tables {
					for _, r := range tb.Rows {
						a.judge(e.Release.Number, m, figureKey(m.Measure, tb.By, r.Codes), truth, bounds)
					}
				}
			}
			for _, f := range a.found {
				t.Log(seed, f)
			}
		}
	}
	t.Log(n)
}
