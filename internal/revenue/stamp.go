package revenue

import (
	"strings"
	"time"
)

// stamp is a time as a row states it, on the claimant's wall clock.
type stamp struct {
	at      Local
	seconds bool // seconds other than zero were cut off
	dayOnly bool // a date without a time of day
	serial  bool // a day number, which cannot tell a date from its midnight
	exact   bool // an offset from UTC was stated
	offset  int16
}

// The years a time may lie in; outside them it is a slip of the pen.
const (
	firstYear = 1990
	lastYear  = 2100
)

// maxStamp is longer than any way of writing a time that is read.
const maxStamp = 64

// cursor walks over the text of one cell.
type cursor struct{ rest string }

func (c *cursor) space() { c.rest = strings.TrimLeft(c.rest, " \u00a0") }

func (c *cursor) take(prefix string) bool {
	rest, ok := strings.CutPrefix(c.rest, prefix)
	c.rest = rest
	return ok
}

// fold is take for ASCII words, whatever their case.
func (c *cursor) fold(word string) bool {
	if len(c.rest) < len(word) || !strings.EqualFold(c.rest[:len(word)], word) {
		return false
	}
	c.rest = c.rest[len(word):]
	return true
}

// digits takes up to 14 digits and says how many there were.
func (c *cursor) digits() (value int64, n int) {
	for n < len(c.rest) && n < 14 && '0' <= c.rest[n] && c.rest[n] <= '9' {
		value = value*10 + int64(c.rest[n]-'0')
		n++
	}
	c.rest = c.rest[n:]
	return value, n
}

// parseStamp reads a date with or without a time of day:
//
//	2022-10-15T15:30  2022-10-15 15:30:05  2022.10.15 15:30  2022/10/15
//	20221015  202210151530  20221015153005  2022. 10. 15. (토) 오후 3:30
//	2022년 10월 15일 15시 30분  2022-10-15T15:30:00+09:00  2022-10-15T06:30Z
//
// A time with an offset is an instant, and becomes the wall clock of zone.
func parseStamp(s string, zone *time.Location) (stamp, bool) {
	if len(s) > maxStamp {
		return stamp{}, false
	}
	c := cursor{strings.TrimSpace(s)}
	day, clock, ok := c.date()
	if !ok {
		return stamp{}, false
	}
	if clock < 0 {
		c.space()
		if c.take("(") { // the day of the week
			_, after, closed := strings.Cut(c.rest, ")")
			if !closed {
				return stamp{}, false
			}
			c.rest = after
		}
		if !c.take("T") {
			c.space()
		}
		if c.rest == "" {
			return stamp{at: day, dayOnly: true}, true
		}
		if clock, ok = c.clock(); !ok {
			return stamp{}, false
		}
	}
	st := stamp{at: day + Local(clock/60), seconds: clock%60 != 0}
	return st, c.zone(&st, zone)
}

// date reads a date; clock is the seconds of a compact date that goes on into
// the time of day, else -1.
func (c *cursor) date() (day Local, clock int64, ok bool) {
	v, n := c.digits()
	clock = -1
	var y, m, d int64
	switch n {
	case 14:
		clock = hms(v/10000%100, v/100%100, v%100)
		y, m, d = v/1e10, v/1e8%100, v/1e6%100
	case 12:
		clock = hms(v/100%100, v%100, 0)
		y, m, d = v/1e8, v/1e6%100, v/1e4%100
	case 8:
		y, m, d = v/1e4, v/100%100, v%100
	case 4:
		y = v
		if m, d, ok = c.monthDay(); !ok {
			return 0, 0, false
		}
	default:
		return 0, 0, false
	}
	if (n > 8 && clock < 0) || y < firstYear || y > lastYear || m < 1 || m > 12 || d < 1 {
		return 0, 0, false
	}
	t := time.Date(int(y), time.Month(m), int(d), 0, 0, 0, 0, time.UTC)
	return Local(t.Unix() / 60), clock, t.Day() == int(d)
}

// monthDay reads what follows the year: "-10-15", ". 10. 15.", "년 10월 15일".
func (c *cursor) monthDay() (m, d int64, ok bool) {
	var after string
	switch {
	case c.take("-"):
		after = "-"
	case c.take("/"):
		after = "/"
	case c.take("."):
		after = "."
	case c.take("년"):
		after = "월"
	default:
		return 0, 0, false
	}
	c.space()
	m, n1 := c.digits()
	if n1 == 0 || n1 > 2 || !c.take(after) {
		return 0, 0, false
	}
	c.space()
	d, n2 := c.digits()
	if n2 == 0 || n2 > 2 || (after == "월" && !c.take("일")) {
		return 0, 0, false
	}
	if after == "." {
		c.take(".")
	}
	return m, d, true
}

// hms returns seconds after midnight, 24:00 included, or -1.
func hms(h, m, s int64) int64 {
	if m > 59 || s > 59 || h > 24 || (h == 24 && m+s > 0) {
		return -1
	}
	return h*3600 + m*60 + s
}

// clock reads a time of day in seconds after midnight: 15:30, 15:30:05.123,
// 15시 30분, 오후 3:30, 3:30 PM, 1530, 153005, 15.
func (c *cursor) clock() (seconds int64, ok bool) {
	half, stated := c.halfDay()
	h, n := c.digits()
	var m, s int64
	switch {
	case n == 6:
		h, m, s = h/10000, h/100%100, h%100
	case n == 4:
		h, m = h/100, h%100
	case n == 0 || n > 2:
		return 0, false
	case c.take(":"):
		if m, s, ok = c.minuteSecond(); !ok {
			return 0, false
		}
	case c.take("시"):
		m, s = c.korean("분"), c.korean("초")
	}
	if !stated {
		half, stated = c.halfDay()
	}
	if stated {
		if h > 12 {
			return 0, false
		}
		h = h%12 + half
	}
	seconds = hms(h, m, s)
	return seconds, seconds >= 0
}

// halfDay reads 오전, 오후, AM or PM and returns the hours it adds.
func (c *cursor) halfDay() (hours int64, ok bool) {
	before := c.rest
	c.space()
	switch {
	case c.take("오전"), c.fold("AM"):
		hours = 0
	case c.take("오후"), c.fold("PM"):
		hours = 12
	default:
		c.rest = before
		return 0, false
	}
	c.space()
	return hours, true
}

// minuteSecond reads "30", "30:05" or "30:05.123"; fractions are cut off.
func (c *cursor) minuteSecond() (m, s int64, ok bool) {
	m, n := c.digits()
	if n != 2 {
		return 0, 0, false
	}
	if !c.take(":") {
		return m, 0, true
	}
	if s, n = c.digits(); n != 2 {
		return 0, 0, false
	}
	if c.take(".") {
		if _, n = c.digits(); n == 0 {
			return 0, 0, false
		}
	}
	return m, s, true
}

// korean reads an optional number before its unit, "30분"; 0 when absent.
func (c *cursor) korean(unit string) int64 {
	before := c.rest
	c.space()
	v, n := c.digits()
	if n == 0 || n > 2 || !c.take(unit) {
		c.rest = before
		return 0
	}
	return v
}

// zone reads an optional offset to the end of the cell and moves st into zone.
func (c *cursor) zone(st *stamp, zone *time.Location) bool {
	c.space()
	if c.rest == "" {
		return true
	}
	var minutes int64
	if !c.take("Z") {
		sign := int64(1)
		if c.take("-") {
			sign = -1
		} else if !c.take("+") {
			return false
		}
		h, n := c.digits()
		var m int64
		switch {
		case n == 4:
			h, m = h/100, h%100
		case n == 2 && c.take(":"):
			if m, n = c.digits(); n != 2 {
				return false
			}
		case n != 2:
			return false
		}
		if h > 14 || m > 59 {
			return false
		}
		minutes = sign * (h*60 + m)
	}
	instant := int64(st.at) - minutes
	st.at = LocalOf(time.Unix(instant*60, 0), zone)
	st.exact, st.offset = true, int16(int64(st.at)-instant)
	return c.rest == ""
}

// parseClock reads a cell that holds a time of day alone. Of a range, as in
// "15:00~16:00", it is the start.
func parseClock(s string) (seconds int64, ok bool) {
	if len(s) > maxStamp {
		return 0, false
	}
	start, _, _ := strings.Cut(s, "~")
	c := cursor{strings.TrimSpace(start)}
	seconds, ok = c.clock()
	return seconds, ok && strings.TrimSpace(c.rest) == ""
}

// Spreadsheet day numbers that lie in the years above, by either calendar.
// Numbers outside are dates written as digits, or no dates at all.
const (
	firstSerial = 31412 // 1990-01-01 counted from 1904
	lastSerial  = 73416 // 2101-01-01 counted from 1900
)

// stampOfSerial rounds a time that was a day number to the second, because a
// fraction of a day is rarely exact.
func stampOfSerial(t time.Time) stamp {
	seconds := t.Round(time.Second).Unix()
	return stamp{at: Local(floorDiv(seconds, 60)), seconds: seconds%60 != 0, dayOnly: seconds%86400 == 0, serial: true}
}
