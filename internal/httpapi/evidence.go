package httpapi

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/gin-gonic/gin"

	"redress/internal/claims"
	"redress/internal/identity"
)

// uploadEvidence stores a file while it arrives. It is not generated: its body
// is a stream in every format.
func (s *server) uploadEvidence(c *gin.Context) {
	ctx := c.Request.Context()
	answer := func(f claims.EvidenceFile, w http.ResponseWriter) error {
		w.Header().Set("Location", "/v1/claims/"+f.ClaimID+"/evidence/"+f.ID)
		return writeJSON(w, http.StatusCreated, toFile(actorOf(ctx), f))
	}
	declared, _, err := mime.ParseMediaType(c.GetHeader("Content-Type"))
	if err != nil {
		s.refuse(c, fmt.Errorf("media type: %w", err))
		return
	}
	f, err := s.claims.UploadEvidence(ctx, actorOf(ctx), claims.EvidenceUpload{
		ClaimID: c.Param("claim"), Slot: c.Query("slot"), Name: c.Query("name"), Type: declared, Body: c.Request.Body,
	}, reply(ctx, answer))
	if err == nil {
		err = answer(f, c.Writer)
	}
	if err != nil {
		s.refuse(c, err)
	}
}

func (s *server) ListEvidence(ctx context.Context, r ListEvidenceRequestObject) (ListEvidenceResponseObject, error) {
	files, err := s.claims.ListEvidence(ctx, actorOf(ctx), r.Claim)
	if err != nil {
		return nil, err
	}
	return ListEvidence200JSONResponse(EvidenceList{Files: each(files, func(f claims.EvidenceFile) EvidenceFile {
		return toFile(actorOf(ctx), f)
	})}), nil
}

func (s *server) GetEvidence(ctx context.Context, r GetEvidenceRequestObject) (GetEvidenceResponseObject, error) {
	f, body, err := s.claims.OpenEvidence(ctx, actorOf(ctx), r.Claim, r.File)
	if err != nil {
		return nil, err
	}
	// No browser is told what it might open by itself.
	return download{mediaType: "application/octet-stream", name: f.Name, size: f.Size, body: body}, nil
}

func toFile(actor identity.Actor, f claims.EvidenceFile) EvidenceFile {
	out := EvidenceFile{
		ID: f.ID, Slot: EvidenceSlot(f.Slot), Name: f.Name, Type: f.Type, Size: int(f.Size), Sha256: hex.EncodeToString(f.SHA256),
		Scan: EvidenceFileScan(f.Scan), UploadedAt: f.UploadedAt,
	}
	if !actor.Can(identity.OwnClaims) {
		out.SameAs = &f.SameAs
	}
	return out
}

// download answers a file to be saved under its name, never to be shown.
type download struct {
	mediaType string
	name      string
	size      int64
	digest    []byte // SHA-256; nil where it is not said
	body      io.ReadCloser
}

// inMemory is a download of bytes whose SHA-256 is known in hex.
func inMemory(mediaType, name string, body []byte, hash string) (download, error) {
	digest, err := hex.DecodeString(hash)
	if err != nil {
		return download{}, fmt.Errorf("hash of %s: %w", name, err)
	}
	return download{mediaType: mediaType, name: name, size: int64(len(body)), digest: digest, body: io.NopCloser(bytes.NewReader(body))}, nil
}

func (d download) write(w http.ResponseWriter) (err error) {
	defer func() { err = errors.Join(err, d.body.Close()) }()
	h := w.Header()
	h.Set("Content-Type", d.mediaType)
	h.Set("Content-Length", strconv.FormatInt(d.size, 10))
	h.Set("Content-Disposition", attachment(d.name))
	if d.digest != nil {
		h.Set("Repr-Digest", "sha-256=:"+base64.StdEncoding.EncodeToString(d.digest)+":")
	}
	w.WriteHeader(http.StatusOK)
	_, err = io.Copy(w, d.body)
	return err
}

func (d download) VisitGetEvidenceResponse(w http.ResponseWriter) error { return d.write(w) }
func (d download) VisitGetLetterResponse(w http.ResponseWriter) error   { return d.write(w) }

// attachment names a file to be saved (RFC 6266): once for readers that know
// ASCII alone, and once as it is.
func attachment(name string) string {
	plain := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || strings.ContainsRune(`"\%`, r) {
			return '_'
		}
		return r
	}, name)
	return `attachment; filename="` + plain + `"; filename*=UTF-8''` + strings.ReplaceAll(url.QueryEscape(name), "+", "%20")
}

// prefers is the one of the media types that Accept names first, and the first
// where it names none of them.
func prefers(ctx context.Context, types ...string) string {
	if c, ok := ctx.(*gin.Context); ok {
		if found := c.NegotiateFormat(types...); found != "" {
			return found
		}
	}
	return types[0]
}
