package fees_test

import (
	"math/rand/v2"
	"testing"

	"settled/internal/money"
	"settled/settle/fees"
)

// The shares of a fee never exceed it, and refunds of everything give back exactly it: for any fee, any parts, any order, and
// with parts that fail at any time and are asked for again.
func TestSharesOfAFeeAddUpToIt(t *testing.T) {
	random := rand.New(rand.NewPCG(8, 2026))
	for range 2000 {
		amount := 1 + random.Int64N(20_000)
		fee, err := money.BasisPoints(amount, random.Int64N(500))
		if err != nil {
			t.Fatal(err)
		}
		type part struct{ amount, back int64 }
		var parts []part
		var refunded, given int64
		for refunded < amount {
			if len(parts) > 0 && random.IntN(4) == 0 {
				i := random.IntN(len(parts))
				refunded, given = refunded-parts[i].amount, given-parts[i].back
				parts = append(parts[:i], parts[i+1:]...)
				continue
			}
			k := 1 + random.Int64N(amount-refunded)
			if random.IntN(2) == 0 {
				k = min(k, 1+random.Int64N(20))
			}
			back, err := fees.GiveBack(fee, amount, refunded+k, given)
			if err != nil || back < 0 {
				t.Fatal(back, err)
			}
			refunded, given = refunded+k, given+back
			parts = append(parts, part{k, back})
			if given > fee {
				t.Fatalf("%d of a fee of %d given back, with %d of %d refunded", given, fee, refunded, amount)
			}
		}
		if given != fee {
			t.Fatalf("all of %d refunded in %d parts gives back %d of a fee of %d", amount, len(parts), given, fee)
		}
	}
}
