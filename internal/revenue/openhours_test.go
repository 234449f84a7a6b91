package revenue_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"redress/internal/revenue"
)

func TestParseHoursReadsWhatPeopleState(t *testing.T) {
	day := func(d time.Weekday, from, to int) revenue.WeekHours {
		return revenue.WeekHours{Weekday: d, From: from, To: to}
	}
	for text, want := range map[string][]revenue.WeekHours{
		"mon 10:00-20:00":                        {day(time.Monday, 600, 1200)},
		"sat-sun 10:00-15:00":                    {day(time.Saturday, 600, 900), day(time.Sunday, 600, 900)},
		"fri-mon 9:05-18:30":                     {day(time.Friday, 545, 1110), day(time.Saturday, 545, 1110), day(time.Sunday, 545, 1110), day(time.Monday, 545, 1110)},
		"tue-tue 10:00-11:00":                    {day(time.Tuesday, 600, 660)},
		"mon 10:00-14:00, mon 17:00-22:00":       {day(time.Monday, 600, 840), day(time.Monday, 1020, 1320)},
		"fri 18:00-02:00":                        {day(time.Friday, 1080, 1560)}, // past midnight
		"fri 18:00-00:00":                        {day(time.Friday, 1080, 1440)},
		"fri 18:00-24:00":                        {day(time.Friday, 1080, 1440)},
		"sun 00:00-24:00":                        {day(time.Sunday, 0, 1440)},
		"sun 00:00-00:00":                        {day(time.Sunday, 0, 1440)},
		"thu 06:00-06:00":                        {day(time.Thursday, 360, 1800)}, // around the clock
		" MON-Tue  10:00 - 20:00 ,wed 1:00-2:00": {day(time.Monday, 600, 1200), day(time.Tuesday, 600, 1200), day(time.Wednesday, 60, 120)},
	} {
		t.Run(text, func(t *testing.T) {
			got, err := revenue.ParseHours(text)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("hours (-want +got):\n%s", diff)
			}
		})
	}
}

func TestParseHoursRefusesWhatItCannotRead(t *testing.T) {
	// Each error quotes the part that is wrong.
	for text, quoted := range map[string]string{
		"":                               `""`,
		"mon":                            `"mon"`,
		"10:00-20:00":                    `"10:00-20:00"`,
		"mon 10:00-20:00,":               `""`,
		"mon 10:00-20:00; tue 1:00-2:00": `"20:00; tue 1:00-2:00"`,
		"monday 10:00-20:00":             `"monday"`,
		"월 10:00-20:00":                  `"월"`,
		"mon-someday 10:00-20:00":        `"mon-someday"`,
		"mon-tue-wed 10:00-20:00":        `"mon-tue-wed"`,
		"mon- 10:00-20:00":               `"mon-"`,
		"mon 10:00":                      `"10:00"`,
		"mon 10-20":                      `"10"`,
		"mon 10:60-20:00":                `"10:60"`,
		"mon 10:00-24:01":                `"24:01"`,
		"mon 25:00-26:00":                `"25:00"`,
		"mon 10:00-20:00-22:00":          `"20:00-22:00"`,
		"mon 10:00-":                     `""`,
		"mon +9:00-20:00":                `"+9:00"`,
		"mon 9:5-20:00":                  `"9:5"`,
		"mon 009:00-20:00":               `"009:00"`,
		"mon 10h00-20:00":                `"10h00"`,
	} {
		t.Run(text, func(t *testing.T) {
			got, err := revenue.ParseHours(text)
			if err == nil || !strings.Contains(err.Error(), quoted) {
				t.Errorf("%v, %v; want an error that quotes %s", got, err, quoted)
			}
		})
	}
}

func TestParsedHoursLieInTheirDayOrTheNext(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(
			rapid.StringMatching(`(mon|tue|wed|thu|fri|sat|sun)(-(mon|tue|wed|thu|fri|sat|sun))? [0-2]?[0-9]:[0-5][0-9]-[0-2]?[0-9]:[0-5][0-9]`),
			rapid.String(),
		).Draw(t, "text")
		hours, err := revenue.ParseHours(text)
		if err != nil {
			return
		}
		for _, h := range hours {
			if h.From < 0 || h.From > 1440 || h.To <= h.From || h.To-h.From > 1440 {
				t.Fatalf("%q is read as %+v", text, h)
			}
		}
	})
}
