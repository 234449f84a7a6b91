package auditlog

import (
	"context"
	"net/http"
	"strconv"
	"strings"

	"redress/internal/fault"
)

const (
	textType = "text/plain; charset=utf-8"
	tileType = "application/octet-stream"
	// A tile of a width never changes; what is signed does.
	forEver = "public, max-age=31536000, immutable"
	noCache = "no-cache"
)

// Serve answers a request for a file of the published log: checkpoint,
// checkpoint.witnessed, keys or tile/…. Where it returns an error, nothing is
// written yet. A log that has stopped serves no checkpoint, because it may be one
// that contradicts another.
func (l *Log) Serve(w http.ResponseWriter, r *http.Request, path string) error {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*") // it is public, and receipts are verified in browsers
	data, err := l.file(r.Context(), path)
	if err != nil {
		return err
	}
	h.Set("Content-Type", textType)
	h.Set("Cache-Control", noCache)
	if strings.HasPrefix(path, "tile/") {
		h.Set("Content-Type", tileType)
		h.Set("Cache-Control", forEver)
	}
	h.Set("Content-Length", strconv.Itoa(len(data)))
	_, _ = w.Write(data) // a reader that has gone away will ask again
	return nil
}

// file is one file of the published log.
func (l *Log) file(ctx context.Context, path string) ([]byte, error) {
	if path == keysPath {
		return []byte(l.Keys), nil
	}
	head, err := l.store.LogHead(ctx)
	if err != nil {
		return nil, err
	}
	switch path {
	case checkpointPath, WitnessedPath:
		if err := l.Servable(); err != nil {
			return nil, err
		}
		note := head.Published()
		if path == WitnessedPath {
			note = head.Cosigned
		}
		if note == nil {
			return nil, fault.New(fault.NotFound, "checkpoint_not_found", "There is no such checkpoint yet.", "아직 그런 체크포인트가 없습니다.")
		}
		return note, nil
	}
	tile, err := ParseTilePath(path)
	if err != nil {
		return nil, err
	}
	return ReadTile(tile, head.Size, l.store.LogTree(ctx))
}

// Servable refuses where the log has stopped: no checkpoint of it may be handed out.
func (l *Log) Servable() error {
	if l.Stopped() == nil {
		return nil
	}
	return fault.New(fault.Unavailable, "log_stopped", "The log has stopped: it does not extend what was published before.",
		"로그가 멈추었습니다. 전에 공개된 내용을 이어 가지 않습니다.")
}
