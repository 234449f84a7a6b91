package scheme

import (
	"fmt"
	"math/big"
	"slices"

	"redress/internal/lang"
)

// from names where a share comes from.
type from string

const (
	fromOwn      from = "own"      // the claimant's own: books, or the share the claim establishes
	fromServices from = "services" // the table by service
	fromSectors  from = "sectors"  // the table by sector
	fromFlat     from = "flat"     // one value for all
	fromNowhere  from = ""
)

func (from) options() []string {
	return []string{string(fromOwn), string(fromServices), string(fromSectors), string(fromFlat)}
}

func (f from) text() lang.Text {
	switch f {
	case fromOwn:
		return lang.T("the claimant's own figures", "청구인 본인의 수치")
	case fromServices:
		return lang.T("the scheme's table of services", "보상 기준의 서비스별 표")
	case fromSectors:
		return lang.T("the scheme's table of sectors", "보상 기준의 업종별 표")
	case fromFlat:
		return lang.T("the scheme's flat value", "보상 기준의 일률 값")
	}
	return lang.T("nowhere", "근거 없음")
}

// elsewise says what happens when no source knows a share.
type elsewise string

func (elsewise) options() []string { return []string{"review"} }

// shareSource is a share with its sources in order: the first that knows it
// gives it.
type shareSource struct {
	Sources   []from             `json:"sources" doc:"Tried in order: own, services, sectors, flat. Each at most once."`
	Services  map[Name]Decimal   `json:"services,omitempty" doc:"Share by service name; with the source services."`
	Sectors   map[Sector]Decimal `json:"sectors,omitempty" doc:"Share by sector; with the source sectors."`
	Flat      *Decimal           `json:"flat,omitempty" doc:"Share for all; with the source flat."`
	Otherwise elsewise           `json:"otherwise,omitempty" doc:"review, when no source knows it; required unless the last source is flat."`
}

func (s shareSource) check(c *checker, pointer string) {
	c.notEmpty(pointer+"/sources", len(s.Sources))
	distinct(c, pointer+"/sources", "circular_fallback", s.Sources)
	c.sourceData(pointer, "services", slices.Contains(s.Sources, fromServices), s.Services != nil)
	c.sourceData(pointer, "sectors", slices.Contains(s.Sources, fromSectors), s.Sectors != nil)
	c.sourceData(pointer, "flat", slices.Contains(s.Sources, fromFlat), s.Flat != nil)
	for name, share := range s.Services {
		c.share(pointer+"/services/"+string(name), share)
	}
	for sector, share := range s.Sectors {
		c.share(pointer+"/sectors/"+string(sector), share)
	}
	if s.Flat != nil {
		c.share(pointer+"/flat", *s.Flat)
	}
	s.checkLast(c, pointer)
}

// checkLast makes sure that every claim gets a share or an outcome.
func (s shareSource) checkLast(c *checker, pointer string) {
	flat := slices.Index(s.Sources, fromFlat)
	if flat >= 0 && flat < len(s.Sources)-1 {
		c.fail(fmt.Sprintf("%s/sources/%d", pointer, flat+1), "unreachable", "follows flat, which always answers; put flat last.", "항상 답하는 flat 뒤에 있습니다. flat을 마지막에 두십시오.")
	}
	if flat < 0 && s.Otherwise == "" {
		c.fail(pointer+"/otherwise", "no_outcome", "is missing: a claim that no source knows would have no outcome; write \"review\" or end with flat.",
			"빠져 있습니다. 어느 출처로도 알 수 없는 청구는 결과가 없게 됩니다. \"review\"를 적거나 flat으로 끝내십시오.")
	}
	if flat >= 0 && s.Otherwise != "" {
		c.fail(pointer+"/otherwise", "contradictory", "can never be reached: flat always answers.", "flat이 항상 답하므로 쓰일 수 없습니다.")
	}
}

// sourceData refuses a named source without its data and data no source reads.
func (c *checker) sourceData(pointer, name string, named, given bool) {
	if named && !given {
		c.fail(pointer+"/"+name, "required", "is missing, and sources names it.", "sources에 적혀 있으나 값이 빠져 있습니다.")
	}
	if !named && given {
		c.fail(pointer+"/"+name, "contradictory", "is given, and sources does not name it; name it or leave it out.", "값이 있으나 sources에 없습니다. 적거나 빼십시오.")
	}
}

// find returns the share and its source, nil when no source knows it. own is
// nil when the claimant supplied nothing.
func (s shareSource) find(sector Sector, service string, own *big.Rat) (*big.Rat, from) {
	for _, source := range s.Sources {
		switch source {
		case fromOwn:
			if own != nil {
				return own, source
			}
		case fromServices:
			if share, ok := s.Services[Name(service)]; ok {
				return share.Rat(), source
			}
		case fromSectors:
			if share, ok := s.Sectors[sector]; ok {
				return share.Rat(), source
			}
		case fromFlat:
			return s.Flat.Rat(), source
		}
	}
	return nil, fromNowhere
}
