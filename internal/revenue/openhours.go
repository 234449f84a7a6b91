package revenue

import (
	"fmt"
	"regexp"
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

var clockForm = regexp.MustCompile(`^([0-9]{1,2}):([0-5][0-9])$`)

// timeOfDay reads "9:30" as minutes after midnight; "24:00" is the day's end.
func timeOfDay(s string) (int, error) {
	parts := clockForm.FindStringSubmatch(strings.TrimSpace(s))
	if parts == nil {
		return 0, fmt.Errorf("%q is not a time of day such as 9:30", s)
	}
	// Two digits always convert.
	hour, _ := strconv.Atoi(parts[1])
	minute, _ := strconv.Atoi(parts[2])
	if hour*60+minute > int(Day) {
		return 0, fmt.Errorf("%q is after 24:00, the end of the day", s)
	}
	return hour*60 + minute, nil
}
