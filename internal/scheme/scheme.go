// Package scheme holds compensation rules as versioned data: reading and
// checking a scheme, evaluating one claim's facts under it, and explaining
// every step. Plain functions on plain data: no clock, no database, no
// randomness; exact arithmetic; the same scheme and facts give the same bytes.
//
// A scheme is a JSON document of a header and stages. The stages run in the
// order of the pipeline, whatever their order in the file. There are no hidden
// defaults: a stage that is absent does not happen, and a field that
// docs/scheme.schema.json requires must be written.
package scheme

import (
	"crypto/sha256"
	"encoding/hex"
	"reflect"
	"slices"

	"redress/internal/fault"
	"redress/internal/money"
	"redress/internal/revenue"
)

// Header is what a scheme says about itself.
type Header struct {
	ID         Name              `json:"id" doc:"Names the scheme; versions share it."`
	Version    int               `json:"version" doc:"From 1; a posted version never changes."`
	Title      Sentence          `json:"title" doc:"Its name for people."`
	Source     Sentence          `json:"source" doc:"Where its facts come from, and which of its values nobody published."`
	Currency   CurrencyCode      `json:"currency" doc:"ISO 4217 code of every amount, which are minor units."`
	Payout     Payout            `json:"payout" doc:"cash, points, credit or in_kind; amounts of different forms are never added."`
	From       *Date             `json:"effective_from,omitempty" doc:"First day it may be put in force."`
	To         *Date             `json:"effective_to,omitempty" doc:"Last day it may be put in force."`
	Incident   *Between          `json:"incident,omitempty" doc:"The outage it was written for, local wall clock."`
	Conditions map[Name]Sentence `json:"conditions,omitempty" doc:"Facts that staff establish claim by claim and that stages refer to by name."`
}

// Scheme is one immutable version of compensation rules. Parse makes it.
type Scheme struct {
	Header
	currency money.Currency
	stages   []placedStage
	data     []byte
}

// Parse reads a scheme and checks all that can be checked before a claim meets
// it. It returns a TooLarge fault above 1 MiB, a Malformed fault for what is not
// JSON, and otherwise an Invalid fault that names every problem by JSON pointer
// and stable code.
func Parse(data []byte) (*Scheme, error) {
	n, err := readNode(data)
	if err != nil {
		return nil, err
	}
	s := &Scheme{data: slices.Clone(data)}
	d := &decoder{}
	if n.kind != objectNode {
		d.wrongType("", n, "an object", "객체")
		return nil, fault.InvalidFields(d.fields)
	}
	c := &checker{decoder: d, scheme: s, headerRead: s.decode(d, n)}
	s.check(c)
	slices.SortStableFunc(d.fields, func(a, b fault.Field) int { return compare(a.Pointer, b.Pointer) })
	if err := fault.InvalidFields(d.fields); err != nil {
		return nil, err
	}
	s.currency, _ = money.ParseCurrency(string(s.Currency))
	return s, nil
}

// decode reads the header and the stages, which stand side by side, and reports
// whether the header could be read.
func (s *Scheme) decode(d *decoder, n node) bool {
	d.duplicates(n, "")
	names := slices.Concat(namesOf(fieldsOf(reflect.TypeFor[Header]())), Stages())
	header, given := node{kind: objectNode}, map[string]node{}
	for _, m := range n.members {
		_, again := given[m.key]
		_, isStage := stageNamed(m.key)
		switch {
		case again: // reported by duplicates
		case !slices.Contains(names, m.key):
			d.unknown("", m.key, names)
		case !isStage:
			header.members = append(header.members, m)
		}
		given[m.key] = m.value
	}
	read := d.reads(header, "", reflect.ValueOf(&s.Header).Elem())
	for _, kind := range pipeline {
		if value, ok := given[kind.name]; ok {
			st := kind.make()
			ok := d.reads(value, "/"+kind.name, reflect.ValueOf(st).Elem())
			s.stages = append(s.stages, placedStage{stageKind: kind, stage: st, read: ok})
		}
	}
	return read
}

// check looks at what could be read; what could not has been reported already.
func (s *Scheme) check(c *checker) {
	if c.headerRead {
		s.checkHeader(c)
	}
	for _, st := range s.stages {
		if st.read {
			st.check(c, "/"+st.name)
		}
	}
	s.checkWhole(c)
}

func (s *Scheme) checkHeader(c *checker) {
	if s.Version < 1 {
		c.fail("/version", "out_of_range", "versions count from 1.", "버전은 1부터 시작합니다.")
	}
	c.sentence("/title", s.Title)
	c.sentence("/source", s.Source)
	if s.From != nil && s.To != nil && *s.To < *s.From {
		c.fail("/effective_to", "empty_span", "ends before effective_from.", "effective_from보다 먼저 끝납니다.")
	}
	if s.Incident != nil {
		s.Incident.check(c, "/incident")
	}
	for name, text := range s.Conditions {
		c.sentence("/conditions/"+string(name), text)
	}
	if s.Incident != nil {
		s.checkTimes(c, s.Incident.span())
	}
}

// checkWhole refuses what no stage can see alone.
func (s *Scheme) checkWhole(c *checker) {
	named := map[role][]string{}
	for _, st := range s.stages {
		named[st.role] = append(named[st.role], st.name)
	}
	payers := named[paysLoss]
	if len(payers)+len(named[paysOther]) == 0 {
		c.fail("", "no_outcome", "no stage pays anything, so no claim can have an outcome; add one that pays, such as tiers or subscriptions.",
			"지급하는 단계가 없어 어떤 청구도 결과를 얻을 수 없습니다. tiers나 subscriptions 같은 지급 단계를 더하십시오.")
	}
	if len(payers) > 1 {
		c.fail("/"+payers[1], "contradictory", "the loss is already paid by %s; keep one of the two.", "손실은 이미 %s에서 지급됩니다. 하나만 남기십시오.", payers[0])
	}
	if len(payers) > 0 && !s.has("baseline") {
		c.fail("/baseline", "required", "is missing; a scheme that pays a loss says which baseline it is measured from.",
			"빠져 있습니다. 손실을 지급하는 보상 기준은 어떤 기준 매출에서 재는지 밝혀야 합니다.")
	}
	if len(payers) == 0 {
		for _, name := range named[shapesLoss] {
			c.fail("/"+name, "unused_stage", "shapes a loss that no stage pays; add tiers or loss_payment, or leave it out.",
				"어떤 단계도 지급하지 않는 손실을 다룹니다. tiers나 loss_payment를 더하거나 이 단계를 빼십시오.")
		}
	}
}

// checkTimes refuses stages whose times have nothing to do with the incident.
func (s *Scheme) checkTimes(c *checker, incident revenue.Span) {
	for _, st := range s.stages {
		t, ok := st.stage.(timed)
		if !ok || !st.read {
			continue
		}
		for pointer, between := range t.times() {
			if !between.span().Overlaps(incident) {
				c.fail("/"+st.name+pointer, "window_outside_incident", "shares no minute with the incident (%s).", "장애(%s)과 겹치는 시간이 없습니다.",
					Between{From: incident.Start, To: incident.End}.text())
			}
		}
	}
}

// Fits checks the scheme against an incident before it is put in force there:
// the currency is the same and every time that the scheme names shares a minute
// with the incident. It returns an Invalid fault whose pointers lead into the
// scheme.
func (s *Scheme) Fits(currency string, incident revenue.Span) error {
	c := &checker{decoder: &decoder{}, scheme: s}
	if currency != string(s.Currency) {
		c.fail("/currency", "currency_differs", "is %s, and the incident's is %s.", "%s이며, 장애의 통화는 %s입니다.", string(s.Currency), currency)
	}
	if s.Incident != nil && !s.Incident.span().Overlaps(incident) {
		c.fail("/incident", "window_outside_incident", "is another time than the incident's (%s).", "장애(%s)과 다른 시간입니다.",
			Between{From: incident.Start, To: incident.End}.text())
	}
	s.checkTimes(c, incident)
	return fault.InvalidFields(c.fields)
}

func (s *Scheme) has(stage string) bool {
	return slices.ContainsFunc(s.stages, func(p placedStage) bool { return p.name == stage })
}

// Bytes returns the exact bytes the scheme was read from.
func (s *Scheme) Bytes() []byte { return slices.Clone(s.data) }

// Hash is the SHA-256 of Bytes, in lower-case hexadecimal.
func (s *Scheme) Hash() string {
	sum := sha256.Sum256(s.data)
	return hex.EncodeToString(sum[:])
}
