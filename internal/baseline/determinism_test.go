package baseline_test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"redress/internal/baseline"
	"redress/internal/money"
	"redress/internal/revenue"
)

// sameBytes is the hash of a thousand results. It holds on every machine and
// build; whoever changes a figure on purpose changes Model and this with it.
const sameBytes = "93eddb63f5b10a2c95645be5c7c90b284f64a8f9d3a85946ff24b0db5249c55d"

func TestAThousandHistoriesGiveTheSameBytesOnAnyMachine(t *testing.T) {
	rng := rand.New(rand.NewPCG(20221015, 1530))
	hash := sha256.New()
	estimated := 0
	for range 1000 {
		res := estimate(t, wildInput(rng))
		if res.Outcome == baseline.Estimated {
			estimated++
		}
		if err := json.NewEncoder(hash).Encode(res); err != nil {
			t.Fatal(err)
		}
	}
	if estimated < 300 {
		t.Errorf("only %d of 1000 inputs carried an answer", estimated)
	}
	if got := hex.EncodeToString(hash.Sum(nil)); got != sameBytes {
		t.Errorf("the results hash to %s, want %s", got, sameBytes)
	}
}

// FuzzEstimate holds whatever comes out of random inputs against every promise.
// The first number draws the input; the others bend it: one amount, one state and
// the first window.
func FuzzEstimate(f *testing.F) {
	f.Add(uint64(1), int64(0), uint16(0), uint8(1), int64(0), int64(0))
	f.Add(uint64(2), int64(money.Max), uint16(300), uint8(1), int64(-500), int64(60))
	f.Add(uint64(3), -int64(money.Max), uint16(1000), uint8(2), int64(20000), int64(1))
	f.Add(uint64(4), int64(1), uint16(60000), uint8(0), int64(7), int64(200000))
	f.Fuzz(func(t *testing.T, seed uint64, amount int64, bucket uint16, state uint8, shift, stretch int64) {
		in := wildInput(rand.New(rand.NewPCG(seed, 4)))
		i := int(bucket) % in.History.Len()
		in.History.Amounts[i], in.History.States[i] = money.Minor(amount), revenue.State(state%3)
		in.Windows = in.Windows[:1]
		in.Windows[0].Start += revenue.Local(shift)
		in.Windows[0].End += revenue.Local(shift) + revenue.Local(stretch)
		res, err := baseline.Estimate(in)
		if err != nil {
			return
		}
		checkResult(t, in, res)
	})
}
