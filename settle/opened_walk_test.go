package settle_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

// endings are the errors that a buyer may get beside those of the merchant's requests.
var endings = []error{settle.ErrEnded, settle.ErrOrderExists, settle.ErrNoRoute, subscription.ErrPeriodInProcess, subscription.ErrTooEarly, settle.ErrNotFound,
	subscription.ErrNone, subscription.ErrNotActive}

func overtaken(err error) bool {
	for _, e := range endings {
		if errors.Is(err, e) {
			return true
		}
	}
	return refused(err)
}

// street is what several buyers and processes do at once to a few order numbers of one shop.
type street struct {
	w      *settletest.World
	shop   *settle.Merchant
	parent int64 // of a subscription whose next payment is due

	mu   sync.Mutex
	sent []*settle.Payment // may be finished, late and twice
	told map[string]bool   // instant payments that the books took the bank's word for
}

func (s *street) pushed(p *settle.Payment) {
	if p != nil {
		s.mu.Lock()
		s.sent = append(s.sent, p)
		s.mu.Unlock()
	}
}

// buyer is one of them.
type buyer struct {
	*street
	random *rand.Rand
	steps  int
}

const (
	streetNumbers = 8
	streetTime    = 12 * time.Minute
)

// number is an order number: an even one is paid in rubles, by card or by code, an odd one by card and perhaps in two stages.
func (k *buyer) number() (string, settle.OpenRequest) {
	i := k.random.IntN(streetNumbers) + k.steps/50*streetNumbers
	r := settle.OpenRequest{Merchant: k.shop, OrderNumber: fmt.Sprint("street ", i), Original: money.Amount{Minor: 1000, Currency: money.RUB},
		Means: order.MeansCard, Tries: 1 + i%3, PayBefore: k.w.Clock.Now().Add(streetTime), Fingerprint: settle.Fingerprint{Kept: []byte{byte(i)}}}
	if i%3 == 0 {
		r.Customer, r.Keep = "walker", true
	}
	if i%4 == 0 {
		r.Terms = &subscription.Terms{Min: 1, Max: 1000, PeriodDays: 1, LastDate: k.w.Clock.Now().AddDate(1, 0, 0)}
	}
	if i%2 == 1 {
		r.Original.Currency, r.TwoStage = money.BYN, i%4 == 1
	}
	return r.OrderNumber, r
}

// order is an attempt of a number, mostly the last.
func (k *buyer) order(ctx context.Context) (*settle.Order, error) {
	number, _ := k.number()
	all, err := k.w.Books.Attempts(ctx, settletest.Merchant, number, settletest.Start, k.w.Clock.Now().Add(time.Hour))
	if err != nil || len(all) == 0 {
		return nil, errors.Join(err, settle.ErrNotFound)
	}
	if k.random.IntN(4) == 0 {
		return all[k.random.IntN(len(all))], nil
	}
	return all[len(all)-1], nil
}

// cut is a context that may end at any moment of a step, as a process or a connection does.
func (k *buyer) cut(t *testing.T) (ctx context.Context, cancel context.CancelFunc, cuts bool) {
	if k.random.IntN(6) > 0 {
		return t.Context(), func() {}, false
	}
	ctx, cancel = context.WithTimeout(t.Context(), time.Duration(k.random.Int64N(int64(20*time.Millisecond))))
	return ctx, cancel, true
}

func (k *buyer) step(t *testing.T) error {
	k.steps++
	ctx, cancel, cuts := k.cut(t)
	defer cancel()
	err := k.act(ctx, t)
	if cuts && (errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil) {
		return nil
	}
	return err
}

func (k *buyer) act(ctx context.Context, t *testing.T) error {
	b := k.w.Books
	choice := k.random.IntN(18)
	switch choice {
	case 0, 1:
		_, r := k.number()
		_, _, err := b.Open(ctx, r)
		return err
	case 2:
		return k.later(ctx)
	case 3, 4, 5:
		return k.finish(ctx)
	case 6:
		_, err := b.TimeoutDue(ctx, 3)
		return err
	case 7:
		_, err := b.GiveUpDue(ctx, 3)
		return err
	case 8:
		return k.answer(ctx)
	}
	o, err := k.order(ctx)
	if err != nil {
		return err
	}
	switch choice {
	case 9, 10, 11:
		p, err := b.Pay(ctx, k.card(o))
		k.pushed(p)
		return err
	case 12:
		_, err := b.Authenticate(ctx, k.card(o), authentication.Authentication{ServerID: fmt.Sprintf("%d-%d", k.random.Int64(), k.steps), Required: 1})
		return err
	case 13:
		return k.authenticated(ctx, o)
	case 14:
		_, err := b.BeginInstant(ctx, o.Merchant, o.ID, k.w.Clock.Now().Add(5*time.Minute))
		return err
	case 15, 16:
		return k.bank(ctx, o)
	}
	return k.shopDoes(ctx, t, o)
}

func (k *buyer) card(o *settle.Order) settle.PayRequest {
	pan, _ := vault.ParsePAN(settletest.Card)
	return settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"}
}

// later asks for the due payment of the subscription, and pays it.
func (k *buyer) later(ctx context.Context) error {
	o, _, fresh, err := k.w.Books.OpenLater(ctx, settle.OpenRequest{Merchant: k.shop, OrderNumber: fmt.Sprint("later ", k.random.IntN(3)),
		Original: byn(900), Tries: 1, PayBefore: k.w.Clock.Now().Add(streetTime), Parent: k.parent, Fingerprint: settle.Fingerprint{Kept: []byte("later")}})
	if err != nil || !fresh {
		return err
	}
	p, err := k.w.Books.Pay(ctx, k.card(o))
	k.pushed(p)
	return err
}

// finish brings the answer to a payment: perhaps for the second time, perhaps after it was given up.
func (k *buyer) finish(ctx context.Context) error {
	k.mu.Lock()
	var p settle.Payment
	if len(k.sent) > 0 {
		p = *k.sent[k.random.IntN(len(k.sent))]
	}
	k.mu.Unlock()
	if p.Merchant == nil {
		return nil
	}
	b := k.w.Books
	if k.random.IntN(5) == 0 {
		return b.GiveUp(ctx, p.Merchant.ID, p.Order, p.Transaction)
	}
	r := settle.Result{ActionCode: "116", Response: "AS102"}
	if k.random.IntN(2) == 0 {
		r = approved()
	}
	err := b.Finish(ctx, &p, r)
	if errors.Is(err, settle.ErrLate) && r.Approved {
		return b.ApprovedLate(ctx, p.Merchant.ID, p.Order, "000", "LATE")
	}
	return err
}

func (k *buyer) answer(ctx context.Context) error {
	due, err := k.w.Books.Due(ctx, 3)
	for _, e := range due {
		v := []settle.Verdict{settle.VerdictDone, settle.VerdictDone, settle.VerdictOriginal}[k.random.IntN(3)]
		err = errors.Join(err, k.w.Books.Answered(ctx, e, v, "000", "CCCCCC", ""))
	}
	return err
}

func (k *buyer) authenticated(ctx context.Context, o *settle.Order) error {
	a, err := o.Authenticating(ctx, k.w.Authentications())
	if a == nil || err != nil {
		return err
	}
	said := authentication.Authentication{ServerID: a.ServerID, State: authentication.Passed, Status: "Y", ECI: "05"}
	if k.random.IntN(3) == 0 {
		said.State, said.Status = authentication.Failed, "N"
	}
	p, err := k.w.Books.Authenticated(ctx, o.Merchant, o.ID, said, "AS100")
	k.pushed(p)
	return err
}

// bank says something about a code of the order, perhaps late and perhaps about an earlier one.
func (k *buyer) bank(ctx context.Context, o *settle.Order) error {
	operation := int16(1 + k.random.IntN(int(o.PaymentNumber)+1))
	b := k.w.Books
	if end := k.random.IntN(5); end > 0 && end < 4 {
		return b.InstantEnded(ctx, o.Merchant, o.ID, operation, settle.InstantEnd(end), "the bank says so")
	}
	p := settle.InstantPayment{Order: o.ID, Operation: operation}
	_, err := b.InstantMade(ctx, o.Merchant, o.ID, operation, settle.Paid{Center: settletest.BankCenter, Operation: p.ID(),
		Amount: money.Amount{Minor: 1000, Currency: money.RUB}, At: k.w.Clock.Now()})
	if err == nil {
		k.mu.Lock()
		k.told[p.ID()] = true
		k.mu.Unlock()
	}
	return err
}

func (k *buyer) shopDoes(ctx context.Context, t *testing.T, o *settle.Order) error {
	b := k.w.Books
	var err error
	switch k.random.IntN(5) {
	case 4:
		_, err = b.Cancel(ctx, settle.CancelRequest{Merchant: o.Merchant, Order: o.ID, Actor: settle.ByMerchant})
	case 0:
		_, err = b.Refuse(ctx, o.Merchant, o.ID)
	case 1:
		_, err = b.Confirm(ctx, settle.ConfirmRequest{Merchant: o.Merchant, Order: o.ID, Actor: settle.ByMerchant})
	case 2:
		amount := money.Amount{Minor: 1 + k.random.Int64N(500), Currency: o.Amount.Currency}
		_, err = b.Cancel(ctx, settle.CancelRequest{Merchant: o.Merchant, Order: o.ID, Amount: &amount, External: fmt.Sprintf("%d-%d", k.random.Int64(), k.steps),
			Actor: settle.ByMerchant})
	default:
		_, _, err = k.w.TryBegin(t, settletest.Payment{Number: o.Number, Amount: byn(100)})
	}
	return err
}

// TestStreet lets several goroutines open, pay, authenticate, time out, refuse, cancel and finish orders of a few numbers,
// and die at any moment of it, while the partner bank says all it can say about their codes. Whatever the interleaving, the
// audit finds nothing, no order number is paid twice, no word of the bank is lost, every order comes to an end, and nobody
// waits for another in a circle.
func TestStreet(t *testing.T) {
	for seed := range uint64(4) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := settletest.New(t, settletest.WithBank)
			s := &street{w: w, parent: subscribed(t, w), told: map[string]bool{}}
			s.shop, _ = w.Dir.Merchant(settletest.Merchant)
			w.Clock.Advance(30 * 24 * time.Hour)
			planMore(t, w)
			s.run(t, seed)
			s.drain(t)
			s.judge(t)
		})
	}
}

func (s *street) run(t *testing.T, seed uint64) {
	var group sync.WaitGroup
	for g := range uint64(6) {
		k := &buyer{street: s, random: rand.New(rand.NewPCG(seed, g))}
		group.Go(func() {
			for range 150 {
				if err := k.step(t); !overtaken(err) {
					t.Error(err)
				}
				s.w.Clock.Advance(4 * time.Second)
			}
		})
	}
	group.Wait()
}

// drain lets everything end as the sweeps do, with a bank and centers that answer.
func (s *street) drain(t *testing.T) {
	ctx, b := t.Context(), s.w.Books
	for range 4 {
		s.w.Clock.Advance(streetTime + authentication.Within)
		due, err := b.InstantDue(ctx, 1000)
		check(t, err)
		for _, p := range due {
			check(t, b.InstantEnded(ctx, p.Merchant, p.Order, p.Operation, settle.EndExpired, "not paid in time"))
		}
		_, err = b.GiveUpDue(ctx, 1000)
		check(t, err)
		s.w.AnswerAll(t, settle.VerdictDone, "000")
		_, err = b.TimeoutDue(ctx, 2)
		check(t, err)
	}
	due, err := s.w.Wishes().Due(ctx, 1000) // of codes that were paid without a consent
	check(t, err)
	for _, d := range due {
		check(t, s.w.Wishes().Failed(ctx, d, "the bank names no consent"))
	}
}

func (s *street) judge(t *testing.T) {
	proven(t, s.w)
	count := func(what, sql string, args ...any) {
		t.Helper()
		var n int
		check(t, s.w.Pool.QueryRow(t.Context(), sql, args...).Scan(&n))
		if n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	count("order numbers are paid twice", `SELECT count(*) FROM (SELECT ordernumber FROM orders
		WHERE authorized > released_cancel + released_deposit + released_expiry + refunded GROUP BY 1 HAVING count(*) > 1) x`)
	count("orders never end", `SELECT count(*) FROM orders WHERE status = $1`, int16(order.InProcess))
	count("places of the queue are left behind", `SELECT count(*) FROM open_orders`)
	count("exchanges are left behind", `SELECT count(*) FROM owed_exchanges`)
	count("authentications wait for ever", `SELECT count(*) FROM authentications WHERE state IN (1, 2)`)
	count("later payments of one period too many", `SELECT greatest(count(*) - 1, 0) FROM orders WHERE parent IS NOT NULL AND status = 2`)
	count("deadlocks", `SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()`)
	var known []string
	for id := range s.told {
		known = append(known, id)
	}
	count("words of the bank are lost", `SELECT count(*) FROM unnest($1::text[]) AS told (id)
		WHERE NOT EXISTS (SELECT FROM instant_payments WHERE bank_operation = told.id)
			AND NOT EXISTS (SELECT FROM breaks WHERE category = 'B-05' AND fingerprint LIKE '%/' || told.id)`, known)
	var paid, instant, late, ended int
	check(t, s.w.Pool.QueryRow(t.Context(), `SELECT count(*) FILTER (WHERE status = 2), count(*) FILTER (WHERE status = 2 AND means = 2),
		(SELECT count(*) FROM instant_payments WHERE late), count(*) FILTER (WHERE status <> 2) FROM orders`).Scan(&paid, &instant, &late, &ended))
	t.Logf("%d orders paid, %d of them by code, %d late; %d ended otherwise", paid, instant, late, ended)
	if paid+ended < streetNumbers {
		t.Error("too little happened")
	}
}
