package evidence

import (
	"mime"
	"path"
	"slices"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"redress/internal/fault"
)

// kind is a type of file that is accepted.
type kind struct {
	label      string   // for people
	media      string   // as stored and served
	extensions []string // lower case
	contents   []string // what detection may find
	declared   []string // what browsers declare besides media
	mark       string   // bytes that it holds somewhere, where detection is not enough
	archive    bool     // a ZIP archive inside
}

const (
	csvMedia = "text/csv"
	oleMedia = "application/x-ole-storage" // the container of HWP, XLS, DOC and others
	pdfMedia = "application/pdf"
	xlsMedia = "application/vnd.ms-excel"
	txtMedia = "text/plain"
	tsvMedia = "text/tab-separated-values"
	zipMedia = "application/zip"
)

// kinds are the accepted types. Archives and programs are not among them, nor
// the old Office formats, whose macros are part of the file.
var kinds = []kind{
	{label: "PDF", media: pdfMedia, extensions: []string{".pdf"}, contents: []string{pdfMedia}, declared: []string{"application/x-pdf"}},
	{label: "PNG", media: "image/png", extensions: []string{".png"}, contents: []string{"image/png"}, declared: []string{"image/x-png"}},
	{label: "JPEG", media: "image/jpeg", extensions: []string{".jpg", ".jpeg"}, contents: []string{"image/jpeg"}, declared: []string{"image/jpg", "image/pjpeg"}},
	{label: "HEIC", media: "image/heic", extensions: []string{".heic", ".heif"}, contents: []string{"image/heic", "image/heif"}, declared: []string{"image/heif"}},
	{label: "WebP", media: "image/webp", extensions: []string{".webp"}, contents: []string{"image/webp"}},
	{
		label: "XLSX", media: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", extensions: []string{".xlsx"}, archive: true,
		contents: []string{"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"},
	},
	{
		label: "DOCX", media: "application/vnd.openxmlformats-officedocument.wordprocessingml.document", extensions: []string{".docx"}, archive: true,
		contents: []string{"application/vnd.openxmlformats-officedocument.wordprocessingml.document"},
	},
	{
		label: "HWP", media: "application/x-hwp", extensions: []string{".hwp"}, mark: "HWP Document File",
		contents: []string{oleMedia},
		declared: []string{"application/vnd.hancom.hwp", "application/haansofthwp", "application/hwp"},
	},
	{
		label: "HWPX", media: "application/hwp+zip", extensions: []string{".hwpx"}, mark: "mimetypeapplication/hwp+zip", archive: true,
		contents: []string{zipMedia},
		declared: []string{"application/vnd.hancom.hwpx", "application/haansofthwpx", "application/x-hwpx"},
	},
	{
		// Windows declares CSV files as the program that opens them.
		label: "CSV", media: csvMedia, extensions: []string{".csv"}, contents: []string{csvMedia, txtMedia, tsvMedia},
		declared: []string{txtMedia, xlsMedia, "application/csv"},
	},
	{label: "TXT", media: txtMedia, extensions: []string{".txt"}, contents: []string{csvMedia, txtMedia, tsvMedia}},
}

// kindOf finds the kind that a name stands for and holds it against what the
// uploader declared.
func kindOf(name, declared string) (*kind, error) {
	i := slices.IndexFunc(kinds, func(k kind) bool { return slices.Contains(k.extensions, strings.ToLower(path.Ext(name))) })
	if i < 0 {
		return nil, fault.New(fault.Unsupported, "evidence_type_not_accepted",
			"%q is of no type that is accepted; send one of %s.", "%q은(는) 받지 않는 형식입니다. %s 중 하나로 보내 주세요.", name, labels())
	}
	k := &kinds[i]
	if !k.declaredAs(declared) {
		return nil, fault.New(fault.Unsupported, "evidence_type_mismatch",
			"%q is %s by its name, but was declared as %.100q; declare %s.",
			"%q은(는) 이름으로는 %s인데 %.100q(으)로 보내졌습니다. %s(으)로 보내 주세요.", name, k.label, declared, k.media)
	}
	return k, nil
}

func labels() string {
	all := make([]string, len(kinds))
	for i, k := range kinds {
		all[i] = k.label
	}
	return strings.Join(all, ", ")
}

// declaredAs reports whether a declared type is this kind's, or says nothing.
func (k *kind) declaredAs(declared string) bool {
	if declared == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(declared)
	return err == nil && (media == "application/octet-stream" || media == k.media || slices.Contains(k.declared, media))
}

// detect names the type of a file by its first bytes, without parameters.
func detect(head []byte) string {
	found := mimetype.Detect(head)
	// What a container holds is written anywhere in it; its first bytes allow a
	// guess at most.
	for m := found; m != nil; m = m.Parent() {
		if m.Is(oleMedia) {
			return oleMedia
		}
	}
	media, _, _ := strings.Cut(found.String(), ";")
	return media
}

func contentMismatch(name string, k *kind, found string) error {
	return fault.New(fault.Unsupported, "evidence_type_mismatch",
		"%q is %s by its name, but %s by its content; send the original file under its own name.",
		"%q은(는) 이름으로는 %s인데 내용은 %s입니다. 원본 파일을 원래 이름으로 보내 주세요.", name, k.label, found)
}
