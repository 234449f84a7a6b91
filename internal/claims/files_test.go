package claims_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"redress/internal/claims"
	"redress/internal/evidence"
	"redress/internal/fault"
	"redress/internal/identity"
)

// archive is a town with a place for files.
type archive struct {
	*town
	files *evidence.Store
	dir   string
	claim claims.Claim // of the merchant's
}

func inArchives(t *testing.T, o evidence.Options, f func(t *testing.T, s *archive)) {
	t.Helper()
	inTowns(t, func(t *testing.T, s *town) {
		a := &archive{town: s, dir: t.TempDir()}
		var err error
		if a.files, err = evidence.Open(t.Context(), a.dir, bytes.Repeat([]byte{7}, 32), o); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { a.files.Close() })
		s.KeepFiles(a.files)
		a.claim = s.file(t, s.draft(), true)
		f(t, a)
	})
}

// blobs are the stored files.
func (a *archive) blobs(t testing.TB) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(a.dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found = append(found, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// upload stores content on the archive's claim as the merchant.
func (a *archive) upload(content []byte, change ...func(*claims.EvidenceUpload)) (claims.EvidenceFile, error) {
	return a.uploadAs(a.as(identity.Claimant), content, claims.Reply[claims.EvidenceFile]{}, change...)
}

func (a *archive) uploadAs(by identity.Actor, content []byte, reply claims.Reply[claims.EvidenceFile], change ...func(*claims.EvidenceUpload)) (claims.EvidenceFile, error) {
	in := claims.EvidenceUpload{ClaimID: a.claim.ID, Slot: "bank_book", Name: "통장 사본.png", Type: "image/png", Body: bytes.NewReader(content)}
	for _, f := range change {
		f(&in)
	}
	return a.UploadEvidence(context.Background(), by, in, reply)
}

// read opens a file and reads all of it.
func (a *archive) read(by identity.Actor, claimID, id string) (claims.EvidenceFile, []byte, error) {
	file, r, err := a.OpenEvidence(context.Background(), by, claimID, id)
	if err != nil {
		return file, nil, err
	}
	defer r.Close()
	content, err := io.ReadAll(r)
	return file, content, err
}

// aPicture is a picture that differs by n.
func aPicture(n int) []byte {
	picture := image.NewGray(image.Rect(0, 0, 40+n, 40))
	var b bytes.Buffer
	if err := png.Encode(&b, picture); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func TestAFileOfAClaimIsKeptAsItWas(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		content := aPicture(1)
		file := must(s.upload(content))(t)
		if file.Name != "통장 사본.png" || file.Type != "image/png" || file.Size != int64(len(content)) || file.Scan != "not_scanned" || fmt.Sprintf("%x", file.SHA256) != sha(content) {
			t.Errorf("%+v", file)
		}
		for _, path := range s.blobs(t) {
			if stored, err := os.ReadFile(path); err != nil || bytes.Contains(stored, content[8:40]) {
				t.Errorf("the file lies open in %s (%v)", path, err)
			}
		}
		for _, who := range []identity.Role{identity.Claimant, identity.Delegate} {
			got, back, err := s.read(s.as(who), s.claim.ID, file.ID)
			if err != nil || !bytes.Equal(back, content) || got.Name != file.Name {
				t.Errorf("%s reads %d bytes, %v", who, len(back), err)
			}
		}
		if listed := must(s.ListEvidence(t.Context(), s.as(identity.Claimant), s.claim.ID))(t); len(listed) != 1 || cmp.Diff(listed[0], file) != "" {
			t.Errorf("listed %+v", listed)
		}
		// A file is an event of its own, so whoever decided on less has to look again.
		now := must(s.Claim(t.Context(), s.as(identity.Claimant), s.claim.ID))(t)
		events := must(s.Events(t.Context(), s.as(identity.Claimant), s.claim.ID))(t)
		last := events[len(events)-1]
		if now.Version != s.claim.Version+1 || now.State != claims.Submitted || last.N != now.Version || last.Type != "claim.evidence_added" {
			t.Errorf("version %d, last event %+v", now.Version, last)
		}
		if last.Data["sha256"] != sha(content) || last.Data["slot"] != "bank_book" || len(last.Data) != 4 {
			t.Errorf("the event says %v", last.Data)
		}
		showsNobody(t, "the event", fmt.Sprint(last.Data))
	})
}

func TestAFileThatIsNotTakenLeavesNothing(t *testing.T) {
	inArchives(t, evidence.Options{MaxBytes: 100_000}, func(t *testing.T, s *archive) {
		cut := errors.New("the line went dead")
		for _, c := range []struct {
			name      string
			content   []byte
			change    func(*claims.EvidenceUpload)
			kind      fault.Kind
			code      string
			attempted bool
		}{
			{"a path in the name", aPicture(1), func(u *claims.EvidenceUpload) { u.Name = "../../etc/cron.png" }, fault.Invalid, "evidence_name_invalid", false},
			{"a program under a picture's name", append([]byte("MZ\x90\x00"), make([]byte, 600)...), nil, fault.Unsupported, "evidence_type_mismatch", true},
			{"another type than declared", aPicture(1), func(u *claims.EvidenceUpload) { u.Type = "application/pdf" }, fault.Unsupported, "evidence_type_mismatch", true},
			{"a type that is not taken", []byte("echo"), func(u *claims.EvidenceUpload) { u.Name, u.Type = "a.sh", "" }, fault.Unsupported, "evidence_type_not_accepted", false},
			{"nothing", nil, nil, fault.Invalid, "evidence_empty", false},
			{"too much", append(aPicture(1), make([]byte, 200_000)...), nil, fault.TooLarge, "evidence_too_large", false},
			{"no slot", aPicture(1), func(u *claims.EvidenceUpload) { u.Slot = "photo" }, fault.Invalid, "invalid_fields", false},
			{"a cut line", nil, func(u *claims.EvidenceUpload) { u.Body = io.MultiReader(bytes.NewReader(aPicture(1)), broken{cut}) }, fault.Internal, "", false},
		} {
			t.Run(c.name, func(t *testing.T) {
				events := len(must(s.Events(t.Context(), s.as(identity.Senior), s.claim.ID))(t))
				change := c.change
				if change == nil {
					change = func(*claims.EvidenceUpload) {}
				}
				_, err := s.upload(c.content, change)
				if c.code != "" {
					wants(t, "the upload", err, c.kind, c.code)
				} else if !errors.Is(err, cut) {
					t.Errorf("the upload: %v", err)
				}
				if blobs := s.blobs(t); len(blobs) != 0 || s.counts(t, "evidence_files")["evidence_files"] != 0 {
					t.Errorf("left behind: %v", blobs)
				}
				after := must(s.Events(t.Context(), s.as(identity.Senior), s.claim.ID))(t)
				last := after[len(after)-1]
				if attempted := len(after) == events+1 && last.Type == "claim.attempt_refused" && last.Data["code"] == c.code; attempted != c.attempted || !attempted && len(after) != events {
					t.Errorf("%d new events, the last %+v", len(after)-events, last)
				}
			})
		}
	})
}

// broken is a stream that ends in an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func TestMalwareIsRefusedAndKnownOf(t *testing.T) {
	scanner := filepath.Join(t.TempDir(), "scanner")
	if err := os.WriteFile(scanner, []byte("#!/bin/sh\nif grep -aq infected; then echo found; exit 1; fi\n"), 0o700); err != nil {
		t.Fatal(err)
	}
	inArchives(t, evidence.Options{Scanner: []string{scanner}}, func(t *testing.T, s *archive) {
		if file := must(s.upload(aPicture(1)))(t); file.Scan != "passed" {
			t.Errorf("a clean file is %s", file.Scan)
		}
		_, err := s.upload([]byte("date,sales\n2022-10-15,infected\n"), func(u *claims.EvidenceUpload) { u.Name, u.Type = "a.csv", "text/csv" })
		wants(t, "an infected file", err, fault.Invalid, "malware_found")
		events := must(s.Events(t.Context(), s.as(identity.Senior), s.claim.ID))(t)
		if last := events[len(events)-1]; last.Type != "claim.attempt_refused" || last.Data["what"] != "evidence" || last.Data["code"] != "malware_found" {
			t.Errorf("the last event is %+v", last)
		}
		if len(s.blobs(t)) != 1 {
			t.Errorf("kept: %v", s.blobs(t))
		}
	})
}

func TestLimitsOfFilesAndBytesHold(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		s.setPolicy(t, map[string]any{"evidence": map[string]any{"max_files": 2}})
		must(s.upload(aPicture(1)))(t)
		must(s.upload(aPicture(2)))(t)
		_, err := s.upload(aPicture(3))
		wants(t, "a third file", err, fault.Conflict, "evidence_files_limit")

		used := int64(len(aPicture(1)) + len(aPicture(2)))
		next := int64(len(aPicture(3)))
		s.setPolicy(t, map[string]any{"evidence": map[string]any{"max_files": 9, "max_bytes_claimant": used + next - 1}})
		_, err = s.upload(aPicture(3))
		wants(t, "a byte too many", err, fault.TooLarge, "evidence_quota_used")
		s.setPolicy(t, map[string]any{"evidence": map[string]any{"max_bytes_claimant": used + next}})
		must(s.upload(aPicture(3)))(t)
		_, err = s.upload(aPicture(4))
		wants(t, "a file when all is used", err, fault.TooLarge, "evidence_quota_used")
		if len(s.blobs(t)) != 3 {
			t.Errorf("kept: %v", s.blobs(t))
		}
		// The quota is the claimant's, not one for all.
		other := s.shop(t, 1)
		theirs := s.submits(t, other.actor, s.claims(other))
		must(s.uploadAs(other.actor, aPicture(5), claims.Reply[claims.EvidenceFile]{}, func(u *claims.EvidenceUpload) { u.ClaimID = theirs.ID }))(t)
	})
}

func TestFilesAreTakenAsLongAsAClaimLives(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		must(s.upload(aPicture(1)))(t)
		must(s.uploadAs(s.as(identity.Reviewer), aPicture(2), claims.Reply[claims.EvidenceFile]{}))(t) // by phone or on paper
		must(s.uploadAs(s.as(identity.Delegate), aPicture(3), claims.Reply[claims.EvidenceFile]{}))(t)
		s.withdraw(t, must(s.Claim(t.Context(), s.as(identity.Claimant), s.claim.ID))(t))
		_, err := s.upload(aPicture(4))
		wants(t, "to a withdrawn claim", err, fault.Conflict, "evidence_not_taken")
		for name, by := range map[string]identity.Actor{"a stranger": s.stranger, "the public": identity.Anyone, "an auditor": s.as(identity.Auditor)} {
			_, err := s.uploadAs(by, aPicture(5), claims.Reply[claims.EvidenceFile]{})
			if kind := fault.KindOf(err); kind != fault.NotFound && kind != fault.Unauthenticated && kind != fault.Forbidden {
				t.Errorf("%s: %v", name, err)
			}
		}
		if len(s.blobs(t)) != 3 {
			t.Errorf("kept: %v", s.blobs(t))
		}
	})
}

func TestFilesAreReadByTheClaimsPeopleAndForAPurpose(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		file := must(s.upload(aPicture(1)))(t)
		other := s.shop(t, 1)
		theirs := s.submits(t, other.actor, s.claims(other))
		for name, c := range map[string]struct {
			by    identity.Actor
			claim string
		}{
			"another claimant":              {other.actor, s.claim.ID},
			"through another claim":         {other.actor, theirs.ID},
			"staff through another claim":   {s.purposeful(identity.Reviewer, "review"), theirs.ID},
			"a claim that there is not":     {s.as(identity.Claimant), file.ID},
			"staff, of a claim there isn't": {s.purposeful(identity.Reviewer, "review"), file.ID},
		} {
			if _, _, err := s.read(c.by, c.claim, file.ID); fault.KindOf(err) != fault.NotFound {
				t.Errorf("%s: %v", name, err)
			}
		}
		_, _, err := s.read(s.as(identity.Reviewer), s.claim.ID, file.ID)
		if refused := fault.As(err); refused == nil || refused.Kind != fault.Invalid || refused.Fields[0].Code != "purpose_required" {
			t.Errorf("staff without a purpose: %v", err)
		}
		if n := s.counts(t, "reads")["reads"]; n != 0 {
			t.Errorf("refused looks left %d rows", n)
		}
		if _, _, err := s.read(s.purposeful(identity.Senior, "quality"), s.claim.ID, file.ID); err != nil {
			t.Error(err)
		}
		// Whoever has the claim looks at it to review it.
		now := must(s.Claim(t.Context(), s.as(identity.Claimant), s.claim.ID))(t)
		must(s.Assign(t.Context(), s.as(identity.Reviewer), now.ID, now.Version, "", claims.Reply[claims.Claim]{}))(t)
		if _, _, err := s.read(s.as(identity.Reviewer), s.claim.ID, file.ID); err != nil {
			t.Error(err)
		}
		var looks []string
		for _, r := range must(s.Reads(t.Context(), s.as(identity.Claimant), s.claim.ID, claims.Page{Limit: 10}))(t) {
			looks = append(looks, fmt.Sprintf("%s %s %s %v", r.Role, r.What, r.Purpose, r.Item == file.ID))
		}
		if want := []string{"reviewer evidence review true", "senior evidence quality true"}; !slices.Equal(looks, want) {
			t.Errorf("looks %q, want %q", looks, want)
		}
	})
}

func (s *town) purposeful(role identity.Role, purpose string) identity.Actor {
	a := s.as(role)
	a.Purpose = purpose
	return a
}

// A look is on record before a byte is shown, also when none can be.
func TestAnAlteredFileIsNotShown(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		file := must(s.upload(aPicture(1)))(t)
		path := s.blobs(t)[0]
		stored, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		stored[len(stored)-1] ^= 1
		if err := os.WriteFile(path, stored, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, content, err := s.read(s.purposeful(identity.Senior, "quality"), s.claim.ID, file.ID); !errors.Is(err, evidence.ErrAltered) {
			t.Errorf("read %d bytes, %v", len(content), err)
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.read(s.purposeful(identity.Senior, "quality"), s.claim.ID, file.ID); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("a missing file: %v", err)
		}
		if n := s.counts(t, "reads")["reads"]; n != 2 {
			t.Errorf("%d looks on record, want 2", n)
		}
	})
}

func TestTheSameFileOnTwoClaimsShowsToStaffAlone(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		must(s.upload(aPicture(1)))(t)
		other := s.shop(t, 1)
		theirs := s.submits(t, other.actor, s.claims(other))
		twin := must(s.uploadAs(other.actor, aPicture(1), claims.Reply[claims.EvidenceFile]{}, func(u *claims.EvidenceUpload) { u.ClaimID = theirs.ID }))(t)
		if twin.SameAs != 0 {
			t.Error("the claimant is told of another claim")
		}
		for claim, want := range map[string]int{s.claim.ID: 1, theirs.ID: 1} {
			if files := must(s.ListEvidence(t.Context(), s.as(identity.Reviewer), claim))(t); files[0].SameAs != want {
				t.Errorf("%d other claims, want %d", files[0].SameAs, want)
			}
		}
		if files := must(s.ListEvidence(t.Context(), other.actor, theirs.ID))(t); files[0].SameAs != 0 {
			t.Error("the list tells the claimant of another claim")
		}
	})
}

// A retry is a request with the same slot, name and content; it stores nothing
// again, whatever has happened to the claim meanwhile.
func TestARetriedUploadStoresOneFile(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		s.setPolicy(t, map[string]any{"evidence": map[string]any{"max_files": 1}})
		reply := claims.Reply[claims.EvidenceFile]{
			Once: &claims.Once{Caller: "caller", Key: "key-1", Request: []byte(strings.Repeat("r", 32))},
			Render: func(f claims.EvidenceFile) (claims.Answer, error) {
				return claims.Answer{Status: 201, Body: []byte(f.ID)}, nil
			},
		}
		by := s.as(identity.Claimant)
		file := must(s.uploadAs(by, aPicture(1), reply))(t)
		retry := func(what string) {
			t.Helper()
			_, err := s.uploadAs(by, aPicture(1), reply)
			var before *claims.Replay
			if !errors.As(err, &before) || string(before.Answer.Body) != file.ID {
				t.Errorf("%s: %v", what, err)
			}
		}
		retry("a retry")
		for name, change := range map[string]func(*claims.EvidenceUpload){
			"another content": func(u *claims.EvidenceUpload) { u.Body = bytes.NewReader(aPicture(2)) },
			"another slot":    func(u *claims.EvidenceUpload) { u.Slot = "other" },
			"another name":    func(u *claims.EvidenceUpload) { u.Name = "b.png" },
		} {
			_, err := s.uploadAs(by, aPicture(1), reply, change)
			wants(t, name, err, fault.Invalid, "idempotency_key_reused")
		}
		s.withdraw(t, must(s.Claim(t.Context(), by, s.claim.ID))(t))
		retry("a retry after the claim was withdrawn")
		if len(s.blobs(t)) != 1 || s.counts(t, "evidence_files")["evidence_files"] != 1 {
			t.Errorf("kept: %v", s.blobs(t))
		}
	})
}

func TestUploadsAtOnceAreAllKept(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		const n = 4
		for _, err := range race(n, func(i int) error { return failed(s.upload(aPicture(i))) }) {
			if err != nil {
				t.Error(err)
			}
		}
		now := must(s.Claim(t.Context(), s.as(identity.Claimant), s.claim.ID))(t)
		if now.Version != s.claim.Version+n || len(s.blobs(t)) != n {
			t.Errorf("version %d after %d, %d files", now.Version, s.claim.Version, len(s.blobs(t)))
		}
	})
}

func TestWhatNoClaimKnowsIsSweptAfterADay(t *testing.T) {
	inArchives(t, evidence.Options{}, func(t *testing.T, s *archive) {
		file := must(s.upload(aPicture(1)))(t)
		orphan := uuid.Must(uuid.NewV7()).String()
		if _, err := s.files.Put(t.Context(), orphan, "a.png", "", bytes.NewReader(aPicture(2))); err != nil {
			t.Fatal(err)
		}
		s.clock.set(time.Now().Add(23 * time.Hour))
		if n := must(s.SweepEvidence(t.Context()))(t); n != 0 {
			t.Errorf("%d files swept within a day", n)
		}
		s.clock.set(time.Now().Add(25 * time.Hour))
		if n := must(s.SweepEvidence(t.Context()))(t); n != 1 {
			t.Errorf("%d files swept, want the orphan", n)
		}
		if _, content, err := s.read(s.as(identity.Claimant), s.claim.ID, file.ID); err != nil || len(content) == 0 {
			t.Errorf("the claim's own file: %v", err)
		}
	})
}

func TestWithoutAPlaceForFilesThereIsNoEvidence(t *testing.T) {
	inTowns(t, func(t *testing.T, s *town) {
		c := s.file(t, s.draft(), true)
		in := claims.EvidenceUpload{ClaimID: c.ID, Slot: "other", Name: "a.png", Body: bytes.NewReader(aPicture(1))}
		_, err := s.UploadEvidence(t.Context(), s.as(identity.Claimant), in, claims.Reply[claims.EvidenceFile]{})
		wants(t, "an upload", err, fault.Unavailable, "evidence_store_missing")
		_, _, err = s.OpenEvidence(t.Context(), s.as(identity.Claimant), c.ID, c.ID)
		wants(t, "a look", err, fault.Unavailable, "evidence_store_missing")
		if files := must(s.ListEvidence(t.Context(), s.as(identity.Claimant), c.ID))(t); len(files) != 0 {
			t.Errorf("listed %+v", files)
		}
		if n := must(s.SweepEvidence(t.Context()))(t); n != 0 {
			t.Errorf("%d files swept", n)
		}
	})
}
