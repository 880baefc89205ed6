package instant

import (
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	testKey    = "shop-key-1"
	testSecret = "0123456789abcdef0123456789abcdef"
)

// clock is a time that a test moves.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) add(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// world is a bank, our client of it, and what the bank notified us of.
type world struct {
	t      *testing.T
	clock  *clock
	bank   *pcsim.Bank
	client *Client

	mu      sync.Mutex
	answer  int // to notifications
	notices []Notice
	refused []error
}

// newWorld starts a bank of the unit; the options may be changed first.
func newWorld(t *testing.T, unit Unit, change func(*pcsim.BankOptions, *Options)) *world {
	t.Helper()
	w := &world{t: t, clock: &clock{at: time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)}, answer: http.StatusOK}
	inbox := httptest.NewServer(http.HandlerFunc(w.receive))
	t.Cleanup(inbox.Close)
	b := pcsim.BankOptions{
		Name: "Test Bank", Seed: 1, Now: w.clock.Now, Unit: pcsim.BankUnit(unit - Rubles), KeyID: testKey, Secret: []byte(testSecret),
		NotifyURL: inbox.URL,
	}
	o := Options{KeyID: testKey, Secret: secret(testSecret), Unit: unit, Timeout: 5 * time.Second, Now: w.clock.Now, Log: slog.New(slog.DiscardHandler)}
	if change != nil {
		change(&b, &o)
	}
	var err error
	if w.bank, err = pcsim.NewBank(b); err != nil {
		t.Fatal(err)
	}
	if err := w.bank.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { w.bank.Close() })
	o.BaseURL = w.bank.URL()
	w.client = w.connect(o)
	return w
}

func (w *world) connect(o Options) *Client {
	w.t.Helper()
	c, err := New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

func secret(text string) vault.Secret { return vault.NewSecret([]byte(text)) }

// receive takes notifications.
func (w *world) receive(out http.ResponseWriter, r *http.Request) {
	body := make([]byte, MaxNotice)
	n := 0
	for {
		read, err := r.Body.Read(body[n:])
		if n += read; err != nil {
			break
		}
	}
	notice, err := w.client.VerifyNotification(r.Header, body[:n], w.clock.Now())
	w.mu.Lock()
	defer w.mu.Unlock()
	if err != nil {
		w.refused = append(w.refused, err)
		out.WriteHeader(http.StatusBadRequest)
		return
	}
	w.notices = append(w.notices, notice)
	out.WriteHeader(w.answer)
}

// process is one step of the bank; it returns the notifications since the last one.
func (w *world) process() []Notice {
	w.t.Helper()
	if _, err := w.bank.Process(w.t.Context(), w.clock.Now()); err != nil {
		w.t.Fatal(err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	got := w.notices
	w.notices = nil
	for _, err := range w.refused {
		w.t.Errorf("notification refused: %v", err)
	}
	return got
}

func rub(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.RUB} }

func registration(id string, minor int64) Registration {
	return Registration{ID: id, Amount: rub(minor), Description: "Заказ " + id, TTL: 10 * time.Minute, ReturnURL: "https://shop.example/back"}
}

// register registers a payment that has to work.
func (w *world) register(r Registration) Payment {
	w.t.Helper()
	p, err := w.client.Register(w.t.Context(), r)
	if err != nil {
		w.t.Fatal(err)
	}
	return p
}

// scan lets the buyer confirm.
func (w *world) scan(ref string, consent bool) {
	w.t.Helper()
	if _, err := w.bank.Scan(ref, true, consent); err != nil {
		w.t.Fatal(err)
	}
}

// status asks for a payment and checks its status.
func (w *world) status(id string, want Status) Payment {
	w.t.Helper()
	p, err := w.client.Payment(w.t.Context(), id)
	if err != nil {
		w.t.Fatal(err)
	}
	if p.Status != want {
		w.t.Fatalf("payment %s is %s, want %s", id, p.Status, want)
	}
	return p
}

// paid registers a payment and lets the buyer confirm.
func (w *world) paid(id string, minor int64) Payment {
	w.t.Helper()
	w.scan(w.register(registration(id, minor)).QR, false)
	return w.status(id, Paid)
}

// books checks the bank's totals.
func (w *world) books(paid, refunded int64) {
	w.t.Helper()
	got := w.bank.Books()[money.RUB]
	if got.Paid.Amount != paid || got.Refunded.Amount != refunded || got.Net() != paid-refunded {
		w.t.Errorf("the bank's books are %+v, want paid %d, refunded %d", got, paid, refunded)
	}
}

// wantKind checks that err is of exactly one kind, and has the causes.
func wantKind(t *testing.T, err, kind error, causes ...error) {
	t.Helper()
	for _, k := range []error{ErrNotSent, ErrUnknown, ErrRefused} {
		if errors.Is(err, k) != errors.Is(kind, k) {
			t.Fatalf("error %v, want kind %v", err, kind)
		}
	}
	for _, cause := range causes {
		if !errors.Is(err, cause) {
			t.Errorf("error %v, want cause %v", err, cause)
		}
	}
}

// both runs a test with each unit.
func both(t *testing.T, test func(t *testing.T, unit Unit)) {
	for _, unit := range []Unit{Rubles, Kopecks} {
		t.Run(unit.String(), func(t *testing.T) { test(t, unit) })
	}
}
