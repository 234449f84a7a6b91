package bundle_test

import (
	"bytes"
	"fmt"
	"strings"
	"time"

	"redress/internal/bundle"
	"redress/internal/publication"
)

func onSamples() []manipulation {
	drawn, ended, results := "samples/2/1/drawn", "samples/2/1/ended", "samples/2/1/results.json"
	return []manipulation{
		{"a sample is drawn with another nonce", fact("sample.drawn", 1, "nonce", strings.Repeat("00", 16)), nil, drawn + ".tlog-proof seed_wrong"},
		{"a seed is chosen", fact("sample.drawn", 1, "seed", strings.Repeat("00", 32)), nil, drawn + ".tlog-proof seed_wrong"},
		{"a nonce is too short to be one", fact("sample.drawn", 1, "nonce", "00"), nil, drawn + ".tlog-proof nonce_length"},
		{"a sample is of another snapshot", fact("sample.drawn", 1, "snapshot", 3), nil, drawn + ".tlog-proof entry_differs"},
		{"a sample is of more units than drawn", fact("sample.drawn", 1, "units", 40), nil, drawn + ".json sample_differs"},
		{"a sample is of absurdly many units", fact("sample.drawn", 1, "units", 1<<40), nil, drawn + ".json sample_request"},
		{"a sample is by another measure", fact("sample.drawn", 1, "measure", "claimed"), nil, drawn + ".json sample_differs"},
		{"what was drawn is edited", lies{}, func(h *hands) { h.replace(drawn+".json", `"index":`, `"index":1`) }, drawn + ".json document_changed"},
		{"a claim is exchanged before the sample is logged", lies{drawn: func(s *publication.Sample) { s.Drawn[0].ID[0] ^= 1 }}, nil, drawn + ".json sample_differs"},
		{"a claim is left out before the sample is logged", lies{drawn: func(s *publication.Sample) { s.Drawn = s.Drawn[1:] }}, nil, drawn + ".json sample_differs"},
		{"the list of what was drawn is missing", lies{}, func(h *hands) { h.remove(drawn + ".json") }, drawn + ".json file_missing"},
		{"results are edited", lies{}, func(h *hands) { h.replace(results, `"correct":`, `"correct":1`) }, results + " document_changed"},
		{"a result is dropped and the rest signed", lies{results: func(r *bundle.Results) { r.Results = r.Results[1:] }}, nil, results + " audited_missing"},
		{"a result is changed and the old bound signed", lies{results: func(r *bundle.Results) { r.Results[1].Correct = 0 }}, nil, results + " bound_wrong"},
		{"a bound is edited and signed", lies{results: func(r *bundle.Results) { r.Bound.MaxOverstated /= 2 }}, nil, results + " bound_wrong"},
		{"the log is told another bound", entry("sample.ended", 1, func(facts map[string]any, _ *time.Time) { facts["max_overstated_basis_points"] = int64(1) }), nil, ended + ".tlog-proof entry_differs"},
		{"the log is told no bound", entry("sample.ended", 1, func(facts map[string]any, _ *time.Time) { delete(facts, "max_overstated_basis_points") }), nil, ended + ".tlog-proof fact_missing"},
		{"results are missing", lies{}, func(h *hands) { h.remove(results) }, results + " file_missing"},
		{"a sample came before its snapshot", fact("sample.drawn", 1, "snapshot", 4), func(h *hands) { h.move("samples/2/1/", "samples/4/1/") },
			"samples/4/1/drawn.tlog-proof sample_before_snapshot"},
		{"a sample ended before it was drawn", lies{late: "sample.drawn"}, nil, ended + ".tlog-proof sample_ended_before_drawn"},
		{"the end of another sample is shown", fact("sample.ended", 1, "sample", "another"), nil, ended + ".tlog-proof entry_differs"},
	}
}

// onNumbersOfSamples leaves samples out, where their readers would not see them.
func onNumbersOfSamples() []manipulation {
	fewer := func(h *hands) { h.replace("bundle.json", `"samples":2`, `"samples":1`) }
	second := "samples/2/2/drawn.tlog-proof"
	return []manipulation{
		{"a sample is left out", lies{}, func(h *hands) { h.is(bundle.Auditor); h.remove("samples/2/1/"); fewer(h) }, "samples/2/1 number_missing"},
		{"the last sample is left out", lies{}, func(h *hands) { h.is(bundle.Auditor); h.remove("samples/2/2/"); fewer(h) }, "releases/3/receipt.tlog-proof samples_missing"},
		{"all samples are left out", lies{}, func(h *hands) {
			h.is(bundle.Auditor)
			h.remove("samples/")
			h.replace("bundle.json", `"samples":2`, `"samples":0`)
		}, "releases/3/receipt.tlog-proof samples_missing"},
		{"a sample is shown as one that did not end", lies{}, func(h *hands) {
			h.is(bundle.Auditor)
			h.remove("samples/2/2/results")
			h.remove("samples/2/2/ended")
		}, "releases/3/receipt.tlog-proof samples_missing"},
		{"how a sample ended is kept from the public", lies{}, func(h *hands) { h.is(bundle.Public); h.remove("samples/2/1/"); fewer(h) }, "releases/3/receipt.tlog-proof samples_missing"},
		{"how another's sample ended is kept from an accountant", lies{}, func(h *hands) { h.remove("samples/2/2/"); fewer(h) }, "releases/3/receipt.tlog-proof samples_missing"},
		{"a sample is renumbered", lies{}, func(h *hands) { h.is(bundle.Auditor); h.move("samples/2/2/", "samples/2/3/") }, "samples/2/3/drawn.tlog-proof entry_differs"},
		{"a sample is renumbered in the log", fact("sample.drawn", 2, "number", 3), func(h *hands) { h.is(bundle.Auditor); h.move("samples/2/2/", "samples/2/3/") }, "samples/2/2 number_missing"},
		{"a sample's end has the number of another", fact("sample.ended", 2, "number", 1), nil, "samples/2/2/ended.tlog-proof entry_differs"},
		{"the public is told another number of a sample", lies{}, func(h *hands) { h.is(bundle.Public); h.move("samples/2/2/", "samples/2/3/") }, "samples/2/3/ended.tlog-proof entry_differs"},
		{"a sample stands in the place of another", lies{}, func(h *hands) { h.remove("samples/2/2/"); h.move("samples/2/1/", "samples/2/2/") }, second + " entry_differs"},
		{"a sample is shown under another snapshot", lies{}, func(h *hands) { h.move("samples/2/2/", "samples/3/1/") }, "samples/3/1/drawn.tlog-proof entry_differs"},
		{"samples are logged in another order", lies{late: "sample.drawn"}, nil, second + " sample_out_of_order"},
		{"a release counts no samples", entry("release.published", 3, func(facts map[string]any, _ *time.Time) { delete(facts, "samples_drawn") }), nil, "releases/3/receipt.tlog-proof fact_missing"},
		{"a snapshot counts samples that nobody drew", fact("snapshot.sealed", 4, "samples_ended", 3), nil, "snapshots/4/receipt.tlog-proof samples_missing"},
	}
}

func onEstimates(first, second string) []manipulation {
	estimate, inputs, history := first+"/estimate.json", first+"/inputs.json", first+"/history-taxi.json"
	other := strings.Repeat("ab", 32)
	return []manipulation{
		{"an estimate is edited", lies{}, func(h *hands) { h.replace(estimate, `"amount":`, `"amount":1`) }, estimate + " document_changed"},
		{"an estimate is raised and signed", lies{estimate: func(b []byte) []byte { return bytes.Replace(b, []byte(`"amount":`), []byte(`"amount":1`), 1) }}, nil, estimate + " estimate_leaf_differs"},
		{"an estimate's reasons are edited and signed", lies{estimate: func(b []byte) []byte { return bytes.Replace(b, []byte(`"expected":`), []byte(`"expected":1`), 1) }}, nil, estimate + " estimate_differs"},
		{"an estimate's inputs are edited", lies{}, func(h *hands) { h.replace(inputs, `10000`, `5000`) }, estimate + " inputs_changed"},
		{"a history is edited", lies{}, func(h *hands) { h.replace(history, "19000", "29000") }, history + " history_changed"},
		{"a history is cut off", lies{}, func(h *hands) { h.edit(history, func(b []byte) []byte { return b[:len(b)/2] }) }, history + " document_malformed"},
		{"a history is missing", lies{}, func(h *hands) { h.remove(history) }, history + " file_missing"},
		{"a history has states that do not exist", lies{}, func(h *hands) { h.replace(history, `"states":[2`, `"states":[9`) }, history + " document_malformed"},
		{"an estimate is of a claim that nobody filed", lies{}, func(h *hands) {
			for _, name := range []string{"estimate.json", "inputs.json", "history-taxi.json", "receipt.tlog-proof"} {
				h.files["estimates/"+other+"/"+name] = h.files[first+"/"+name]
			}
			h.remove(first + "/")
		}, "estimates/" + other + "/estimate.json estimate_unsampled"},
		{"an estimate is by a model that was never published", lies{estimate: func(b []byte) []byte {
			return bytes.ReplaceAll(b, []byte(`"model":"redress`), []byte(`"model":"another`))
		}}, nil, estimate + " model_missing"},
		{"the receipt is of another claim's estimate", lies{}, func(h *hands) {
			h.copy(second+"/receipt.tlog-proof", first+"/receipt.tlog-proof")
		}, first + "/receipt.tlog-proof entry_type_wrong"},
	}
}

// onDrawnClaims leaves out what there is of claims that were drawn. The claimant of
// one was erased.
func onDrawnClaims(erased, first, second string) []manipulation {
	receipt := "/erased.tlog-proof"
	made := func(h *hands) { // as if the first were erased, too
		h.remove(first)
		h.files[first+receipt] = h.files[erased+receipt]
	}
	other := "estimates/" + strings.Repeat("ab", 32)
	return []manipulation{
		{"an estimate is left out", lies{}, func(h *hands) {
			h.remove(first)
			n := len(h.contents.Estimates) - 1
			h.replace("bundle.json", fmt.Sprintf(`"estimates":%d`, n), fmt.Sprintf(`"estimates":%d`, n-1))
		}, first + " estimate_missing"},
		{"all estimates are left out", lies{}, func(h *hands) { h.remove("estimates/") }, second + " estimate_missing"},
		{"an erasure is left out", lies{}, func(h *hands) { h.remove(erased) }, erased + " estimate_missing"},
		{"an estimate's document is left out", lies{}, func(h *hands) { h.remove(first + "/estimate.json") }, first + "/estimate.json file_missing"},
		{"an estimate's inputs are left out", lies{}, func(h *hands) { h.remove(first + "/inputs.json") }, first + "/inputs.json file_missing"},
		{"an estimate's receipt is left out", lies{}, func(h *hands) { h.remove(first + "/receipt") }, first + "/receipt.tlog-proof receipt_missing"},
		{"an erasure excuses more claims than the person had", lies{}, made, first + receipt + " erasure_overused"},
		{"an erasure is another entry", lies{}, func(h *hands) { h.copy("snapshots/1/receipt.tlog-proof", erased+receipt) }, erased + receipt + " entry_type_wrong"},
		{"an erasure stands beside the estimate", lies{}, func(h *hands) { h.files[first+receipt] = h.files[erased+receipt] }, first + receipt + " erased_and_there"},
		{"an erasure is of a claim that was not drawn", lies{}, func(h *hands) { h.move(erased, other) }, other + receipt + " estimate_unsampled"},
		{"the manifest counts an erased claim as an estimate", lies{}, func(h *hands) { h.replace("bundle.json", `"erased":1`, `"erased":0`) }, "bundle.json manifest_wrong"},
	}
}
