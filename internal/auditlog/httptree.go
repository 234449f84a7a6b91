package auditlog

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"time"
)

// maxTreeFile bounds what is read of one file of a log, in bytes.
const maxTreeFile = 1 << 20

// HTTPTree is a log that is published below a URL prefix, as the files that
// VerifyTree reads.
func HTTPTree(ctx context.Context, client *http.Client, prefix string) fs.FS {
	return httpTree{ctx, client, strings.TrimSuffix(prefix, "/") + "/"}
}

type httpTree struct {
	ctx    context.Context
	client *http.Client
	prefix string
}

// ReadFile gets one file; it makes httpTree an fs.ReadFileFS.
func (t httpTree) ReadFile(name string) ([]byte, error) {
	if !fs.ValidPath(name) {
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrInvalid}
	}
	request, err := http.NewRequestWithContext(t.ctx, http.MethodGet, t.prefix+name, nil)
	if err != nil {
		return nil, &fs.PathError{Op: "get", Path: name, Err: err}
	}
	response, err := t.client.Do(request)
	if err != nil {
		return nil, &fs.PathError{Op: "get", Path: name, Err: err}
	}
	defer response.Body.Close()
	switch response.StatusCode {
	case http.StatusOK:
	case http.StatusNotFound, http.StatusGone:
		return nil, &fs.PathError{Op: "get", Path: name, Err: fs.ErrNotExist}
	default:
		return nil, &fs.PathError{Op: "get", Path: name, Err: fmt.Errorf("status %s", response.Status)}
	}
	data, err := io.ReadAll(io.LimitReader(response.Body, maxTreeFile+1))
	if err == nil && len(data) > maxTreeFile {
		err = fmt.Errorf("longer than %d bytes", maxTreeFile)
	}
	if err != nil {
		return nil, &fs.PathError{Op: "get", Path: name, Err: err}
	}
	return data, nil
}

// Open gets one file whole.
func (t httpTree) Open(name string) (fs.File, error) {
	data, err := t.ReadFile(name)
	if err != nil {
		return nil, err
	}
	return &treeFile{*bytes.NewReader(data), name}, nil
}

// treeFile is a file that was got; it is its own fs.FileInfo.
type treeFile struct {
	bytes.Reader
	name string
}

func (f *treeFile) Stat() (fs.FileInfo, error) { return f, nil }
func (f *treeFile) Close() error               { return nil }
func (f *treeFile) Name() string               { return f.name[strings.LastIndex(f.name, "/")+1:] }
func (f *treeFile) Mode() fs.FileMode          { return 0o444 }
func (f *treeFile) ModTime() time.Time         { return time.Time{} }
func (f *treeFile) IsDir() bool                { return false }
func (f *treeFile) Sys() any                   { return nil }
