package settle_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/order"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5/pgxpool"
)

// proven fails the test unless every invariant holds.
func proven(t *testing.T, w *settletest.World) {
	t.Helper()
	report, err := audit.Run(t.Context(), w.Pool, w.Clock.Now(), audit.Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Broken() {
		t.Errorf("%s %s: %d violations, %q", f.Invariant, f.Title, f.Violations, f.Examples)
	}
}

// refusals are the errors that a racing request may get. Anything else is a defect.
var refusals = []error{order.ErrNotHeld, order.ErrOverHold, order.ErrHoldExpired, order.ErrPartialConfirm, order.ErrSecondConfirm,
	order.ErrReleaseUnsupported, order.ErrOverCancel, order.ErrNothingToCancel, settle.ErrInFlight, settle.ErrOperation, settle.ErrOneStage, settle.ErrLate}

func refused(err error) bool {
	for _, r := range refusals {
		if errors.Is(err, r) {
			return true
		}
	}
	return err == nil
}

// walker does random things to a few orders, from a seed.
type walker struct {
	w      *settletest.World
	random *rand.Rand
	orders []*settle.Payment
	steps  int
}

func (k *walker) amount(p *settle.Payment) *money.Amount {
	if k.random.IntN(5) == 0 {
		return nil
	}
	a := p.Amount
	a.Minor = 1 + k.random.Int64N(a.Minor/2)
	return &a
}

func (k *walker) step(t *testing.T) error {
	p := k.orders[k.random.IntN(len(k.orders))]
	k.steps++
	key := fmt.Sprintf("%d-%d", k.random.Int64(), k.steps)
	ctx, b := t.Context(), k.w.Books
	switch k.random.IntN(10) {
	case 0, 1, 2:
		_, err := b.Confirm(ctx, settle.ConfirmRequest{Merchant: p.Merchant.ID, Order: p.Order, Amount: k.amount(p), External: key,
			AutoDeposit: k.random.IntN(4) == 0, Actor: settle.ByMerchant})
		return err
	case 3, 4, 5:
		_, err := b.Cancel(ctx, settle.CancelRequest{Merchant: p.Merchant.ID, Order: p.Order, Amount: k.amount(p), External: key, Actor: settle.ByMerchant})
		return err
	case 6:
		return b.GiveUp(ctx, p.Merchant.ID, p.Order, p.Transaction)
	case 7:
		_, err := b.ExpireDue(ctx, 2)
		return err
	case 8:
		mine := *p // as another process would have it
		return b.Finish(ctx, &mine, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "AAAAAA", Response: "AS000"})
	default:
		return k.answer(t)
	}
}

func (k *walker) answer(t *testing.T) error {
	due, err := k.w.Books.Due(t.Context(), 3)
	for _, e := range due {
		v := []settle.Verdict{settle.VerdictDone, settle.VerdictDone, settle.VerdictOriginal, settle.VerdictTooLate, settle.VerdictRefused}[k.random.IntN(5)]
		err = errors.Join(err, k.w.Books.Answered(t.Context(), e, v, "000", "BBBBBB", ""))
	}
	return err
}

// TestRandomWalk lets several goroutines confirm, cancel, expire, give up, finish and answer a few orders at once, while
// windows are sealed and rejects come in. Whatever the interleaving, the audit finds nothing.
func TestRandomWalk(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			walk(t, seed)
		})
	}
}

func walk(t *testing.T, seed uint64) {
	w := settletest.New(t)
	var orders []*settle.Payment
	for i := range 12 {
		p := settletest.Payment{Number: fmt.Sprint("walk ", i), Amount: byn(1000), TwoStage: i%2 == 0}
		switch i % 4 {
		case 2:
			p.Merchant = settletest.OtherMerchant
		case 3:
			p.Amount.Currency = money.USD
		}
		orders = append(orders, w.Begin(t, p))
	}
	var done atomic.Int64
	var group sync.WaitGroup
	const walkers, steps = 6, 60
	for g := range walkers {
		k := &walker{w: w, random: rand.New(rand.NewPCG(seed, uint64(g))), orders: orders}
		group.Go(func() {
			for range steps {
				if err := k.step(t); !refused(err) {
					t.Error(err)
				}
				done.Add(1)
				w.Clock.Advance(time.Minute)
			}
		})
	}
	finished := make(chan struct{})
	go func() { group.Wait(); close(finished) }()
	for night := int64(1); night <= 3; night++ {
		for done.Load() < night*walkers*steps/4 {
			select {
			case <-finished:
			case <-time.After(time.Millisecond):
				continue
			}
			break
		}
		for _, batch := range append(w.Night(t, settletest.FileCenter), w.Night(t, settletest.PlainCenter)...) {
			w.Reply(t, batch, settletest.Rejected{Order: orders[0].Order, Slice: 2, Kind: settle.Sale})
		}
	}
	<-finished
	for range 4 {
		_, err := w.Books.GiveUpDue(t.Context(), 100)
		if err != nil {
			t.Error(err)
		}
		_, err = w.Books.ExpireDue(t.Context(), 100)
		if err != nil {
			t.Error(err)
		}
		w.Clock.Advance(time.Hour)
	}
	proven(t, w)
}

// TestCancelAgainstSeal cancels many sales around the cut-off. Each is either withdrawn before the seal and in no batch, or
// refunded by a credit in the next one.
func TestCancelAgainstSeal(t *testing.T) {
	w := settletest.New(t)
	const sales = 60
	var ids [sales]int64
	for i := range ids {
		ids[i] = w.Pay(t, settletest.Payment{Number: fmt.Sprint("sale ", i), Amount: byn(100)})
	}
	var withdrawn atomic.Int64
	var group sync.WaitGroup
	for g := range 6 {
		group.Go(func() {
			for i := g; i < sales; i += 6 {
				r, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: ids[i], Actor: settle.ByMerchant})
				if err != nil {
					t.Error(err)
				} else if r.Operation.Record == nil {
					withdrawn.Add(1)
				}
			}
		})
	}
	for withdrawn.Load() < sales/4 {
		time.Sleep(100 * time.Microsecond)
	}
	w.Night(t, settletest.FileCenter)
	group.Wait()
	w.Clock.Advance(time.Hour)
	w.Night(t, settletest.FileCenter)
	var sold, credited int64
	err := w.Pool.QueryRow(t.Context(), `SELECT coalesce(sum(sales_count), 0), coalesce(sum(credits_count), 0) FROM batches`).Scan(&sold, &credited)
	if err != nil || sold != credited || sold != sales-withdrawn.Load() {
		t.Errorf("%d withdrawn, %d sold, %d credited, %v", withdrawn.Load(), sold, credited, err)
	}
	proven(t, w)
}

// TestGroupCommit begins and finishes many payments at once; a fifth repeats another's order number, and one cannot be
// written at all. Each repeat gets the first one's order, and only the bad one fails.
func TestGroupCommit(t *testing.T) {
	w := settletest.New(t)
	const payments, distinct = 500, 400
	var fresh, repeats atomic.Int64
	var group sync.WaitGroup
	for i := range payments {
		group.Go(func() {
			p, earlier, err := w.TryBegin(t, settletest.Payment{Number: fmt.Sprint("order ", i%distinct), Amount: byn(int64(100 + i%distinct))})
			switch {
			case err != nil:
				t.Error(err)
			case earlier != nil:
				repeats.Add(1)
			default:
				fresh.Add(1)
				if err := w.Books.Finish(t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A", Response: "AS000"}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Go(func() {
		_, _, err := w.TryBegin(t, settletest.Payment{Number: "bad", Amount: byn(100), Details: json.RawMessage("{")})
		if err == nil {
			t.Error("details that are no JSON were stored")
		}
	})
	group.Wait()
	if fresh.Load() != distinct || repeats.Load() != payments-distinct {
		t.Errorf("%d fresh, %d repeats", fresh.Load(), repeats.Load())
	}
	proven(t, w)
}

// TestOwedSurvivesTheProcess leaves payments and reversals at each point where a process may die, and goes on with new
// books on the same database.
func TestOwedSurvivesTheProcess(t *testing.T) {
	w := settletest.New(t)
	begun := w.Begin(t, settletest.Payment{Number: "died before the answer", Amount: byn(100)})
	doubted := w.Begin(t, settletest.Payment{Number: "died before the reversal", Amount: byn(200)})
	held := w.Pay(t, settletest.Payment{Number: "died after the claim", Amount: byn(300), TwoStage: true})
	ctx := t.Context()
	ok := func(n int, err error) int {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	ok(0, w.Books.GiveUp(ctx, settletest.Merchant, doubted.Order, doubted.Transaction))
	_, err := w.Books.Cancel(ctx, settle.CancelRequest{Merchant: settletest.Merchant, Order: held, Actor: settle.ByMerchant})
	ok(0, err)
	claimed, err := w.Books.Due(ctx, 10)
	if ok(len(claimed), err) != 2 {
		t.Fatalf("claimed %+v", claimed)
	}
	w.Books.Close()
	if _, _, err := w.TryBegin(t, settletest.Payment{Number: "late", Amount: byn(1)}); !errors.Is(err, settle.ErrClosed) {
		t.Errorf("closed books take a payment: %v", err)
	}
	next := settle.New(settle.Options{Pool: w.Pool, Directory: w.Dir, Vault: w.Vault, Now: w.Clock.Now})
	defer next.Close()
	if again, err := next.Due(ctx, 10); ok(len(again), err) != 0 {
		t.Errorf("claimed twice at once: %+v", again)
	}
	w.Clock.Advance(2 * time.Minute)
	if n := ok(next.GiveUpDue(ctx, 10)); n != 1 {
		t.Errorf("gave up %d", n)
	}
	again, err := next.Due(ctx, 10)
	if ok(len(again), err) != 3 {
		t.Fatalf("due %+v", again)
	}
	for _, e := range again {
		want := int16(2)
		if e.Order == begun.Order {
			want = 1
		}
		if e.Attempts != want {
			t.Errorf("order %d: attempt %d, want %d", e.Order, e.Attempts, want)
		}
		for range 2 {
			ok(0, next.Answered(ctx, e, settle.VerdictDone, "914", "", ""))
		}
	}
	proven(t, w)
}

// TestFewConnections confirms more orders at once than there are connections, when identifiers are yet to be reserved: a
// transaction must not wait for a connection that another one holds.
func TestFewConnections(t *testing.T) {
	w := settletest.New(t)
	const confirmations = 12
	var ids [confirmations]int64
	for i := range ids {
		ids[i] = w.Pay(t, settletest.Payment{Number: fmt.Sprint("held ", i), Amount: byn(100), TwoStage: true})
	}
	cfg := w.Pool.Config()
	cfg.MaxConns = 2
	pool, err := pgxpool.NewWithConfig(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	few := settle.New(settle.Options{Pool: pool, Directory: w.Dir, Vault: w.Vault, Now: w.Clock.Now})
	defer few.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	var group sync.WaitGroup
	for _, id := range ids {
		group.Go(func() {
			if _, err := few.Confirm(ctx, settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant}); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
