package authorize_test

import (
	"net/http"
	"regexp"
	"strings"
	"testing"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// buyerOrder is a proven order of a buyer.
func buyerOrder(number, customer string) params {
	return proven(shopOrder(number), customer)
}

var savedField = regexp.MustCompile(`name="SavedCard" value="([^"]+)"`)

// A buyer keeps a card on the page, pays with it without typing it again, and deletes it.
func TestSavedCardsOnThePage(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	page := w.opened(buyerOrder("P-1", "buyer-7"))
	if first := w.follow(page).body; !strings.Contains(first, `name="SaveCard" value="1">`) || savedField.MatchString(first) {
		t.Fatalf("offer to save: %s", first)
	}
	w.submit(page, typed(pcsim.CardApproved).with(params{"SaveCard": "1"}))
	if got := w.state("P-1"); got != "Approved" {
		t.Fatalf("first payment: %s", got)
	}
	page = w.opened(buyerOrder("P-2", "buyer-7"))
	shown := w.follow(page).body
	id := savedField.FindStringSubmatch(shown)
	list, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7")
	check(t, err)
	if id == nil || len(list) != 1 || !strings.Contains(shown, "1111") || strings.Contains(shown, list[0].ID.String()) {
		t.Fatalf("%d cards, page: %s", len(list), shown)
	}
	w.submit(page, params{"Do": "pay", "Means": "card", "SavedCard": id[1]})
	if got := w.state("P-2"); got != "Approved" {
		t.Errorf("payment with the saved card: %s", got)
	}
	other := w.opened(buyerOrder("P-3", "buyer-8"))
	if savedField.MatchString(w.follow(other).body) {
		t.Error("another buyer sees the card")
	}
	w.submit(other, params{"Do": "pay", "Means": "card", "SavedCard": id[1]})
	w.submit(other, params{"Do": "delete", "DeleteCard": id[1]})
	page = w.opened(buyerOrder("P-4", "buyer-7"))
	w.submit(page, params{"Do": "delete", "DeleteCard": id[1]}) // of another order's page
	if got := w.state("P-3"); got != "In Process" {
		t.Errorf("another buyer's payment: %s", got)
	}
	id = savedField.FindStringSubmatch(w.follow(page).body)
	if id == nil {
		t.Fatal("somebody else deleted the card")
	}
	if r := w.send(http.MethodPost, page, params{"Do": "delete", "DeleteCard": id[1], "Session": "x"}.encode()); r.status != http.StatusForbidden {
		t.Errorf("without our form: %d", r.status)
	}
	if r := w.submit(page, params{"Do": "delete", "DeleteCard": id[1]}); r.status != http.StatusSeeOther || savedField.MatchString(w.follow(page).body) {
		t.Errorf("deleted: %d %s", r.status, r.body)
	}
	if list, err = w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7"); err != nil || len(list) != 0 {
		t.Errorf("%d cards are left, %v", len(list), err)
	}
}

// Anybody can post an order with anybody's number: without a proof of the merchant no stored card is shown, and the order
// of a proven request is not found by one that is not.
func TestSavedCardsNeedAProof(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	w.kept(paymentOf("T-1"), "buyer-7")
	page := w.opened(buyerOrder("P-1", "buyer-7"))
	id := savedField.FindStringSubmatch(w.follow(page).body)
	if id == nil {
		t.Fatal("the buyer's card is not shown")
	}
	if r := w.send(http.MethodPost, orderPage, shopOrder("P-1").with(params{"CustomerNumber": "buyer-7"}).encode()); r.status == http.StatusSeeOther {
		t.Errorf("the same order without a proof leads to %s", r.header.Get("Location"))
	}
	page = w.opened(shopOrder("P-2").with(params{"CustomerNumber": "buyer-7"}))
	if savedField.MatchString(w.follow(page).body) {
		t.Error("the card is shown to whoever posts an order")
	}
}

// The merchant's setting decides whether the verification code is asked for again.
func TestCodeOfASavedCard(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	w.kept(paymentOf("T-1"), "buyer-7")
	w.shop(func(m *tenants.Merchant) { m.Page.AskCode = true })
	page := w.opened(buyerOrder("P-1", "buyer-7"))
	id := savedField.FindStringSubmatch(w.follow(page).body)
	if r := w.submit(page, params{"Do": "pay", "Means": "card", "SavedCard": id[1]}); r.status != http.StatusUnprocessableEntity {
		t.Errorf("without a code: %d", r.status)
	}
	w.submit(page, params{"Do": "pay", "Means": "card", "SavedCard": id[1], "Cvc2": "123"})
	if got := w.state("P-1"); got != "Approved" {
		t.Errorf("with a code: %s", got)
	}
}
