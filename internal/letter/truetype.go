package letter

import (
	"encoding/binary"
	"slices"
)

// trueType is a font by its tables. It reads what the fonts at hand have: long
// offsets in loca, and a cmap of format 4 for Windows and Unicode.
type trueType map[string][]byte

func u16(b []byte, at int) int { return int(binary.BigEndian.Uint16(b[at:])) }
func u32(b []byte, at int) int { return int(binary.BigEndian.Uint32(b[at:])) }

func readTrueType(font []byte) trueType {
	tables := trueType{}
	for i := range u16(font, 4) {
		record := font[12+16*i:]
		tables[string(record[:4])] = font[u32(record, 8):][:u32(record, 12)]
	}
	return tables
}

// outline is what draws a glyph; empty for one that draws nothing.
func (t trueType) outline(glyph int) []byte {
	loca := t["loca"]
	return t["glyf"][u32(loca, 4*glyph):u32(loca, 4*glyph+4)]
}

// drawable is the set of characters that have an outline: fonts map many more to
// glyphs that are empty.
func (t trueType) drawable() repertoire {
	cmap := t["cmap"]
	for i := range u16(cmap, 2) {
		const windowsUnicode = 3<<16 | 1
		if u32(cmap, 4+8*i) == windowsUnicode {
			cmap = cmap[u32(cmap, 8+8*i):]
			break
		}
	}
	// Four arrays over the segments: last character, (two bytes of nothing,) first
	// character, delta, and offset of its glyphs from where the offset stands.
	var set repertoire
	size := u16(cmap, 6)
	for last := 14; last < 14+size; last += 2 {
		first, delta, offset := last+2+size, last+2+2*size, last+2+3*size
		for char := u16(cmap, first); char <= u16(cmap, last); char++ {
			glyph := char
			if u16(cmap, offset) != 0 {
				glyph = u16(cmap, offset+u16(cmap, offset)+2*(char-u16(cmap, first)))
			}
			glyph = (glyph + u16(cmap, delta)) & 0xFFFF
			if glyph != 0 && len(t.outline(glyph)) > 0 {
				set.add(rune(char))
			}
		}
	}
	return set
}

// unhinted is the font without the instructions by which old screens fitted its
// outlines to coarse pixels. They are half of a letter's bytes.
func (t trueType) unhinted() []byte {
	var glyf, loca []byte
	for glyph := range len(t["loca"])/4 - 1 {
		loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
		outline := t.outline(glyph)
		// A glyph made of others says so by a negative number of contours, and has
		// no instructions in these fonts.
		if len(outline) > 0 && u16(outline, 0) < 1<<15 {
			instructions := 10 + 2*u16(outline, 0)
			glyf = append(append(glyf, outline[:instructions]...), 0, 0)
			outline = outline[instructions+2+u16(outline, instructions):]
		}
		glyf = append(glyf, outline...)
	}
	loca = binary.BigEndian.AppendUint32(loca, uint32(len(glyf)))
	return t.with(map[string][]byte{"glyf": glyf, "loca": loca})
}

// with is the file of the font with some tables replaced, and without those that
// only hinting and editing need. Checksums stay zero: fpdf writes its own.
func (t trueType) with(replaced map[string][]byte) []byte {
	kept := []string{"OS/2", "cmap", "glyf", "head", "hhea", "hmtx", "loca", "maxp", "name", "post"}
	file := slices.Concat([]byte{0, 1, 0, 0, 0, byte(len(kept))}, make([]byte, 6+16*len(kept)))
	for i, name := range kept {
		table, ok := replaced[name]
		if !ok {
			table = t[name]
		}
		record := file[12+16*i:]
		copy(record, name)
		binary.BigEndian.PutUint32(record[8:], uint32(len(file)))
		binary.BigEndian.PutUint32(record[12:], uint32(len(table)))
		file = append(append(file, table...), make([]byte, -len(table)&3)...)
	}
	return file
}
