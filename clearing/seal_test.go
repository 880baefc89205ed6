package clearing_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/internal/vault"
	"settled/schedules"
	"settled/settle"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// tryPay is Pay for goroutines that race with a seal.
func (w *world) tryPay(ctx context.Context, number string, amount int64) (int64, error) {
	pan, err := vault.ParsePAN(settletest.Card)
	if err != nil {
		return 0, err
	}
	m, _ := w.Dir.Merchant(settletest.Merchant)
	p, _, err := w.Books.Begin(ctx, settle.Intent{Merchant: m, OrderNumber: number, Amount: byn(amount), PAN: pan, CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte(number)}})
	if err != nil {
		return 0, err
	}
	return p.Order, w.Books.Finish(ctx, p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"})
}

// unlike counts windows whose batches are not exactly their live records, by currency.
const unlike = `
WITH live AS (
	SELECT r.window_id, r.currency, count(*) AS n, sum(coalesce(c.amount, r.amount)) AS amount
	FROM records r LEFT JOIN LATERAL (SELECT amount FROM record_changes c WHERE c.window_id = r.window_id AND c.record_id = r.record_id ORDER BY version DESC LIMIT 1) c ON true
	WHERE coalesce(c.amount, r.amount) > 0 GROUP BY 1, 2
)
SELECT count(*) FROM windows w JOIN live l USING (window_id)
	LEFT JOIN batches b ON b.window_id = w.window_id AND b.currency = l.currency
WHERE w.state IN ('sealed', 'empty') AND (b.batch_id IS NULL OR b.sales_count + b.credits_count <> l.n OR b.sales_amount + b.credits_amount <> l.amount)`

// unposted counts batches whose postings, or totals per merchant, are not what the batch says.
const unposted = `
SELECT count(*) FROM batches b
	LEFT JOIN (SELECT source_id, sum(amount) FILTER (WHERE debit = 1110) AS sales, sum(amount) FILTER (WHERE credit = 1110) AS credits
		FROM postings WHERE source = 2 GROUP BY 1) p ON p.source_id = b.batch_id
	LEFT JOIN (SELECT batch_id, sum(amount) FILTER (WHERE kind = 1) AS sales, sum(amount) FILTER (WHERE kind = 2) AS credits
		FROM batch_totals GROUP BY 1) t ON t.batch_id = b.batch_id
WHERE (coalesce(p.sales, 0), coalesce(p.credits, 0), coalesce(t.sales, 0), coalesce(t.credits, 0))
	<> (b.sales_amount, b.credits_amount, b.sales_amount, b.credits_amount)`

func (w *world) batchesAreTheirRecords() {
	w.t.Helper()
	if n := query[int](w, unlike); n != 0 {
		w.t.Errorf("%d batches are not their records", n)
	}
	if n := query[int](w, unposted); n != 0 {
		w.t.Errorf("%d batches are not their postings and totals", n)
	}
}

// TestSealAmongWriters seals again and again while payments are confirmed: every record is in exactly one batch.
func TestSealAmongWriters(t *testing.T) {
	w := newWorld(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	var writers sync.WaitGroup
	var mu sync.Mutex
	paid := int64(0)
	for i := range 8 {
		writers.Go(func() {
			for j := int64(1); ctx.Err() == nil; j++ {
				if _, err := w.tryPay(t.Context(), fmt.Sprintf("w%d-%d", i, j), j); err != nil {
					t.Error(err)
					return
				}
				mu.Lock()
				paid++
				mu.Unlock()
			}
		})
	}
	for range 8 {
		time.Sleep(50 * time.Millisecond) // payments between the seals, not a synchronisation
		w.cutoff()
		if _, err := w.night.SealDue(t.Context(), w.Clock.Now()); err != nil {
			t.Error(err)
		}
	}
	stop()
	writers.Wait()
	w.cutoff()
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	w.batchesAreTheirRecords()
	if n := query[int64](w, `SELECT coalesce(sum(sales_count), 0) FROM batches`); n != paid || n == 0 {
		t.Errorf("%d records in batches, %d paid", n, paid)
	}
	if n := query[int](w, `SELECT count(*) FROM records r JOIN windows w USING (window_id) WHERE r.born_at >= w.cutoff_at`); n != 0 {
		t.Errorf("%d records born after their cut-off", n)
	}
}

// TestCancelOrSeal races cancels with seals: what was in the batch is refunded, what was not is withdrawn, never both.
func TestCancelOrSeal(t *testing.T) {
	w := newWorld(t, nil)
	for round := range 5 {
		var orders []int64
		for i := range 20 {
			orders = append(orders, w.Pay(t, settletest.Payment{Number: fmt.Sprintf("c%d-%d", round, i), Amount: byn(1000)}))
		}
		var race sync.WaitGroup
		for _, id := range orders {
			race.Go(func() {
				_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
				if err != nil {
					t.Error(err)
				}
			})
		}
		race.Go(func() {
			w.cutoff()
			if _, err := w.night.SealDue(t.Context(), w.Clock.Now()); err != nil {
				t.Error(err)
			}
		})
		race.Wait()
	}
	w.cutoff()
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	w.batchesAreTheirRecords()
	wrong := query[int](w, `SELECT count(*) FROM (
		SELECT o.order_id,
			(SELECT count(*) FROM record_changes c JOIN records r USING (window_id, record_id) WHERE r.order_id = o.order_id AND c.amount = 0) AS voids,
			(SELECT count(*) FROM records r WHERE r.order_id = o.order_id AND r.kind = 2) AS credits
		FROM orders o) x WHERE voids + credits <> 1`)
	if wrong != 0 {
		t.Errorf("%d orders were not given back exactly once", wrong)
	}
	t.Logf("%d withdrawn, %d refunded", query[int](w, `SELECT count(*) FROM record_changes`), query[int](w, `SELECT count(*) FROM records WHERE kind = 2`))
}

func TestALateSealTakesTheSameSet(t *testing.T) {
	w := newWorld(t, nil)
	at := time.Date(2026, 3, 2, 20, 0, 0, 0, time.UTC)
	w.Clock.Set(at.Add(-time.Microsecond))
	w.Pay(t, settletest.Payment{Number: "before", Amount: byn(100)})
	w.Clock.Set(at)
	w.Pay(t, settletest.Payment{Number: "at", Amount: byn(10)})
	w.Clock.Set(at.Add(5 * time.Hour))
	w.Pay(t, settletest.Payment{Number: "after", Amount: byn(1)})
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := query[int64](w, `SELECT sales_amount FROM batches`); got != 100 {
		t.Errorf("batch of %d, want 100", got)
	}
}

func TestCatchUpAfterDowntime(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
		p.Sequence, o.Sequence = clearing.Forever, pcsim.SequenceForever
	})
	for day := range 3 {
		w.Pay(t, settletest.Payment{Number: fmt.Sprint(day), Amount: byn(int64(100 + day))})
		w.Clock.Advance(24 * time.Hour)
	}
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); n != 3 || err != nil {
		t.Fatalf("sealed %d, %v", n, err)
	}
	all, _, err := w.night.Batches(t.Context(), clearing.Query{})
	check(t, err)
	batches := all.Rows
	var got []string
	for i := len(batches) - 1; i >= 0; i-- {
		v, err := w.night.Batch(t.Context(), batches[i].ID)
		check(t, err)
		got = append(got, fmt.Sprintf("%s %d %s", v.BusinessDate.Format(time.DateOnly), v.SalesAmount, v.Files[0].Name))
	}
	want := []string{
		"2026-03-02 100 ACQ_PC-A_ipm_20260302_000001_1of1.ipm",
		"2026-03-03 101 ACQ_PC-A_ipm_20260303_000002_1of1.ipm",
		"2026-03-04 102 ACQ_PC-A_ipm_20260304_000003_1of1.ipm",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

var errHook = errors.New("the queue is gone")

// TestSealIsResumedWithoutAGap fails the second commit of a seal: the window is shut, the number is given back.
func TestSealIsResumedWithoutAGap(t *testing.T) {
	w := newWorld(t, nil)
	fail := true
	w.opt.Enqueue = func(context.Context, pgx.Tx, clearing.JobKind, int64) error {
		if fail {
			return errHook
		}
		return nil
	}
	w.restart()
	sold := w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.cutoff()
	for range 3 {
		if _, err := w.night.SealDue(t.Context(), w.Clock.Now()); !errors.Is(err, errHook) {
			t.Fatalf("got %v", err)
		}
	}
	w.Pay(t, settletest.Payment{Number: "2", Amount: byn(7)})
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: sold, Actor: settle.ByMerchant})
	check(t, err)
	if n := query[int](w, `SELECT count(*) FROM records WHERE kind = 2`); n != 1 {
		t.Errorf("%d credits: a window that is being sealed is closed", n)
	}
	fail = false
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); n != 1 || err != nil {
		t.Fatalf("%d, %v", n, err)
	}
	if got := query[int64](w, `SELECT sales_amount FROM batches`); got != 100 {
		t.Errorf("batch of %d, want 100", got)
	}
	if got := query[int32](w, `SELECT sequence FROM files`); got != 1 {
		t.Errorf("number %d, want 1: a gap", got)
	}
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); n != 0 || err != nil {
		t.Errorf("sealed again: %d, %v", n, err)
	}
	if n := query[int](w, `SELECT count(*) FROM postings WHERE source = 2`); n != 1 {
		t.Errorf("%d postings of the seal", n)
	}
}

func TestSealNow(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	p, err := w.night.Preview(t.Context(), settletest.FileCenter)
	check(t, err)
	w.Clock.Advance(time.Hour)
	sealed, err := w.night.SealNow(t.Context(), settletest.FileCenter)
	check(t, err)
	if sealed.State != "sealed" || !sealed.CutoffAt.Equal(w.Clock.Now()) || sealed.ID != p.Window.ID {
		t.Errorf("%+v", sealed)
	}
	f := w.file()
	if len(p.Parts) != 1 || p.Parts[0].Name != f.Name || p.Parts[0].Sum.SalesAmount != 100 {
		t.Errorf("preview %+v, file %s", p, f.Name)
	}
	w.Pay(t, settletest.Payment{Number: "2", Amount: byn(7)})
	if n := query[int](w, `SELECT count(DISTINCT window_id) FROM records`); n != 2 {
		t.Errorf("records are in %d windows, want 2", n)
	}
	again, err := w.night.SealNow(t.Context(), settletest.FileCenter)
	check(t, err)
	if !again.CutoffAt.After(sealed.CutoffAt) || again.State != "sealed" {
		t.Errorf("cut again at the same instant: %+v", again)
	}
	if err := w.night.SealWindow(t.Context(), again.ID+1); !errors.Is(err, states.ErrNotDue) {
		t.Errorf("next window: %v", err)
	}
}

func TestEarlierWindowGoesFirst(t *testing.T) {
	w := newWorld(t, nil)
	w.Clock.Advance(72 * time.Hour)
	last := query[int32](w, `SELECT window_id FROM windows WHERE center_id = 1 AND cutoff_at <= $1 ORDER BY cutoff_at DESC LIMIT 1`, w.Clock.Now())
	if err := w.night.SealWindow(t.Context(), last); !errors.Is(err, states.ErrOrder) {
		t.Errorf("got %v", err)
	}
}

func TestEmptyWindows(t *testing.T) {
	for policy, files := range map[clearing.EmptyPolicy]int{clearing.SkipEmpty: 0, clearing.SendEmpty: 1} {
		t.Run(string(policy), func(t *testing.T) {
			w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.Empty = policy })
			w.cutoff()
			w.settleDown()
			if got := query[string](w, `SELECT state FROM windows WHERE center_id = 1 ORDER BY cutoff_at LIMIT 1`); got != "empty" {
				t.Errorf("window is %s", got)
			}
			if got := query[int](w, `SELECT count(*) FROM files WHERE state = 'replied'`); got != files {
				t.Errorf("%d files replied, want %d", got, files)
			}
		})
	}
}

func TestPlanWindows(t *testing.T) {
	w := newWorld(t, nil)
	before := query[int](w, `SELECT count(*) FROM windows WHERE center_id = 1`)
	made, err := w.night.PlanWindows(t.Context(), w.Clock.Now())
	check(t, err)
	if again, err := w.night.PlanWindows(t.Context(), w.Clock.Now()); again != 0 || err != nil {
		t.Errorf("planned %d again, %v", again, err)
	}
	if n := query[int](w, `SELECT count(*) FROM windows WHERE center_id = 1`); n != before+made || made != 1 {
		t.Errorf("%d windows, %d before, %d made", n, before, made)
	}
	w.reconfigure(func(p *clearing.Profile) {
		p.Plan.Calendar, err = schedules.NewCalendar(schedules.CalendarData{Name: "short", Horizon: schedules.NewDate(2026, 3, 25)})
		check(t, err)
	})
	w.Clock.Advance(10 * 24 * time.Hour)
	made, err = w.night.PlanWindows(t.Context(), w.Clock.Now())
	if made == 0 || !errors.Is(err, schedules.ErrBeyondHorizon) {
		t.Errorf("made %d, %v", made, err)
	}
}

// TestClocksThatDisagreePauseTheSeal seals only what has come by every clock.
func TestClocksThatDisagreePauseTheSeal(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(100), pcsim.CardApproved)
	truth := w.Clock.Now()
	var disagree error
	w.opt.Reached = func(_ context.Context, _ pgx.Tx, at time.Time) error {
		if disagree == nil && truth.Before(at) {
			return states.ErrNotDue
		}
		return disagree
	}
	w.restart()
	w.cutoff() // this process believes that the time has come
	if _, err := w.night.SealDue(t.Context(), w.Clock.Now()); !errors.Is(err, states.ErrNotDue) {
		t.Errorf("sealed before the database's time: %v", err)
	}
	disagree = clearing.ErrClock
	if _, err := w.night.SealNow(t.Context(), settletest.FileCenter); !errors.Is(err, clearing.ErrClock) {
		t.Errorf("sealed while the clocks disagree: %v", err)
	}
	if n := query[int](w, `SELECT count(*) FROM windows WHERE state <> 'open'`); n != 0 {
		t.Errorf("%d windows were shut", n)
	}
	disagree, truth = nil, w.Clock.Now()
	if n, err := w.night.SealDue(t.Context(), w.Clock.Now()); err != nil || n == 0 {
		t.Errorf("%d windows sealed when the clocks agree: %v", n, err)
	}
}

// TestSealNowStaysWithinItsDay seals by hand in the morning and again later: every file is of the day, the sales after it too, and
// the day ends at its planned cut-off. A day that has not begun is not sealed.
func TestSealNowStaysWithinItsDay(t *testing.T) {
	w := newWorld(t, nil)
	for _, number := range []string{"1", "2"} {
		w.Pay(t, settletest.Payment{Number: number, Amount: byn(100)})
		w.Clock.Advance(time.Hour)
		_, err := w.night.SealNow(t.Context(), settletest.FileCenter)
		check(t, err)
	}
	w.Pay(t, settletest.Payment{Number: "3", Amount: byn(100)})
	w.cutoff()
	w.buildAll()
	if days, files := query[string](w, `SELECT string_agg(DISTINCT business_date::text, ' ') FROM batches`), query[int](w, `SELECT count(*) FROM files`); days != "2026-03-02" || files != 3 {
		t.Errorf("%d files of %s, want 3 of 2026-03-02", files, days)
	}
	if _, err := w.night.SealNow(t.Context(), settletest.FileCenter); !errors.Is(err, states.ErrNotDue) {
		t.Errorf("sealed a day that has not begun: %v", err)
	}
	w.audited()
}
