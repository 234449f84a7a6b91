package publication

import (
	"io"
	"strconv"

	"redress/internal/lang"
)

// Line is one number of statistics and its place in them. The true one lies from
// Low to High, both included; they are equal where it is exact.
type Line struct {
	Kind  string // total, count, share, stage, dependence or calibration
	Table string // of counts; of a stage, the stage
	Code  string // of the row, or the group
	What  string // of a group: p50, median …; empty for a count
	Unit  string // forms, claims …, percent or days
	Low   *int64 // nil, as High: withheld
	High  *int64
}

// units are what the tables count.
var units = map[string]string{
	TableSubmitted: "claims", TableUnsubmitted: "forms", TableFurtherForms: "forms", TableDecisions: "decisions", TableDates: "decisions",
	TableAppeals: "appeals", TableReviews: "reviews",
}

// Lines are all numbers of the statistics in their order.
func (s Statistics) Lines() []Line {
	var out []Line
	figure := func(l Line, f Figure) {
		at := f.span()
		l.Low, l.High = &at.low, &at.high
		out = append(out, l)
	}
	exact := func(l Line, n *int64) {
		l.Low, l.High = n, n
		out = append(out, l)
	}
	for _, row := range s.Totals {
		unit := "forms"
		if row.Code == "claimants" {
			unit = "claimants"
		}
		figure(Line{Kind: "total", Code: row.Code, Unit: unit}, row.Figure)
	}
	for _, t := range s.Tables {
		figure(Line{Kind: "count", Table: t.Table, Unit: units[t.Table]}, t.Total)
		for _, row := range t.Rows {
			figure(Line{Kind: "count", Table: t.Table, Code: row.Code, Unit: units[t.Table]}, row.Figure)
		}
	}
	for _, share := range s.Shares {
		l := Line{Kind: "share", Code: share.Code, Unit: "percent"}
		if share.Percent != nil {
			l.Low, l.High = &share.Percent.Low, &share.Percent.High
		}
		out = append(out, l)
	}
	for _, p := range s.Stages {
		for _, of := range []struct {
			what string
			days *int64
		}{{"p50", p.P50}, {"p75", p.P75}, {"p90", p.P90}, {"p95", p.P95}} {
			exact(Line{Kind: "stage", Table: p.Stage, Code: p.Group, What: of.what, Unit: "days"}, of.days)
		}
	}
	for _, d := range s.Dependence {
		exact(Line{Kind: "dependence", Code: d.Group, What: "weighted", Unit: "percent"}, d.Weighted)
		exact(Line{Kind: "dependence", Code: d.Group, What: "median", Unit: "percent"}, d.Median)
	}
	for _, c := range s.Calibration {
		exact(Line{Kind: "calibration", Code: c.Group, What: "inside", Unit: "percent"}, c.InsidePercent)
	}
	return out
}

// Difference is how a number changed: by Least to Most, below 0 where it fell.
type Difference struct {
	Line  // as it is after
	Least int64
	Most  int64
}

// Compare holds the statistics of one moment against those of an earlier one. What
// is withheld in either is left out. A count of what had not occurred was 0.
func Compare(before, after Statistics) []Difference {
	place := func(l Line) Line {
		l.Low, l.High = nil, nil
		return l
	}
	earlier := map[Line]Line{}
	for _, l := range before.Lines() {
		earlier[place(l)] = l
	}
	none := int64(0)
	out := []Difference{}
	for _, l := range after.Lines() {
		was, known := earlier[place(l)]
		if !known && l.Kind == "count" {
			was.Low, was.High = &none, &none
		}
		if l.Low != nil && was.Low != nil {
			out = append(out, Difference{Line: l, Least: *l.Low - *was.High, Most: *l.High - *was.Low})
		}
	}
	return out
}

// lineColumns are those of the CSV and of every sheet of statistics.
var lineColumns = []string{"kind", "table", "code", "what", "low", "high", "unit", "text"}

// records are the statistics as rows of text, definitions and rule first.
func (s Statistics) records(tag lang.Tag) [][]string {
	var out [][]string
	for _, d := range s.Definitions {
		out = append(out, []string{"definition", "", d.Code, "", "", "", "", d.Text.In(tag)})
	}
	out = append(out, []string{"rule", "", s.Rule.ID, "version", strconv.Itoa(s.Rule.Version), strconv.Itoa(s.Rule.Version), "", s.Rule.Text.In(tag)},
		[]string{"rule_hash", "", s.Rule.Hash.String(), "", "", "", "", ""},
		[]string{"at", "", s.Incident, "", "", "", "", s.At})
	for _, l := range s.Lines() {
		out = append(out, []string{l.Kind, l.Table, l.Code, l.What, number(l.Low), number(l.High), l.Unit, ""})
	}
	return out
}

// WriteCSV writes the statistics as RFC 4180 text with a header.
func (s Statistics) WriteCSV(w io.Writer, tag lang.Tag) error {
	return writeCSV(w, lineColumns, s.records(tag))
}

// WriteXLSX writes the statistics as a workbook: a sheet of definitions and rule,
// and one for each kind of number. Numbers are numbers.
func (s Statistics) WriteXLSX(w io.Writer, tag lang.Tag) error {
	sheets := map[string]string{"definition": "statistics", "rule": "statistics", "rule_hash": "statistics", "at": "statistics"}
	return workbook{columns: lineColumns, numbers: [2]int{4, 5}, sheet: func(record []string) string {
		if name, front := sheets[record[0]]; front {
			return name
		}
		return record[0]
	}}.write(w, s.records(tag))
}
