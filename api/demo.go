package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"text/template"
	"time"

	"redress/internal/identity"
	"redress/internal/sandbox"
)

// demoCommand deliberately takes no DATABASE_URL from the environment: a demo
// must not write into whatever database the shell happens to name.
type demoCommand struct {
	listen
	Dir         string `help:"Directory for the demo, new or empty; a temporary one, removed at the end, when absent." type:"path"`
	DatabaseURL string `help:"PostgreSQL address of an empty database; SQLite in the directory when absent."`
	Seed        uint64 `help:"Seed of the histories, amounts and states." default:"20221015"`
	Claimants   int    `help:"How many merchants and drivers, at least 12." default:"300"`
}

func (d demoCommand) Run(ctx context.Context, w *world) (err error) {
	began := w.now()
	shift := sandbox.Now.Sub(began)
	there := *w
	there.now = func() time.Time { return w.now().Add(shift) }
	if err := d.addressFree(ctx); err != nil {
		return err
	}
	dir, clean, err := demoDirectory(d.Dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, clean()) }()
	data := database{Dir: dir, DatabaseURL: d.DatabaseURL}
	db, err := data.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	if _, err := db.Migrate(ctx); err != nil {
		// The field key is new, so a database that is in use ends here.
		return fmt.Errorf("the demo fills an empty database only: %w", err)
	}
	box, err := sandbox.Fill(ctx, db, sandbox.Options{Seed: d.Seed, Claimants: d.Claimants, Publish: true, Progress: progress(w.stderr)})
	if err != nil {
		return err
	}
	audit, err := logFiles{}.openLog(ctx, &there, dir, db)
	if err != nil {
		return err
	}
	fmt.Fprintf(w.stderr, "%d claimants with histories and claims in %.1f s\n", d.Claimants, w.now().Sub(began).Seconds())
	files, err := evidenceFiles{}.open(ctx, data)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, files.Close()) }()
	return d.serve(ctx, &there, db, files, audit, func(address string) error {
		base := "http://" + address
		if err := writeStories(storiesIn(dir), base, box); err != nil {
			return err
		}
		return d.introduce(w.stdout, base, dir, box)
	})
}

// addressFree fails before the work of filling, not after it.
func (d demoCommand) addressFree(ctx context.Context) error {
	var config net.ListenConfig
	probe, err := config.Listen(ctx, "tcp", d.Address)
	if err != nil {
		return fmt.Errorf("%w; choose another with --address, such as 127.0.0.1:8081", err)
	}
	return probe.Close()
}

// demoDirectory makes the directory of the demo and answers what to do with it
// at the end.
func demoDirectory(given string) (dir string, clean func() error, err error) {
	if given == "" {
		dir, err = os.MkdirTemp("", "redress-demo-")
		if err != nil {
			return "", nil, fmt.Errorf("demo directory: %w", err)
		}
		return dir, func() error { return os.RemoveAll(dir) }, nil
	}
	if err := os.MkdirAll(given, 0o700); err != nil {
		return "", nil, fmt.Errorf("demo directory: %w", err)
	}
	entries, err := os.ReadDir(given)
	if err != nil {
		return "", nil, fmt.Errorf("demo directory: %w", err)
	}
	if len(entries) > 0 {
		return "", nil, fmt.Errorf("demo directory %s is not empty; name a new one, since the keys of an earlier demo cannot be shown again", given)
	}
	return given, func() error { return nil }, nil
}

// progress writes every tenth of the way.
func progress(to io.Writer) func(done, total int) {
	tenth := 0
	return func(done, total int) {
		if reached := done * 10 / total; reached > tenth {
			tenth = reached
			fmt.Fprintf(to, "filling the sandbox: %d of %d claimants\n", done, total)
		}
	}
}

// storiesIn is the folder of the story files.
func storiesIn(dir string) string { return filepath.Join(dir, "stories") }

// writeStories writes the files of the documented stories and the environment
// that their commands need.
func writeStories(dir, base string, box sandbox.Sandbox) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("story files: %w", err)
	}
	files, err := sandbox.Stories()
	if err != nil {
		return err
	}
	env := fmt.Sprintf("export REDRESS=%s\nexport STORIES=%s\nexport INCIDENT=%s\nexport CLAIM=%s\n", base, quoted(dir), box.IncidentID, box.ClaimID)
	for _, role := range identity.Roles {
		env += fmt.Sprintf("export %s=%s\n", strings.ToUpper(string(role)), box.Keys[role])
	}
	for _, f := range append(files, sandbox.File{Name: "env.sh", Data: []byte(env)}) {
		if err := os.WriteFile(filepath.Join(dir, f.Name), f.Data, 0o600); err != nil {
			return fmt.Errorf("story files: %w", err)
		}
	}
	return nil
}

// quoted makes one word of a path for a shell.
func quoted(path string) string { return "'" + strings.ReplaceAll(path, "'", `'\''`) + "'" }

// introduction tells a newcomer where things are and what to try.
var introduction = template.Must(template.New("").Funcs(template.FuncMap{"quoted": quoted}).Parse(`
Redress demo at {{.Base}} (the contract, readable: {{.Base}}/docs)
An outage of 15 October 2022 and {{.Claimants}} synthetic claimants; the clock started at {{.Clock}}.

Incident  {{.Box.IncidentID}}

Keys
{{- range .Keys}}
  {{printf "%-10s" .Role}} {{.Token}}
{{- end}}

The four stories of docs/stories.md: their files and the keys, for another shell
  . {{quoted (printf "%s/env.sh" .Stories)}}

Try

# What did the outage cost this taxi driver? Nothing is stored, and no key is needed.
curl -s '{{.Base}}/v1/estimates?currency=KRW&zone=Asia/Seoul&declared_actual=25000&windows=2022-10-15T15:30:00%2B09:00/2022-10-16T14:30:00%2B09:00' \
  -H 'Content-Type: text/csv' --data-binary @{{quoted (printf "%s/taxi.csv" .Stories)}}

# The estimate of a filed claim, as its claimant sees it.
curl -s '{{.Base}}/v1/claims/{{.Box.ClaimID}}/estimate' -H 'Authorization: Bearer {{.Claimant}}'

# What the public is told of all claims; how to check it is in docs/consumer-groups.md.
curl -s '{{.Base}}/v1/incidents/{{.Box.IncidentID}}/totals?by=service'

# The newest submitted claims, as a reviewer sees them.
curl -s '{{.Base}}/v1/claims?incident_id={{.Box.IncidentID}}&state=submitted&limit=3' \
  -H 'Authorization: Bearer {{.Reviewer}}'

Ctrl-C ends the demo{{with .Removed}} and removes {{.}}{{end}}.
`))

// roleKey is one line of the keys shown.
type roleKey struct {
	Role  identity.Role
	Token string
}

func (d demoCommand) introduce(to io.Writer, base, dir string, box sandbox.Sandbox) error {
	keys := make([]roleKey, len(identity.Roles))
	for i, role := range identity.Roles {
		keys[i] = roleKey{role, box.Keys[role]}
	}
	removed := ""
	if d.Dir == "" {
		removed = dir
	}
	return introduction.Execute(to, map[string]any{
		"Base": base, "Stories": storiesIn(dir), "Removed": removed, "Box": box,
		"Keys": keys, "Claimant": box.Keys[identity.Claimant], "Reviewer": box.Keys[identity.Reviewer],
		"Claimants": d.Claimants, "Clock": sandbox.Now.Format("2006-01-02 15:04 -07:00"),
	})
}
