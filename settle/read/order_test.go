package read_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/read"
	"settled/settle/settletest"
)

func TestOrderAsJSON(t *testing.T) {
	w := settletest.New(t)
	books := read.New(w.Pool, w.Dir)
	id := w.Pay(t, settletest.Payment{Number: "A-1", Amount: money.Amount{Minor: 23740, Currency: money.BYN}, TwoStage: true})
	e, err := books.Order(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"state":"Delayed"`, `"held":"237.40"`, `"card":"411111****1111"`, `"kind":"authorization"`, `"rule":"PR-M1"`, `"merchant":100001`} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in %s", want, text)
		}
	}
	if strings.Contains(string(text), settletest.Card) {
		t.Error("the card number is shown")
	}
	if _, err := books.Order(t.Context(), id+1); !errors.Is(err, settle.ErrNotFound) {
		t.Errorf("an order that does not exist: %v", err)
	}
}
