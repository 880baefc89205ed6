package authorize_test

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/authorize/threeds"
	"settled/internal/pcsim"
	"settled/settle/authentication"
	"settled/settle/settletest"
)

// newSecurePage is a world whose first merchant has card holders authenticated on the page.
func newSecurePage(t *testing.T) (*world, *pcsim.ACS) {
	t.Helper()
	w := newWorld(t, pcsim.Behavior{})
	secret := []byte("a secret of more than sixteen bytes")
	acs, err := pcsim.NewACS(pcsim.ACSOptions{KeyID: "settled", Secret: secret, Now: w.Clock.Now})
	check(t, err)
	check(t, acs.Start())
	client, err := threeds.New(threeds.Options{BaseURL: acs.URL(), KeyID: "settled", Secret: secret, Timeout: 2 * time.Second, Now: w.Clock.Now,
		Log: slog.New(slog.NewTextHandler(w.logs, nil))})
	check(t, err)
	t.Cleanup(func() { client.Close(); check(t, acs.Close()) })
	w.options.ThreeDS = client
	w.shop(func(m *tenants.Merchant) { m.Page.ThreeDS = true })
	return w, acs
}

// secured pays an order by a card of the ACS and returns the path of its page.
func (w *world) secured(number, card string) string {
	w.t.Helper()
	path := w.opened(shopOrder(number))
	if r := w.submit(path, typed(card)); r.status != http.StatusSeeOther {
		w.t.Fatalf("payment: %d %s", r.status, r.body)
	}
	return path
}

// proof is how the first payment of an order was authenticated.
func (w *world) proof(path string, operation int16) authentication.Authentication {
	w.t.Helper()
	all, err := w.Authentications().Of(w.t.Context(), settletest.Merchant, w.orderAt(path).ID)
	check(w.t, err)
	for _, a := range all {
		if a.Operation == operation {
			return a
		}
	}
	w.t.Fatalf("no authentication of operation %d", operation)
	return authentication.Authentication{}
}

// bankForm is a form that a browser without a script would show a button for.
type bankForm struct {
	action string
	fields url.Values
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

func formOf(t *testing.T, text string) bankForm {
	t.Helper()
	found := formAction.FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no form in %s", text)
	}
	f := bankForm{html.UnescapeString(found[1]), url.Values{}}
	text, _, _ = strings.Cut(text[strings.Index(text, found[0]):], "</form>")
	for _, field := range formField.FindAllStringSubmatch(text, -1) {
		f.fields.Set(html.UnescapeString(field[1]), html.UnescapeString(field[2]))
	}
	return f
}

// visitBank posts a form to a page of the cardholder's bank.
func (w *world) visitBank(f bankForm) string {
	w.t.Helper()
	response, err := w.server.Client().PostForm(f.action, f.fields)
	check(w.t, err)
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	check(w.t, err)
	return string(text)
}

// bringBack posts a form of the bank to us.
func (w *world) bringBack(f bankForm) reply {
	w.t.Helper()
	return w.send(http.MethodPost, strings.TrimPrefix(f.action, w.server.URL), f.fields.Encode())
}

func TestCardholderIsAuthenticatedWithoutAPage(t *testing.T) {
	w, _ := newSecurePage(t)
	w.shop(func(m *tenants.Merchant) { m.Page.Unproven = true })
	for card, want := range map[string]authentication.Authentication{
		"4000000000003022":    {Status: "A", ECI: "06", Required: 1},
		"5413339999003017":    {Status: "Y", ECI: "02", Required: 1},
		pcsim.CardNotEnrolled: {Status: "", Required: 0},
		"4000000000003048":    {Status: "", Required: -1},
		pcsim.CardUnavailable: {Status: "U", Required: 1},
		pcsim.CardACSError:    {Status: "U", Required: 1},
	} {
		path := w.secured("S-"+card[8:], card)
		if o := w.orderAt(path); o.State() != "Approved" {
			t.Errorf("%s: order is %s", card, o.State())
		}
		got := w.proof(path, 1)
		if got.State != authentication.Passed || got.Status != want.Status || got.Required != want.Required || want.ECI != "" && got.ECI != want.ECI {
			t.Errorf("%s: %+v", card, got)
		}
	}
}

func TestCardholderWhoIsNotAuthenticatedDoesNotPay(t *testing.T) {
	w, _ := newSecurePage(t)
	for card, response := range map[string]string{"4000000000003063": "AS100", pcsim.CardRejected: "AS108"} {
		path := w.secured("S-"+card[8:], card)
		wantText(t, w.follow(path), http.StatusOK, "Your bank did not confirm that it is you", `name="Cardnumber"`)
		o := w.orderAt(path)
		if o.State() != "In Process" || o.TriesLeft != 2 || o.Payment().Response != response || len(o.Transactions) != 0 {
			t.Errorf("%s: %s, %d tries, %+v", card, o.State(), o.TriesLeft, o.Payment())
		}
		w.submit(path, typed(pcsim.CardFrictionless).with(params{"Cardnumber": "5413339999003017"}))
		if o := w.orderAt(path); o.State() != "Approved" {
			t.Errorf("%s: after another card the order is %s", card, o.State())
		}
	}
}

func TestBankLooksAtTheBrowser(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.secured("M-1", pcsim.CardMethod)
	page := w.follow(path)
	frame := formOf(t, page.body)
	back := formOf(t, w.visitBank(frame))
	wantText(t, w.bringBack(back), http.StatusOK, "Done")
	r := w.submit(path, params{"Do": "continue"})
	if r.status != http.StatusSeeOther {
		t.Fatalf("continue: %d %s", r.status, r.body)
	}
	if o := w.orderAt(path); o.State() != "Approved" || w.proof(path, 1).Status != "Y" {
		t.Fatalf("order is %s, %+v", o.State(), w.proof(path, 1))
	}
}

func TestBankAsksTheCardholder(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.secured("C-1", pcsim.CardChallenge)
	asked := formOf(t, w.follow(path).body)
	if asked.fields.Get("creq") == "" || asked.fields.Get("threeDSSessionData") == "" {
		t.Fatalf("challenge %v", asked)
	}
	typedCode := formOf(t, w.visitBank(asked))
	typedCode.fields.Set("code", pcsim.ChallengeCode)
	back := formOf(t, w.visitBank(typedCode))
	r := w.bringBack(back)
	if r.status != http.StatusSeeOther || !strings.HasPrefix(r.header.Get("Location"), path) {
		t.Fatalf("back from the bank: %d %s %s", r.status, r.header.Get("Location"), r.body)
	}
	if o := w.orderAt(path); o.State() != "Approved" || w.proof(path, 1).ECI != "05" {
		t.Fatalf("order is %s, %+v", o.State(), w.proof(path, 1))
	}
	if again := w.bringBack(back); again.status != http.StatusSeeOther || len(w.orderAt(path).Transactions) != 1 {
		t.Fatalf("the bank's form twice: %d, %d transactions", again.status, len(w.orderAt(path).Transactions))
	}
}

func TestChallengeIsNotBelieved(t *testing.T) {
	w, _ := newSecurePage(t)
	path, other := w.secured("C-2", pcsim.CardChallenge), w.secured("C-3", pcsim.CardChallenge)
	asked, othersAsked := formOf(t, w.follow(path).body), formOf(t, w.follow(other).body)
	typedCode := formOf(t, w.visitBank(othersAsked))
	typedCode.fields.Set("code", pcsim.ChallengeCode)
	othersBack := formOf(t, w.visitBank(typedCode))
	foreign := bankForm{othersBack.action, url.Values{"cres": {othersBack.fields.Get("cres")}, "threeDSSessionData": {asked.fields.Get("threeDSSessionData")}}}
	wantText(t, w.bringBack(foreign), http.StatusBadRequest)
	forged := bankForm{othersBack.action, url.Values{"cres": {"e30"}, "threeDSSessionData": {asked.fields.Get("threeDSSessionData")}}}
	wantText(t, w.bringBack(forged), http.StatusBadRequest)
	unsigned := bankForm{othersBack.action, url.Values{"cres": {othersBack.fields.Get("cres")}, "threeDSSessionData": {"AAAA"}}}
	wantText(t, w.bringBack(unsigned), http.StatusNotFound)
	if o := w.orderAt(path); o.State() != "In Process" || len(o.Transactions) != 0 {
		t.Fatalf("order is %s", o.State())
	}
	if state := w.stateAt(path); state["page"] != "challenge" {
		t.Fatalf("state %v", state)
	}
}

func TestChallengeIsGivenUp(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.secured("C-4", pcsim.CardChallenge)
	w.Clock.Advance(authentication.Within)
	n, err := w.gateway.AuthenticateDue(t.Context())
	check(t, err)
	o := w.orderAt(path)
	if n != 1 || o.State() != "In Process" || w.proof(path, 1).State != authentication.Failed {
		t.Fatalf("%d looked at, order is %s, %+v", n, o.State(), w.proof(path, 1))
	}
	wantText(t, w.follow(path), http.StatusOK, "Your bank did not confirm that it is you")
}

func TestCardholderIsAskedByOtherWays(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.secured("D-1", pcsim.CardDecoupled)
	if state := w.stateAt(path); state["page"] != "wait" || state["orderstate"] != "In Process" {
		t.Fatalf("state %v", state)
	}
	w.Clock.Advance(5 * time.Second)
	n, err := w.gateway.AuthenticateDue(t.Context())
	check(t, err)
	if o := w.orderAt(path); n != 1 || o.State() != "Approved" {
		t.Fatalf("%d looked at, order is %s", n, o.State())
	}
	path = w.secured("D-2", pcsim.CardDecoupled)
	w.Clock.Advance(5 * time.Second)
	if state := w.stateAt(path); state["orderstate"] != "Approved" {
		t.Fatalf("a page that asks: %v", state)
	}
}

// A restart loses the code, and nothing else.
func TestChallengeOutlivesTheProcess(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.secured("C-5", pcsim.CardChallenge)
	asked := formOf(t, w.follow(path).body)
	typedCode := formOf(t, w.visitBank(asked))
	typedCode.fields.Set("code", pcsim.ChallengeCode)
	back := formOf(t, w.visitBank(typedCode))
	back.action = "/pay/3ds/result"
	w.open()
	w.bringBack(back)
	if o := w.orderAt(path); o.State() != "Approved" {
		t.Fatalf("order is %s", o.State())
	}
}

func TestSecurePaymentsLeaveNoCode(t *testing.T) {
	w, _ := newSecurePage(t)
	path := w.opened(shopOrder("C-6"))
	w.submit(path, typed(pcsim.CardChallenge).with(params{"Cvc2": "9713"}))
	typedCode := formOf(t, w.visitBank(formOf(t, w.follow(path).body)))
	typedCode.fields.Set("code", pcsim.ChallengeCode)
	w.bringBack(formOf(t, w.visitBank(typedCode)))
	if o := w.orderAt(path); o.State() != "Approved" {
		t.Fatalf("order is %s", o.State())
	}
	if logs := w.logs.String(); strings.Contains(logs, "9713") || strings.Contains(logs, pcsim.CardChallenge) {
		t.Error("the log holds card data")
	}
}
