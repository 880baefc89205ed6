package authorize_test

import (
	"fmt"
	"testing"

	"settled/internal/pcsim"
)

// everything counts what a merchant's request could change: rows, what orders and holds come to, and the postings.
const everything = `
SELECT format('%s orders of %s, %s confirmed, %s released, %s refunded; %s operations, %s transactions, %s owed, %s records, %s changes, %s postings of %s',
	(SELECT count(*) FROM orders), (SELECT sum(authorized) FROM orders), (SELECT sum(confirmed) FROM orders),
	(SELECT sum(released_cancel + released_deposit + released_expiry) FROM orders), (SELECT sum(refunded) FROM orders),
	(SELECT count(*) FROM operations), (SELECT count(*) FROM transactions), (SELECT count(*) FROM owed_exchanges),
	(SELECT count(*) FROM records), (SELECT count(*) FROM record_changes), (SELECT count(*) FROM postings), (SELECT sum(amount) FROM postings))`

// TestRefusedChangesNothing makes requests that are refused for what they ask of an order, and checks that each says what
// and why, that nothing is written, and that nothing goes to the center.
func TestRefusedChangesNothing(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	held := w.paid(paymentOf("held").with(params{"Delay": "1"}))
	paid := w.paid(paymentOf("paid"))
	books := func() (state string) {
		check(t, w.Pool.QueryRow(t.Context(), everything).Scan(&state))
		requests := int64(0)
		for _, c := range w.centers {
			requests += c.Books().Requests
		}
		return state + fmt.Sprintf("; %d requests at the centers", requests)
	}
	for name, c := range map[string]struct {
		path          string
		who, change   params
		bill          string
		first, second int
	}{
		"unknown currency of a payment":      {pay, paymentOf("new"), params{"OrderCurrency": "XXX"}, "", 5, 105},
		"currency that is not processed":     {pay, paymentOf("new"), params{"OrderCurrency": "PLN"}, "", 5, 105},
		"unknown currency of a confirmation": {charge, credentials(), params{"Amount": "1.00", "Currency": "XXX"}, held, 5, 105},
		"other currency of a cancel":         {cancel, credentials(), params{"Amount": "1.00", "Currency": "EUR"}, paid, 5, 105},
		"confirmation over the hold":         {charge, credentials(), ask("237.41"), held, 5, 108},
		"cancel over the hold":               {cancel, credentials(), ask("237.41"), held, 5, 108},
		"cancel over the payment":            {cancel, credentials(), ask("1000.00"), paid, 5, 108},
		"confirmation of another's order":    {charge, otherCredentials(), nil, held, 10, 201},
		"cancel of another's order":          {cancel, otherCredentials(), nil, paid, 10, 201},
		"another's login":                    {cancel, credentials(), params{"Merchant_ID": "100002"}, paid, 7, 102},
		"merchant that does not exist":       {pay, paymentOf("new"), params{"Merchant_ID": "999999"}, "", 7, 102},
	} {
		before := books()
		p := c.who.with(c.change)
		if c.bill != "" {
			p = p.with(params{"Billnumber": c.bill})
		}
		if r := w.call(c.path, p); r.First != c.first || r.Second != c.second || len(r.Order) != 0 {
			t.Errorf("%s: %d/%d, not %d/%d: %+v", name, r.First, r.Second, c.first, c.second, r)
		}
		if after := books(); after != before {
			t.Errorf("%s changed\n%s to\n%s", name, before, after)
		}
	}
}
