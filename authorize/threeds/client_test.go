package threeds_test

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"settled/authorize/threeds"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

var sameProof = cmp.Comparer(func(a, b vault.Secret) bool { return bytes.Equal(a.Reveal(), b.Reveal()) })

func TestChallenge(t *testing.T) {
	for name, test := range map[string]struct {
		codes    []string
		status   threeds.Status
		canceled bool
	}{
		"right":                {[]string{"1234"}, "Y", false},
		"right at the third":   {[]string{"1", "12345", "1234"}, "Y", false},
		"wrong three times":    {[]string{"1", "2", "3"}, "N", false},
		"canceled":             {[]string{""}, "N", true},
		"wrong, then canceled": {[]string{"1", ""}, "N", true},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, nil)
			a := w.authenticate(w.request(w.start(pcsim.CardChallenge)))
			if got := w.result(a.ServerTransID); got.Status != threeds.StatusChallenge || got.Status.Final() || got.ECI != "" || !got.Value.IsZero() {
				t.Errorf("before the challenge: %+v", got)
			}
			if said := w.challenge(a, test.codes...); said.Status != test.status {
				t.Errorf("cres says %s", said.Status)
			}
			got := w.result(a.ServerTransID)
			if got.Status != test.status || got.Canceled != test.canceled || got.Status.Proven() != !got.Value.IsZero() {
				t.Errorf("result %+v", got)
			}
			w.challenge(a) // the way back again, as a browser's reload does
			if diff := cmp.Diff(got, w.result(a.ServerTransID), sameProof); diff != "" {
				t.Errorf("result changed: %s", diff)
			}
		})
	}
}

func TestChallengeTimesOut(t *testing.T) {
	w := newWorld(t, nil)
	a := w.authenticate(w.request(w.start(pcsim.CardChallenge)))
	w.clock.add(10 * time.Minute)
	if got := w.result(a.ServerTransID); got.Status != threeds.StatusFailed || got.Reason != "14" {
		t.Errorf("after ten minutes: %+v", got)
	}
}

// TestMethodRequired leaves the method out, and says that it was completed when it was not.
func TestMethodRequired(t *testing.T) {
	for _, method := range []threeds.Method{threeds.MethodFailed, threeds.MethodCompleted} {
		w := newWorld(t, nil)
		r := w.request(w.start(pcsim.CardMethod))
		r.Method = method
		if a := w.authenticate(r); a.Status != threeds.StatusChallenge {
			t.Errorf("method %s without the page: %s", method, a.Status)
		}
	}
}

func TestIndicators(t *testing.T) {
	w := newWorld(t, nil)
	for pan, want := range map[string]string{
		pcsim.CardFrictionless: "Y 05 5 Y", "5413339999003017": "Y 02 5 Y", "2200000000003016": "Y 05 5 Y",
		pcsim.CardAttempted: "A 06 6 A", "5413339999003025": "A 01 6 A", pcsim.CardUnavailable: "U 07 7 U",
		pcsim.CardRejected: "R 07 7 R", "4000000000003170": "I 07 7 U", pcsim.CardDecoupled: "D  7 C", pcsim.CardChallenge: "C  7 C",
	} {
		a := w.authenticate(w.request(w.start(pan)))
		if got := fmt.Sprintf("%s %s %d %s", a.Status, a.ECI, a.Indicator(), a.Status.AuthResult()); got != want {
			t.Errorf("%s: %s, want %s", pan, got, want)
		}
	}
	if got := threeds.Status("").AuthResult(); got != "E" {
		t.Errorf("no status is %s", got)
	}
}

func TestRepeats(t *testing.T) {
	w, ctx := newWorld(t, nil), context.Background()
	e := w.start(pcsim.CardFrictionless)
	if diff := cmp.Diff(e, w.start(pcsim.CardFrictionless)); diff != "" {
		t.Errorf("start again: %s", diff)
	}
	if other, err := w.client.Start(ctx, "order."+pcsim.CardFrictionless, number(t, pcsim.CardChallenge)); !errors.Is(err, threeds.ErrInvalid) {
		t.Errorf("the same name for another card: %+v, %v", other, err)
	}
	r := w.request(e)
	first := w.authenticate(r)
	if diff := cmp.Diff(first, w.authenticate(r), sameProof); diff != "" {
		t.Errorf("authenticate again: %s", diff)
	}
	if diff := cmp.Diff(first, w.result(e.ServerTransID), sameProof); diff != "" {
		t.Errorf("result: %s", diff)
	}
	r.Amount.Minor++
	if a, err := w.client.Authenticate(ctx, r); !errors.Is(err, threeds.ErrInvalid) || a.Status != "" {
		t.Errorf("another amount: %+v, %v", a, err)
	}
}

func TestUnknownTransaction(t *testing.T) {
	w, ctx := newWorld(t, nil), context.Background()
	const id = "f38e6948-5388-41a6-bca4-b49723c19437"
	if a, err := w.client.Result(ctx, id); !errors.Is(err, threeds.ErrNoTransaction) || a.Status != "" {
		t.Errorf("result: %+v, %v", a, err)
	}
	if _, err := w.client.Authenticate(ctx, w.request(threeds.Enrollment{ServerTransID: id, Version: threeds.Version})); !errors.Is(err, threeds.ErrNoTransaction) {
		t.Errorf("authenticate: %v", err)
	}
}

func TestKeys(t *testing.T) {
	for name, change := range map[string]func(*threeds.Options){
		"other secret": func(o *threeds.Options) { o.Secret = []byte("another secret, also long enough") },
		"other key":    func(o *threeds.Options) { o.KeyID = "other" },
		"other time":   func(o *threeds.Options) { o.Now = func() time.Time { return noon.Add(6 * time.Minute) } },
	} {
		w := newWorld(t, change)
		if _, err := w.client.Start(context.Background(), "1", number(t, pcsim.CardChallenge)); !errors.Is(err, threeds.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestServerDown(t *testing.T) {
	w, ctx := newWorld(t, nil), context.Background()
	e := w.start(pcsim.CardChallenge)
	w.acs.SetDown(true)
	if a, err := w.client.Authenticate(ctx, w.request(e)); !errors.Is(err, threeds.ErrUnavailable) || a.Status != threeds.StatusUnavailable || !a.Status.Unproven() {
		t.Errorf("down: %+v, %v", a, err)
	}
	w.acs.SetDown(false)
	if a := w.authenticate(w.request(e)); a.Status != threeds.StatusChallenge {
		t.Errorf("up again: %s", a.Status)
	}
	if err := w.acs.Close(); err != nil {
		t.Fatal(err)
	}
	if e, err := w.client.Start(ctx, "2", number(t, pcsim.CardChallenge)); !errors.Is(err, threeds.ErrUnavailable) || e.Enrolled != threeds.EnrolledUnknown {
		t.Errorf("closed: %+v, %v", e, err)
	}
}

// TestNoCardDataIsShown looks at logs and errors of every failure.
func TestNoCardDataIsShown(t *testing.T) {
	w := newWorld(t, func(o *threeds.Options) { o.Timeout = 200 * time.Millisecond })
	var shown strings.Builder
	for _, card := range []string{pcsim.CardACSStartError, pcsim.CardACSError, pcsim.CardACSSilent, pcsim.CardACSForged} {
		e, err := w.client.Start(context.Background(), "1"+card[12:], number(t, card))
		if err == nil {
			_, err = w.client.Authenticate(context.Background(), w.request(e))
		}
		fmt.Fprintln(&shown, err)
	}
	a := w.authenticate(w.request(w.start(pcsim.CardFrictionless)))
	fmt.Fprintf(&shown, "%+v %#v %v\n", a, a, a.Value)
	shown.WriteString(w.log.String())
	for _, word := range []string{"40000000000031", string(a.Value.Reveal()), pcsim.CardFrictionless} {
		if strings.Contains(shown.String(), word) {
			t.Errorf("%s is shown:\n%s", word, shown.String())
		}
	}
	if n := strings.Count(w.log.String(), "gave no usable answer"); n != 4 {
		t.Errorf("%d of 4 failures are logged:\n%s", n, w.log.String())
	}
}

// TestAnswersThatAreNotBelieved serves signed answers that contradict themselves.
func TestAnswersThatAreNotBelieved(t *testing.T) {
	const id, acs = "f38e6948-5388-41a6-bca4-b49723c19437", "0d5d3b0c-1111-4222-8333-123456789012"
	const head = `{"threeDSServerTransID":"` + id + `","messageVersion":"2.2.0",`
	const proof = `"dsTransID":"` + acs + `","authenticationValue":"AAECAwQFBgcICQoLDA0ODxAREhM="`
	for name, test := range map[string]struct {
		status int
		body   string
		want   error
	}{
		"all right":               {200, head + `"transStatus":"Y","eci":"05",` + proof + `}`, nil},
		"unknown field":           {200, head + `"transStatus":"Y","eci":"05","new":1,` + proof + `}`, nil},
		"challenge":               {200, head + `"transStatus":"C","acsTransID":"` + acs + `","acsURL":"https://bank.example/c"}`, nil},
		"no proof":                {200, head + `"transStatus":"Y","eci":"05"}`, threeds.ErrUntrusted},
		"short proof":             {200, head + `"transStatus":"Y","eci":"05","dsTransID":"` + acs + `","authenticationValue":"AAEC"}`, threeds.ErrUntrusted},
		"indicator of an attempt": {200, head + `"transStatus":"Y","eci":"06",` + proof + `}`, threeds.ErrUntrusted},
		"no indicator":            {200, head + `"transStatus":"A",` + proof + `}`, threeds.ErrUntrusted},
		"proof of a failure":      {200, head + `"transStatus":"N","eci":"07",` + proof + `}`, threeds.ErrUntrusted},
		"unknown status":          {200, head + `"transStatus":"X"}`, threeds.ErrUntrusted},
		"no status":               {200, head + `"eci":"05"}`, threeds.ErrUntrusted},
		"other transaction":       {200, strings.Replace(head, "f38e", "f38f", 1) + `"transStatus":"N"}`, threeds.ErrUntrusted},
		"other version":           {200, strings.Replace(head, "2.2.0", "1.0.2", 1) + `"transStatus":"N"}`, threeds.ErrUntrusted},
		"challenge nowhere":       {200, head + `"transStatus":"C","acsTransID":"` + acs + `"}`, threeds.ErrUntrusted},
		"challenge without TLS":   {200, head + `"transStatus":"C","acsTransID":"` + acs + `","acsURL":"http://bank.example/c"}`, threeds.ErrUntrusted},
		"challenge of a script":   {200, head + `"transStatus":"C","acsTransID":"` + acs + `","acsURL":"javascript:alert(1)"}`, threeds.ErrUntrusted},
		"challenge by nobody":     {200, head + `"transStatus":"C","acsURL":"https://bank.example/c"}`, threeds.ErrUntrusted},
		"not JSON":                {200, `<html>`, threeds.ErrUntrusted},
		"too long":                {200, head + `"transStatus":"N"}` + strings.Repeat(" ", 70_000), threeds.ErrUntrusted},
		"too many requests":       {429, `{"error":{"code":"slow","message":"down"}}`, threeds.ErrInvalid},
		"refused without a word":  {413, `<html>`, threeds.ErrInvalid},
		"failed":                  {500, `<html>`, threeds.ErrUnavailable},
		"refused":                 {400, `{"error":{"code":"malformed","message":"4000000000003089"}}`, threeds.ErrInvalid},
		"redirect":                {302, ``, threeds.ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewTLSServer(signing(test.status, test.body, nil))
			defer server.Close()
			c, err := threeds.New(threeds.Options{BaseURL: server.URL + "/base/", KeyID: "k", Secret: secret, Client: server.Client()})
			if err != nil {
				t.Fatal(err)
			}
			a, err := c.Result(context.Background(), id)
			if !errors.Is(err, test.want) || err != nil && a.Status != map[bool]threeds.Status{true: "U"}[errors.Is(err, threeds.ErrUnavailable)] {
				t.Errorf("%+v, %v", a, err)
			}
			if err != nil && strings.Contains(err.Error(), "4000000000003089") {
				t.Errorf("error shows a card number: %v", err)
			}
		})
	}
}

// TestIndicatorWithoutProof leaves out an indicator that a payment could not be sent with.
func TestIndicatorWithoutProof(t *testing.T) {
	const id = "f38e6948-5388-41a6-bca4-b49723c19437"
	for eci, want := range map[string]string{"06": "", "05": "", "07": "07", "00": "00", "": ""} {
		body := `{"threeDSServerTransID":"` + id + `","messageVersion":"2.2.0","transStatus":"I","eci":"` + eci + `"}`
		server := httptest.NewServer(signing(200, body, nil))
		c, err := threeds.New(threeds.Options{BaseURL: server.URL, KeyID: "k", Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		if a, err := c.Result(context.Background(), id); err != nil || a.ECI != want {
			t.Errorf("%q became %q, %v", eci, a.ECI, err)
		}
		c.Close()
		server.Close()
	}
}

// TestStartsThatAreNotBelieved serves signed answers to Start that cannot be right.
func TestStartsThatAreNotBelieved(t *testing.T) {
	const id = "f38e6948-5388-41a6-bca4-b49723c19437"
	const head = `{"requestId":"1","enrolled":1,"messageVersion":"2.2.0","threeDSServerTransID":"` + id + `"`
	for body, want := range map[string]error{
		head + `}`: nil,
		head + `,"threeDSMethodURL":"https://bank.example/m"}`:                                 nil,
		`{"requestId":"1","enrolled":-1}`:                                                      nil,
		`{"requestId":"2","enrolled":0}`:                                                       threeds.ErrUntrusted,
		`{"requestId":"1"}`:                                                                    threeds.ErrUntrusted,
		`{"requestId":"1","enrolled":2}`:                                                       threeds.ErrUntrusted,
		`{"requestId":"1","enrolled":1,"messageVersion":"2.2.0"}`:                              threeds.ErrUntrusted,
		strings.Replace(head, "2.2.0", "1.0.2", 1) + `}`:                                       threeds.ErrUntrusted,
		strings.Replace(head, "-5388-", "-../-", 1) + `}`:                                      threeds.ErrUntrusted,
		head + `,"threeDSMethodURL":"javascript:alert(1)"}`:                                    threeds.ErrUntrusted,
		head + `,"threeDSMethodURL":"https://bank.example/` + strings.Repeat("m", 2048) + `"}`: threeds.ErrUntrusted,
	} {
		server := httptest.NewServer(signing(200, body, nil))
		c, err := threeds.New(threeds.Options{BaseURL: server.URL, KeyID: "k", Secret: secret})
		if err != nil {
			t.Fatal(err)
		}
		e, err := c.Start(context.Background(), "1", number(t, pcsim.CardChallenge))
		if !errors.Is(err, want) || err != nil && e != (threeds.Enrollment{Enrolled: threeds.EnrolledUnknown}) {
			t.Errorf("%.90s: %+v, %v", body, e, err)
		}
		c.Close()
		server.Close()
	}
}

// signing answers every request with one answer, signed for another request if of is not nil.
func signing(status int, body string, of []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), ":")
		_, signature, _ = strings.Cut(signature, ":")
		if of != nil {
			signature = string(of)
		}
		sum := sha256.Sum256([]byte(body))
		mac := hmac.New(sha256.New, secret)
		mac.Write([]byte("answer\n" + signature + "\n" + strconv.Itoa(status) + "\n" + hex.EncodeToString(sum[:])))
		w.Header().Set("X-3DS-Signature", hex.EncodeToString(mac.Sum(nil)))
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// TestAnswerOfAnotherRequest replays an answer that was right once.
func TestAnswerOfAnotherRequest(t *testing.T) {
	server := httptest.NewServer(signing(200, `{"requestId":"1","enrolled":0}`, []byte("the signature of another request")))
	defer server.Close()
	c, err := threeds.New(threeds.Options{BaseURL: server.URL, KeyID: "k", Secret: secret})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if e, err := c.Start(context.Background(), "1", number(t, pcsim.CardChallenge)); !errors.Is(err, threeds.ErrUntrusted) || e.Enrolled != threeds.EnrolledUnknown {
		t.Errorf("%+v, %v", e, err)
	}
}

func TestInvalidRequests(t *testing.T) {
	w, ctx := newWorld(t, nil), context.Background()
	e := w.start(pcsim.CardFrictionless)
	for name, change := range map[string]func(*threeds.Request){
		"transaction":     func(r *threeds.Request) { r.ServerTransID = "../../x" },
		"version":         func(r *threeds.Request) { r.Version = "1.0.2" },
		"method":          func(r *threeds.Request) { r.Method = "" },
		"purpose":         func(r *threeds.Request) { r.Purpose = "09" },
		"schedule":        func(r *threeds.Request) { r.Purpose = threeds.ForRecurring },
		"expiry":          func(r *threeds.Request) { r.Expiry = "12/28" },
		"name":            func(r *threeds.Request) { r.Cardholder = strings.Repeat("N", 46) },
		"control in name": func(r *threeds.Request) { r.Cardholder = "A\nB" },
		"amount":          func(r *threeds.Request) { r.Amount.Minor = 0 },
		"currency":        func(r *threeds.Request) { r.Amount.Currency = 0 },
		"time":            func(r *threeds.Request) { r.At = time.Time{} },
		"address":         func(r *threeds.Request) { r.NotificationURL = "ftp://shop/" },
		"window":          func(r *threeds.Request) { r.Window = "06" },
		"merchant":        func(r *threeds.Request) { r.Merchant.Country = "BY" },
		"headers":         func(r *threeds.Request) { r.Browser.UserAgent = "" },
		"browser address": func(r *threeds.Request) { r.Browser.IP = netip.Addr{} },
		"screen":          func(r *threeds.Request) { r.Browser.Width = -1 },
		"zone":            func(r *threeds.Request) { r.Browser.ZoneMinutes = 9999 },
	} {
		r := w.request(e)
		change(&r)
		if _, err := w.client.Authenticate(ctx, r); !errors.Is(err, threeds.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, id := range []string{"", "a b", strings.Repeat("1", 65), "заказ"} {
		if _, err := w.client.Start(ctx, id, number(t, pcsim.CardChallenge)); !errors.Is(err, threeds.ErrInvalid) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	if _, err := w.client.Result(ctx, "x"); !errors.Is(err, threeds.ErrInvalid) {
		t.Error(err)
	}
	if _, err := w.client.Start(ctx, "1", vault.PAN{}); !errors.Is(err, threeds.ErrInvalid) {
		t.Error(err)
	}
	if w.log.Len() != 0 {
		t.Errorf("something was sent: %s", w.log)
	}
}

// TestWhatTheServerTakes sends what is optional, and what a browser without a script leaves out.
func TestWhatTheServerTakes(t *testing.T) {
	for name, change := range map[string]func(*threeds.Request){
		"nothing optional": func(r *threeds.Request) { r.Cardholder = "" },
		"no script":        func(r *threeds.Request) { r.Browser.Script, r.Browser.ColorDepth = false, 0 },
		"odd depth":        func(r *threeds.Request) { r.Browser.ColorDepth = 30 },
		"great depth":      func(r *threeds.Request) { r.Browser.ColorDepth = 64 },
		"recurring": func(r *threeds.Request) {
			r.Purpose, r.Recurring = threeds.ForRecurring, threeds.Recurring{Until: noon.AddDate(1, 0, 0), Days: 30}
		},
		"storing": func(r *threeds.Request) { r.Purpose, r.Email, r.Window = threeds.ForStoring, "jan@example.org", "02" },
	} {
		w := newWorld(t, nil)
		r := w.request(w.start(pcsim.CardFrictionless))
		change(&r)
		if a := w.authenticate(r); a.Status != threeds.StatusAuthenticated {
			t.Errorf("%s: %s", name, a.Status)
		}
	}
}

func TestOptions(t *testing.T) {
	good := threeds.Options{BaseURL: "https://3ds.example/api", KeyID: "k", Secret: secret}
	for name, change := range map[string]func(*threeds.Options){
		"no address":   func(o *threeds.Options) { o.BaseURL = "" },
		"no TLS":       func(o *threeds.Options) { o.BaseURL = "http://3ds.example" },
		"query":        func(o *threeds.Options) { o.BaseURL += "?a=b" },
		"password":     func(o *threeds.Options) { o.BaseURL = "https://a:b@3ds.example" },
		"no key":       func(o *threeds.Options) { o.KeyID = "" },
		"colon":        func(o *threeds.Options) { o.KeyID = "a:b" },
		"short secret": func(o *threeds.Options) { o.Secret = []byte("fifteen bytes..") },
	} {
		o := good
		change(&o)
		if _, err := threeds.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	insecure := good
	insecure.BaseURL, insecure.AllowHTTP = "http://acs:7084", true
	for _, o := range []threeds.Options{good, insecure} {
		if _, err := threeds.New(o); err != nil {
			t.Error(err)
		}
	}
}

func TestBrowserMessages(t *testing.T) {
	const id, acs = "f38e6948-5388-41a6-bca4-b49723c19437", "0d5d3b0c-1111-4222-8333-123456789012"
	const good = `{"threeDSServerTransID":"` + id + `","acsTransID":"` + acs + `","challengeCompletionInd":"Y","messageType":"CRes","messageVersion":"2.2.0","transStatus":"N"`
	raw := base64.RawURLEncoding.EncodeToString
	want := threeds.ChallengeResult{ServerTransID: id, ACSTransID: acs, Status: "N"}
	for name, cres := range map[string]string{
		"plain":     raw([]byte(good + "}")),
		"filled":    base64.URLEncoding.EncodeToString([]byte(good + ` }`)),
		"extension": raw([]byte(good + `,"messageExtension":[{"name":"x"}]}`)),
		"canceled":  raw([]byte(good + `,"challengeCancel":"01"}`)),
	} {
		if got, err := threeds.ParseChallengeResult(cres); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	for name, cres := range map[string]string{
		"nothing":       "",
		"not base64":    "?",
		"not JSON":      raw([]byte("hello")),
		"unknown field": raw([]byte(good + `,"x":1}`)),
		"two objects":   raw([]byte(good + `}{}`)),
		"cut off":       raw([]byte(good)),
		"creq":          raw([]byte(strings.Replace(good, "CRes", "CReq", 1) + "}")),
		"not completed": raw([]byte(strings.Replace(good, `Ind":"Y"`, `Ind":"N"`, 1) + "}")),
		"no id":         raw([]byte(strings.Replace(good, id, "1", 1) + "}")),
		"challenge":     raw([]byte(strings.Replace(good, `Status":"N"`, `Status":"C"`, 1) + "}")),
		"no status":     raw([]byte(strings.Replace(good, `Status":"N"`, `Status":""`, 1) + "}")),
		"too long":      raw([]byte(good + strings.Repeat(" ", 8192) + "}")),
	} {
		if got, err := threeds.ParseChallengeResult(cres); !errors.Is(err, threeds.ErrMessage) || got != (threeds.ChallengeResult{}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	if got, err := threeds.ParseMethodData(threeds.MethodData(id, "https://shop.example/m")); err != nil || got != id {
		t.Errorf("method data: %s, %v", got, err)
	}
	for _, field := range []string{"", raw([]byte(`{}`)), raw([]byte(`{"threeDSServerTransID":"1"}`)), strings.Repeat("A", 1025)} {
		if _, err := threeds.ParseMethodData(field); !errors.Is(err, threeds.ErrMessage) {
			t.Errorf("method data %.20q: %v", field, err)
		}
	}
}

// TestChallengeRequest compares a creq with the text of the specification.
func TestChallengeRequest(t *testing.T) {
	w := newWorld(t, nil)
	r := w.request(w.start(pcsim.CardChallenge))
	a := w.authenticate(r)
	got, err := base64.RawURLEncoding.DecodeString(a.Challenge.Request)
	want := `{"threeDSServerTransID":"` + a.ServerTransID + `","acsTransID":"` + a.ACSTransID + `","messageType":"CReq","messageVersion":"2.2.0","challengeWindowSize":"05"}`
	if err != nil || string(got) != want || a.Challenge.URL != w.acs.URL()+"/challenge" {
		t.Errorf("%s at %s, %v; want %s", got, a.Challenge.URL, err, want)
	}
	if diff := cmp.Diff(a, w.result(a.ServerTransID), cmpopts.IgnoreTypes(vault.Secret{})); diff != "" {
		t.Errorf("result differs: %s", diff)
	}
}

func FuzzChallengeResult(f *testing.F) {
	f.Add("eyJ0aHJlZURTU2VydmVyVHJhbnNJRCI6IjEifQ")
	f.Fuzz(func(t *testing.T, cres string) {
		got, err := threeds.ParseChallengeResult(cres)
		if (err == nil) != (len(got.ServerTransID) == 36) {
			t.Errorf("%+v, %v", got, err)
		}
	})
}
