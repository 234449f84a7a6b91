package letter

import (
	_ "embed" // the fonts
	"slices"
	"strings"
	"sync"
	"unicode"

	"codeberg.org/go-pdf/fpdf"
	"golang.org/x/text/encoding/korean"
	"golang.org/x/text/unicode/norm"
)

// The fonts, as published; font/OFL.txt is their licence. The regular draws every
// Hangul syllable, and Hanja. The bold draws only the syllables of KS X 1001,
// which is enough for what it is used for: words of our own and amounts.
var (
	//go:embed font/NanumGothic.ttf
	regularFont string
	//go:embed font/NanumSquareB.ttf
	boldFont string
)

const (
	box        = '□' // stands for what cannot be drawn
	firstHanja = '\u3400'
)

// repertoire is a set of characters of the basic plane.
type repertoire [1 << 16 / 64]uint64

func (s *repertoire) add(r rune) { s[r/64] |= 1 << (r % 64) }

func (s *repertoire) has(r rune) bool { return r < 1<<16 && s[r/64]>>(r%64)&1 == 1 }

// typeface is one of the fonts, read once and shared by all letters. To read a
// whole font takes fpdf some 10 ms, so that letters are set in an extract with the
// common characters, unless one holds a character that the extract does not.
type typeface struct {
	whole    []byte     // without hinting
	extract  []byte     // of it; only read, so that letters can share it
	drawable repertoire // by the whole
	common   repertoire // by the extract
}

func newTypeface(published string) *typeface {
	font := readTrueType([]byte(published))
	f := typeface{whole: font.unhinted(), drawable: font.drawable()}
	var cut strings.Builder
	for _, r := range commonCharacters() {
		if r == ' ' || f.drawable.has(r) {
			f.common.add(r)
			cut.WriteRune(r)
		}
	}
	f.extract = fpdf.UTF8CutFont(slices.Clone(f.whole), cut.String())
	return &f
}

// draws says whether the extract draws all of the text.
func (f *typeface) draws(text string) bool {
	for _, r := range text {
		if !f.common.has(r) {
			return false
		}
	}
	return true
}

// drawing answers a font that draws all the text: the extract where it can, else
// a copy of the whole, for fpdf writes into a font that it takes glyphs from.
func (f *typeface) drawing(text string) []byte {
	if f.draws(text) {
		return f.extract
	}
	return slices.Clone(f.whole)
}

// fontSet is the two fonts.
type fontSet struct{ regular, bold *typeface }

var fonts = sync.OnceValue(func() fontSet { return fontSet{newTypeface(regularFont), newTypeface(boldFont)} })

// commonCharacters are all that stand before Hanja in Unicode, and the Hangul of
// KS X 1001: nearly everything that is written in Korea.
func commonCharacters() string {
	var common strings.Builder
	for r := ' '; r < firstHanja; r++ {
		common.WriteRune(r)
	}
	const firstRow, lastRow, firstCell, lastCell = 0xB0, 0xC8, 0xA1, 0xFE
	var hangul []byte
	for row := byte(firstRow); row <= lastRow; row++ {
		for cell := byte(firstCell); cell <= lastCell; cell++ {
			hangul = append(hangul, row, cell)
		}
	}
	decoded, _ := korean.EUCKR.NewDecoder().Bytes(hangul) // every cell of these rows is taken
	common.Write(decoded)
	return common.String()
}

// show replaces what the font cannot draw: a letter by the letter under its marks
// (ş by s) where that helps, anything else by a box.
func (f *typeface) show(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r == ' ' || f.drawable.has(r) {
			b.WriteRune(r)
			continue
		}
		switch base := []rune(norm.NFD.String(string(r)))[0]; {
		case unicode.Is(unicode.M, r): // its letter stands already
		case f.drawable.has(base):
			b.WriteRune(base)
		default:
			b.WriteRune(box)
		}
	}
	return b.String()
}
