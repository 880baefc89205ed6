package authorize_test

import (
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
)

// proven adds the number of a buyer, and the check value of the order.
func proven(p params, customer string) params {
	hash := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	x := strings.Join([]string{p["Merchant_ID"], p["OrderNumber"], p["OrderAmount"], p["OrderCurrency"], customer}, ";")
	return p.with(params{"CustomerNumber": customer, "Checkvalue": strings.ToUpper(hash(strings.ToUpper(hash("secret") + hash(x))))})
}

func TestBuyersKeepCards(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.OneClick = true })
	path := w.opened(proven(shopOrder("K-1"), "C-1"))
	wantText(t, w.follow(path), http.StatusOK, `name="SaveCard"`)
	w.submit(path, typed(pcsim.CardApproved).with(params{"SaveCard": "1"}))
	path = w.opened(proven(shopOrder("K-2"), "C-1"))
	page := w.follow(path)
	wantText(t, page, http.StatusOK, "•••• 1111", `name="SavedCard"`)
	found, err := w.Credentials().Of(t.Context(), 100001, "C-1")
	check(t, err)
	id := savedField.FindStringSubmatch(page.body)[1]
	if strings.Contains(page.body, found[0].ID.String()) {
		t.Error("the token of the card is on the page")
	}
	wantText(t, w.submit(path, params{"Do": "pay", "Means": "card", "SavedCard": id, "Cvc2": "1"}), http.StatusUnprocessableEntity, "Check the code")
	unproven := w.send(http.MethodPost, orderPage, shopOrder("K-2").with(params{"CustomerNumber": "C-1"}).encode())
	wantText(t, unproven, http.StatusBadRequest, "11/107")
	w.submit(path, params{"Do": "pay", "Means": "card", "SavedCard": id, "Cvc2": "123"})
	if o := w.orderAt(path); o.State() != "Approved" || o.CardMask != "411111****1111" {
		t.Fatalf("order is %s with %q", o.State(), o.CardMask)
	}
	for name, p := range map[string]params{"somebody else": proven(shopOrder("K-3"), "C-2"), "nobody proves it": shopOrder("K-4").with(params{"CustomerNumber": "C-1"})} {
		path := w.opened(p)
		if body := w.follow(path).body; strings.Contains(body, "1111") || strings.Contains(body, id) {
			t.Errorf("%s: the page shows a card of another buyer", name)
		}
		wantText(t, w.submit(path, params{"Do": "pay", "Means": "card", "SavedCard": id, "Cvc2": "123"}), http.StatusUnprocessableEntity)
		w.submit(path, params{"Do": "delete", "DeleteCard": id})
	}
	path = w.opened(proven(shopOrder("K-5"), "C-1"))
	w.submit(path, params{"Do": "delete", "DeleteCard": id})
	if body := w.follow(path).body; strings.Contains(body, id) {
		t.Error("the page shows a card that was deleted")
	}
}
