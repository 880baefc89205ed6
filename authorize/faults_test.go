package authorize_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// around is a host that does something after each answer of the center.
type around struct {
	online.Host
	after func()
}

// Exchange exchanges, then calls after.
func (a *around) Exchange(ctx context.Context, r online.Request) (online.Answer, error) {
	answer, err := a.Host.Exchange(ctx, r)
	a.after()
	return answer, err
}

// interpose opens a second gateway on which something happens between a center's answer and its record in the books.
func (w *world) interpose(after func()) {
	w.options.Centers[settletest.FileCenter] = payment.Center{Host: &around{w.options.Centers[settletest.FileCenter].Host, after}, Acquirer: acquirer}
	w.options.Registerer = nil
	w.open()
}

// A panic is told without its text, and what it left behind is reversed or, where the center tells, kept.
func TestPanic(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.interpose(func() { panic("secret of the house") })
	r := w.form(pay, paymentOf("A-1"))
	if first, second := w.codes(r.body); r.status != 500 || first != 1 || second != 1 || strings.Contains(r.body, "secret") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if !strings.Contains(w.logs.String(), r.header.Get("X-Request-Id")) || strings.Contains(w.logs.String(), pcsim.CardApproved) {
		t.Errorf("log: %s", w.logs.String())
	}
	if got := w.state("A-1"); got != "In Process" {
		t.Errorf("state %s", got)
	}
	w.options.Centers[settletest.FileCenter] = payment.Center{Host: w.clients[settletest.FileCenter], Acquirer: acquirer}
	w.open()
	w.Clock.Advance(3 * time.Minute)
	w.settleOwed()
	if got := w.state("A-1"); got != "Approved" {
		t.Errorf("state after the inquiry %s", got)
	}
}

// When the database goes away after the center approved, the payment is in process: neither approved nor refused.
func TestDatabaseAwayAfterTheAnswer(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.interpose(w.Pool.Close)
	r := w.call(pay, paymentOf("A-1"))
	if r.First != 0 || r.Order["responsecode"] != "AS300" || r.Order["orderstate"] != "In Process" || !strings.HasSuffix(r.Order["billnumber"], ".1") {
		t.Errorf("%+v", r)
	}
}

// A caller who hangs up changes nothing: the payment is asked for, recorded, and told to whoever asks again.
func TestCallerHangsUp(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	ctx, hangUp := context.WithCancel(t.Context())
	w.interpose(hangUp)
	if _, err := w.attempt(ctx, pay, paymentOf("A-1")); err == nil {
		t.Fatal("the answer came though the caller was gone")
	}
	w.eventually("approval", func() bool { return w.state("A-1") == "Approved" })
	if r := w.call(pay, paymentOf("A-1")); r.Order["responsecode"] != "AS000" {
		t.Errorf("%+v", r)
	}
}
