package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const consumerPage page = "../docs/consumer-groups.md"

// installed puts the program where shells find it, under its name.
func installed(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	script := "#!/bin/sh\n" + asProgram + "=1 exec " + quoted(os.Args[0]) + ` "$@"` + "\n"
	if err := os.WriteFile(filepath.Join(dir, "redress"), []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+string(filepath.ListSeparator)+os.Getenv("PATH"))
}

// What a consumer group is told to do works from nothing, and says what the page
// says: totals, bundles, a checkpoint that is kept, a witness, leaves, a sample, and
// the same without the program.
func TestTheConsumerWalkRunsAgainstTheDemoAndAnswersWhatItSays(t *testing.T) {
	needTools(t, "python3", "od", "paste", "base64")
	t.Setenv("TMPDIR", t.TempDir())
	installed(t)
	folder, _ := demo(t, "--claimants", "300") // as readers have it
	file, err := os.ReadFile(string(consumerPage))
	if err != nil {
		t.Fatal(err)
	}
	checked, printed := walked(t, folder, string(file), `
		grep -c 'drawn again from the leaves' report.txt
		grep -o '"bound"' ended.json
		grep -o '"decisions"' claim.json
		curl -s $REDRESS/v1/incidents/$INCIDENT/bundle -o bundle.zip
		redress verify bundle bundle.zip --keys log.keys --previous checkpoint-kept | grep -c 'does not hold' || true
	`)
	consumerPage.keep(t, string(file), string(file), checked)
	if want := "1\n\"bound\"\n\"decisions\"\n0\n"; printed != want {
		t.Errorf("after the walk:\n%s\nwant:\n%s", printed, want)
	}
}

// The findings that the page explains are those that verification has.
func TestTheConsumerPageExplainsFindingsThatThereAre(t *testing.T) {
	var source strings.Builder
	for _, room := range []string{"bundle", "auditlog"} {
		files, err := filepath.Glob("../internal/" + room + "/*.go")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range files {
			if strings.HasSuffix(name, "_test.go") {
				continue
			}
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			source.Write(text)
		}
	}
	_, section := consumerPage.section(t, "8. What can go wrong, and what the findings mean")
	rows := 0
	for _, row := range tableRow.FindAllStringSubmatch(section, -1) {
		for i, code := range strings.Split(row[1], "`") {
			if i%2 == 0 {
				continue
			}
			rows++
			if !strings.Contains(source.String(), `"`+code+`"`) {
				t.Errorf("the page explains %s, which nothing finds", code)
			}
		}
	}
	if rows < 20 {
		t.Errorf("%d codes are explained", rows)
	}
}
