package clearing_test

import (
	"testing"
	"time"

	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// settleDown steps the night and the center until nothing moves.
func (w *world) settleDown() {
	w.t.Helper()
	for range 20 {
		moved, err := w.night.Step(w.t.Context())
		check(w.t, err)
		read, err := w.center.Process(w.t.Context(), w.Clock.Now())
		check(w.t, err)
		if !moved && read == 0 {
			return
		}
		w.Clock.Advance(time.Minute)
	}
	w.t.Fatal("the night does not settle down")
}

// balances maps account to net balance over all merchants in minor units of BYN.
func (w *world) balances() map[int]int64 {
	w.t.Helper()
	rows, err := w.Pool.Query(w.t.Context(), `SELECT code, sum(amount)::bigint FROM (
		SELECT debit AS code, amount FROM postings WHERE currency = 933 UNION ALL SELECT credit, -amount FROM postings WHERE currency = 933) l
		GROUP BY code HAVING sum(amount) <> 0`)
	check(w.t, err)
	defer rows.Close()
	out := map[int]int64{}
	for rows.Next() {
		var code int
		var net int64
		check(w.t, rows.Scan(&code, &net))
		out[code] = net
	}
	check(w.t, rows.Err())
	return out
}

func TestANightEndToEnd(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(10_000), pcsim.CardApproved)
	w.pay(byn(3_333), pcsim.CardApproved)
	refused := w.pay(byn(5_000), pcsim.CardSaleRefused)
	w.pay(eur(700), pcsim.CardApproved)
	voided := w.pay(byn(1_111), pcsim.CardApproved)
	reduced := w.pay(byn(2_000), pcsim.CardApproved)
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: voided, Actor: settle.ByMerchant})
	check(t, err)
	half := byn(500)
	_, err = w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: reduced, Amount: &half, Actor: settle.ByMerchant})
	check(t, err)
	w.cutoff()
	w.settleDown()

	for _, r := range w.center.Reports() {
		t.Logf("%+v", r)
	}
	if got := query[int](w, `SELECT count(*) FROM files WHERE state = 'replied'`); got != 2 {
		t.Errorf("%d files replied, want 2", got)
	}
	if got := query[int64](w, `SELECT order_id FROM rejects`); got != refused {
		t.Errorf("rejected order %d, want %d", got, refused)
	}
	t.Log(w.balances())
}
