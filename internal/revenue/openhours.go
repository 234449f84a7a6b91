package revenue

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

var weekdays = map[string]time.Weekday{
	"mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday, "thu": time.Thursday,
	"fri": time.Friday, "sat": time.Saturday, "sun": time.Sunday,
}

// ParseHours reads opening hours as people state them: "mon-fri 10:00-20:00,
// sat 10:00-15:00". Hours that end at or before they begin run past midnight;
// a day that is not named is closed.
func ParseHours(s string) ([]WeekHours, error) {
	var hours []WeekHours
	for part := range strings.SplitSeq(s, ",") {
		days, clock, ok := strings.Cut(strings.TrimSpace(strings.ToLower(part)), " ")
		if !ok {
			return nil, fmt.Errorf("%q has no days and hours", part)
		}
		first, last, ok := strings.Cut(days, "-")
		if !ok {
			last = first
		}
		from, knownFrom := weekdays[first]
		to, knownTo := weekdays[last]
		if !knownFrom || !knownTo {
			return nil, fmt.Errorf("%q is not a day or span of days", days)
		}
		opens, closes, err := parseClockSpan(clock)
		if err != nil {
			return nil, err
		}
		for day := from; ; day = (day + 1) % 7 {
			hours = append(hours, WeekHours{Weekday: day, From: opens, To: closes})
			if day == to {
				break
			}
		}
	}
	return hours, nil
}

// parseClockSpan reads "10:00-20:00" as minutes after midnight.
func parseClockSpan(s string) (from, to int, err error) {
	opens, closes, ok := strings.Cut(strings.TrimSpace(s), "-")
	if !ok {
		return 0, 0, fmt.Errorf("%q is not a span of hours", s)
	}
	if from, err = timeOfDay(opens); err != nil {
		return 0, 0, err
	}
	if to, err = timeOfDay(closes); err != nil {
		return 0, 0, err
	}
	if to <= from {
		to += int(Day)
	}
	return from, to, nil
}

func timeOfDay(s string) (int, error) {
	hour, minute, ok := strings.Cut(s, ":")
	h, errHour := strconv.Atoi(hour)
	m, errMinute := strconv.Atoi(minute)
	if !ok || errHour != nil || errMinute != nil || h < 0 || m < 0 || m > 59 || h*60+m > int(Day) {
		return 0, fmt.Errorf("%q is not a time of day", s)
	}
	return h*60 + m, nil
}
