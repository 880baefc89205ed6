package settle_test

import (
	"testing"
	"time"

	"settled/settle"
	"settled/settle/order"
	"settled/settle/settletest"
)

// TestInquiryAfterReversalLeft lets the answer to an inquiry come after another worker has claimed the message, and so
// may have sent the reversal: a center may take longer to answer than the first pause. The payment must not be adopted.
func TestInquiryAfterReversalLeft(t *testing.T) {
	w := settletest.New(t)
	p := w.Begin(t, settletest.Payment{Number: "overlap", Amount: byn(5000)})
	if err := w.Books.GiveUp(t.Context(), p.Merchant.ID, p.Order, p.Transaction); err != nil {
		t.Fatal(err)
	}
	first := due(t, w)
	w.Clock.Advance(15 * time.Second)
	second := due(t, w)
	if err := w.Books.Answered(t.Context(), first, settle.VerdictOriginal, "000", "A1B2C3", "MCC01"); err != nil {
		t.Fatal(err)
	}
	if o := orderOf(t, w, p); o.State() != order.StateInProcess {
		t.Fatalf("%s after an approval that came behind the reversal", o.State())
	}
	if err := w.Books.Answered(t.Context(), second, settle.VerdictDone, "400", "", ""); err != nil {
		t.Fatal(err)
	}
	if o := orderOf(t, w, p); o.State() != order.StateDeclined {
		t.Fatalf("%s after its reversal", o.State())
	}
	proven(t, w)
}

// due claims the one message that is owed.
func due(t *testing.T, w *settletest.World) settle.Owed {
	t.Helper()
	all, err := w.Books.Due(t.Context(), 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("due: %v, %v", all, err)
	}
	return all[0]
}

func orderOf(t *testing.T, w *settletest.World, p *settle.Payment) *settle.Order {
	t.Helper()
	o, err := w.Books.Order(t.Context(), p.Merchant.ID, p.Order)
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// TestReduceOfRecordPresentedAgain: a part of a sale is refunded by a credit record, the sale is rejected and presented
// again in full, and a cancel then reduces the new record. Only what this cancel takes may leave the record: the credit
// stands on its own.
func TestReduceOfRecordPresentedAgain(t *testing.T) {
	w := settletest.New(t)
	id := w.Pay(t, settletest.Payment{Number: "again", Amount: byn(10000)})
	batches := w.Night(t, settletest.FileCenter)
	cancel := func(minor int64, key string) {
		t.Helper()
		a := byn(minor)
		if _, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: &a, External: key, Actor: settle.ByMerchant}); err != nil {
			t.Fatal(err)
		}
	}
	cancel(4000, "credit")
	rejects := w.Reply(t, batches[0], settletest.Rejected{Order: id, Slice: 1, Kind: settle.Sale})
	record, err := w.Books.Represent(t.Context(), rejects[0])
	if err != nil {
		t.Fatal(err)
	}
	left := func() (amount int64) {
		t.Helper()
		err := w.Pool.QueryRow(t.Context(), `SELECT amount FROM record_changes WHERE record_id = $1 ORDER BY version DESC LIMIT 1`, record).Scan(&amount)
		if err != nil {
			t.Fatal(err)
		}
		return amount
	}
	cancel(2000, "reduce")
	if got := left(); got != 8000 {
		t.Errorf("record of 100.00 reduced by 20.00 to %d", got)
	}
	cancel(4000, "rest")
	if got := left(); got != 4000 {
		t.Errorf("then reduced by 40.00 to %d", got)
	}
	proven(t, w)
}

// TestExpiryOutlivesACenter: a center that is taken out of the configuration keeps its holds, and no other's.
func TestExpiryOutlivesACenter(t *testing.T) {
	w := settletest.New(t)
	gone := w.Pay(t, settletest.Payment{Number: "gone", Amount: byn(100), TwoStage: true, Merchant: settletest.OtherMerchant})
	w.Clock.Advance(time.Second)
	stays := w.Pay(t, settletest.Payment{Number: "stays", Amount: byn(100), TwoStage: true})
	w.Clock.Advance(48 * time.Hour)
	file, _ := w.Dir.Center(settletest.FileCenter)
	single, _ := w.Dir.Center(settletest.SingleCenter)
	shop, _ := w.Dir.Merchant(settletest.Merchant)
	dir, err := settle.NewDirectory([]*settle.Center{file, single}, []*settle.Merchant{shop})
	if err != nil {
		t.Fatal(err)
	}
	books := settle.New(settle.Options{Pool: w.Pool, Directory: dir, Vault: w.Vault, Now: w.Clock.Now})
	t.Cleanup(books.Close)
	if n, err := books.ExpireDue(t.Context(), 1); n != 1 || err != nil {
		t.Fatalf("%d expired, %v", n, err)
	}
	for id, want := range map[int64]order.State{gone: order.StateDelayed, stays: order.StateCanceled} {
		merchant, _ := settle.MerchantOf(id)
		if o, err := books.Order(t.Context(), merchant, id); err != nil || o.State() != want {
			t.Errorf("order %d is %v, want %s (%v)", id, o, want, err)
		}
	}
}
