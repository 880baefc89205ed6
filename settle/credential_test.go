package settle_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"
)

// keeping pays an order of buyer-7, whose card is kept, and returns the order and what the buyer then has stored for it.
func keeping(t *testing.T, w *settletest.World, number, card string) (int64, *credential.Credential) {
	t.Helper()
	id := payKeeping(t, w, number, card)
	o, err := w.Books.Order(t.Context(), settletest.Merchant, id)
	check(t, err)
	c, err := w.Books.StoredWith(t.Context(), o)
	check(t, err)
	return o.ID, c
}

// payKeeping pays an order of buyer-7, whose card is kept if it can be, and returns the order.
func payKeeping(t *testing.T, w *settletest.World, number, card string) int64 {
	t.Helper()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: byn(1000), Means: order.MeansCard, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte(number)}, Customer: "buyer-7", Keep: true})
	check(t, err)
	p, err := payOpened(t, w, o.ID, card)
	check(t, err)
	r := approved()
	r.NetworkID = "MCC0123456789"
	check(t, w.Books.Finish(t.Context(), p, r))
	return o.ID
}

func TestStoredCard(t *testing.T) {
	w := settletest.New(t)
	id, c := keeping(t, w, "C-1", settletest.Card)
	if c.CardMask != "411111****1111" || c.NetworkID != "MCC0123456789" {
		t.Fatalf("stored %+v", c)
	}
	if _, again := keeping(t, w, "C-2", settletest.Card); again.ID != c.ID {
		t.Fatalf("the same card is %v", again)
	}
	_, other := keeping(t, w, "C-3", "5555555555554444")
	list, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7")
	if err != nil || len(list) != 2 {
		t.Fatalf("%d cards, %v", len(list), err)
	}
	pan, err := w.Credentials().Use(t.Context(), c)
	if err != nil || pan.Reveal() != settletest.Card {
		t.Fatalf("opened %v, %v", pan, err)
	}
	if _, err := w.Credentials().Find(t.Context(), settletest.OtherMerchant, c.ID); !errors.Is(err, credential.ErrNone) {
		t.Fatalf("another merchant's card: %v", err)
	}
	if err := w.Credentials().Forget(t.Context(), settletest.Merchant, "buyer-8", c.ID); !errors.Is(err, credential.ErrNone) {
		t.Fatalf("another buyer's card: %v", err)
	}
	check(t, w.Credentials().Forget(t.Context(), settletest.Merchant, "buyer-7", c.ID))
	if _, err := w.Credentials().Find(t.Context(), settletest.Merchant, c.ID); !errors.Is(err, credential.ErrNone) {
		t.Fatalf("deleted card: %v", err)
	}
	var sealed []byte
	check(t, w.Pool.QueryRow(t.Context(), `SELECT coalesce(sealed, '') FROM credentials WHERE credential_id = $1`, c.ID).Scan(&sealed))
	if len(sealed) != 0 {
		t.Error("the card of a deleted credential is still there")
	}
	// A sealed card opens in its own row only.
	_, err = w.Pool.Exec(t.Context(), `UPDATE credentials SET sealed = (SELECT card FROM orders WHERE order_id = $1) WHERE credential_id = $2`, id, other.ID)
	check(t, err)
	moved, err := w.Credentials().Find(t.Context(), settletest.Merchant, other.ID)
	check(t, err)
	if _, err = w.Credentials().Use(t.Context(), moved); err == nil {
		t.Error("a card that was moved to another row opens")
	}
}

// subscribed opens and pays the first order of a subscription: 5.00 to 20.00 every 30 days for 100 days.
func subscribed(t *testing.T, w *settletest.World) int64 {
	t.Helper()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "SUB", Original: byn(1000), Means: order.MeansCard, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("SUB")},
		Terms: &subscription.Terms{Min: 500, Max: 2000, PeriodDays: 30, LastDate: w.Clock.Now().AddDate(0, 0, 100).Truncate(24 * time.Hour)}})
	check(t, err)
	p, err := payOpened(t, w, o.ID, settletest.Card)
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, approved()))
	return o.ID
}

func later(t *testing.T, w *settletest.World, parent int64, number string, amount money.Amount) (*settle.Order, *credential.Credential, error) {
	t.Helper()
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, c, _, err := w.Books.OpenLater(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: number, Original: amount, Tries: 1,
		PayBefore: w.Clock.Now().Add(10 * time.Minute), Parent: parent, Fingerprint: settle.Fingerprint{Kept: []byte(number)}})
	return o, c, err
}

func finishLater(t *testing.T, w *settletest.World, o *settle.Order, c *credential.Credential, r settle.Result) {
	t.Helper()
	pan, err := w.Credentials().Use(t.Context(), c)
	check(t, err)
	p, err := w.Books.Pay(t.Context(), settle.PayRequest{Merchant: settletest.Merchant, Order: o.ID, Means: order.MeansCard, PAN: pan, CardExpiry: c.CardExpiry})
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, r))
}

func TestLaterPaymentsOfASubscription(t *testing.T) {
	w := settletest.New(t)
	parent := subscribed(t, w)
	refuse := func(number string, amount money.Amount, want error) {
		t.Helper()
		if _, _, err := later(t, w, parent, number, amount); !errors.Is(err, want) {
			t.Fatalf("%s: %v, not %v", number, err, want)
		}
	}
	refuse("early", byn(1000), subscription.ErrTooEarly)
	w.Clock.Advance(29 * 24 * time.Hour)
	refuse("low", byn(499), subscription.ErrOutOfBounds)
	refuse("high", byn(2001), subscription.ErrOutOfBounds)
	refuse("currency", money.Amount{Minor: 1000, Currency: money.EUR}, order.ErrCurrency)
	o, c, err := later(t, w, parent, "one", byn(1500))
	check(t, err)
	refuse("beside", byn(1500), subscription.ErrPeriodInProcess)
	planMore(t, w)
	finishLater(t, w, o, c, approved())
	paid := mustState(t, w, o.ID, order.StateApproved)
	if paid.Parent != parent {
		t.Fatalf("parent %d", paid.Parent)
	}
	refuse("again", byn(1500), subscription.ErrTooEarly)
	w.Clock.Advance(30 * 24 * time.Hour)
	planMore(t, w)
	for _, number := range []string{"two", "three", "four"} {
		o, c, err := later(t, w, parent, number, byn(1500))
		check(t, err)
		finishLater(t, w, o, c, settle.Result{ActionCode: "116", Response: "AS102"})
	}
	s, err := w.Subscriptions().Find(t.Context(), settletest.Merchant, parent)
	if err != nil || s.State != subscription.Suspended || s.Payments != 1 || s.Declines != 3 {
		t.Fatalf("%+v, %v", s, err)
	}
	w.Clock.Advance(60 * 24 * time.Hour)
	refuse("over", byn(1500), subscription.ErrOver)
	_, err = w.Subscriptions().Cancel(t.Context(), settletest.Merchant, parent)
	check(t, err)
	refuse("canceled", byn(1500), subscription.ErrNotActive)
	if _, err := w.Credentials().Find(t.Context(), settletest.Merchant, c.ID); !errors.Is(err, credential.ErrNone) {
		t.Fatalf("card of a canceled subscription: %v", err)
	}
}

func planMore(t *testing.T, w *settletest.World) {
	t.Helper()
	_, err := w.Pool.Exec(t.Context(), `INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at)
		SELECT $1, 1, 'ipm', d, d + interval '20 hours', d + interval '21 hours' FROM generate_series($2::date, $2::date + 3, '1 day') d`,
		settletest.FileCenter, w.Clock.Now())
	check(t, err)
}

// Of many later payments that are asked for at once, one of the period is taken.
func TestOneLaterPaymentOfAPeriod(t *testing.T) {
	w := settletest.New(t)
	parent := subscribed(t, w)
	w.Clock.Advance(30 * 24 * time.Hour)
	results := make(chan error, 8)
	for i := range cap(results) {
		go func() {
			_, _, err := later(t, w, parent, string(bytes.Repeat([]byte{'x'}, i+1)), byn(600))
			results <- err
		}()
	}
	took := 0
	for range cap(results) {
		switch err := <-results; {
		case err == nil:
			took++
		case !errors.Is(err, subscription.ErrPeriodInProcess):
			t.Error(err)
		}
	}
	if took != 1 {
		t.Fatalf("%d payments of one period", took)
	}
}
