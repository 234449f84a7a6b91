package bundle_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"redress/internal/bundle"
)

var leafCount = flag.Int("leaves", 100_000, "leaves of the last snapshot in BenchmarkVerify")

// asReader makes this test binary verify the bundle in that directory, so that the
// memory it takes can be told from what the test takes.
const asReader = "REDRESS_TEST_VERIFY"

func TestMain(m *testing.M) {
	dir := os.Getenv(asReader)
	if dir == "" {
		os.Exit(m.Run())
	}
	r, err := bundle.Verify(os.DirFS(dir), readers(&testing.T{}), bundle.Options{})
	if err != nil || r.Err() != nil {
		fmt.Println(err, found(r))
		os.Exit(1)
	}
	fmt.Println(said(r.Holds))
	status, _ := os.ReadFile("/proc/self/status")
	os.Stdout.Write(status)
	os.Exit(0)
}

// peak finds in what a reader said how much memory it took. What the system says of
// a process that has ended counts the process that started it, too.
var peak = regexp.MustCompile(`VmHWM:\s+(\d+) kB`)

// BenchmarkVerify verifies a bundle of two snapshots, both released, of which the
// second has as many leaves as the flag says and the first nine tenths of them. It
// reports wall time, processor time and peak memory of a process of its own.
func BenchmarkVerify(b *testing.B) {
	o := newOperator(b, lies{})
	o.documents()
	o.file(*leafCount * 9 / 10)
	o.seal()
	o.release(1)
	o.file(*leafCount - len(o.leaves))
	o.decide(len(o.leaves))
	o.seal()
	o.release(2)
	o.publish()
	dir := filepath.Join(b.TempDir(), "bundle")
	if err := bundle.WriteDirectory(dir, o.auditors()); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		began := time.Now()
		cmd := exec.Command(os.Args[0])
		cmd.Env = append(os.Environ(), asReader+"="+dir)
		out, err := cmd.Output()
		if err != nil || !strings.Contains(string(out), "2 release(s) were made again") {
			b.Fatalf("%v: %s", err, out)
		}
		b.ReportMetric(time.Since(began).Seconds(), "wall-s")
		b.ReportMetric((cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds(), "cpu-s")
		if said := peak.FindSubmatch(out); said != nil {
			kilobytes, _ := strconv.Atoi(string(said[1]))
			b.ReportMetric(float64(kilobytes)/1024, "peak-MB")
		}
		b.ReportMetric(0, "ns/op")
	}
}
