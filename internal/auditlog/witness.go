package auditlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

const (
	addCheckpointPath   = "/add-checkpoint"
	treeSizeType        = "text/x.tlog.size" // media type of the answer that tells a witness's size
	maxConsistencyProof = 63                 // hashes
	maxWitnessMessage   = 64 << 10           // bytes, of a request and of an answer
)

// AddCheckpoint is what a log asks of a witness (c2sp.org/tlog-witness): to
// cosign a checkpoint, proven to extend the one the witness cosigned last.
type AddCheckpoint struct {
	OldSize    int64 // of the checkpoint cosigned last; 0 for none
	Proof      []tlog.Hash
	Checkpoint []byte // the signed note
}

// Format writes the body of the request.
func (a AddCheckpoint) Format() []byte {
	b := fmt.Appendf(nil, "old %d\n", a.OldSize)
	for _, h := range a.Proof {
		b = append(b, h.String()+"\n"...)
	}
	return slices.Concat(b, []byte("\n"), a.Checkpoint)
}

// ParseAddCheckpoint reads the body of a request as Format writes it. The
// checkpoint is not looked into.
func ParseAddCheckpoint(body []byte) (AddCheckpoint, error) {
	head, checkpoint, ok := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, old := strings.CutPrefix(lines[0], "old ")
	if !ok || !old {
		return AddCheckpoint{}, requestMalformed()
	}
	a := AddCheckpoint{Checkpoint: checkpoint}
	var sized, proven bool
	a.OldSize, sized = parseSize(size)
	a.Proof, proven = parseHashes(lines[1:])
	if !sized || !proven || len(a.Proof) > maxConsistencyProof {
		return AddCheckpoint{}, requestMalformed()
	}
	return a, nil
}

func requestMalformed() error {
	return fault.New(fault.Malformed, "witness_request_malformed",
		"The request is a line \"old <size>\", at most 63 hashes in base64 on a line each, an empty line and a checkpoint.",
		"요청은 \"old <크기>\" 한 줄, base64 해시 최대 63줄, 빈 줄, 체크포인트로 이루어져야 합니다.")
}

// WitnessStore is what a witness remembers: for each log the checkpoint it
// cosigned last.
type WitnessStore interface {
	// Latest returns the signed checkpoint of the log, nil when there is none.
	Latest(ctx context.Context, origin string) ([]byte, error)
	// Replace makes next the latest, durably, provided that latest still is; it
	// returns false when another has come between.
	Replace(ctx context.Context, origin string, latest, next []byte) (bool, error)
}

// Witness cosigns the checkpoints of known logs as long as each extends the one
// before. A log that shows two readers different histories finds no witness
// that signs both.
type Witness struct {
	cosigner cosigner
	logs     map[string]Keys
	store    WitnessStore
}

// NewWitness takes the witness's secret key, its memory, and the keys of each
// log that it watches.
func NewWitness(secret string, store WitnessStore, logs ...Keys) (*Witness, error) {
	c, err := newCosigner(secret)
	if err != nil {
		return nil, err
	}
	w := &Witness{cosigner: c, logs: map[string]Keys{}, store: store}
	for _, k := range logs {
		if _, twice := w.logs[k.origin]; twice {
			return nil, fmt.Errorf("the log %s is given twice; all its keys belong in one file", k.origin)
		}
		w.logs[k.origin] = Keys{origin: k.origin, log: k.log}
	}
	return w, nil
}

// SizeError says that the witness cosigned last at another size than the one
// that a request starts from.
type SizeError struct {
	TreeSize int64
}

func (e *SizeError) Error() string { return fmt.Sprintf("the witness is at %d entries", e.TreeSize) }

// Add checks a request and returns the signature line for its checkpoint, dated
// at. The kinds of its faults are those the protocol has statuses for:
// Malformed, Forbidden (not signed by the log), NotFound (no such log here),
// Conflict (with a SizeError, or another root at the same size) and Invalid (not
// proven).
func (w *Witness) Add(ctx context.Context, body []byte, at time.Time) ([]byte, error) {
	request, err := ParseAddCheckpoint(body)
	if err != nil {
		return nil, err
	}
	claimed, err := unverified(request.Checkpoint)
	if err != nil {
		return nil, err
	}
	keys, ok := w.logs[claimed.Origin]
	if !ok {
		return nil, fault.New(fault.NotFound, "log_not_witnessed",
			"This witness does not watch the log %s.", "이 증인은 %s 로그를 지켜보지 않습니다.", claimed.Origin)
	}
	next, err := keys.Open(request.Checkpoint)
	if err != nil {
		return nil, err
	}
	if request.OldSize > next.TreeSize {
		return nil, requestMalformed()
	}
	if err := w.advance(ctx, request, next); err != nil {
		return nil, err
	}
	return w.cosigner.sign(next.Text(), at), nil
}

// advance makes next the latest checkpoint of its log if it extends the one that
// is, and checks again when another request came between.
func (w *Witness) advance(ctx context.Context, request AddCheckpoint, next Signed) error {
	for {
		latest, err := w.store.Latest(ctx, next.Origin)
		if err != nil {
			return fmt.Errorf("read the checkpoint of %s cosigned last: %w", next.Origin, err)
		}
		last := Checkpoint{Origin: next.Origin, RootHash: emptyRoot}
		if latest != nil {
			if last, err = unverified(latest); err != nil {
				return fmt.Errorf("the checkpoint of %s cosigned last: %w", next.Origin, err)
			}
		}
		if request.OldSize != last.TreeSize {
			return sizeWrong(last.TreeSize)
		}
		if err := VerifyConsistency(request.Proof, last, next.Checkpoint); err != nil {
			return err
		}
		replaced, err := w.store.Replace(ctx, next.Origin, latest, next.Note)
		if err != nil {
			return fmt.Errorf("keep the checkpoint of %s: %w", next.Origin, err)
		}
		if replaced {
			return nil
		}
	}
}

func sizeWrong(size int64) error {
	return fault.New(fault.Conflict, "witness_size_differs",
		"The witness last cosigned this log at %d entries; the proof has to start there.",
		"이 증인은 이 로그를 항목 %d개에서 마지막으로 서명했습니다. 증명은 거기서 시작해야 합니다.", size).Because(&SizeError{size})
}

// Handler serves POST /add-checkpoint, with now for the time of a cosignature.
func (w *Witness) Handler(now func() time.Time) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+addCheckpointPath, func(rw http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxWitnessMessage))
		if err != nil {
			http.Error(rw, "The request is too long or was cut off.", http.StatusRequestEntityTooLarge)
			return
		}
		lines, err := w.Add(r.Context(), body, now())
		if err != nil {
			refuse(rw, err)
			return
		}
		rw.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = rw.Write(lines) // the log that has gone away will ask again
	})
	return mux
}

// refuse answers with the status that the protocol has for the fault.
func refuse(rw http.ResponseWriter, err error) {
	if size := (*SizeError)(nil); errors.As(err, &size) {
		rw.Header().Set("Content-Type", treeSizeType)
		rw.WriteHeader(http.StatusConflict)
		_, _ = fmt.Fprintf(rw, "%d\n", size.TreeSize)
		return
	}
	status, known := map[fault.Kind]int{
		fault.Malformed: http.StatusBadRequest,
		fault.Forbidden: http.StatusForbidden,
		fault.NotFound:  http.StatusNotFound,
		fault.Conflict:  http.StatusConflict,
		fault.Invalid:   http.StatusUnprocessableEntity,
	}[fault.KindOf(err)]
	if !known {
		http.Error(rw, "An error of the witness.", http.StatusInternalServerError)
		return
	}
	http.Error(rw, err.Error(), status)
}
