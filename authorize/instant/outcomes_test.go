package instant

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"settled/internal/pcsim"
)

func asRefused(err error, target **RefusedError) bool { return errors.As(err, target) }

// outcomes has a test for each documented outcome of the simulator.
var outcomes = map[pcsim.BankOutcome]func(*testing.T, *world, int64){
	pcsim.NoticeLost: func(t *testing.T, w *world, minor int64) {
		w.paid("a", minor)
		if n := w.process(); len(n) != 0 {
			t.Errorf("%d notifications", len(n))
		}
		w.books(minor, 0)
	},
	pcsim.NoticeTwice: func(t *testing.T, w *world, minor int64) {
		w.paid("a", minor)
		if n := w.process(); len(n) != 2 || n[0] != n[1] {
			t.Errorf("notifications %+v", n)
		}
		w.books(minor, 0)
	},
	pcsim.PaidLate:           paidLate,
	pcsim.BuyerRefused:       buyerRefused,
	pcsim.RegisterFailsOnce:  registerFails(true),
	pcsim.RegisterFails:      registerFails(false),
	pcsim.RegisterAnswerLost: registerAnswerLost,
	pcsim.RegisterSilent: func(t *testing.T, w *world, minor int64) {
		for range 2 {
			_, err := w.hasty().Register(t.Context(), registration("a", minor))
			wantKind(t, err, ErrUnknown, ErrTimeout)
		}
		_, err := w.client.Payment(t.Context(), "a")
		wantKind(t, err, ErrRefused, ErrNotFound)
	},
	pcsim.RegisterRefused: func(t *testing.T, w *world, minor int64) {
		_, err := w.client.Register(t.Context(), registration("a", minor))
		wantKind(t, err, ErrRefused)
		if e := new(RefusedError); !asRefused(err, &e) || e.Code != "limit_exceeded" {
			t.Error(err)
		}
	},
	pcsim.RefundRefused: func(t *testing.T, w *world, minor int64) {
		w.paid("a", minor)
		for range 2 {
			w.refund("r1", "a", minor, Refused)
		}
		w.books(minor, 0)
	},
	pcsim.RefundPending:        refundPending(Done),
	pcsim.RefundPendingRefused: refundPending(Refused),
	pcsim.RefundAnswerLost:     refundAnswerLost,
	pcsim.WrongNotice: func(t *testing.T, w *world, minor int64) {
		asked := w.paid("a", minor)
		n := w.process()
		if len(n) != 1 || n[0].Payment.Receipt.Amount != rub(minor+1) || n[0].Payment.Amount != rub(minor) || asked.Receipt.Amount != rub(minor) {
			t.Errorf("notifications %+v, asked %+v", n, asked)
		}
	},
}

func TestEveryDocumentedOutcome(t *testing.T) {
	for _, a := range pcsim.TestAmounts() {
		t.Run(a.Means, func(t *testing.T) {
			t.Parallel()
			test := outcomes[a.Outcome]
			if test == nil {
				t.Fatal("no test")
			}
			test(t, newWorld(t, Rubles, nil), a.Minor)
		})
	}
}

// hasty is a client that does not wait long, for a call that is not answered.
func (w *world) hasty() *Client {
	o := w.client.options
	o.Timeout = 500 * time.Millisecond
	return w.connect(o)
}

func paidLate(t *testing.T, w *world, minor int64) {
	token := w.token()
	p := w.register(registration("a", minor))
	w.scan(p.QR, false)
	w.status("a", Active)
	w.clock.add(10 * time.Minute)
	w.status("a", Expired)
	if n := w.process(); len(n) != 0 {
		t.Errorf("%d notifications before the money", len(n))
	}
	w.clock.add(time.Minute)
	if n := w.process(); len(n) != 1 || !n[0].Payment.Receipt.At.Equal(p.ExpiresAt.Add(time.Minute)) {
		t.Errorf("notifications %+v", n)
	}
	w.status("a", Paid)

	charge := ChargeRequest{ID: "c", Token: token, Amount: rub(minor)}
	if p, err := w.client.Charge(t.Context(), charge); err != nil || p.Status != Pending {
		t.Fatalf("charge %+v, %v", p, err)
	}
	w.clock.add(30 * time.Second)
	w.status("c", Paid)
	w.books(100+2*minor, 0)
}

func buyerRefused(t *testing.T, w *world, minor int64) {
	token := w.token()
	w.scan(w.register(registration("a", minor)).QR, false)
	if p := w.status("a", Refused); p.Code != "insufficient_funds" {
		t.Errorf("code %s", p.Code)
	}
	for range 2 {
		p, err := w.client.Charge(t.Context(), ChargeRequest{ID: "c", Token: token, Amount: rub(minor)})
		if err != nil || p.Status != Refused || p.Code != "insufficient_funds" {
			t.Errorf("charge %+v, %v", p, err)
		}
	}
	w.books(100, 0)
}

func registerFails(once bool) func(*testing.T, *world, int64) {
	return func(t *testing.T, w *world, minor int64) {
		_, err := w.client.Register(t.Context(), registration("a", minor))
		wantKind(t, err, ErrNotSent, ErrUnavailable)
		_, err = w.client.Payment(t.Context(), "a")
		wantKind(t, err, ErrRefused, ErrNotFound)
		_, err = w.client.Register(t.Context(), registration("a", minor))
		if once && err != nil {
			t.Error(err)
		}
		if !once {
			wantKind(t, err, ErrNotSent, ErrUnavailable)
		}
	}
}

func registerAnswerLost(t *testing.T, w *world, minor int64) {
	token := w.token()
	_, err := w.hasty().Register(t.Context(), registration("a", minor))
	wantKind(t, err, ErrUnknown, ErrTimeout)
	asked := w.status("a", Active)
	if again := w.register(registration("a", minor)); again != asked {
		t.Errorf("a repeat gives %+v, asked %+v", again, asked)
	}
	charge := ChargeRequest{ID: "c", Token: token, Amount: rub(minor)}
	_, err = w.hasty().Charge(t.Context(), charge)
	wantKind(t, err, ErrUnknown, ErrTimeout)
	if p, err := w.client.Charge(t.Context(), charge); err != nil || p.Status != Paid {
		t.Errorf("charge again %+v, %v", p, err)
	}
	w.books(100+minor, 0)
}

func refundPending(result Status) func(*testing.T, *world, int64) {
	return func(t *testing.T, w *world, minor int64) {
		w.paid("a", minor)
		w.refund("r1", "a", minor-1, Pending)
		_, err := w.client.Refund(t.Context(), RefundRequest{ID: "r2", PaymentID: "a", Amount: rub(2)})
		wantKind(t, err, ErrRefused)
		w.books(minor, 0)
		w.clock.add(30 * time.Second)
		w.refund("r1", "a", minor-1, result)
		if result == Done {
			w.books(minor, minor-1)
		} else {
			w.books(minor, 0)
		}
	}
}

func refundAnswerLost(t *testing.T, w *world, minor int64) {
	w.paid("a", minor)
	r := RefundRequest{ID: "r1", PaymentID: "a", Amount: rub(600), Description: "back"}
	_, err := w.hasty().Refund(t.Context(), r)
	wantKind(t, err, ErrUnknown, ErrTimeout)
	w.books(minor, 600)
	w.refund("r1", "a", 600, Done)
	w.books(minor, 600)
}

// refund refunds and checks the status.
func (w *world) refund(id, payment string, minor int64, want Status) {
	w.t.Helper()
	r, err := w.client.Refund(w.t.Context(), RefundRequest{ID: id, PaymentID: payment, Amount: rub(minor), Description: "back"})
	if err != nil {
		w.t.Fatal(err)
	}
	if r.Status != want || r.Amount != rub(minor) || (want == Refused) != (r.Code != "") || (want == Done) != (r.OperationID != "") {
		w.t.Fatalf("refund %+v, want %s", r, want)
	}
}

// token makes a subscription with a payment of 1.00 and forgets its notification.
func (w *world) token() string {
	w.t.Helper()
	r := registration("subscribe", 100)
	r.Subscribe = true
	w.scan(w.register(r).QR, true)
	w.process()
	return w.status("subscribe", Paid).Receipt.Token
}

func TestRefunds(t *testing.T) {
	both(t, func(t *testing.T, unit Unit) {
		w := newWorld(t, unit, nil)
		w.register(registration("open", 300))
		_, err := w.client.Refund(t.Context(), RefundRequest{ID: "r0", PaymentID: "open", Amount: rub(1)})
		wantKind(t, err, ErrRefused)
		w.paid("a", 1000)
		w.refund("r1", "a", 300, Done)
		w.refund("r1", "a", 300, Done)
		w.refund("r2", "a", 700, Done)
		_, err = w.client.Refund(t.Context(), RefundRequest{ID: "r3", PaymentID: "a", Amount: rub(1)})
		wantKind(t, err, ErrRefused)
		_, err = w.client.Refund(t.Context(), RefundRequest{ID: "r1", PaymentID: "a", Amount: rub(301)})
		if e := new(RefusedError); !asRefused(err, &e) || e.Status != http.StatusConflict {
			t.Errorf("another refund under the same id: %v", err)
		}
		if p := w.status("a", Paid); p.Refunded != rub(1000) {
			t.Errorf("refunded %s", p.Refunded)
		}
		w.books(1000, 1000)
	})
}

// TestNotificationIsRepeated until it is taken.
func TestNotificationIsRepeated(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	w.answer = http.StatusInternalServerError
	w.paid("a", 500)
	first := w.process()
	if len(first) != 1 || len(w.process()) != 0 {
		t.Fatal("the bank did not try once")
	}
	w.clock.add(10 * time.Second)
	if again := w.process(); len(again) != 1 || again[0] != first[0] {
		t.Fatalf("the bank did not repeat: %+v", again)
	}
	w.mu.Lock()
	w.answer = http.StatusOK
	w.mu.Unlock()
	w.clock.add(30 * time.Second)
	if len(w.process()) != 1 {
		t.Error("the bank gave up")
	}
	w.clock.add(time.Hour)
	if len(w.process()) != 0 || w.bank.Owed() != 0 || w.bank.Delivered() != 1 {
		t.Error("the bank does not stop")
	}
}

func TestNotificationIsGivenUp(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	w.answer = http.StatusInternalServerError
	w.paid("a", 500)
	for range 24*12 + 1 {
		w.process()
		w.clock.add(5 * time.Minute)
	}
	if w.bank.Owed() != 0 || w.bank.Delivered() != 0 {
		t.Errorf("%d owed after a day, %d delivered", w.bank.Owed(), w.bank.Delivered())
	}
}
