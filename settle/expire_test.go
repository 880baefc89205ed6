package settle_test

import (
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle/order"
	"settled/settle/settletest"
)

// TestAnOrderWithoutTheStepDoesNotExpire damages orders so that their state has no expiry: each is refused and keeps its hold, and
// the others of the batch expire, also those behind a batch of nothing else.
func TestAnOrderWithoutTheStepDoesNotExpire(t *testing.T) {
	w := settletest.New(t)
	var orders []int64
	for _, number := range []string{"closed", "declined", "good", "good too"} {
		orders = append(orders, w.Pay(t, settletest.Payment{Number: number, Amount: byn(100), TwoStage: true}))
		w.Clock.Advance(time.Second)
	}
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `ALTER TABLE orders DROP CONSTRAINT paid_has_authorization`)
	check(t, err)
	for i, status := range []order.Status{order.TimedOut, order.Declined} {
		_, err := w.Pool.Exec(t.Context(), `UPDATE orders SET status = $2 WHERE order_id = $1`, orders[i], status)
		check(t, err)
	}
	w.Clock.Advance(49 * time.Hour)
	for range 3 {
		_, err := w.Books.ExpireDue(t.Context(), 2)
		check(t, err)
	}
	for i, want := range []order.State{order.StateTimeout, order.StateDeclined, order.StateCanceled, order.StateCanceled} {
		o, err := w.Books.Order(t.Context(), settletest.Merchant, orders[i])
		check(t, err)
		held := o.Amounts.Hold() == 100 && !o.HoldExpiresAt.IsZero()
		if o.State() != want || held != (i < 2) {
			t.Errorf("order %d is %s with %+v", i, o.State(), o.Amounts)
		}
	}
}
