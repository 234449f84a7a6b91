package letter

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"codeberg.org/go-pdf/fpdf"

	"redress/internal/lang"
)

// Measures of an A4 page, in millimetres.
const (
	pageWidth  = 210.0
	pageHeight = 297.0
	marginSide = 24.0
	marginTop  = 17.0
	lastLine   = pageHeight - 16 // the lowest that text goes
	footerLine = pageHeight - 11
	textWidth  = pageWidth - 2*marginSide
	factLabel  = 42.0 // width of the labels of facts
	traceLabel = 18.0 // and of traces
)

// The two fonts by the names that fpdf knows them by.
const (
	regular = "regular"
	bold    = "bold"
)

type colour struct{ r, g, b int }

var (
	ink    = colour{33, 37, 41}
	grey   = colour{98, 106, 115}
	rule   = colour{206, 211, 217}
	accent = colour{18, 72, 120}
	tint   = colour{238, 243, 248}
)

// face is how a run of text looks.
type face struct {
	font   string
	points float64
	lead   float64 // from line to line, in millimetres
	colour colour
}

// faces are those of a block's text.
var faces = map[style]face{
	sender:    {regular, 10, 5, grey},
	title:     {bold, 20, 9, ink},
	fact:      {regular, 10, 5.1, grey},
	verdict:   {regular, 10, 5, accent},
	heading:   {bold, 11.5, 6, accent},
	strong:    {bold, 10.5, 5.3, ink},
	paragraph: {regular, 10, 5.1, ink},
	item:      {regular, 10, 5.1, ink},
	quote:     {regular, 10, 5.1, ink},
	amount:    {regular, 10, 5, ink},
	total:     {bold, 11.5, 5.5, ink},
	trace:     {regular, 7.5, 3.7, grey},
}

var (
	factValue    = face{regular, 10, 5.1, ink}
	verdictValue = face{bold, 25, 10, accent}
	rangeNote    = face{regular, 8.5, 4.2, grey}
	footer       = face{regular, 8, 4, grey}
)

// sheet draws on the pages of one PDF from the top down.
type sheet struct {
	pdf   *fpdf.Fpdf
	fonts fontSet
	tag   lang.Tag
	y     float64    // how far down the page is used
	tags  []lang.Tag // of the pages so far
}

// draw is the PDF form.
func draw(l Letter, blocks []block) ([]byte, error) {
	set := fonts()
	shown, text := set.drawn(blocks)
	pdf := fpdf.New("P", "mm", "A4", "")
	pdf.SetCatalogSort(true)
	pdf.SetCreationDate(l.Date)
	pdf.SetModificationDate(l.Date)
	pdf.SetProducer(producer+strings.Repeat(" ", len(zoneOf(l.Date))*2), false)
	pdf.SetTitle(fmt.Sprintf("%s · %s %s", kinds[l.Kind].title.KO, kinds[l.Kind].title.EN, set.regular.show(tidy(l.Reference))), true)
	pdf.SetLang(string(lang.Korean))
	pdf.SetAutoPageBreak(false, 0)
	pdf.AddUTF8FontFromBytes(regular, "", set.regular.drawing(text))
	pdf.AddUTF8FontFromBytes(bold, "", set.bold.extract)

	s := sheet{pdf: pdf, fonts: set}
	for _, tag := range []lang.Tag{lang.Korean, lang.English} {
		s.tag = tag
		s.page()
		for _, b := range shown {
			s.block(b)
		}
	}
	s.footers(set.regular.show(tidy(l.Reference)))
	var out bytes.Buffer
	if err := pdf.Output(&out); err != nil {
		return nil, fmt.Errorf("letter %s: %w", l.Reference, err)
	}
	return zoned(out.Bytes(), l.Date), nil
}

// drawn is the blocks in characters that the font has, and all that they hold.
// Where that loses something a line before the verdict says so.
func (s fontSet) drawn(blocks []block) (shown []block, text string) {
	var all strings.Builder
	lost := false
	for _, b := range blocks {
		for _, t := range []*lang.Text{&b.text, &b.value, &b.note} {
			whole := *t
			*t = lang.T(s.regular.show(t.EN), s.regular.show(t.KO))
			lost = lost || *t != whole
			all.WriteString(t.EN + t.KO)
		}
		shown = append(shown, b)
	}
	if lost {
		all.WriteString(incomplete.EN + incomplete.KO)
		before := slices.IndexFunc(shown, func(b block) bool { return b.style == verdict })
		shown = slices.Insert(shown, before, block{style: sender, text: incomplete})
	}
	return shown, all.String()
}

const producer = "Redress"

// zoneOf is a zone as dates in a PDF have it: +09'00'.
func zoneOf(t time.Time) string {
	zone := t.Format("-0700")
	return zone[:3] + "'" + zone[3:] + "'"
}

// zoned gives both dates of a PDF the zone that the library leaves out. They lie
// in one object behind the producer, whose blanks make room: nothing moves that
// an offset points to.
func zoned(pdf []byte, date time.Time) []byte {
	zone := zoneOf(date)
	from := bytes.LastIndex(pdf, []byte("/Producer ("+producer+" "))
	info := string(pdf[from:])
	info = strings.Replace(info, producer+strings.Repeat(" ", 2*len(zone)), producer, 1)
	for _, key := range []string{"/CreationDate (", "/ModDate ("} {
		before, rest, _ := strings.Cut(info, key)
		stamp, after, _ := strings.Cut(rest, ")")
		info = before + key + stamp + zone + ")" + after
	}
	return append(pdf[:from], info...)
}

func (s *sheet) page() {
	s.pdf.AddPage()
	s.tags = append(s.tags, s.tag)
	s.y = marginTop
}

// room goes to a new page unless height is left on this one.
func (s *sheet) room(height float64) {
	if s.y+height > lastLine {
		s.page()
	}
}

// block draws a block below what is drawn.
func (s *sheet) block(b block) {
	text, value, note := b.text.In(s.tag), b.value.In(s.tag), b.note.In(s.tag)
	look := faces[b.style]
	switch b.style {
	case title:
		s.lines(text, look)
		s.y += 3
	case fact:
		s.labelled(text, look, value, factValue, factLabel)
	case verdict:
		s.verdict(text, value)
	case heading:
		const above, under = 3.5, 8 // room for the first of what it is over
		s.room(above + look.lead + under)
		s.y += above
		s.lines(text, look)
		s.y += 0.5
	case item:
		s.labelled(" ·", look, text, look, 5)
		s.y += 0.4
	case quote:
		s.quote(text, look)
	case amount, total:
		s.amount(look, text, value, note, b.style == total)
	case trace:
		s.labelled(text, look, value, look, traceLabel)
	default: // sender, strong, paragraph
		s.lines(text, look)
		s.y += 0.8
	}
}

// use makes a face the one that text is measured and drawn in: bold only where
// the bold font draws all of it.
func (s *sheet) use(f face, text string) {
	if f.font == bold && !s.fonts.bold.draws(text) {
		f.font = regular
	}
	s.pdf.SetFont(f.font, "", f.points)
	s.pdf.SetTextColor(f.colour.r, f.colour.g, f.colour.b)
}

// baseline is how far below the top of a line its letters stand.
func (f face) baseline() float64 {
	const millimetresPerPoint = 25.4 / 72
	return f.lead/2 + 0.36*f.points*millimetresPerPoint
}

// lines draws wrapped text from the left margin.
func (s *sheet) lines(text string, f face) { s.labelled("", f, text, f, 0) }

// labelled draws wrapped text at an indent, and a label before its first line.
func (s *sheet) labelled(label string, l face, text string, f face, indent float64) {
	s.use(f, text)
	lines := wrap(text, textWidth-indent, s.pdf.GetStringWidth)
	// A short text stays on one page.
	s.room(f.lead * float64(min(len(lines), 4)))
	if label != "" {
		s.use(l, label)
		s.pdf.Text(marginSide, s.y+l.baseline(), label)
		s.use(f, text)
	}
	for _, line := range lines {
		s.room(f.lead)
		s.pdf.Text(marginSide+indent, s.y+f.baseline(), line)
		s.y += f.lead
	}
}

// verdict draws what was decided, large, on a tinted ground.
func (s *sheet) verdict(label, value string) {
	const padding = 3.5
	f, v := faces[verdict], verdictValue
	s.use(v, value)
	for s.pdf.GetStringWidth(value) > textWidth-2*padding {
		v.points--
		s.use(v, value)
	}
	height := 2*padding + f.lead + 1 + v.lead
	s.y += 3
	s.room(height)
	s.fill(tint, marginSide, s.y, textWidth, height)
	s.fill(accent, marginSide, s.y, 1.2, height)
	s.use(f, label)
	s.pdf.Text(marginSide+padding, s.y+padding+f.baseline(), label)
	s.use(v, value)
	s.pdf.Text(marginSide+padding, s.y+padding+f.lead+1+v.baseline(), value)
	s.y += height + 2
}

func (s *sheet) fill(c colour, x, y, width, height float64) {
	s.pdf.SetFillColor(c.r, c.g, c.b)
	s.pdf.Rect(x, y, width, height, "F")
}

// quote draws somebody's words beside a line.
func (s *sheet) quote(text string, f face) {
	s.use(f, text)
	for _, line := range wrap(text, textWidth-5, s.pdf.GetStringWidth) {
		s.room(f.lead)
		s.fill(rule, marginSide+1, s.y, 0.6, f.lead)
		s.pdf.Text(marginSide+5, s.y+f.baseline(), line)
		s.y += f.lead
	}
}

// amount draws a line of the chain: its name, the amount at the right, and under
// the name what is to be added; under it a rule, over the total a strong one.
func (s *sheet) amount(f face, label, value, note string, isTotal bool) {
	height := f.lead + 2.4
	if note != "" {
		height += rangeNote.lead
	}
	s.room(height)
	top := s.y + 1.2
	s.use(f, label)
	s.pdf.Text(marginSide+1, top+f.baseline(), label)
	s.use(f, value)
	s.pdf.Text(marginSide+textWidth-1-s.pdf.GetStringWidth(value), top+f.baseline(), value)
	if note != "" {
		s.use(rangeNote, note)
		s.pdf.Text(marginSide+1, top+f.lead+rangeNote.baseline(), note)
	}
	if isTotal {
		s.fill(accent, marginSide, s.y-0.4, textWidth, 0.4)
	}
	s.y += height
	if !isTotal {
		s.fill(rule, marginSide, s.y-0.2, textWidth, 0.2)
	}
}

// footers writes under every page what it belongs to and which of how many it is.
func (s *sheet) footers(reference string) {
	for i, tag := range s.tags {
		number := lang.F("Page %d of %d", "%[2]d쪽 중 %[1]d쪽", i+1, len(s.tags)).In(tag)
		s.pdf.SetPage(i + 1)
		s.use(footer, reference)
		s.pdf.Text(marginSide, footerLine, reference)
		s.pdf.Text(marginSide+textWidth-s.pdf.GetStringWidth(number), footerLine, number)
	}
}

// wrap breaks text into lines no wider than width: between words, and inside a
// word where it alone is wider than a line, as Korean without spaces can be.
func wrap(text string, width float64, measure func(string) float64) []string {
	var lines []string
	var line strings.Builder
	var used float64
	flush := func() {
		lines = append(lines, line.String())
		line.Reset()
		used = 0
	}
	space := measure(" ")
	for word := range strings.FieldsSeq(text) {
		wide := measure(word)
		first := wide // what has to fit behind the words before
		if wide > width {
			_, size := utf8.DecodeRuneInString(word)
			first = measure(word[:size])
		}
		switch {
		case used == 0:
		case used+space+first > width:
			flush()
		default:
			line.WriteByte(' ')
			used += space
		}
		if wide <= width {
			line.WriteString(word)
			used += wide
			continue
		}
		for _, r := range word {
			w := measure(string(r))
			if used+w > width && used > 0 {
				flush()
			}
			line.WriteRune(r)
			used += w
		}
	}
	if used > 0 {
		flush()
	}
	return lines
}
