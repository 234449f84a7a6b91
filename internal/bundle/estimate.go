package bundle

import (
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	"redress/internal/fault"
	"redress/internal/lang"
	"redress/internal/money"
	"redress/internal/publication"
	"redress/internal/revenue"
)

// EstimateFiles are an estimate and all that it was made from.
type EstimateFiles struct {
	Estimate  []byte
	Inputs    []byte
	Histories map[string]revenue.History // by service
	Scheme    []byte                     // the document of the scheme version that it names
	Calendar  publication.Hash           // SHA-256 of the table of holidays that it was made with
}

// estimateCount is how many estimates were looked at, and how many of the claims
// that were drawn were erased.
type estimateCount struct {
	all, remade, logged, erased int
}

// estimate is what an estimate's document says that can be held against the rest.
type estimate struct {
	ClaimID   string `json:"claim_id"`
	Model     string `json:"model"`
	InputHash string `json:"input_hash"`
	Scheme    struct {
		ID      string `json:"id"`
		Version int    `json:"version"`
		Hash    string `json:"hash"`
	} `json:"scheme"`
	Compensation struct {
		Amount money.Minor `json:"amount"`
	} `json:"compensation"`
}

// inputs are what an estimate's inputs say of histories.
type inputs struct {
	Lines []struct {
		Service       string `json:"service"`
		HistoryDigest string `json:"history_digest"`
	} `json:"lines"`
}

// checkEstimates looks for the estimate of each claim that was drawn for the
// accountant, holds it against its inputs, histories, scheme and model, the leaf of
// its claim and the log, and has it made again.
func (v *verifier) checkEstimates() {
	ids := v.files.under("estimates")
	if v.manifest.Access == Accountant {
		v.estimatesMissing(ids)
	}
	if len(ids) == 0 {
		return
	}
	estimated := v.estimatedOf(ids)
	erased := map[string]int{} // claims by the person who was erased
	for _, name := range ids {
		var id publication.Hash
		if err := id.UnmarshalText([]byte(name)); err != nil {
			continue // no such path is known
		}
		if v.files.there[estimatePath(id, "erased"+proof)] {
			v.estimates.erased++
			v.checkErased(id, erased)
			continue
		}
		v.estimates.all++
		v.checkEstimate(id, estimated)
	}
}

// estimatesMissing finds claims that were drawn of which there is neither an
// estimate nor an erasure. A claim is submitted with an estimate, so each has one.
func (v *verifier) estimatesMissing(ids []string) {
	var missing []string
	for id, open := range v.samples.claims {
		if _, here := slices.BinarySearch(ids, id.String()); open && !here {
			missing = append(missing, id.String())
		}
	}
	slices.Sort(missing)
	for _, id := range missing {
		v.finding("estimates/"+id, "estimate_missing", "The claim was drawn; neither its estimate is here nor the entry that its claimant was erased.",
			"뽑힌 청구인데 추정도, 청구인의 정보가 삭제되었다는 항목도 없습니다.")
	}
}

// checkErased checks the entry by which the claimant of a drawn claim was erased, and
// with them the estimate. Which claims were theirs the entry does not say, only how
// many.
func (v *verifier) checkErased(id publication.Hash, erased map[string]int) {
	path := estimatePath(id, "erased"+proof)
	if len(v.files.under("estimates/"+id.String())) > 1 {
		v.finding(path, "erased_and_there", "The claimant is said to be erased, and the files of the estimate are there.", "청구인의 정보가 삭제되었다고 하는데 추정 파일이 있습니다.")
	}
	if _, drawn := v.samples.claims[id]; !drawn {
		v.finding(path, "estimate_unsampled", "No sample of this bundle drew the claim.", "묶음의 어느 표본에서도 이 청구를 뽑지 않았습니다.")
	}
	o, ok := v.opened(path, "claimant.erased", v.openings[path].Entry.Subject)
	if !ok {
		return
	}
	erased[o.Entry.Subject]++
	if theirs, ok := v.number(o, "claims"); ok && erased[o.Entry.Subject] > theirs {
		v.finding(path, "erasure_overused", "The person had %d claim(s); %d of those drawn are said to be erased with them.",
			"이 사람의 청구는 %d건인데, 뽑힌 청구 가운데 %d건이 함께 삭제되었다고 합니다.", theirs, erased[o.Entry.Subject])
	}
}

// estimatedOf finds what the leaves of the newest snapshot with a sample say of these
// claims.
func (v *verifier) estimatedOf(ids []string) map[publication.Hash]money.Minor {
	wanted := make(map[publication.Hash]bool, len(ids))
	for _, name := range ids {
		var id publication.Hash
		if id.UnmarshalText([]byte(name)) == nil {
			wanted[id] = true
		}
	}
	found := map[publication.Hash]money.Minor{}
	for n := len(v.snapshots); n > 0; n-- {
		if !v.sampled(n) || !v.files.there[leavesPath(n)] {
			continue
		}
		for l := range v.leaves(n) {
			if _, newer := found[l.ID]; wanted[l.ID] && !newer {
				found[l.ID] = l.Estimated
			}
		}
	}
	return found
}

// sampled reports whether a sample was drawn from a snapshot.
func (v *verifier) sampled(n int) bool {
	for _, o := range v.openings {
		if o.Entry.Type == "sample.drawn" && o.facts["snapshot"] == asFact(n) {
			return true
		}
	}
	return false
}

func (v *verifier) checkEstimate(id publication.Hash, estimated map[publication.Hash]money.Minor) {
	path := estimatePath(id, "estimate"+document)
	var e estimate
	f, ok := v.estimateFiles(id, &e)
	if !ok {
		return
	}
	if e.InputHash != hexSHA256(f.Inputs) {
		v.finding(path, "inputs_changed", "The inputs are not those of the hash %s that the estimate has.", "입력이 추정에 적힌 해시 %s와 맞지 않습니다.", e.InputHash)
		return
	}
	if amount, known := estimated[id]; !known {
		v.finding(path, "estimate_unsampled", "No leaf of a snapshot with a sample is of this claim.", "표본을 뽑은 스냅샷에 이 청구의 잎이 없습니다.")
	} else if amount != e.Compensation.Amount {
		v.finding(path, "estimate_leaf_differs", "The estimate is %d; the leaf of the claim has %d.", "추정액이 %d인데 청구의 잎에는 %d(으)로 되어 있습니다.", int64(e.Compensation.Amount), int64(amount))
	}
	s, known := v.schemes[schemeRef{e.Scheme.ID, e.Scheme.Version}]
	if !known || hexSHA256(s.bytes) != e.Scheme.Hash {
		v.finding(path, "scheme_missing", "Its scheme %s version %d of the hash %s is not in the bundle.", "보상 기준 %s 버전 %d(해시 %s)이(가) 묶음에 없습니다.", e.Scheme.ID, e.Scheme.Version, e.Scheme.Hash)
		return
	}
	f.Scheme = s.bytes
	if f.Calendar, ok = v.logged(id, e, f, s); !ok || v.options.Remake == nil {
		return
	}
	if err := v.options.Remake(f); err != nil {
		v.finding(path, "estimate_differs", "Made again, it does not come out byte for byte: %s.", "다시 만들면 한 바이트까지 같지 않습니다: %s.", reason(err))
		return
	}
	v.estimates.remade++
}

// reason is an error in words.
func reason(err error) lang.Text {
	if f := fault.As(err); f != nil {
		return f.Detail
	}
	return lang.T(err.Error(), err.Error())
}

// estimateFiles reads an estimate with its inputs and histories.
func (v *verifier) estimateFiles(id publication.Hash, e *estimate) (EstimateFiles, bool) {
	f := EstimateFiles{Histories: map[string]revenue.History{}}
	var in inputs
	var ok [2]bool
	f.Estimate, ok[0] = v.loose(estimatePath(id, "estimate"+document), e)
	f.Inputs, ok[1] = v.loose(estimatePath(id, "inputs"+document), &in)
	if ok != [2]bool{true, true} {
		return f, false
	}
	sound := true
	for _, l := range in.Lines {
		path := estimatePath(id, historyFile(l.Service))
		data, ok := v.read(path)
		if !ok {
			sound = false
			continue
		}
		h, err := ParseHistory(data)
		if err != nil {
			v.fail(path, err)
			sound = false
			continue
		}
		if digest := revenue.Digest(h); hex.EncodeToString(digest[:]) != l.HistoryDigest {
			v.finding(path, "history_changed", "The history is not that of the digest %s that the estimate was made from.", "매출 이력이 추정에 쓰인 다이제스트 %s와 맞지 않습니다.", l.HistoryDigest)
			sound = false
		}
		f.Histories[l.Service] = h
	}
	return f, sound
}

// loose reads a document of which only some fields are looked at here.
func (v *verifier) loose(path string, into any) ([]byte, bool) {
	data, ok := v.read(path)
	if !ok {
		return nil, false
	}
	err := unambiguous(data)
	if err == nil {
		if e := json.Unmarshal(data, into); e != nil {
			err = malformed("a value is of the wrong kind", "값의 종류가 맞지 않습니다").Because(e)
		}
	}
	if err != nil {
		v.fail(path, err)
	}
	return data, err == nil
}

// logged checks the entry that names an estimate's hash, and that scheme and model
// precede it. It answers the calendar of the model.
func (v *verifier) logged(id publication.Hash, e estimate, f EstimateFiles, s schemeDocument) (publication.Hash, bool) {
	path := estimatePath(id, "receipt"+proof)
	o, ok := v.openings[path]
	model, known := v.modelOf(e.Model, o)
	if !known {
		v.finding(estimatePath(id, "estimate"+document), "model_missing", "No document of the bundle says that estimates were made by the model %q.", "추정 모형 %q을(를) 밝힌 문서가 묶음에 없습니다.", e.Model)
		return model.Calendar, false
	}
	if !ok {
		if !v.files.there[path] {
			v.finding(path, "receipt_missing", "The receipt is missing; nothing shows that the log knows of this.", "접수증이 없어 로그에 기록되었는지 알 수 없습니다.")
		}
		return model.Calendar, true
	}
	data, _ := o.facts["data"].(map[string]any)
	if !strings.HasPrefix(o.Entry.Type, "claim.") || o.Entry.Subject != e.ClaimID || data["estimate_hash"] == nil {
		v.finding(path, "entry_type_wrong", "The entry is %s about %s; one is wanted that names an estimate of claim %s.",
			"%[2]s에 관한 %[1]s 항목입니다. 청구 %[3]s의 추정을 적은 항목이어야 합니다.", o.Entry.Type, o.Entry.Subject, e.ClaimID)
		return model.Calendar, true
	}
	if said := data["estimate_hash"]; said != hexSHA256(f.Estimate) {
		v.finding(estimatePath(id, "estimate"+document), "document_changed", "The bytes are not those of the hash %s that the log has.", "내용이 로그의 해시 %s와 맞지 않습니다.", said)
	}
	v.before(s.opening, o, "scheme_after_estimate")
	v.before(model.opening, o, "model_after_estimate")
	v.estimates.logged++
	return model.Calendar, true
}

// modelOf finds the newest document that says that estimates are made by this model,
// of those before the estimate's entry where that is known.
func (v *verifier) modelOf(name string, o opening) (found modelDocument, ok bool) {
	for _, m := range v.models {
		if m.Model == name && (!ok || o.path == "" || m.opening.LeafIndex < o.LeafIndex) {
			found, ok = m, true
		}
	}
	return found, ok
}

func (v *verifier) estimatesHold() lang.Text {
	e := v.estimates
	if e.all+e.erased == 0 {
		return lang.Text{}
	}
	return lang.F("Of every claim drawn whose files are open there is what was promised: %d estimate(s), and for %d claim(s) the entry that the claimant was erased. "+
		"The estimates have the inputs, histories, scheme and model that they name and say what their leaf says; %d came out byte for byte when made again, and the hash of %d is in the log.",
		"파일이 열려 있는 뽑힌 청구에는 약속한 것이 모두 있습니다. 추정이 %d건, 청구인 정보가 삭제되었다는 항목이 %d건입니다. "+
			"추정은 적힌 입력, 매출 이력, 보상 기준, 모형과 맞고 잎과 같은 금액입니다. 그중 %d건은 다시 만들어 한 바이트까지 같았고, %d건은 해시가 로그에 있습니다.",
		e.all, e.erased, e.remade, e.logged)
}
