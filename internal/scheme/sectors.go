package scheme

import (
	"slices"

	"redress/internal/lang"
)

// Sector is what a claimant does, from the closed list of Sectors: schemes and
// claims must mean the same thing by it.
type Sector string

var sectors = []struct {
	code Sector
	name lang.Text
}{
	{"taxi", lang.T("Taxi", "택시")},
	{"designated_driver", lang.T("Designated driver", "대리운전")},
	{"quick_delivery", lang.T("Courier", "퀵서비스")},
	{"food_delivery", lang.T("Food delivery rider", "음식 배달")},
	{"salon", lang.T("Hair and beauty salon", "미용실")},
	{"bakery", lang.T("Bakery", "제과점")},
	{"cafe", lang.T("Café", "카페")},
	{"restaurant", lang.T("Restaurant", "음식점")},
	{"convenience", lang.T("Convenience store", "편의점")},
	{"retail", lang.T("Retail", "소매업")},
	{"online_retail", lang.T("Online retail", "온라인 소매업")},
	{"wholesale", lang.T("Wholesale", "도매업")},
	{"lodging", lang.T("Lodging", "숙박업")},
	{"leisure", lang.T("Leisure and sport", "여가·스포츠")},
	{"education", lang.T("Education", "교육")},
	{"health", lang.T("Health", "보건")},
	{"repair", lang.T("Repair", "수리")},
	{"services", lang.T("Other services", "기타 서비스업")},
	{"manufacturing", lang.T("Manufacturing", "제조업")},
}

// Sectors lists every sector.
func Sectors() []Sector {
	all := make([]Sector, len(sectors))
	for i, s := range sectors {
		all[i] = s.code
	}
	return all
}

// Known reports whether s is one of Sectors.
func (s Sector) Known() bool { return slices.Contains(Sectors(), s) }

// Name is the sector in words; an unknown sector is named by its code.
func (s Sector) Name() lang.Text {
	for _, known := range sectors {
		if known.code == s {
			return known.name
		}
	}
	return lang.T(string(s), string(s))
}

func (Sector) options() []string {
	codes := make([]string, len(sectors))
	for i, s := range sectors {
		codes[i] = string(s.code)
	}
	return codes
}
