package instant

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/internal/pcsim"
)

// relay is a transport that a test puts between us and the bank.
type relay struct {
	change func(*http.Request)
	answer func(*http.Response)
	next   http.Transport
}

func (r *relay) RoundTrip(out *http.Request) (*http.Response, error) {
	if r.change != nil {
		r.change(out)
	}
	in, err := r.next.RoundTrip(out)
	if err == nil && r.answer != nil {
		r.answer(in)
	}
	return in, err
}

func (r *relay) CloseIdleConnections() { r.next.CloseIdleConnections() }

// with returns a client of the world's bank whose requests go through the relay.
func (w *world) with(r *relay) *Client {
	o := w.client.options
	o.Client = &http.Client{Transport: r}
	return w.connect(o)
}

// TestBankRefusesChangedRequests: what the signature covers.
func TestBankRefusesChangedRequests(t *testing.T) {
	for name, change := range map[string]func(*http.Request){
		"body": func(r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			body = bytes.Replace(body, []byte("5.00"), []byte("4.00"), 1)
			r.Body = io.NopCloser(bytes.NewReader(body))
		},
		"path":         func(r *http.Request) { r.URL.Path = "/v1/charges" },
		"query":        func(r *http.Request) { r.URL.RawQuery = "a=b" },
		"later":        func(r *http.Request) { r.Header.Set("X-Timestamp", "1795176001") },
		"nonce":        func(r *http.Request) { r.Header.Set("X-Nonce", strings.Repeat("n", 20)) },
		"no signature": func(r *http.Request) { r.Header.Del("X-Signature") },
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Rubles, nil)
			_, err := w.with(&relay{change: change}).Register(t.Context(), registration("a", 500))
			if name == "nonce" { // the answer is bound to a nonce that we did not send
				wantKind(t, err, ErrUnknown, ErrUntrusted)
			} else if e := new(RefusedError); !asRefused(err, &e) || e.Status != http.StatusUnauthorized || e.Message != "wrong signature" {
				t.Errorf("error %v", err)
			}
			if n := len(w.bank.Payments()); n != 0 {
				t.Errorf("%d payments", n)
			}
		})
	}
}

func TestBankRefusesReplays(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	var first http.Header
	replay := w.with(&relay{change: func(r *http.Request) {
		if first == nil {
			first = r.Header.Clone()
			return
		}
		r.Header = first.Clone()
	}})
	if _, err := replay.Register(t.Context(), registration("a", 500)); err != nil {
		t.Fatal(err)
	}
	// Its answer is bound to the recorded nonce, so for us it is untrusted; what it says is read below.
	_, err := replay.Register(t.Context(), registration("a", 500))
	wantKind(t, err, ErrUnknown, ErrUntrusted)
	if !strings.Contains(err.Error(), "status 401") {
		t.Errorf("a replay is answered: %v", err)
	}
}

func TestBankRefusesOldRequests(t *testing.T) {
	for _, off := range []time.Duration{-301 * time.Second, 301 * time.Second} {
		w := newWorld(t, Rubles, nil)
		o := w.client.options
		o.Now = func() time.Time { return w.clock.Now().Add(off) }
		_, err := w.connect(o).Register(t.Context(), registration("a", 500))
		if e := new(RefusedError); !asRefused(err, &e) || e.Code != "unauthorized" {
			t.Errorf("%s off: %v", off, err)
		}
		o.Now = func() time.Time { return w.clock.Now().Add(off / 2) }
		if _, err := w.connect(o).Register(t.Context(), registration("a", 500)); err != nil {
			t.Errorf("%s off: %v", off/2, err)
		}
	}
}

func TestWrongSecret(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	o := w.client.options
	o.Secret = secret("another secret, another secret")
	_, err := w.connect(o).Register(t.Context(), registration("a", 500))
	wantKind(t, err, ErrUnknown, ErrUntrusted)
	if len(w.bank.Payments()) != 0 {
		t.Error("registered")
	}
}

// TestChangedAnswersAreUnknown: an answer counts only as the bank signed it, for this request.
func TestChangedAnswersAreUnknown(t *testing.T) {
	body := func(change func([]byte) []byte) func(*http.Response) {
		return func(a *http.Response) {
			old, _ := io.ReadAll(a.Body)
			a.Body.Close()
			text := change(old)
			a.Body, a.ContentLength = io.NopCloser(bytes.NewReader(text)), int64(len(text))
		}
	}
	var recorded *http.Response
	var recordedBody []byte
	for name, change := range map[string]func(*http.Response){
		"amount":       body(func(b []byte) []byte { return bytes.ReplaceAll(b, []byte("5.00"), []byte("5.01")) }),
		"empty":        body(func([]byte) []byte { return nil }),
		"endless":      body(func(b []byte) []byte { return append(b, bytes.Repeat([]byte(" "), maxAnswer)...) }),
		"status":       func(a *http.Response) { a.StatusCode = http.StatusServiceUnavailable },
		"no signature": func(a *http.Response) { a.Header.Del("X-Signature") },
		"two":          func(a *http.Response) { a.Header.Add("X-Signature", a.Header.Get("X-Signature")) },
		"redirect":     func(a *http.Response) { a.StatusCode = 307; a.Header.Set("Location", "/v1/charges") },
		"another key":  func(a *http.Response) { a.Header.Set("X-Key-Id", "other") },
		"earlier answer": func(a *http.Response) {
			a.Header, a.Body = recorded.Header, io.NopCloser(bytes.NewReader(recordedBody))
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, Rubles, nil)
			recording := w.with(&relay{answer: func(a *http.Response) {
				recordedBody, _ = io.ReadAll(a.Body)
				a.Body = io.NopCloser(bytes.NewReader(recordedBody))
				recorded = a
			}})
			if _, err := recording.Register(t.Context(), registration("a", 500)); err != nil {
				t.Fatal(err)
			}
			_, err := w.with(&relay{answer: change}).Register(t.Context(), registration("a", 500))
			wantKind(t, err, ErrUnknown, ErrUntrusted)
		})
	}
}

func TestNotSentAndUnknown(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	if err := w.bank.SetDown(true); err != nil {
		t.Fatal(err)
	}
	_, err := w.client.Register(t.Context(), registration("a", 500))
	wantKind(t, err, ErrNotSent)
	if err := w.bank.SetDown(false); err != nil {
		t.Fatal(err)
	}
	w.register(registration("a", 500))

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = w.client.Register(ctx, registration("b", 500))
	wantKind(t, err, ErrNotSent, context.Canceled)

	cutting := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }))
	defer cutting.Close()
	o := w.client.options
	o.BaseURL = cutting.URL
	_, err = w.connect(o).Register(t.Context(), registration("c", 500))
	wantKind(t, err, ErrUnknown)
}

func TestServerErrorIsUnknown(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	_, err := w.with(&relay{answer: func(a *http.Response) {
		a.StatusCode = http.StatusInternalServerError
		body, _ := io.ReadAll(a.Body)
		a.Body = io.NopCloser(bytes.NewReader(body))
		key := w.client.keys[0]
		a.Header.Set("X-Signature", key.sign(lines("answer", a.Request.Header.Get("X-Nonce"), "500", bodyHash(body), key.ID)))
	}}).Register(t.Context(), registration("a", 500))
	wantKind(t, err, ErrUnknown)
	if errors.Is(err, ErrUntrusted) || !strings.Contains(err.Error(), "500") {
		t.Error(err)
	}
}

func TestBreaker(t *testing.T) {
	w := newWorld(t, Rubles, func(_ *pcsim.BankOptions, o *Options) { o.BreakerFailures, o.BreakerPause = 2, 50*time.Millisecond })
	for range 5 {
		_, err := w.client.Payment(t.Context(), "nobody") // a refusal is an answer
		wantKind(t, err, ErrRefused)
	}
	if err := w.bank.SetDown(true); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		_, err := w.client.Banks(t.Context())
		wantKind(t, err, ErrNotSent)
	}
	if err := w.bank.SetDown(false); err != nil {
		t.Fatal(err)
	}
	_, err := w.client.Banks(t.Context())
	wantKind(t, err, ErrNotSent, ErrBreakerOpen)
	deadline := time.Now().Add(5 * time.Second)
	for {
		if _, err = w.client.Banks(t.Context()); err == nil {
			return
		}
		wantKind(t, err, ErrNotSent, ErrBreakerOpen)
		if time.Now().After(deadline) {
			t.Fatal("the breaker does not close")
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// TestUnitsCannotBeMixedUp: with the wrong unit nothing works, and nothing is off by a hundred.
func TestUnitsCannotBeMixedUp(t *testing.T) {
	both(t, func(t *testing.T, unit Unit) {
		w := newWorld(t, unit, nil)
		w.paid("a", 12300)
		o := w.client.options
		o.Unit = Rubles + Kopecks - unit
		wrong := w.connect(o)
		_, err := wrong.Register(t.Context(), registration("b", 12300))
		if e := new(RefusedError); !asRefused(err, &e) || e.Code != "bad_request" {
			t.Errorf("registered: %v", err)
		}
		_, err = wrong.Payment(t.Context(), "a")
		wantKind(t, err, ErrUnknown, ErrUntrusted)
	})
}

func TestOptions(t *testing.T) {
	good := Options{BaseURL: "https://bank.example", KeyID: "k", Secret: secret(testSecret), Unit: Rubles}
	if _, err := New(good); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*Options){
		"plain HTTP":   func(o *Options) { o.BaseURL = "http://bank.example" },
		"no address":   func(o *Options) { o.BaseURL = "bank.example" },
		"password":     func(o *Options) { o.BaseURL = "https://user:password@bank.example" },
		"query":        func(o *Options) { o.BaseURL = "https://bank.example?a=b" },
		"no unit":      func(o *Options) { o.Unit = 0 },
		"short secret": func(o *Options) { o.Secret = secret("short") },
		"no key":       func(o *Options) { o.KeyID = "" },
		"old key":      func(o *Options) { o.Accept = []Key{{ID: "old"}} },
	} {
		o := good
		change(&o)
		if _, err := New(o); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// TestKeysChange: the bank signs with the old key until it has changed too.
func TestKeysChange(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	o := w.client.options
	o.KeyID, o.Secret, o.Accept = "new", secret("a new secret, a new secret"), []Key{{testKey, secret(testSecret)}}
	changed := w.connect(o)
	body := []byte(`{}`)
	h := http.Header{}
	w.bank.SignNotice(h, "N1", body, w.clock.Now())
	if _, err := changed.VerifyNotification(h, body, w.clock.Now()); !errors.Is(err, ErrMalformed) {
		t.Errorf("the old key is refused: %v", err)
	}
	o.Accept = nil
	if _, err := w.connect(o).VerifyNotification(h, body, w.clock.Now()); !errors.Is(err, ErrForged) {
		t.Errorf("a key that is not ours any more: %v", err)
	}
}

// TestOverTLS: the bank's certificate is checked.
func TestOverTLS(t *testing.T) {
	issuer := httptest.NewTLSServer(http.NotFoundHandler())
	defer issuer.Close()
	w := newWorld(t, Kopecks, func(b *pcsim.BankOptions, o *Options) {
		b.TLS = issuer.TLS.Clone()
		b.TLS.NextProtos = nil
	})
	_, err := w.client.Register(t.Context(), registration("a", 500))
	wantKind(t, err, ErrNotSent)
	if e := (x509.UnknownAuthorityError{}); !errors.As(err, &e) {
		t.Errorf("a stranger's certificate: %v", err)
	}
	o := w.client.options
	o.Client = issuer.Client()
	if _, err := w.connect(o).Register(t.Context(), registration("a", 500)); err != nil {
		t.Error(err)
	}
}

// TestSecretsStayOutOfLogs: neither the key nor a token is in what we log or return as errors.
func TestSecretsStayOutOfLogs(t *testing.T) {
	var log bytes.Buffer
	w := newWorld(t, Rubles, func(_ *pcsim.BankOptions, o *Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	token := w.token()
	for _, minor := range []int64{500, pcsim.AmountBuyerRefused, pcsim.AmountRegisterFails} {
		_, err := w.client.Charge(t.Context(), ChargeRequest{ID: "c" + strconv.FormatInt(minor, 10), Token: token, Amount: rub(minor)})
		if err != nil && strings.Contains(err.Error(), token) {
			t.Error(err)
		}
	}
	unsigned := w.with(&relay{answer: func(a *http.Response) { a.Header.Del("X-Signature") }})
	if err := unsigned.CancelSubscription(t.Context(), token); err == nil {
		t.Error("an answer without a signature is believed")
	}
	if err := w.client.CancelSubscription(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if text := log.String(); strings.Contains(text, token) || strings.Contains(text, testSecret) || !strings.Contains(text, "call=charge") {
		t.Errorf("log:\n%s", text)
	}
}

// TestLateRequestDoesNothing: a request that a network held back for FinalAfter is refused, so that what was not found by
// then stays so. The bank's clock is behind ours by as much as it may be.
func TestLateRequestDoesNothing(t *testing.T) {
	for held, arrives := range map[time.Duration]bool{FinalAfter - time.Second: true, FinalAfter + time.Second: false} {
		w := newWorld(t, Rubles, nil)
		o := w.client.options
		o.Now = func() time.Time { return w.clock.Now().Add(MaxSkew) }
		o.Client = &http.Client{Transport: &relay{change: func(*http.Request) { w.clock.add(held) }}}
		_, err := w.connect(o).Register(t.Context(), registration("a", 500))
		if e := new(RefusedError); arrives && err != nil || !arrives && (!asRefused(err, &e) || e.Code != "unauthorized") {
			t.Errorf("held back by %s: %v", held, err)
		}
	}
}

// TestNobodyThere: an address without a listener.
func TestNobodyThere(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	w := newWorld(t, Rubles, nil)
	o := w.client.options
	o.BaseURL = "http://" + l.Addr().String()
	_, err = w.connect(o).Refund(t.Context(), RefundRequest{ID: "r", PaymentID: "a", Amount: rub(1)})
	wantKind(t, err, ErrNotSent)
}
