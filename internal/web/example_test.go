package web

import (
	"encoding/json"
	"os"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// A reader pastes an example and expects an answer, not a lesson in the schema.
func TestExamplesObeyTheContract(t *testing.T) {
	text, err := os.ReadFile("../../api/openapi.yaml")
	if err != nil {
		t.Fatal(err)
	}
	loader := openapi3.NewLoader()
	loader.IncludeOrigin = true
	doc, err := loader.LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	examples := 0
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.RequestBody == nil {
				continue
			}
			for mediaType, body := range op.RequestBody.Value.Content {
				if !isJSON(mediaType) {
					continue
				}
				examples++
				made := example(body.Schema)
				var value any
				if err := json.Unmarshal([]byte(made), &value); err != nil {
					t.Errorf("%s %s: %v in %s", method, path, err, made)
				} else if err := body.Schema.Value.VisitJSON(value, openapi3.EnableFormatValidation()); err != nil {
					t.Errorf("%s %s: %v in %s", method, path, err, made)
				}
			}
		}
	}
	if examples == 0 {
		t.Error("the contract has no JSON body")
	}
}
