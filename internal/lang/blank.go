package lang

import (
	"strings"
	"unicode"
)

// Blank reports whether a text shows nothing to its reader: it is empty, or all
// spaces, controls, and letters and signs without a shape.
func Blank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return unicode.IsGraphic(r) && !unicode.In(r, shapeless...) })
}

// shapeless are the graphic characters that leave no mark of their own: spaces,
// marks that sit on a letter, the fillers of Hangul and the empty Braille cell.
var shapeless = []*unicode.RangeTable{unicode.Zs, unicode.M, {R16: []unicode.Range16{
	{Lo: 0x115F, Hi: 0x1160, Stride: 1}, {Lo: 0x2800, Hi: 0x2800, Stride: 1}, {Lo: 0x3164, Hi: 0x3164, Stride: 1}, {Lo: 0xFFA0, Hi: 0xFFA0, Stride: 1},
}}}
