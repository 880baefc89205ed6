package retention_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"

	"settled/settle"
	"settled/settle/retention"
	"settled/settle/settletest"
)

// TestRefundsWhileCardsAreErased: a refund comes before, and keeps the card, or after, and is refused; none is made without a card.
func TestRefundsWhileCardsAreErased(t *testing.T) {
	w := newWorld(t)
	var ids []int64
	for i := range 40 {
		ids = append(ids, w.pay(fmt.Sprint("n", i)))
	}
	w.cleared()
	w.after(3)
	k := w.keeper(3)
	k.Periods = retention.Periods{retention.Paid: 1}
	refunded := make([]bool, len(ids))
	var all sync.WaitGroup
	for worker := range 4 {
		all.Go(func() {
			for i := worker; i < len(ids); i += 4 {
				_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: ids[i], Actor: settle.ByMerchant})
				if refunded[i] = err == nil; err != nil && !errors.Is(err, settle.ErrCardErased) {
					t.Error(err)
				}
			}
		})
	}
	for range 3 {
		if _, err := k.Run(t.Context()); err != nil {
			t.Error(err)
		}
	}
	all.Wait()
	gone := 0
	for i, id := range ids {
		if refunded[i] != w.opens(id) {
			t.Errorf("order %d: refunded %v, its card opens %v", i, refunded[i], w.opens(id))
		}
		if !refunded[i] {
			gone++
		}
	}
	t.Logf("%d of %d cards were gone first", gone, len(ids))
	w.silent()
}
