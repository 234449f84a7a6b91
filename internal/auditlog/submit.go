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

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"redress/internal/fault"
)

// Submit asks a witness to cosign a checkpoint of the log whose hashes r has
// stored, and returns the verified signature line. lastSize is the size the
// witness is thought to have cosigned last, 0 if nothing is known; when it
// answers with another, Submit proves from there.
//
// A witness that is ahead of the checkpoint, or holds another root at the same
// size, has seen a history that this store does not have: the fault is
// witness_ahead or witness_sees_fork, and nothing more should be published
// before somebody finds out why.
func Submit(ctx context.Context, client *http.Client, w WitnessKey, checkpoint []byte, lastSize int64, r tlog.HashReader) ([]byte, error) {
	c, err := unverified(checkpoint)
	if err != nil {
		return nil, err
	}
	lastSize = min(lastSize, c.TreeSize)
	lines, err := ask(ctx, client, w, c.TreeSize, lastSize, checkpoint, r)
	if size := (*SizeError)(nil); errors.As(err, &size) {
		switch {
		case size.TreeSize > c.TreeSize:
			return nil, fault.New(fault.Conflict, "witness_ahead",
				"The witness %s has cosigned this log at %d entries; the checkpoint has %d. Entries are lost here.",
				"증인 %s은(는) 이 로그를 항목 %d개까지 서명했는데 체크포인트에는 %d개뿐입니다. 여기서 항목이 사라졌습니다.",
				w.Name(), size.TreeSize, c.TreeSize).Because(size)
		case size.TreeSize == lastSize:
			return nil, witnessSeesFork(w)
		}
		lines, err = ask(ctx, client, w, c.TreeSize, size.TreeSize, checkpoint, r)
	}
	if err != nil {
		return nil, err
	}
	return verifiedLine(w, checkpoint, lines)
}

func witnessSeesFork(w WitnessKey) error {
	return fault.New(fault.Conflict, "witness_sees_fork",
		"The witness %s has cosigned another history of this log.", "증인 %s은(는) 이 로그의 다른 이력에 서명했습니다.", w.Name())
}

// ask sends one request and reads the answer.
func ask(ctx context.Context, client *http.Client, w WitnessKey, size, oldSize int64, checkpoint []byte, r tlog.HashReader) ([]byte, error) {
	proof, err := ConsistencyProof(oldSize, size, r)
	if err != nil {
		return nil, err
	}
	body := AddCheckpoint{oldSize, proof, checkpoint}.Format()
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(w.URL, "/")+addCheckpointPath, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("ask the witness %s: %w", w.Name(), err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, witnessUnreachable(w).Because(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxWitnessMessage))
	if err != nil {
		return nil, witnessUnreachable(w).Because(err)
	}
	switch response.StatusCode {
	case http.StatusOK:
		return answer, nil
	case http.StatusConflict:
		text, ended := strings.CutSuffix(string(answer), "\n")
		at, ok := parseSize(text)
		mediaType, _, _ := strings.Cut(response.Header.Get("Content-Type"), ";")
		if mediaType != treeSizeType || !ended || !ok {
			return nil, witnessSeesFork(w)
		}
		return nil, &SizeError{at}
	case http.StatusNotFound:
		return nil, witnessRefused(w, "it does not watch this log", "이 로그를 지켜보지 않습니다")
	case http.StatusForbidden:
		return nil, witnessRefused(w, "it does not know the key that signed", "서명한 키를 알지 못합니다")
	case http.StatusUnprocessableEntity:
		// The proof is that of what is stored here: the witness has seen other entries.
		return nil, witnessSeesFork(w)
	}
	return nil, witnessUnreachable(w).Because(fmt.Errorf("status %s", response.Status))
}

func witnessUnreachable(w WitnessKey) *fault.Error {
	return fault.New(fault.Unavailable, "witness_unreachable", "The witness %s does not answer as a witness.", "증인 %s이(가) 증인으로서 응답하지 않습니다.", w.Name())
}

func witnessRefused(w WitnessKey, en, ko string) error {
	return fault.New(fault.Conflict, "witness_refused", "The witness %s refuses the checkpoint: "+en+".", "증인 %s이(가) 체크포인트를 거절했습니다: "+ko+".", w.Name())
}

// verifiedLine finds the witness's own signature of the checkpoint in an answer.
func verifiedLine(w WitnessKey, checkpoint, lines []byte) ([]byte, error) {
	text := textOf(checkpoint)
	n, err := note.Open(slices.Concat(text, []byte("\n"), lines), note.VerifierList(w.Verifier))
	if err != nil || len(n.Sigs) == 0 {
		return nil, fault.New(fault.Unavailable, "cosignature_invalid",
			"What the witness %s answered is not its cosignature of this checkpoint.",
			"증인 %s의 응답이 이 체크포인트에 대한 공동 서명이 아닙니다.", w.Name()).Because(err)
	}
	return fmt.Appendf(nil, "— %s %s\n", n.Sigs[0].Name, n.Sigs[0].Base64), nil
}
