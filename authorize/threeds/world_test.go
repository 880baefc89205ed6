package threeds_test

import (
	"context"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"settled/authorize/threeds"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var secret = []byte("a secret of more than sixteen bytes")

var noon = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

// clock is a virtual clock that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a client, a server, a shop's page that banks send browsers back to, and a browser.
type world struct {
	t       testing.TB
	acs     *pcsim.ACS
	client  *threeds.Client
	clock   *clock
	log     *strings.Builder
	shop    *httptest.Server
	posted  chan url.Values // what browsers brought to the shop
	browser *http.Client
}

func newWorld(t testing.TB, change func(*threeds.Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: noon}, log: &strings.Builder{}, posted: make(chan url.Values, 1), browser: &http.Client{Transport: &http.Transport{}}}
	var err error
	if w.acs, err = pcsim.NewACS(pcsim.ACSOptions{KeyID: "settled", Secret: secret, Now: w.clock.now}); err != nil {
		t.Fatal(err)
	}
	if err := w.acs.Start(); err != nil {
		t.Fatal(err)
	}
	w.shop = httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		w.posted <- r.PostForm
	}))
	o := threeds.Options{
		BaseURL: w.acs.URL(), KeyID: "settled", Secret: secret, Timeout: 5 * time.Second, Now: w.clock.now,
		Log: slog.New(slog.NewTextHandler(w.log, nil)),
	}
	if change != nil {
		change(&o)
	}
	if w.client, err = threeds.New(o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		w.client.Close()
		w.browser.CloseIdleConnections()
		w.shop.Close()
		if err := w.acs.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

func number(t testing.TB, pan string) vault.PAN {
	t.Helper()
	p, err := vault.ParsePAN(pan)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// start begins the transaction of a card; its name is the card's.
func (w *world) start(pan string) threeds.Enrollment {
	w.t.Helper()
	e, err := w.client.Start(context.Background(), "order."+pan, number(w.t, pan))
	if err != nil {
		w.t.Fatal(err)
	}
	return e
}

func (w *world) request(e threeds.Enrollment) threeds.Request {
	return threeds.Request{
		ServerTransID: e.ServerTransID, Version: e.Version, Method: threeds.MethodNone, Purpose: threeds.ForPayment, Expiry: "2812",
		Cardholder: "JAN NOVÁK", Amount: money.Amount{Minor: 12345, Currency: money.BYN}, At: noon,
		Merchant: threeds.Merchant{AcquirerBIN: "512345", Acceptor: "MERCHANT0000001", Name: "ACME <BOOKS>", MCC: "5999", Country: "112"},
		Browser: threeds.Browser{
			Accept: "text/html", UserAgent: "Mozilla/5.0", IP: netip.MustParseAddr("203.0.113.7"), Language: "be-BY",
			Script: true, ColorDepth: 24, Width: 1920, Height: 1080, ZoneMinutes: -180,
		},
		NotificationURL: w.shop.URL + "/3ds",
	}
}

func (w *world) authenticate(r threeds.Request) threeds.Authentication {
	w.t.Helper()
	a, err := w.client.Authenticate(context.Background(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}

// page is what a browser sees.
type page struct {
	text   string
	action string
	fields url.Values
}

var (
	formAction = regexp.MustCompile(`<form method="post" action="([^"]*)"`)
	formField  = regexp.MustCompile(`<input type="hidden" name="([^"]*)" value="([^"]*)"`)
)

// submit posts a form and returns the page that comes back.
func (w *world) submit(action string, fields url.Values) page {
	w.t.Helper()
	resp, err := w.browser.PostForm(action, fields)
	if err != nil {
		w.t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		w.t.Fatalf("%s: %s %s %v", action, resp.Status, body, err)
	}
	p := page{text: string(body), fields: url.Values{}}
	if m := formAction.FindStringSubmatch(p.text); m != nil {
		p.action = html.UnescapeString(m[1])
	}
	for _, m := range formField.FindAllStringSubmatch(p.text, -1) {
		p.fields.Set(html.UnescapeString(m[1]), html.UnescapeString(m[2]))
	}
	return p
}

// follow submits a page that goes back to the shop by itself, and returns what the shop got.
func (w *world) follow(p page) url.Values {
	w.t.Helper()
	if !strings.Contains(p.text, "submit()") || !strings.HasPrefix(p.action, w.shop.URL) {
		w.t.Fatalf("the page does not go back to the shop: %s", p.text)
	}
	w.submit(p.action, p.fields)
	return <-w.posted
}

// method loads the hidden frame and returns the outcome for the request.
func (w *world) method(e threeds.Enrollment) threeds.Method {
	w.t.Helper()
	got := w.follow(w.submit(e.MethodURL, url.Values{"threeDSMethodData": {threeds.MethodData(e.ServerTransID, w.shop.URL+"/method")}}))
	id, err := threeds.ParseMethodData(got.Get("threeDSMethodData"))
	if err != nil || id != e.ServerTransID {
		w.t.Fatalf("method of %s: %s, %v", e.ServerTransID, id, err)
	}
	return threeds.MethodCompleted
}

// challenge types codes into the bank's page, the empty one being Cancel, until it goes back, and returns what the shop got.
func (w *world) challenge(a threeds.Authentication, codes ...string) threeds.ChallengeResult {
	w.t.Helper()
	p := w.submit(a.Challenge.URL, url.Values{"creq": {a.Challenge.Request}, "threeDSSessionData": {"order 7 & more"}})
	for _, code := range codes {
		if !strings.Contains(p.text, "Your bank asks") || strings.Contains(p.text, "<BOOKS>") {
			w.t.Fatalf("not a challenge page: %s", p.text)
		}
		p.fields.Set("code", code)
		if code == "" {
			p.fields.Set("cancel", "1")
		}
		p = w.submit(p.action, p.fields)
	}
	got := w.follow(p)
	if got.Get("threeDSSessionData") != "order 7 & more" {
		w.t.Errorf("session data %q", got.Get("threeDSSessionData"))
	}
	result, err := threeds.ParseChallengeResult(got.Get("cres"))
	if err != nil || result.ServerTransID != a.ServerTransID || result.ACSTransID != a.ACSTransID {
		w.t.Fatalf("cres of %s: %+v, %v", a.ServerTransID, result, err)
	}
	return result
}

func (w *world) result(id string) threeds.Authentication {
	w.t.Helper()
	a, err := w.client.Result(context.Background(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	return a
}
