package evidence

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"redress/internal/fault"
)

const (
	// MaxNameLength is the length of the longest file name in characters.
	MaxNameLength = 200
	// maxNameBytes is more than the longest name needs, decomposed, in UTF-8.
	maxNameBytes = 16 * MaxNameLength
)

// CleanName returns a file's name as it is kept: composed (NFC), as most systems
// but macOS write Korean names, without blanks around it. A name that holds a
// path, or characters that are not seen, is refused rather than mended: it was
// not made by a person who chose a file.
func CleanName(name string) (string, error) {
	if len(name) > maxNameBytes {
		return "", nameTooLong()
	}
	if !utf8.ValidString(name) || strings.ContainsFunc(name, unseen) {
		return "", fault.New(fault.Invalid, "evidence_name_invalid",
			"The file name %.100q holds control characters or is not UTF-8; rename the file.",
			"파일 이름 %.100q에 제어 문자가 있거나 UTF-8이 아닙니다. 이름을 바꾸어 주세요.", name)
	}
	name = strings.TrimSpace(norm.NFC.String(name))
	switch {
	case name == "":
		return "", fault.New(fault.Invalid, "evidence_name_invalid",
			"The file has no name; send one such as receipts.pdf.", "파일 이름이 없습니다. receipts.pdf와 같은 이름을 보내 주세요.")
	case utf8.RuneCountInString(name) > MaxNameLength:
		return "", nameTooLong()
	case strings.ContainsAny(name, `/\`) || strings.Contains(name, ".."):
		return "", fault.New(fault.Invalid, "evidence_name_invalid",
			"The file name %.100q holds a path (/, \\ or ..); send the name alone.",
			"파일 이름 %.100q에 경로(/, \\, ..)가 있습니다. 이름만 보내 주세요.", name)
	}
	return name, nil
}

// unseen are control characters, line separators and what turns the direction
// of writing, which can make "gpj.exe" look like "exe.jpg".
func unseen(r rune) bool {
	return unicode.IsControl(r) || unicode.In(r, unicode.Zl, unicode.Zp, unicode.Bidi_Control)
}

func nameTooLong() error {
	return fault.New(fault.Invalid, "evidence_name_invalid",
		"The file name is longer than %d characters; shorten it.", "파일 이름이 %d자를 넘습니다. 줄여 주세요.", MaxNameLength)
}
