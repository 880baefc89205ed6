package authorize

import (
	"strings"
	"testing"

	"settled/internal/vault"
)

// TestEveryParameterHasACardRule is what a new parameter fails on until somebody decides what becomes of a card number in it.
func TestEveryParameterHasACardRule(t *testing.T) {
	const shortest = 13
	for id, rule := range cardRules {
		p := params[id]
		switch {
		case rule == 0:
			t.Errorf("%s has no rule", p.name)
		case rule == cardShort && p.max >= shortest:
			t.Errorf("%s has room for a card number", p.name)
		case rule != cardOwn && rule < cardMasked && describing[id] != refused && p.max >= shortest:
			t.Errorf("%s describes the buyer, and stops a sale", p.name)
		}
	}
}

// TestCardDataInParameters sends card data in each parameter, and looks at what is left of it and at what is said.
func TestCardDataInParameters(t *testing.T) {
	const number = "4111 1111 1111 1111"
	for id, rule := range cardRules {
		p := params[id]
		if rule == cardOwn || rule == cardShort {
			continue
		}
		value := map[in]string{inChequeItems: `{"items":[{"name":"` + number + `","price":1,"quantity":1,"amount":1,"cvv":"917"}]}`}[in(id)]
		if value == "" {
			value = number
		}
		c, err := readCall(t, p.name+"="+strings.NewReplacer(" ", "+", `"`, "%22").Replace(value))
		if f := faultIn(err); rule == cardRefused && (f.first != errProhibitedObject || f.second != p.second || !strings.Contains(f.detail, p.name)) ||
			rule != cardRefused && err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if len(c.cards) == 0 || c.cards[0] != (cardFound{p.name, cardDone[rule]}) {
			t.Errorf("%s: noted %v", p.name, c.cards)
		}
		left := c.text(in(id))
		if rule >= cardMasked && (left == "") != (rule == cardLeftOut) || strings.Contains(left, "11 1111 1111") || strings.Contains(left, "917") {
			t.Errorf("%s: %q is left", p.name, left)
		}
	}
}

// TestListedCardData names what means a code, and what only begins alike.
func TestListedCardData(t *testing.T) {
	for name, want := range map[string]string{"ccv": "14", "Track2": "14", "cid": "dropped", "card-pin": "dropped", "tracking": "kept", "shipping": "kept", "incident": "kept"} {
		c, err := readCall(t, "ListParameters=Gift,"+name+"&Gift=a&"+name+"=917")
		switch got := faultIn(err); {
		case want == "14":
			if err == nil || got.first != errProhibitedObject || len(c.listed) != 0 {
				t.Errorf("%s: %v, %d kept", name, err, len(c.listed))
			}
		case err != nil || len(c.listed) != map[string]int{"dropped": 1, "kept": 2}[want] || len(c.cards) > 0 != (want == "dropped"):
			t.Errorf("%s: %v, %d kept, noted %v", name, err, len(c.listed), c.cards)
		}
	}
	c, err := readCall(t, `{"ListParameters":"Data","Data":"{\"cvv\":\"917\",\"pan\":\"4111-1111-1111-1111\",\"n\":\"x\"}"}`)
	if err != nil || len(c.listed) != 1 || string(c.listed[0].value) != "{cvv:***,pan:4111-11**-****-1111,n:x}" {
		t.Errorf("%v: %d fields, %q", err, len(c.listed), c.listed[0].value)
	}
}

// TestBillNumbersAreNoCards takes a bill number of ours in a comment for what it is, when it was given out, and else not.
func TestBillNumbersAreNoCards(t *testing.T) {
	const bill = "5100001000000006" // with the check digit of a card
	if !vault.Issued(bill) {
		t.Fatal("it does not look like a card's")
	}
	c := &call{bills: func(id int64) bool { return id == 5100001000000006 }}
	for text, want := range map[string]bool{bill: false, "again " + bill + ".1": false, "5100001000000014": true, "5555555555554444": true} {
		if _, found := c.scan(inOrderNumber, []byte(text)); found != want {
			t.Errorf("%s: found is %v", text, found)
		}
	}
	c.bills = nil
	if _, found := c.scan(inOrderNumber, []byte(bill)); !found {
		t.Error("who knows no bill numbers lets one pass")
	}
}
