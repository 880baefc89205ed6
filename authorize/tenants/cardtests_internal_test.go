package tenants

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/internal/vault"
)

// tester is a CardTests on a clock, with what it found.
type tester struct {
	*CardTests
	now   time.Time
	found []string
}

func newTester(s CardTesting) *tester {
	r := &tester{now: someday}
	r.CardTests = NewCardTests(map[int32]Merchant{1: {CardTesting: s}, 2: {}}, func() time.Time { return r.now },
		func(f Tested) {
			r.found = append(r.found, fmt.Sprintf("%d %s %s%s", f.Merchant, f.Why, f.Source, f.BIN))
		})
	return r
}

// pay tries a card and tells whether it was refused.
func (r *tester) pay(t *testing.T, merchant int32, source string, account int, approved bool) (refused bool) {
	t.Helper()
	p := Paid{Merchant: merchant, Source: source, Card: cardOf(t, account), Approved: approved}
	p.Mask = p.Card.Mask()
	if err := r.Refuses(&p); err != nil {
		if !errors.Is(err, ErrTested) {
			t.Fatal(err)
		}
		return true
	}
	r.Note(&p)
	return false
}

// cardOf is a card number with its check digit.
func cardOf(t *testing.T, account int) vault.PAN {
	t.Helper()
	for check := range 10 {
		if p, err := vault.ParsePAN(fmt.Sprintf("%015d%d", account, check)); err == nil {
			return p
		}
	}
	t.Fatalf("no card %d", account)
	return vault.PAN{}
}

const someAccount = 453201_000000000

// What is stopped, after how many declined cards, and what is not.
func TestTriedCards(t *testing.T) {
	scattered := func(i int) int { return someAccount + i*1000 }
	binned := func(i int) int { return someAccount + i*1_000_000_007 }
	one := func(int) string { return "192.0.2.1" }
	many := func(i int) string { return fmt.Sprintf("198.51.%d.%d", i/200, i%200) }
	for _, c := range []struct {
		name     string
		settings CardTesting
		source   func(i int) string
		account  func(i int) int
		approved func(i int) bool
		after    int // payments until one is refused; 0: none is
		found    string
	}{
		{"many declines of one source", CardTesting{}, one, binned, nil, 20, "[1 source 192.0.2.1]"},
		{"of a /64", CardTesting{}, func(i int) string { return fmt.Sprintf("2001:db8::%x", i) }, binned, nil, 20, "[1 source 2001:db8::/64]"},
		{"as the merchant wants", CardTesting{Declines: 7}, one, binned, nil, 7, "[1 source 192.0.2.1]"},
		{"switched off", CardTesting{Off: true}, one, scattered, nil, 0, "[]"},
		{"one card again and again", CardTesting{}, one, func(int) int { return someAccount }, nil, 0, "[]"},
		{"numbers that rise", CardTesting{}, one, func(i int) int { return someAccount + i }, nil, 5, "[1 run 192.0.2.1]"},
		{"numbers for tests that rise", CardTesting{}, one, func(i int) int { return 400000_000000000 + i }, nil, 20, "[1 source 192.0.2.1]"},
		{"numbers that fall", CardTesting{}, one, func(i int) int { return someAccount - 3*i }, nil, 5, "[1 run 192.0.2.1]"},
		{"numbers that rise, from many sources", CardTesting{}, many, func(i int) int { return someAccount + i }, nil, 20, "[1 run 453201]"},
		{"one BIN from many sources", CardTesting{}, many, scattered, nil, 50, "[1 bin 453201]"},
		{"one BIN, nobody knows whence", CardTesting{}, func(int) string { return "" }, scattered, nil, 50, "[1 bin 453201]"},
		{"many sources and BINs", CardTesting{}, many, binned, nil, 0, "[]"},
		{"a normal shop: one in ten is declined", CardTesting{}, one, scattered, func(i int) bool { return i%10 != 0 }, 0, "[]"},
		{"a bad day: two in three are declined", CardTesting{}, one, scattered, func(i int) bool { return i%3 == 0 }, 0, "[]"},
		{"all declined, a few an hour", CardTesting{}, one, func(i int) int { return scattered(i % 15) }, nil, 0, "[]"},
	} {
		r, refused := newTester(c.settings), 0
		for i := range 500 {
			account := c.account(i)
			if c.name == "many sources and BINs" {
				account = (400000+i)*1_000_000_000 + i*1000
			}
			if r.pay(t, 1, c.source(i), account, c.approved != nil && c.approved(i)) {
				refused = i
				break
			}
		}
		if refused != c.after || fmt.Sprint(r.found) != c.found {
			t.Errorf("%s: refused after %d, not %d; found %v, not %s", c.name, refused, c.after, r.found, c.found)
		}
	}
}

// Of a merchant where a source tries cards the other buyers go on, and so does the source at other merchants; it ends by itself.
func TestOthersGoOn(t *testing.T) {
	r := newTester(CardTesting{})
	for i := range 6 {
		r.pay(t, 1, "192.0.2.1", someAccount+i, false)
	}
	if !r.pay(t, 1, "192.0.2.1", 520000_000000000, true) {
		t.Error("the source is not stopped")
	}
	if r.Stopped() != 1 {
		t.Errorf("%d stopped", r.Stopped())
	}
	if r.pay(t, 1, "192.0.2.2", someAccount, true) || r.pay(t, 1, "", someAccount, true) || r.pay(t, 2, "192.0.2.1", someAccount, true) {
		t.Error("others are stopped, too")
	}
	r.now = r.now.Add(StandardStop - time.Second)
	if !r.pay(t, 1, "192.0.2.1", someAccount, true) {
		t.Error("it ended early")
	}
	r.now = r.now.Add(time.Second)
	if r.pay(t, 1, "192.0.2.1", someAccount, true) || r.Stopped() != 0 {
		t.Error("it does not end")
	}
}

// Declines of other sources do not make one forgotten, and the memory is bounded.
func TestTestersAreNotForgotten(t *testing.T) {
	r := newTester(CardTesting{})
	for i := range 19 {
		r.pay(t, 1, "192.0.2.1", (400000+i)*1_000_000_000, false)
	}
	for i := range maxTallies + 1000 {
		r.pay(t, 2, fmt.Sprintf("2001:db8:%x::1", i), (500000+i)*1_000_000_000, false)
	}
	r.pay(t, 1, "192.0.2.1", 410000_000000000, false)
	if !r.pay(t, 1, "192.0.2.1", 420000_000000000, false) {
		t.Error("the source was forgotten")
	}
	if n := len(r.tallies.own); n > maxTallies {
		t.Errorf("%d remembered", n)
	}
}
