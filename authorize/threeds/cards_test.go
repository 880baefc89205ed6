package threeds_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/threeds"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

// TestEveryCard takes each documented card through all of 3-D Secure, with the right code, and then pays with it at a
// processing center, which checks the proof.
func TestEveryCard(t *testing.T) {
	w := newWorld(t, func(o *threeds.Options) { o.Timeout = 300 * time.Millisecond })
	pay := newCenter(t)
	for _, card := range pcsim.ACSCards() {
		t.Run(card.PAN, func(t *testing.T) {
			w.t = t
			first, last, failed := w.whole(card)
			if first != card.Status || last.Status != threeds.Status(card.Final) && !failed {
				t.Errorf("%s: %s, then %s; want %s, then %s", card.Means, first, last.Status, card.Status, card.Final)
			}
			if failed != (card.Enrolled == 1 && card.Status == "" || card.PAN == pcsim.CardACSStartError) {
				t.Errorf("%s: failed is %v", card.Means, failed)
			}
			if failed || !last.Status.Proven() && !last.Status.Unproven() {
				last = threeds.Authentication{}
			}
			if a := pay(card.PAN, last); !a.Approved() {
				t.Errorf("%s: the center says %s", card.Means, a.ActionCode)
			}
		})
	}
}

// whole is the way of a buyer who does everything right. failed says that the server gave no usable answer.
func (w *world) whole(card pcsim.ACSCard) (first string, last threeds.Authentication, failed bool) {
	w.t.Helper()
	ctx := context.Background()
	e, err := w.client.Start(ctx, "order."+card.PAN, number(w.t, card.PAN))
	if card.PAN != pcsim.CardACSStartError && (err != nil || int(e.Enrolled) != card.Enrolled) {
		w.t.Fatalf("start: %+v, %v", e, err)
	}
	if err != nil || e.Enrolled != threeds.IsEnrolled {
		return "", last, err != nil && errors.Is(err, threeds.ErrUnavailable) && e.Enrolled == threeds.EnrolledUnknown
	}
	r := w.request(e)
	if e.MethodURL != "" {
		r.Method = w.method(e)
	}
	last, err = w.client.Authenticate(ctx, r)
	if err != nil {
		return "", last, errors.Is(err, threeds.ErrUnavailable) && last.Status.Unproven() || errors.Is(err, threeds.ErrUntrusted) && last.Status == ""
	}
	first = string(last.Status)
	switch last.Status {
	case threeds.StatusChallenge:
		w.challenge(last, pcsim.ChallengeCode)
		last = w.result(e.ServerTransID)
	case threeds.StatusDecoupled:
		if again := w.result(e.ServerTransID); again.Status != threeds.StatusDecoupled {
			w.t.Errorf("decoupled is over at once: %s", again.Status)
		}
		w.clock.add(3 * time.Second)
		last = w.result(e.ServerTransID)
	}
	return first, last, false
}

// newCenter returns a function that pays at a simulated center with what an authentication gave.
func newCenter(t *testing.T) func(pan string, a threeds.Authentication) online.Answer {
	t.Helper()
	center, err := pcsim.New(pcsim.Options{MemberID: "00000012345", Now: func() time.Time { return noon }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { center.Close() })
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := online.New(online.Options{Name: "PC", Address: center.OnlineAddr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ready, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Ready(ready); err != nil {
		t.Fatal(err)
	}
	n := 0
	return func(pan string, a threeds.Authentication) online.Answer {
		n++
		id := string([]byte{'0', '0', '0', '0', byte('0' + n/10), byte('0' + n%10)})
		answer, err := c.Exchange(context.Background(), online.Request{
			Kind: online.Authorization, Amount: money.Amount{Minor: 12345, Currency: money.BYN}, STAN: id, RRN: "632412" + id,
			TransmittedAt: noon, LocalTime: noon, Terminal: "TERM0001", Acceptor: "MERCHANT0000001", MCC: "5999", Acquirer: "123456",
			Card:           online.Card{PAN: number(t, pan), Expiry: "2812", CVV: vault.NewSecret([]byte("123"))},
			Authentication: online.Authentication{ECI: a.ECI, Value: a.Value, DSTransID: a.DSTransID},
		})
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
}

// TestCenterChecksTheProof pays with proofs that are not those of the card, of the transaction or of the level.
func TestCenterChecksTheProof(t *testing.T) {
	w, pay := newWorld(t, nil), newCenter(t)
	proof := func(pan string) threeds.Authentication { return w.authenticate(w.request(w.start(pan))) }
	if a := pay("5413339999003017", proof(pcsim.CardFrictionless)); a.Approved() {
		t.Error("proof of another card is taken")
	}
	other := proof(pcsim.CardFrictionless)
	other.DSTransID = proof("5413339999003017").DSTransID
	if a := pay(pcsim.CardFrictionless, other); a.Approved() {
		t.Error("proof of another transaction is taken")
	}
	raised := proof(pcsim.CardAttempted)
	raised.ECI = "05"
	if a := pay(pcsim.CardAttempted, raised); a.Approved() {
		t.Error("an attempt passes for an authentication")
	}
	if a := pay(pcsim.CardAttempted, proof(pcsim.CardAttempted)); !a.Approved() {
		t.Errorf("attempt: %s", a.ActionCode)
	}
}
