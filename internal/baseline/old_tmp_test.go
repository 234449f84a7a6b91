package baseline_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"redress/internal/baseline"
	"redress/internal/lang"
)

type oldResult struct {
	Model       string                   `json:"model"`
	Outcome     baseline.Outcome         `json:"outcome"`
	Reason      *baseline.Reason         `json:"reason,omitempty"`
	Total       *baseline.Figures        `json:"total,omitempty"`
	Windows     []baseline.WindowFigures `json:"windows"`
	Placebo     baseline.Placebo         `json:"placebo"`
	Basis       baseline.Basis           `json:"basis"`
	Explanation []lang.Text              `json:"explanation"`
}

func TestTmpOldBytes(t *testing.T) {
	rng := rand.New(rand.NewPCG(20221015, 1530))
	hash := sha256.New()
	rules := map[string]int{}
	for range 1000 {
		r := estimate(t, wildInput(rng))
		for _, x := range r.Rules {
			rules[x.Name]++
		}
		_ = json.NewEncoder(hash).Encode(oldResult{r.Model, r.Outcome, r.Reason, r.Total, r.Windows, r.Placebo, r.Basis, r.Explanation})
	}
	t.Log(hex.EncodeToString(hash.Sum(nil)) == "9d4d28942ec262dc255637f35ae0b803b9eaa14b2be023b948c7d505a8020d31", rules)
}
