package claims

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/scheme"
)

// ReasonKind says what a reason is for.
type ReasonKind string

// The kinds of reason. Those of verdicts are called as the verdicts are.
const (
	ApprovedReason       = ReasonKind(Approved)
	PartlyApprovedReason = ReasonKind(PartlyApproved)
	RefusedReason        = ReasonKind(Refused)
	RejectedReason       = ReasonKind(Rejected)

	OverrideReason ReasonKind = "override"     // for an amount beyond the limits
	HoldReason     ReasonKind = "hold"         // for putting a claim on hold
	ErrorReason    ReasonKind = "appeal_error" // what was wrong with an earlier decision
)

var reasonKinds = []ReasonKind{
	ApprovedReason, PartlyApprovedReason, RefusedReason, RejectedReason, OverrideReason, HoldReason, ErrorReason,
}

// exclusionReason is a kind of catalogues that were published before: nothing
// asks for one, and what decisions were made by stays readable.
const exclusionReason ReasonKind = "exclusion"

// Codes that the service itself relies on; every catalogue has them.
const (
	// AgreesWithEstimate is why a claim is approved without a person.
	AgreesWithEstimate = "agrees_with_estimate"
	// LoweredToFixedTier is why a claim is lowered when nobody answers.
	LoweredToFixedTier = "lowered_to_fixed_tier"
	// NoError says of a decision that nothing was wrong with it.
	NoError = "none"
)

var reliedOn = map[string]ReasonKind{
	AgreesWithEstimate: ApprovedReason, LoweredToFixedTier: PartlyApprovedReason, NoError: ErrorReason,
}

// Reason is an entry of the catalogue.
type Reason struct {
	Code         string     `json:"code"` // unique in the catalogue
	Kind         ReasonKind `json:"kind"`
	Title        lang.Text  `json:"title"`
	Text         lang.Text  `json:"text"` // as the claimant is told it
	NoteRequired bool       `json:"note_required"`
}

// Catalogue is a version of the reasons that staff decide by.
type Catalogue struct {
	Version int      `json:"-"`
	Reasons []Reason `json:"reasons"`
}

// Reason finds an entry by its code.
func (c Catalogue) Reason(code string) (Reason, bool) {
	for _, r := range c.Reasons {
		if r.Code == code {
			return r, true
		}
	}
	return Reason{}, false
}

// pointer is the field of a request that names a reason of the kind.
func (k ReasonKind) pointer() string {
	switch k {
	case OverrideReason:
		return "#/override"
	case ErrorReason:
		return "#/error_code"
	default:
		return "#/reason"
	}
}

// find looks up an entry of a kind.
func (c Catalogue) find(code string, kind ReasonKind) (Reason, []fault.Field) {
	r, ok := c.Reason(code)
	if !ok || r.Kind != kind {
		var codes []string
		for _, r := range c.Reasons {
			if r.Kind == kind {
				codes = append(codes, r.Code)
			}
		}
		return Reason{}, []fault.Field{fault.At(kind.pointer(), "unknown_reason", "%q is no reason of the kind %s; those of version %d are %s.",
			"%q은(는) %s 사유가 아닙니다. 버전 %d의 사유: %s.", code, string(kind), c.Version, strings.Join(codes, ", "))}
	}
	return r, nil
}

// ref names an entry in this version.
func (c Catalogue) ref(code string) ReasonRef { return ReasonRef{Code: code, Version: c.Version} }

// ParseCatalogue reads a catalogue of reasons and checks every field of it.
func ParseCatalogue(document []byte) (Catalogue, error) {
	var c Catalogue
	if err := scheme.Decode(document, &c); err != nil {
		return Catalogue{}, fault.Under("#", err)
	}
	return c, fault.InvalidFields(c.check())
}

var codePattern = regexp.MustCompile(`^[a-z][a-z0-9_]{1,63}$`)

// longestReason bounds what a letter says of one reason, in bytes.
const longestReason = 2_000

func (c Catalogue) check() []fault.Field {
	var fields []fault.Field
	seen, kinds := map[string]bool{}, map[ReasonKind]bool{}
	for i, r := range c.Reasons {
		at := fmt.Sprintf("#/reasons/%d", i)
		if !codePattern.MatchString(r.Code) {
			fields = append(fields, fault.At(at+"/code", "malformed_code", "%q is not a code: 2 to 64 of a-z, 0-9 and _, a letter first.",
				"%q은(는) 코드가 아닙니다. 영문 소문자로 시작하고 a-z, 0-9, _로 된 2~64자여야 합니다.", r.Code))
		}
		if seen[r.Code] {
			fields = append(fields, fault.At(at+"/code", "duplicate_code", "%q is listed twice; a code has one meaning.", "%q이(가) 두 번 적혀 있습니다. 코드의 뜻은 하나여야 합니다.", r.Code))
		}
		if !slices.Contains(reasonKinds, r.Kind) && r.Kind != exclusionReason {
			fields = append(fields, fault.At(at+"/kind", "unknown_kind", "%q is no kind of reason; the kinds are %v.", "%q은(는) 사유의 종류가 아닙니다. 종류: %v.", string(r.Kind), reasonKinds))
		}
		if strings.HasPrefix(r.Code, "other") && !r.NoteRequired {
			fields = append(fields, fault.At(at+"/note_required", "note_required", "must be true: what else it was has to be said.", "true여야 합니다. 기타 사유는 내용을 적어야 합니다."))
		}
		for pointer, text := range map[string]string{"/title/ko": r.Title.KO, "/title/en": r.Title.EN, "/text/ko": r.Text.KO, "/text/en": r.Text.EN} {
			if lang.Blank(text) || len(text) > longestReason {
				fields = append(fields, fault.At(at+pointer, "text_length", "needs 1 to %d bytes; claimants read it.", "1~%d바이트여야 합니다. 청구인이 읽는 글입니다.", longestReason))
			}
		}
		seen[r.Code], kinds[r.Kind] = true, true
	}
	for _, kind := range reasonKinds {
		if !kinds[kind] {
			fields = append(fields, fault.At("#/reasons", "kind_without_reason", "has no reason of the kind %s; the desk needs one.", "%s 사유가 하나도 없습니다. 하나 이상 필요합니다.", string(kind)))
		}
	}
	for code, kind := range reliedOn {
		if r, _ := c.Reason(code); r.Kind != kind {
			fields = append(fields, fault.At("#/reasons", "reason_missing", "must hold %q of the kind %s: the service gives it by itself.",
				"%[2]s 사유 %[1]q이(가) 있어야 합니다. 서비스가 스스로 쓰는 사유입니다.", code, string(kind)))
		}
	}
	return fields
}
