package clearing_test

import (
	"testing"

	"settled/clearing"
	"settled/settle/settletest"
)

func TestSealAndBuild(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(1000)})
	w.Pay(t, settletest.Payment{Number: "2", Amount: byn(2550)})
	w.Pay(t, settletest.Payment{Number: "3", Amount: eur(999)})
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); n != 0 || err != nil {
		t.Fatalf("sealed %d before the cut-off: %v", n, err)
	}
	w.cutoff()
	n, err := w.night.SealDue(t.Context(), w.Clock.Now())
	if n != 1 || err != nil {
		t.Fatalf("sealed %d: %v", n, err)
	}
	n, err = w.night.BuildDue(t.Context(), w.Clock.Now())
	if n != 2 || err != nil {
		t.Fatalf("built %d: %v", n, err)
	}
	_ = clearing.FileBuilt
}
