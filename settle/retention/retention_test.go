package retention_test

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/order"
	"settled/settle/retention"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/jackc/pgx/v5"
)

// periods are those of the tests: personal data goes last.
var periods = retention.Periods{retention.Declined: 10, retention.Paid: 40, retention.Stored: 30, retention.Personal: 60}

// world is a world whose books are kept for a time.
type world struct {
	*settletest.World
	t *testing.T
}

func newWorld(t *testing.T) world { return world{settletest.New(t), t} }

func (w world) keeper(size int) *retention.Keeper {
	return retention.New(retention.Options{Pool: w.Pool, Now: w.Books.Now, Periods: periods, Sweeps: retention.Sweeps(), BatchSize: size, Log: slog.New(slog.DiscardHandler)})
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func byn(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }

// after moves the clock to so many days after the start.
func (w world) after(days int) { w.Clock.Set(settletest.Start.AddDate(0, 0, days)) }

// run erases what is due, and returns how much, by sweep.
func (w world) run(size int) map[string]int64 {
	w.t.Helper()
	done, err := w.keeper(size).Run(w.t.Context())
	check(w.t, err)
	return erased(done)
}

func erased(runs []retention.Run) map[string]int64 {
	out := map[string]int64{}
	for _, r := range runs {
		if r.Erased > 0 {
			out[string(r.Class)+" "+r.Subject] += r.Erased
		}
	}
	return out
}

// decline makes a payment that the center refuses.
func (w world) decline(number string) int64 {
	p := w.Begin(w.t, settletest.Payment{Number: number, Amount: byn(500), Details: json.RawMessage(`{"email":"buyer@example.com"}`)})
	check(w.t, w.Books.Finish(w.t.Context(), p, settle.Result{ActionCode: "116", Response: "AS101"}))
	return p.Order
}

func (w world) pay(number string) int64 {
	return w.Pay(w.t, settletest.Payment{Number: number, Amount: byn(1000), Details: json.RawMessage(`{"email":"buyer@example.com"}`)})
}

func (w world) order(id int64) *settle.Order {
	w.t.Helper()
	o, err := w.Books.Order(w.t.Context(), settletest.Merchant, id)
	check(w.t, err)
	return o
}

// opens tells that the card of an order opens.
func (w world) opens(id int64) bool {
	w.t.Helper()
	_, err := w.Books.PAN(w.order(id))
	if err != nil && !errors.Is(err, settle.ErrCardErased) {
		w.t.Fatal(err)
	}
	return err == nil
}

// silent proves the books.
func (w world) silent() {
	w.t.Helper()
	report, err := audit.Run(w.t.Context(), w.Pool, w.Clock.Now(), audit.Options{Vault: w.Vault})
	check(w.t, err)
	if diff := cmp.Diff([]audit.Finding(nil), slices.DeleteFunc(report.Broken(), func(f audit.Finding) bool {
		return f.Invariant == "INV-7" || f.Title == "a file has a message for each record of its batch" // the night of these tests makes no files
	})); diff != "" {
		w.t.Errorf("violations:\n%s", diff)
	}
}

// cleared makes the center accept what was sold so far.
func (w world) cleared() {
	for _, batch := range w.Night(w.t, settletest.FileCenter) {
		w.Reply(w.t, batch)
	}
}

// TestEachClassHasItsTime: what is erased when, and that the books are as good as before.
func TestEachClassHasItsTime(t *testing.T) {
	w := newWorld(t)
	declined, paid := w.decline("declined"), w.pay("paid")
	w.cleared()
	if got := w.run(100); len(got) != 0 {
		t.Errorf("erased at once: %v", got)
	}
	w.after(11)
	if diff := cmp.Diff(map[string]int64{"declined orders": 1}, w.run(100)); diff != "" {
		t.Errorf("after 11 days:\n%s", diff)
	}
	if w.opens(declined) || !w.opens(paid) {
		t.Error("after 11 days the declined card is gone and the paid one is not")
	}
	w.silent()
	w.after(42)
	if diff := cmp.Diff(map[string]int64{"paid orders": 1, "paid records": 1}, w.run(100)); diff != "" {
		t.Errorf("after 42 days:\n%s", diff)
	}
	o := w.order(paid)
	if w.opens(paid) || o.CardMask != "411111****1111" || o.Details == nil {
		t.Errorf("after 42 days the card is %v, the mask %q, details %s", w.opens(paid), o.CardMask, o.Details)
	}
	w.silent()
	w.after(62)
	if diff := cmp.Diff(map[string]int64{"personal orders": 2}, w.run(100)); diff != "" {
		t.Errorf("after 62 days:\n%s", diff)
	}
	if o := w.order(paid); o.Details != nil || o.Customer != "" || o.Amounts.Confirmed != 1000 || o.Number != "paid" {
		t.Errorf("after 62 days the order is %+v", o)
	}
	w.silent()
	if got := w.run(100); len(got) != 0 {
		t.Errorf("erased again: %v", got)
	}
}

// TestWhatIsNeededIsHeldBack: each reason by itself, and that nothing of it is erased however old it is.
func TestWhatIsNeededIsHeldBack(t *testing.T) {
	for _, tt := range []struct {
		why string
		do  func(w world) int64
	}{
		{"open", func(w world) int64 { return w.Begin(w.t, settletest.Payment{Number: "x", Amount: byn(100)}).Order }},
		{"hold", func(w world) int64 {
			return w.Pay(w.t, settletest.Payment{Number: "x", Amount: byn(100), TwoStage: true})
		}},
		{"owed", func(w world) int64 {
			id := w.Pay(w.t, settletest.Payment{Number: "x", Amount: money.Amount{Minor: 700, Currency: money.USD}})
			w.after(2)
			_, err := w.Books.Cancel(w.t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
			check(w.t, err)
			return id
		}},
		{"clearing", func(w world) int64 { return w.pay("x") }},
		{"reject", func(w world) int64 {
			id := w.pay("x")
			w.Reply(w.t, w.Night(w.t, settletest.FileCenter)[0], settletest.Rejected{Order: id, Slice: 1, Kind: settle.Sale})
			return id
		}},
		{"break", func(w world) int64 {
			id := w.decline("x")
			w.exec(`INSERT INTO breaks (category, fingerprint, center_id, merchant_id, order_ref, opened_at, note) VALUES ('B-02', 'x', 1, $1, $2, now(), '')`,
				settletest.Merchant, id)
			return id
		}},
		{"notification", func(w world) int64 {
			id := w.decline("x")
			w.exec(`INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at) VALUES ($1, $2, 1, 1, now(), now())`, settletest.Merchant, id)
			return id
		}},
		{"wish", func(w world) int64 {
			id := w.decline("x")
			w.exec(`INSERT INTO wishes (merchant_id, order_id, kind, operation, wished_at, due_at) VALUES ($1, $2, 1, 1, now(), now())`, settletest.Merchant, id)
			return id
		}},
		{"unknown", func(w world) int64 {
			id := w.decline("x")
			w.exec(`UPDATE transactions SET state = 7 WHERE merchant_id = $1 AND order_id = $2`, settletest.Merchant, id)
			return id
		}},
	} {
		t.Run(tt.why, func(t *testing.T) {
			w := newWorld(t)
			id := tt.do(w)
			w.after(1000)
			if got := w.run(100); len(got) != 0 {
				t.Errorf("erased: %v", got)
			}
			if !w.opens(id) {
				t.Error("the card is gone")
			}
			due, err := w.keeper(100).Preview(t.Context())
			check(t, err)
			held := map[string]bool{}
			for _, d := range due {
				for _, s := range d.Held {
					held[s.Why] = true
				}
			}
			if !held[tt.why] {
				t.Errorf("held back for %v, not for %s", held, tt.why)
			}
		})
	}
}

func (w world) exec(sql string, args ...any) {
	w.t.Helper()
	_, err := pgtest.Owner(w.t, w.Pool).Exec(w.t.Context(), sql, args...)
	check(w.t, err)
}

// TestAUseBeginsThePeriodAnew: a refund long after the sale is a use of the card.
func TestAUseBeginsThePeriodAnew(t *testing.T) {
	w := newWorld(t)
	id := w.pay("x")
	w.cleared()
	w.after(3)
	amount := byn(100)
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Amount: &amount, Actor: settle.ByMerchant})
	check(t, err)
	for range 3 {
		w.cleared()
	}
	w.after(42)
	if w.run(100)["paid orders"] != 0 || !w.opens(id) {
		t.Error("the card went 39 days after it was used")
	}
	w.after(50)
	if w.run(100)["paid orders"] != 1 || w.opens(id) {
		t.Error("the card did not go 47 days after it was used")
	}
	w.silent()
}

// TestWhatNeedsTheCardIsRefused, once the card is gone: nothing is changed, and the merchant is told why.
func TestWhatNeedsTheCardIsRefused(t *testing.T) {
	w := newWorld(t)
	byFile := w.pay("by file")
	online := w.Pay(t, settletest.Payment{Number: "online", Amount: money.Amount{Minor: 700, Currency: money.USD}})
	w.cleared()
	w.after(45)
	w.run(100)
	for _, id := range []int64{byFile, online} {
		before := w.order(id)
		_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
		if !errors.Is(err, settle.ErrCardErased) {
			t.Errorf("refund of %s: %v", before.Number, err)
		}
		if diff := cmp.Diff(before, w.order(id), cmp.AllowUnexported(settle.Order{}), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("the refusal changed the order:\n%s", diff)
		}
	}
	w.silent()
}

// TestARunThatIsCutOffGoesOn: each batch stands by itself, and the next run erases the rest.
func TestARunThatIsCutOffGoesOn(t *testing.T) {
	w := newWorld(t)
	for _, number := range []string{"a", "b", "c", "d", "e"} {
		w.decline(number)
	}
	w.after(11)
	k := w.keeper(2)
	ctx, cancel := context.WithCancel(t.Context())
	k.Sweeps = []retention.Sweep{&stopping{Sweep: k.Sweeps[0], stop: cancel}}
	done, err := k.Run(ctx)
	if !errors.Is(err, context.Canceled) || done[0].Erased != 2 || done[0].Ended {
		t.Fatalf("cut off: %v, %+v", err, done)
	}
	w.Clock.Advance(time.Minute)
	if got := w.run(2)["declined orders"]; got != 3 {
		t.Errorf("the next run erased %d", got)
	}
	runs, err := w.keeper(2).Runs(t.Context(), settletest.Start)
	check(t, err)
	var total int64
	for _, r := range runs {
		total += r.Erased
	}
	if total != 5 || runs[0].Ended {
		t.Errorf("the proof says %d of 5: %+v", total, runs)
	}
	w.silent()
}

// TestAFailingSweepStopsNoOther: what the others have due is erased, and the error is told.
func TestAFailingSweepStopsNoOther(t *testing.T) {
	w := newWorld(t)
	w.decline("a")
	w.after(11)
	k := w.keeper(2)
	k.Sweeps = []retention.Sweep{failing{k.Sweeps[0]}, k.Sweeps[0]}
	done, err := k.Run(t.Context())
	if !errors.Is(err, errBadRow) || len(done) != 2 || done[0].Ended || !done[1].Ended || done[1].Erased != 1 {
		t.Errorf("%v, %+v", err, done)
	}
}

var errBadRow = errors.New("a row that cannot be erased")

// failing is a sweep that cannot erase anything.
type failing struct{ retention.Sweep }

func (failing) Erase(context.Context, pgx.Tx, retention.Span, []retention.Key, time.Time) (retention.Batch, error) {
	return retention.Batch{}, errBadRow
}

// stopping is a sweep whose run is cut off in the second batch.
type stopping struct {
	retention.Sweep
	stop    func()
	batches int
}

func (s *stopping) Erase(ctx context.Context, tx pgx.Tx, span retention.Span, keys []retention.Key, now time.Time) (retention.Batch, error) {
	if s.batches++; s.batches == 2 {
		defer s.stop()
	}
	return s.Sweep.Erase(ctx, tx, span, keys, now)
}

// TestALockedOrderIsLeft for the next run: whoever has it may need its card.
func TestALockedOrderIsLeft(t *testing.T) {
	w := newWorld(t)
	id := w.decline("x")
	w.after(11)
	tx, err := w.Pool.Begin(t.Context())
	check(t, err)
	_, err = tx.Exec(t.Context(), `SELECT FROM orders WHERE order_id = $1 FOR NO KEY UPDATE`, id)
	check(t, err)
	done, err := w.keeper(10).Run(t.Context())
	check(t, err)
	check(t, tx.Rollback(t.Context()))
	if len(erased(done)) != 0 || done[0].Held[0].Why != retention.Busy {
		t.Errorf("with the order locked: %+v", done)
	}
	if w.run(10)["declined orders"] != 1 || w.opens(id) {
		t.Error("the next run left it, too")
	}
}

// TestStoredCards go when nobody used them, unless a subscription is paid with them.
func TestStoredCards(t *testing.T) {
	w := newWorld(t)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	o, _, err := w.Books.Open(t.Context(), settle.OpenRequest{Merchant: m, OrderNumber: "kept", Original: byn(1000), Means: order.MeansCard, Tries: 1,
		PayBefore: w.Clock.Now().Add(time.Hour), Fingerprint: settle.Fingerprint{Kept: []byte("x")}, Customer: "buyer-7", Keep: true})
	check(t, err)
	pan, err := vault.ParsePAN(settletest.Card)
	check(t, err)
	p, err := w.Books.Pay(t.Context(), settle.PayRequest{Merchant: m.ID, Order: o.ID, Means: order.MeansCard, PAN: pan, CardExpiry: "2812"})
	check(t, err)
	check(t, w.Books.Finish(t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}))
	w.cleared()
	stored, err := w.Credentials().Of(t.Context(), m.ID, "buyer-7")
	check(t, err)
	w.after(20)
	_, err = w.Credentials().Use(t.Context(), stored[0])
	check(t, err)
	w.after(45)
	if got := w.run(10)["stored credentials"]; got != 0 {
		t.Error("a card that was used 25 days ago is gone")
	}
	w.after(51)
	if got := w.run(10)["stored credentials"]; got != 1 {
		t.Error("a card that was used 31 days ago is there")
	}
	if left, err := w.Credentials().Of(t.Context(), m.ID, "buyer-7"); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	w.after(112)
	if got := w.run(10)["personal credentials"]; got != 1 {
		t.Error("whose it was is still there")
	}
	w.silent()
}
