package authorize_test

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/internal/vault"
	"settled/settle/settletest"
)

// rotates adds a generation to the keys and takes it up, as a running process does.
func (w *world) rotates(p vault.Purpose) uint16 {
	w.t.Helper()
	key, err := vault.RotateHashes(w.KeyFile, p)
	check(w.t, err)
	check(w.t, w.Vault.Reload())
	return key.Number
}

// revokes makes a generation good for nothing.
func (w *world) revokes(p vault.Purpose, generation uint16) {
	w.t.Helper()
	_, err := vault.Revoke(w.KeyFile, p, generation, vault.Revocation{At: time.Now(), Reason: "seen in a log"})
	check(w.t, err)
	check(w.t, w.Vault.Reload())
}

// requests is how many messages centers decided.
func (w *world) requests() (n int64) {
	for _, c := range w.centers {
		n += c.Books().Requests
	}
	return n
}

// Addresses and forms from before a rotation are good, those from after it too; when the generation before is revoked, its addresses lead
// nowhere, and payments by the others go on.
func TestLinksHaveGenerations(t *testing.T) {
	w := newPage(t)
	old, paid := w.opened(shopOrder("G-1")), w.opened(shopOrder("G-2"))
	form := token(t, w.follow(paid))
	w.rotates(vault.Links)
	young := w.opened(shopOrder("G-3"))
	if len(nameOf(young)) == len(nameOf(old)) {
		t.Fatal("an address does not say its generation")
	}
	for _, path := range []string{old, young} {
		wantText(t, w.follow(path), http.StatusOK, `name="Cardnumber"`)
	}
	w.send(http.MethodPost, paid, typed(pcsim.CardApproved).with(params{"Session": form}).encode()) // a page that was open all the while
	if o := w.orderAt(paid); o.State() != "Approved" {
		t.Fatalf("a form from before the rotation: order is %s", o.State())
	}
	oldForm := token(t, w.follow(old)) // made now, by an address from before
	w.revokes(vault.Links, 0)
	before := w.snapshot()
	for _, path := range []string{old, paid} {
		wantText(t, w.send(http.MethodGet, path, ""), http.StatusNotFound)
		wantText(t, w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": form}).encode()), http.StatusNotFound)
	}
	w.unchanged("addresses of a revoked generation", before)
	if oldForm == form {
		t.Error("a page that is shown after the rotation has a form from before it")
	}
	w.submit(young, typed(pcsim.CardApproved))
	if o := w.orderAt(young); o.State() != "Approved" {
		t.Errorf("the order of another generation is %s", o.State())
	}
	again := w.opened(shopOrder("G-1")) // the shop sends its buyer again
	w.submit(again, typed(pcsim.CardApproved))
	if o := w.orderAt(again); o.State() != "Approved" || o.Number != "G-1" || nameOf(again) == nameOf(old) {
		t.Errorf("order %s is %s", o.Number, o.State())
	}
}

// A form of a revoked generation at an address that is good: nothing is paid, and the buyer gets the page anew.
func TestFormOfARevokedGeneration(t *testing.T) {
	w := newPage(t)
	form := token(t, w.follow(w.opened(shopOrder("G-1"))))
	w.revokes(vault.Links, 0)
	path := w.opened(shopOrder("G-1"))
	sent := w.requests()
	r := w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": form}).encode())
	if r.status != http.StatusSeeOther || nameOf(r.header.Get("Location")) != nameOf(path) || w.requests() != sent {
		t.Fatalf("%d %s, %d messages", r.status, r.header.Get("Location"), w.requests()-sent)
	}
	wantText(t, w.follow(r.header.Get("Location")), http.StatusOK, `name="Cardnumber"`)
	w.submit(path, typed(pcsim.CardApproved))
	if o := w.orderAt(path); o.State() != "Approved" {
		t.Errorf("order is %s", o.State())
	}
	forged := w.send(http.MethodPost, path, typed(pcsim.CardApproved).with(params{"Session": changedAt(token(t, w.follow(w.opened(shopOrder("G-2")))), 5)}).encode())
	wantText(t, forged, http.StatusForbidden)
}

// A stored card that a page from before the rotation names is the same card.
func TestStoredCardOfAnOpenPage(t *testing.T) {
	w := newPage(t, func(m *tenants.Merchant) { m.Page.OneClick = true })
	w.submit(w.opened(proven(shopOrder("K-1"), "C-1")), typed(pcsim.CardApproved).with(params{"SaveCard": "1"}))
	path := w.opened(proven(shopOrder("K-2"), "C-1"))
	page := w.follow(path)
	chosen := params{"Session": token(t, page), "Do": "pay", "Means": "card", "SavedCard": savedField.FindStringSubmatch(page.body)[1], "Cvc2": "123"}
	w.rotates(vault.Links)
	w.send(http.MethodPost, path, chosen.encode())
	if o := w.orderAt(path); o.State() != "Approved" || o.CardMask != "411111****1111" {
		t.Errorf("order is %s with %q", o.State(), o.CardMask)
	}
}

// While keys are rotated again and again no request fails, each repeat is known for one, and nothing is paid twice.
func TestRotationUnderLoad(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	const workers, each = 4, 6
	var working sync.WaitGroup
	bills := make([][]string, workers)
	for i := range workers {
		working.Go(func() {
			for n := range each {
				p := paymentOf(fmt.Sprintf("L-%d-%d", i, n)).with(params{"ClientIP": fmt.Sprintf("10.0.%d.%d", i, n)})
				if n%2 == 1 {
					p["CustomerNumber"] = fmt.Sprintf("buyer-%d", i)
				}
				first, again := w.call(pay, p), w.call(pay, p)
				if first.Order["responsecode"] != "AS000" || again.Order["billnumber"] != first.Order["billnumber"] {
					t.Errorf("%s: %v, then %v", p["OrderNumber"], first, again)
				}
				bills[i] = append(bills[i], p["OrderNumber"], first.Order["billnumber"])
			}
		})
	}
	for range 5 {
		time.Sleep(30 * time.Millisecond) // some of the payments
		w.rotates(vault.Prints)
		w.rotates(vault.Links)
	}
	working.Wait()
	if got := w.requests(); got != workers*each {
		t.Errorf("centers were asked %d times for %d payments", got, workers*each)
	}
	for i := range workers {
		for k := 0; k < len(bills[i]); k += 2 {
			o, err := w.Books.ByNumber(t.Context(), settletest.Merchant, bills[i][k])
			check(t, err)
			if !strings.HasPrefix(bills[i][k+1], fmt.Sprint(o.ID)) || o.Attempt != 1 {
				t.Errorf("order %s is %d, attempt %d; told was %s", o.Number, o.ID, o.Attempt, bills[i][k+1])
			}
		}
		if stored, err := w.Credentials().Of(t.Context(), settletest.Merchant, fmt.Sprintf("buyer-%d", i)); err != nil || len(stored) != 1 {
			t.Errorf("buyer %d has %d cards, %v", i, len(stored), err)
		}
	}
}

// Where the key is gone by which a repeat would be known, it is refused: nobody is asked for money a second time, also not after a decline
// that the repeat would be answered with. Other requests go on.
func TestRepeatsOfARevokedGeneration(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	paid, kept := paymentOf("R-1"), paymentOf("R-2").with(params{"CustomerNumber": "buyer-7"})
	declined := paymentOf("R-3").with(params{"Cardnumber": pcsim.CardInsufficientFunds}) // the shop does not hear of it
	unheard, told := declined.with(params{"OrderNumber": "R-6"}), declined.with(params{"OrderNumber": "R-7"})
	token := w.kept(paymentOf("R-0"), "buyer-7")
	byToken := tokenPayment("R-4", token, "buyer-7")
	for _, p := range []params{paid, kept} {
		w.paid(p)
	}
	w.loseAnswer(pay, declined)
	w.loseAnswer(pay, unheard)
	w.call(pay, told)
	w.form(tokenPay, byToken)
	w.rotates(vault.Prints)
	for _, p := range []params{paid, kept, declined} {
		sent := w.requests()
		if w.call(pay, p); w.requests() != sent {
			t.Errorf("%s was sent again after a rotation", p["OrderNumber"])
		}
	}
	w.revokes(vault.Prints, 0)
	sent := w.requests()
	for _, p := range []params{paid, kept, unheard} {
		w.wantCodes(p["OrderNumber"], w.call(pay, p), 11, 107)
	}
	w.form(tokenPay, byToken)
	if got := w.requests() - sent; got != 0 {
		t.Errorf("%d repeats were sent", got)
	}
	w.paid(paymentOf("R-5"))
	if w.call(pay, told); w.requests() != sent+2 {
		t.Error("what was told as declined is not tried again")
	}
}

// A name of a revoked generation leads nowhere, whatever number is written before it.
func TestNamesOfAnotherGenerationCannotBeMade(t *testing.T) {
	w := newPage(t)
	path := w.opened(shopOrder("A-1"))
	generation := w.rotates(vault.Links)
	name := nameOf(w.opened(shopOrder("A-1")))
	w.revokes(vault.Links, generation)
	before := w.snapshot()
	for what, name := range map[string]string{"revoked": name, "its number changed": "AAA" + name[3:], "without its number": name[4:]} {
		if r := w.send(http.MethodGet, "/pay/pay.cfm?CFSID="+url.QueryEscape(name), ""); r.status != http.StatusNotFound {
			t.Errorf("%s: %d", what, r.status)
		}
	}
	w.unchanged("names of a revoked generation", before)
	wantText(t, w.follow(path), http.StatusOK, `name="Cardnumber"`)
}
