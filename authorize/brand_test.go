package authorize_test

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// Published test numbers of brands.
const (
	cardMastercard = "5555555555554444"
	cardMir        = "2200000000000004"
	cardAmex       = "378282246310005"
	cardMaestro    = "6759649826438453"
)

// takingBrands is a world whose file center takes Visa and Maestro only; the others are as usual.
func takingBrands(t *testing.T) *world {
	t.Helper()
	return newWorld(t, pcsim.Behavior{}, func(d *settle.Directory) {
		c, _ := d.Center(settletest.FileCenter)
		c.Brands = []settle.Brand{settle.Visa, settle.Maestro}
	})
}

// A card of a brand that the center does not take is refused in the terms of the protocol, and leaves nothing.
func TestBrandsOfACenter(t *testing.T) {
	w := takingBrands(t)
	for number, want := range map[string]struct {
		currency, card string
		first, second  int
	}{
		"refused":        {"BYN", cardMastercard, 14, 203},
		"mir":            {"BYN", cardMir, 14, 203},
		"taken":          {"BYN", pcsim.CardApproved, 0, 0},
		"usual":          {"USD", cardMastercard, 0, 0},
		"not usual":      {"USD", cardAmex, 14, 203},
		"nor is Maestro": {"USD", cardMaestro, 14, 203},
	} {
		r := w.call(pay, paymentOf(number).with(params{"OrderCurrency": want.currency, "Cardnumber": want.card}))
		if r.First != want.first || r.Second != want.second {
			t.Errorf("%s: %d/%d, not %d/%d", number, r.First, r.Second, want.first, want.second)
		}
		found := w.call(orderState, credentials().with(params{"Ordernumber": number}))
		if refused := want.first != 0; refused != (found.First == 10) {
			t.Errorf("%s: afterwards %+v", number, found)
		}
	}
}

// What was stored before a center gave a brand up is refused by the token, and as a later payment.
func TestBrandsOfStoredCards(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	token := w.kept(paymentOf("S-1"), "buyer-7")
	first := w.call(pay, recurring("S-2"))
	c, _ := w.Dir.Center(settletest.FileCenter)
	c.Brands = []settle.Brand{settle.Mir}
	w.wantCodes("a token", w.call(tokenPay, tokenPayment("S-3", token, "buyer-7")), 14, 203)
	w.month()
	w.wantCodes("a later payment", w.call(rp, next(strings.TrimSuffix(first.Order["billnumber"], ".1"), "S-4")), 14, 203)
}

// The page shows the marks of what the route of the order's currency takes, and refuses other cards before they are paid with.
func TestBrandsOnThePage(t *testing.T) {
	w := takingBrands(t)
	w.shop()
	for currency, want := range map[string][]string{"BYN": {"Visa", "Maestro"}, "USD": {"Visa", "Mastercard", "Mir", "Belkart"}} {
		shown := w.follow(w.opened(shopOrder("M-" + currency).with(params{"OrderCurrency": currency})))
		var marks []string
		for _, part := range strings.Split(shown.body, `data-scheme="`)[1:] {
			if name, _, _ := strings.Cut(part, `"`); !strings.Contains(name, "accepted") {
				marks = append(marks, name)
			}
		}
		if !slices.Equal(marks, want) {
			t.Errorf("%s: the marks are %v, not %v", currency, marks, want)
		}
	}
	path := w.opened(shopOrder("M-1"))
	wantText(t, w.submit(path, typed(cardMastercard)), http.StatusUnprocessableEntity, "This kind of card is not accepted")
	if o := w.orderAt(path); len(o.Operations) != 0 || o.TriesLeft != 3 {
		t.Errorf("a refused card left %d operations and %d tries", len(o.Operations), o.TriesLeft)
	}
	w.submit(path, typed(pcsim.CardApproved))
	if state := w.orderAt(path).State(); state != "Approved" {
		t.Errorf("the order is %s", state)
	}
}
