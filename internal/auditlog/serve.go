package auditlog

import (
	"log/slog"
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

// Handler serves the log below its prefix: GET /checkpoint,
// /checkpoint.witnessed, /keys and /tile/…. A log that has stopped serves no
// checkpoint, because it may be one that contradicts another.
func (l *Log) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Access-Control-Allow-Origin", "*") // it is public, and receipts are verified in browsers
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "The log is only read.", http.StatusMethodNotAllowed)
			return
		}
		path := strings.TrimPrefix(r.URL.Path, "/")
		data, err := l.file(r, path)
		switch f := fault.As(err); {
		case err == nil:
		case f == nil:
			l.Log.ErrorContext(r.Context(), "the log was not served", slog.String("path", path), slog.String("error", err.Error()))
			http.Error(w, "An error of the log.", http.StatusInternalServerError)
			return
		case f.Kind == fault.NotFound:
			http.Error(w, f.Detail.EN, http.StatusNotFound)
			return
		default:
			http.Error(w, f.Detail.EN, http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", textType)
		w.Header().Set("Cache-Control", noCache)
		if strings.HasPrefix(path, "tile/") {
			w.Header().Set("Content-Type", tileType)
			w.Header().Set("Cache-Control", forEver)
		}
		w.Header().Set("Content-Length", strconv.Itoa(len(data)))
		_, _ = w.Write(data) // a reader that has gone away will ask again
	})
}

// file is one file of the published log.
func (l *Log) file(r *http.Request, path string) ([]byte, error) {
	if path == keysPath {
		return []byte(l.Keys), nil
	}
	head, err := l.store.LogHead(r.Context())
	if err != nil {
		return nil, err
	}
	switch path {
	case checkpointPath, WitnessedPath:
		if l.Stopped() != nil {
			return nil, fault.New(fault.Unavailable, "log_stopped", "The log has stopped: it does not extend what was published before.",
				"로그가 멈추었습니다. 전에 공개된 내용을 이어 가지 않습니다.")
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
	return ReadTile(tile, head.Size, l.store.LogTree(r.Context()))
}
