package settle_test

import (
	"os"
	"regexp"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/settletest"
	"settled/settle/subscription"

	"github.com/google/go-cmp/cmp"
)

// told with the approval by a center, or by its answer to an inquiry.
var theApproval = settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000", NetworkID: "MCC0123456789"}

// waysToLearn are the ways that the books learn that a center approved a payment by card. Each returns what made the order paid.
var waysToLearn = []struct {
	name  string
	learn func(t *testing.T, w *settletest.World, p *settle.Payment)
}{
	{"live answer", func(t *testing.T, w *settletest.World, p *settle.Payment) {
		check(t, w.Books.Finish(t.Context(), p, theApproval))
	}},
	{"inquiry", func(t *testing.T, w *settletest.World, p *settle.Payment) {
		check(t, w.Books.GiveUp(t.Context(), p.Merchant.ID, p.Order, p.Transaction))
		adopt(t, w)
	}},
	{"inquiry after the process died with the payment on its way", func(t *testing.T, w *settletest.World, p *settle.Payment) {
		w.Clock.Advance(3 * time.Minute)
		_, err := w.Books.GiveUpDue(t.Context(), 10)
		check(t, err)
		adopt(t, w)
	}},
	{"inquiry by another process, after the answer came too late", func(t *testing.T, w *settletest.World, p *settle.Payment) {
		check(t, w.Books.GiveUp(t.Context(), p.Merchant.ID, p.Order, p.Transaction))
		if err := w.Books.Finish(t.Context(), p, theApproval); err == nil {
			t.Fatal("an outcome after it was given up")
		}
		other := settle.New(settle.Options{Pool: w.Pool, Directory: w.Dir, Vault: w.Vault, Zone: time.UTC, Now: w.Clock.Now})
		defer other.Close()
		adoptIn(t, other)
	}},
}

func adopt(t *testing.T, w *settletest.World) { t.Helper(); adoptIn(t, w.Books) }

func adoptIn(t *testing.T, b *settle.Books) {
	t.Helper()
	due, err := b.Due(t.Context(), 10)
	check(t, err)
	if len(due) != 1 {
		t.Fatalf("%d messages are owed", len(due))
	}
	check(t, b.Answered(t.Context(), due[0], settle.VerdictOriginal, "000", "A1B2C3", "MCC0123456789"))
}

// intention is a payment that something is to follow from.
type intention struct {
	name string
	ask  settle.OpenRequest
	pay  func(t *testing.T, w *settletest.World, o *settle.Order) *settle.Payment
}

var (
	agreement     = intention{"subscription", settle.OpenRequest{Original: byn(1000), Terms: monthly()}, payPlain}
	singleMessage = intention{"subscription, single message", settle.OpenRequest{Original: money.Amount{Minor: 1000, Currency: money.USD}, Terms: monthly()}, payPlain}
)

var intentions = []intention{
	{"card of the order", settle.OpenRequest{Original: byn(1000), Customer: "buyer-7", Keep: true}, payPlain},
	{"card of the payment", settle.OpenRequest{Original: byn(1000), Customer: "buyer-7"}, func(t *testing.T, w *settletest.World, o *settle.Order) *settle.Payment {
		r := card(t, o)
		r.Keep = true
		p, err := w.Books.Pay(t.Context(), r)
		check(t, err)
		return p
	}},
	{"card not to keep", settle.OpenRequest{Original: byn(1000), Customer: "buyer-7"}, payPlain},
	agreement,
	singleMessage,
	{"subscription after 3-D Secure", settle.OpenRequest{Original: byn(1000), Terms: monthly()}, paySecure},
	{"card, 3-D Secure", settle.OpenRequest{Original: byn(1000), Customer: "buyer-7", Keep: true}, paySecure},
	{"later payment", settle.OpenRequest{Original: byn(1500), Parent: 1}, payPlain},
	{"subscription, held", settle.OpenRequest{Original: byn(1000), Terms: monthly(), TwoStage: true}, payPlain},
}

func monthly() *subscription.Terms {
	return &subscription.Terms{Min: 500, Max: 2000, PeriodDays: 30, LastDate: settletest.Start.AddDate(1, 0, 0).Truncate(24 * time.Hour)}
}

func card(t *testing.T, o *settle.Order) settle.PayRequest {
	t.Helper()
	pan, err := vault.ParsePAN(settletest.Card)
	check(t, err)
	return settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"}
}

func payPlain(t *testing.T, w *settletest.World, o *settle.Order) *settle.Payment {
	t.Helper()
	p, err := w.Books.Pay(t.Context(), card(t, o))
	check(t, err)
	return p
}

func paySecure(t *testing.T, w *settletest.World, o *settle.Order) *settle.Payment {
	t.Helper()
	_, err := w.Books.Authenticate(t.Context(), card(t, o), authentication.Authentication{ServerID: o.Number, Required: 1})
	check(t, err)
	p, err := w.Books.Authenticated(t.Context(), o.Merchant, o.ID,
		authentication.Authentication{ServerID: o.Number, State: authentication.Passed, Status: "Y", ECI: "05"}, "")
	check(t, err)
	return p
}

// begun opens the order of an intention; a later payment gets a subscription first.
func begun(t *testing.T, w *settletest.World, ask settle.OpenRequest, number string) *settle.Order {
	t.Helper()
	ask.Merchant, _ = w.Dir.Merchant(settletest.Merchant)
	ask.OrderNumber, ask.Fingerprint, ask.Means, ask.Tries = number, settle.Fingerprint{Kept: []byte(number)}, order.MeansCard, 1
	if ask.Parent != 0 {
		ask.Parent = subscribed(t, w)
		w.Clock.Advance(10 * 24 * time.Hour)
	}
	ask.PayBefore = w.Clock.Now().Add(time.Hour)
	var o *settle.Order
	var err error
	if ask.Parent == 0 {
		o, _, err = w.Books.Open(t.Context(), ask)
	} else {
		_, err = pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE subscriptions SET period_days = 10,
		agreed = what_was_agreed(merchant_id, order_id, min_amount, max_amount, currency, 10::smallint, last_date)`)
		check(t, err)
		o, _, _, err = w.Books.OpenLater(t.Context(), ask)
	}
	check(t, err)
	return o
}

// Everything that follows an approval follows from it in one commit, and is the same however it was learned. This test is the
// table of docs/adr/0025.
func TestWhatFollowsAnApprovalFollowsHoweverItIsLearned(t *testing.T) {
	live := map[string]map[string]string{}
	for _, way := range waysToLearn {
		w := newNotifyWorld(t, settle.Notify{Payments: true})
		for _, i := range intentions {
			t.Run(i.name+" by "+way.name, func(t *testing.T) {
				ask := i.ask
				if ask.Customer != "" {
					ask.Customer = "buyer, " + i.name
				}
				o := begun(t, w, ask, i.name)
				way.learn(t, w, i.pay(t, w, o))
				have := consequences(t, w, o)
				if live[i.name] == nil {
					expect(t, ask, have)
					live[i.name] = have
				}
				if diff := cmp.Diff(live[i.name], have); diff != "" {
					t.Errorf("what follows (-live answer +%s):\n%s", way.name, diff)
				}
				proven(t, w)
			})
		}
	}
}

// expect states what the live answer leaves behind, so that all ways cannot be wrong together.
func expect(t *testing.T, ask settle.OpenRequest, live map[string]string) {
	t.Helper()
	want := map[string]string{"told": "1/1 pending", "wishes": ""}
	switch {
	case ask.Keep:
		want["kept"] = ask.Customer + " 411111****1111 MCC0123456789 opens"
	case ask.Parent != 0:
		want["later"] = "paid; 1 payments, 0 declines"
	case ask.Terms != nil:
		want["subscription"] = "active; 411111****1111 MCC0123456789 opens"
	}
	for name, value := range want {
		if live[name] != value {
			t.Errorf("%+v: %s is %q, not %q", ask, name, live[name], value)
		}
	}
}

func consequences(t *testing.T, w *settletest.World, o *settle.Order) map[string]string {
	t.Helper()
	got := map[string]string{"told": told(t, w, o.ID)}
	for name, sql := range map[string]string{
		"order":    `SELECT concat_ws(' ', status, authorized, confirmed, hold_expires_at IS NOT NULL) FROM orders WHERE order_id = $1`,
		"exchange": `SELECT concat_ws(' ', kind, state, action_code, approval_code, security, network_id) FROM transactions WHERE order_id = $1 AND kind IN (1, 2)`,
		"record":   `SELECT concat_ws(' ', amount, security, network_id, approval_code, card_expiry) FROM records WHERE order_id = $1`,
		"postings": `SELECT concat_ws(' ', rule, amount, seq, debit, credit) FROM postings WHERE source_id = $1 AND rule NOT IN (4, 5)`,
		"held":     `SELECT center_id::text FROM open_holds WHERE order_id = $1`,
		"wishes":   `SELECT kind::text FROM wishes WHERE order_id = $1`,
		"later": `SELECT format('%s; %s payments, %s declines', (ARRAY['in process', 'paid', 'declined'])[p.state], s.payments, s.declines)
			FROM subscription_payments p JOIN subscriptions s ON s.order_id = p.parent WHERE p.order_id = $1`,
	} {
		var text string
		check(t, w.Pool.QueryRow(t.Context(), `SELECT coalesce(string_agg(x, ', ' ORDER BY x), '') FROM (`+sql+`) AS x (x)`, o.ID).Scan(&text))
		got[name] = text
	}
	paid, err := w.Books.Order(t.Context(), o.Merchant, o.ID)
	check(t, err)
	if c, err := w.Books.StoredWith(t.Context(), paid); err == nil {
		got["kept"] = c.Customer + " " + opened(t, w, c)
	}
	if paid.Terms != nil {
		s, err := w.Subscriptions().Find(t.Context(), o.Merchant, o.ID)
		check(t, err)
		got["subscription"] = s.State.String() + "; "
		if s.Credential != nil {
			c, err := w.Credentials().Find(t.Context(), o.Merchant, *s.Credential)
			check(t, err)
			got["subscription"] += opened(t, w, c)
		}
	}
	return got
}

func opened(t *testing.T, w *settletest.World, c *credential.Credential) string {
	t.Helper()
	pan, err := w.Credentials().Use(t.Context(), c)
	check(t, err)
	if pan.Reveal() != settletest.Card {
		t.Error("another card is kept")
	}
	return c.CardMask + " " + c.NetworkID + " opens"
}

// The same for instant payments: the consent comes with the bank's word, or with its repeat.
func TestAConsentIsKeptWithTheApproval(t *testing.T) {
	w := settletest.New(t, settletest.WithBank)
	for _, way := range []struct {
		name   string
		tokens []string // that come with the bank's words, one after the other
		want   string
	}{
		{"at once", []string{"consent"}, "active"},
		{"with the repeat", []string{"", "consent"}, "active"},
		{"told twice", []string{"consent", "consent"}, "active"},
		{"never", []string{"", ""}, "created"},
	} {
		t.Run(way.name, func(t *testing.T) {
			o := begun(t, w, settle.OpenRequest{Original: money.Amount{Minor: 1000, Currency: money.RUB}, Terms: monthly()}, way.name)
			p, err := w.Books.BeginInstant(t.Context(), o.Merchant, o.ID, w.Clock.Now().Add(5*time.Minute))
			check(t, err)
			for _, token := range way.tokens {
				word := made(w, p, way.name)
				word.Consent = token
				_, err := w.Books.InstantMade(t.Context(), p.Merchant, p.Order, p.Operation, word)
				check(t, err)
			}
			s, err := w.Subscriptions().Find(t.Context(), o.Merchant, o.ID)
			if err != nil || s.State.String() != way.want || (s.Credential != nil) != (way.want == "active") {
				t.Errorf("%+v, %v", s, err)
			}
		})
	}
}

// A payment that was not approved keeps nothing, and a try with another card forgets the wish of the try before.
func TestNothingIsKeptOfAPaymentThatFailed(t *testing.T) {
	w := settletest.New(t)
	ask := settle.OpenRequest{Original: byn(1000), Customer: "buyer-7"}
	m, _ := w.Dir.Merchant(settletest.Merchant)
	ask.Merchant, ask.OrderNumber, ask.Fingerprint, ask.Means, ask.Tries, ask.PayBefore = m, "tried", settle.Fingerprint{Kept: []byte("t")}, order.MeansCard, 2, w.Clock.Now().Add(time.Hour)
	o, _, err := w.Books.Open(t.Context(), ask)
	check(t, err)
	wanted := card(t, o)
	wanted.Keep = true
	p, err := w.Books.Pay(t.Context(), wanted)
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, settle.Result{ActionCode: "116", Response: "AS102"}))
	p, err = w.Books.Pay(t.Context(), card(t, o))
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, theApproval))
	var kept int
	check(t, w.Pool.QueryRow(t.Context(), `SELECT (SELECT count(*) FROM credentials) + (SELECT count(*) FROM wishes)`).Scan(&kept))
	if kept != 0 {
		t.Errorf("%d cards and wishes are kept", kept)
	}
}

// A card that cannot be opened when its payment is approved does not undo the payment: it is kept later, or a person is told.
func TestWishThatCannotBeDoneAtOnce(t *testing.T) {
	w := settletest.New(t)
	o := begun(t, w, settle.OpenRequest{Original: byn(1000), Terms: monthly()}, "later kept")
	p := payPlain(t, w, o)
	good := sealedCard(t, w)
	_, err := w.Pool.Exec(t.Context(), `UPDATE orders SET card = '\x00'`)
	check(t, err)
	check(t, w.Books.GiveUp(t.Context(), p.Merchant.ID, p.Order, p.Transaction))
	adopt(t, w)
	follow := func() {
		t.Helper()
		w.Clock.Advance(61 * time.Minute)
		due, err := w.Wishes().Due(t.Context(), 10)
		check(t, err)
		if len(due) != 1 {
			t.Fatalf("%d wishes are due", len(due))
		}
		check(t, w.Wishes().Retry(t.Context(), due[0]))
	}
	for range 30 {
		follow()
	}
	wantBreak(t, w, "B-27", 1)
	_, err = w.Pool.Exec(t.Context(), `UPDATE orders SET card = $1`, good)
	check(t, err)
	follow()
	s, err := w.Subscriptions().Find(t.Context(), o.Merchant, o.ID)
	if err != nil || s.State != subscription.Active {
		t.Fatalf("%+v, %v", s, err)
	}
	proven(t, w)
}

func sealedCard(t *testing.T, w *settletest.World) (value []byte) {
	t.Helper()
	check(t, w.Pool.QueryRow(t.Context(), `SELECT card FROM orders`).Scan(&value))
	return value
}

// An order becomes paid in few places, and each of them ends in followUp or followOutcomes. Another one belongs into the table
// above.
func TestWaysToBecomePaidAreKnown(t *testing.T) {
	files, err := os.ReadDir(".")
	check(t, err)
	assigns := regexp.MustCompile(`Status[^=!\n]* = order\.Paid\b|return order\.Paid\b|SET status = 2\b`)
	found := map[string]int{}
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".go") && !strings.HasSuffix(f.Name(), "_test.go") {
			text, err := os.ReadFile(f.Name())
			check(t, err)
			if n := len(assigns.FindAll(text, -1)); n > 0 {
				found[f.Name()] = n
			}
		}
	}
	want := map[string]int{"payment.go": 2, "payinstant.go": 1, "unknown.go": 1}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("places that make an order paid (-known +found):\n%s", diff)
	}
}
