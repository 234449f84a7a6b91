package letter

// What the tests look at from inside.
var Wrap = wrap

// CannotDraw is the Hangul that the regular font has no outline for.
func CannotDraw() string {
	var missing []rune
	for r := '가'; r <= '힣'; r++ {
		if !fonts().regular.drawable.has(r) {
			missing = append(missing, r)
		}
	}
	return string(missing)
}

// NotBold is what the bold font cannot draw of the words that are meant to be
// bold, without those that somebody else chose.
func NotBold(l Letter) ([]string, error) {
	blocks, err := compose(l)
	var missing []string
	for _, b := range blocks {
		var words []string
		switch b.style {
		case title, heading:
			words = []string{b.text.KO, b.text.EN}
		case total:
			words = []string{b.text.KO, b.text.EN, b.value.KO, b.value.EN}
		case verdict:
			words = []string{b.value.KO, b.value.EN}
		}
		for _, w := range words {
			if !fonts().bold.draws(w) {
				missing = append(missing, w)
			}
		}
	}
	return missing, err
}
