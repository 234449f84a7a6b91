package publication_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"redress/internal/publication"
)

func days(n int64) *int64 { return &n }

func TestPercentilesNeedEnoughClaimsOnBothSides(t *testing.T) {
	var rows []publication.Duration
	for i := range int64(100) {
		rows = append(rows, publication.Duration{Stage: "decision", Group: "taxi", Days: 99 - i, Claims: 1})
	}
	for i := range int64(20) {
		rows = append(rows, publication.Duration{Stage: "decision", Group: "cafe", Days: i, Claims: 1})
	}
	rows = append(rows, publication.Duration{Stage: "decision", Group: "bakery", Days: 3, Claims: 1})
	got, err := publication.DurationPercentiles(rows, publication.DefaultRule())
	if err != nil {
		t.Fatal(err)
	}
	want := []publication.Percentiles{
		{Stage: "decision", Group: "bakery"},
		{Stage: "decision", Group: "cafe", P50: days(9)},
		{Stage: "decision", Group: "taxi", P50: days(49), P75: days(74), P90: days(89)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := publication.DurationPercentiles([]publication.Duration{{Days: -1}}, publication.DefaultRule()); err == nil {
		t.Error("a negative duration is accepted")
	}
}

func TestCalibrationIsNotOfAFewClaimants(t *testing.T) {
	var rows []publication.Placebos
	for range 12 {
		rows = append(rows, publication.Placebos{Group: "taxi", Windows: 20, Inside: 18}, publication.Placebos{Group: "salon", Windows: 1, Inside: 1})
	}
	rows = append(rows, publication.Placebos{Group: "salon", Windows: 500, Inside: 400}, publication.Placebos{Group: "cafe", Windows: 9, Inside: 9})
	got, err := publication.CalibrationOf(rows, publication.DefaultRule())
	if err != nil {
		t.Fatal(err)
	}
	want := []publication.Calibration{
		{Group: "cafe"},
		{Group: "salon"},
		{Group: "taxi", InsidePercent: days(90)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := publication.CalibrationOf([]publication.Placebos{{Windows: 1, Inside: 2}}, publication.DefaultRule()); err == nil {
		t.Error("more windows inside than there are is accepted")
	}
}

func TestRatiosHoldTheTrueOne(t *testing.T) {
	releases, err := history(4, publication.DefaultRule(), "")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range releases {
		claimed, awarded := map[string]int64{}, map[string]int64{}
		for l := range e.Leaves {
			claimed[l.Sector] += int64(l.Claimed)
			awarded[l.Sector] += int64(l.Awarded)
		}
		if e.Release.Measures[1].AsOf != e.Release.Number {
			continue
		}
		for _, ratio := range e.Release.Ratios(publication.Sector) {
			if ratio.Awarded == nil {
				continue
			}
			seen++
			if percent := float64(awarded[ratio.Code]) / float64(claimed[ratio.Code]) * 100; percent < float64(ratio.Awarded.Low) || percent > float64(ratio.Awarded.High) {
				t.Errorf("release %d, %s: %v is outside %v", e.Release.Number, ratio.Code, percent, *ratio.Awarded)
			}
		}
	}
	if seen == 0 {
		t.Error("no ratio is published")
	}
}
