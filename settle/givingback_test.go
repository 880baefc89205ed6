package settle_test

import (
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/settletest"
)

// returning makes contracts give the price back with refunds, by all centers.
func returning(d *settle.Directory) {
	m, _ := d.Merchant(settletest.Merchant)
	for i := range m.Routes {
		m.Routes[i].ReturnMDR = true
		m.Routes[i].Center.Costs = settle.Costs{InterchangeBPS: 120, SchemeBPS: 10, Processing: 5}
	}
}

func refund(t *testing.T, w *settletest.World, id, minor int64, currency money.Currency) {
	t.Helper()
	amount := money.Amount{Minor: minor, Currency: currency}
	done, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: &amount, Actor: settle.ByMerchant})
	check(t, err)
	check(t, w.Books.Told(t.Context(), settletest.Merchant, id, done.Operation.Number, w.Clock.Now()))
	w.Clock.Advance(settle.AtOnce)
}

func sum(t *testing.T, w *settletest.World, sql string) (n int64) {
	t.Helper()
	check(t, w.Pool.QueryRow(t.Context(), `SELECT coalesce(sum(x), 0)::bigint FROM (`+sql+`) AS s (x)`).Scan(&n))
	return n
}

const (
	mdrTaken           = `SELECT amount FROM postings WHERE rule IN (28, 29)`
	mdrReturned        = `SELECT CASE WHEN undo THEN -amount ELSE amount END FROM postings WHERE rule IN (43, 44)`
	interchangeTaken   = `SELECT amount FROM postings WHERE rule = 22`
	interchangeBrought = `SELECT amount FROM postings WHERE rule = 45`
)

// 100.00 are given back in parts so small that each gives nothing or too much when it is rounded for itself.
func TestRefundsInPartsGiveBackTheFeesOfTheirSale(t *testing.T) {
	w := settletest.New(t, returning)
	id := w.Pay(t, settletest.Payment{Number: "parts", Amount: byn(1000)})
	w.Reply(t, w.Night(t, settletest.FileCenter)[0])
	w.Clock.Advance(time.Hour)
	for range 20 {
		refund(t, w, id, 20, money.BYN)
	}
	for range 10 {
		refund(t, w, id, 10, money.BYN)
	}
	refund(t, w, id, 500, money.BYN)
	credits := w.Night(t, settletest.FileCenter)
	if mdr := sum(t, w, `SELECT mdr FROM batch_totals WHERE kind = 2`); mdr != 25 {
		t.Errorf("credits of all of 10.00 bring back %d of 25", mdr)
	}
	if interchange := sum(t, w, `SELECT interchange FROM batch_totals WHERE kind = 2`); interchange != 12 {
		t.Errorf("credits of all of 10.00 bring back %d of an interchange of 12", interchange)
	}
	w.Reply(t, credits[0])
	if taken, brought := sum(t, w, interchangeTaken), sum(t, w, interchangeBrought); taken != brought {
		t.Errorf("%d of an interchange of %d come back", brought, taken)
	}
	proven(t, w)
}

// A credit that a center refused and that is given up takes its share with it; the next ones make it good.
func TestSharesOfCreditsThatFailed(t *testing.T) {
	w := settletest.New(t, returning)
	id := w.Pay(t, settletest.Payment{Number: "parts", Amount: byn(1000)})
	w.Reply(t, w.Night(t, settletest.FileCenter)[0])
	w.Clock.Advance(time.Hour)
	refund(t, w, id, 190, money.BYN)
	credit := w.Night(t, settletest.FileCenter)
	rejected := w.Reply(t, credit[0], settletest.Rejected{Order: id, Slice: 1, Kind: settle.Credit})
	refund(t, w, id, 210, money.BYN)
	_, err := w.Books.AbandonCredit(t.Context(), rejected[0])
	check(t, err)
	for _, k := range []int64{10, 10, 10, 760} {
		refund(t, w, id, k, money.BYN)
	}
	w.Reply(t, w.Night(t, settletest.FileCenter)[0])
	if mdr := sum(t, w, `SELECT mdr_back FROM operations`); mdr != 25 {
		t.Errorf("%d of an MDR of 25 are given back", mdr)
	}
	if interchange := sum(t, w, interchangeBrought); interchange != 12 {
		t.Errorf("%d of an interchange of 12 come back", interchange)
	}
	proven(t, w)
}

// Online refunds of a single-message sale: the answers come in another order than the requests, and one refund is refused.
func TestOnlineRefundsInPartsGiveBackThePriceOfTheirSale(t *testing.T) {
	w := settletest.New(t, returning)
	id := w.Pay(t, settletest.Payment{Number: "parts", Amount: money.Amount{Minor: 1000, Currency: money.USD}})
	w.Clock.Advance(48 * time.Hour)
	for i := range int64(8) { // no two equal: an equal request beside one in process is its repeat
		refund(t, w, id, 16+i, money.USD)
	}
	due, err := w.Books.Due(t.Context(), 100)
	check(t, err)
	for i := range due {
		v := settle.VerdictDone
		if i == 3 {
			v = settle.VerdictRefused
		}
		check(t, w.Books.Answered(t.Context(), due[len(due)-1-i], v, "000", "", ""))
	}
	if back := sum(t, w, mdrReturned); back > 4 {
		t.Errorf("%d of an MDR of 25 are given back with less than 1.60 of 10.00", back)
	}
	refund(t, w, id, 1000-sum(t, w, `SELECT refunded FROM orders`), money.USD)
	w.AnswerAll(t, settle.VerdictDone, "000")
	if taken, back := sum(t, w, mdrTaken), sum(t, w, mdrReturned); taken != 25 || back != taken {
		t.Errorf("%d of an MDR of %d are given back", back, taken)
	}
	proven(t, w)
}
