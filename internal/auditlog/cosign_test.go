package auditlog_test

import (
	"errors"
	"fmt"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"redress/internal/auditlog"
)

// aWitness is a witness of a log, reached at its name.
type aWitness struct {
	key  key
	file string
	*auditlog.Witness
}

func witnessAt(t testing.TB, name string, file string, logs ...auditlog.Keys) *aWitness {
	t.Helper()
	kept, err := auditlog.OpenWitnessFile(file, name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { kept.Close() })
	public, err := auditlog.VerifierKey(kept.Key())
	if err != nil {
		t.Fatal(err)
	}
	w, err := auditlog.NewWitness(kept.Key(), kept, logs...)
	if err != nil {
		t.Fatal(err)
	}
	return &aWitness{key{kept.Key(), public}, file, w}
}

// line is the witness's line in a file of keys.
func (w *aWitness) line(name string) string {
	return fmt.Sprintf("witness %s http://%s", w.key.public, name)
}

// network sends requests to the witness whose name is the host's. Witnesses come
// and go while requests are under way.
type network struct{ hosts sync.Map }

// towards is a network of one witness.
func towards(name string, h http.Handler) *network {
	var n network
	n.hosts.Store(name, h)
	return &n
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	h, ok := n.hosts.Load(r.URL.Host)
	if !ok {
		return nil, errors.New("no such host")
	}
	return into{h.(http.Handler)}.RoundTrip(r)
}

func TestWitnessesCosignWhatIsPublished(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := logKey(t, origin, 1)
		watched := keys(t, "log "+k.public)
		one := witnessAt(t, "one.example", t.TempDir()+"/one.json", watched)
		two := witnessAt(t, "two.example", t.TempDir()+"/two.json", watched)
		network := towards("one.example", one.Handler(time.Now))
		s := newStation(t, newShelf(), k, stationOptions{
			dir: t.TempDir(), lines: []string{one.line("one.example"), two.line("two.example")}, client: &http.Client{Transport: network},
		})
		witnesses := func() (names []string) {
			for _, c := range s.verified(t).Witnessed.Cosignatures {
				names = append(names, c.Witness)
			}
			return names
		}
		s.run(t, func() {
			id := s.shelf.write(t, 300)[0]
			time.Sleep(5 * time.Second)
			if diff := cmp.Diff([]string{"one.example"}, witnesses()); diff != "" {
				t.Errorf("one of two answers (-want +got):\n%s", diff)
			}
			network.hosts.Store("two.example", two.Handler(time.Now))
			time.Sleep(5 * time.Second) // it is asked again
			if diff := cmp.Diff([]string{"one.example", "two.example"}, witnesses()); diff != "" {
				t.Errorf("both answer (-want +got):\n%s", diff)
			}
			network.hosts.Clear()
			s.shelf.write(t, 300)
			time.Sleep(5 * time.Second)
			audited := s.verified(t)
			if audited.Checkpoint.TreeSize != 600 || audited.Checkpoint.State() != auditlog.Unwitnessed || audited.Witnessed.TreeSize != 300 {
				t.Errorf("none answers: %+v", audited)
			}
			receipt, err := auditlog.ReceiptOf(t.Context(), s.shelf, id)
			if err != nil {
				t.Fatal(err)
			}
			proven, err := auditlog.VerifyReceipt(receipt.Format(), s.keys)
			if err != nil || proven.Checkpoint.State() != auditlog.Witnessed {
				t.Errorf("a receipt of what was witnessed: %s, %v", proven.Checkpoint.State(), err)
			}
		})
		if s.Stopped() != nil {
			t.Error(s.Stopped())
		}
	})
}

// What a restored store has forgotten, and a fork does not know, a witness does.
func TestAWitnessStopsALogThatGoesBackOrForks(t *testing.T) {
	for _, name := range []string{"restored from before", "from nothing", "forked"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := logKey(t, origin, 1)
				w := witnessAt(t, "one.example", t.TempDir()+"/one.json", keys(t, "log "+k.public))
				o := stationOptions{lines: []string{w.line("one.example")}, client: &http.Client{Transport: towards("one.example", w.Handler(time.Now))}}
				s := newStation(t, newShelf(), k, o)
				s.shelf.write(t, 100)
				s.run(t, func() { time.Sleep(time.Second) })
				other := s.shelf.copy()
				s.shelf.write(t, 100)
				s.run(t, func() { time.Sleep(5 * time.Second) })
				want, size := "witness_ahead", int64(100)
				switch name {
				case "from nothing":
					other, size = newShelf(), 0
				case "forked": // while it did not reach the witness
					want, size = "witness_sees_fork", 350
					fork := newStation(t, other, k, stationOptions{})
					other.write(t, 250)
					fork.run(t, func() { time.Sleep(time.Second) })
				}
				other.write(t, 10)
				again := newStation(t, other, k, o)
				again.run(t, func() { time.Sleep(5 * time.Second) })
				if again.Stopped() == nil || reasons(again.Stopped())[0] != want || again.size(t) != size {
					t.Errorf("%d entries, stopped for %v", again.size(t), again.Stopped())
				}
			})
		})
	}
}
