package settle_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/ledger"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// TestRollUp rolls up three days of which one is quiet, and compares the trial balances before and after.
func TestRollUp(t *testing.T) {
	w := settletest.New(t)
	for range 3 {
		w.Pay(t, settletest.Payment{Number: w.Clock.Now().String(), Amount: byn(100)})
		w.Clock.Advance(48 * time.Hour)
	}
	balance := func(day time.Time) []ledger.Balance {
		t.Helper()
		all, err := ledger.TrialBalance(t.Context(), w.Pool, day, 0)
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	last := w.Books.Ledger().Date(w.Clock.Now())
	first := w.Books.Ledger().Date(settletest.Start)
	before, early := balance(last), balance(first)
	if len(before) != 2 || before[0].Debit != 300 || early[0].Debit != 100 {
		t.Fatalf("%+v, %+v", before, early)
	}
	err := postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "out of order"}, func(tx pgx.Tx) error {
		return w.Books.Ledger().RollUp(t.Context(), tx, first.AddDate(0, 0, 2), w.Clock.Now())
	})
	if !errors.Is(err, ledger.ErrDayOpen) {
		t.Errorf("rolled up out of order: %v", err)
	}
	for _, want := range []int{3, 0} {
		if n, err := w.Books.RollUpDue(t.Context()); n != want || err != nil {
			t.Errorf("rolled up %d days, want %d: %v", n, want, err)
		}
	}
	if diff := cmp.Diff(before, balance(last)); diff != "" {
		t.Errorf("trial balance changed:\n%s", diff)
	}
	if diff := cmp.Diff(early, balance(first)); diff != "" {
		t.Errorf("trial balance as of the first day changed:\n%s", diff)
	}
	w.Pay(t, settletest.Payment{Number: "today", Amount: byn(100)})
	w.Clock.Set(last.AddDate(0, 0, 1).Add(59 * time.Minute))
	if n, err := w.Books.RollUpDue(t.Context()); n != 0 || err != nil {
		t.Errorf("rolled up %d days within an hour of their end, %v", n, err)
	}
	w.Clock.Advance(time.Minute)
	if n, err := w.Books.RollUpDue(t.Context()); n != 1 || err != nil {
		t.Errorf("rolled up %d days, %v", n, err)
	}
	proven(t, w)
}

// TestBillNumbersEnd: after the last number of a merchant none is given a second time.
func TestBillNumbersEnd(t *testing.T) {
	w := settletest.New(t)
	if _, err := w.Pool.Exec(t.Context(), `INSERT INTO id_blocks (name, next) VALUES ('bill/100001', 999999999)`); err != nil {
		t.Fatal(err)
	}
	w.Pay(t, settletest.Payment{Number: "last", Amount: byn(100)})
	if _, _, err := w.TryBegin(t, settletest.Payment{Number: "one more", Amount: byn(100)}); !errors.Is(err, settle.ErrNumbersEnd) {
		t.Errorf("after the last number: %v", err)
	}
}

func TestParseBill(t *testing.T) {
	for _, c := range []struct {
		text      string
		bill      int64
		merchant  int32
		operation int16
	}{
		{"5100001000000001", 5100001000000001, 100001, 0},
		{"5100001000000001.12", 5100001000000001, 100001, 12},
		{"512345000000007", 512345000000007, 12345, 0},
		{"500001999999999.1", 500001999999999, 1, 1},
		{"5999999000000000", 5999999000000000, 999999, 0},
		{"500000000000001", 0, 0, 0},
		{"600000000000001", 0, 0, 0},
		{"5000001000000001", 0, 0, 0},
		{"6000000000000001", 0, 0, 0},
		{"5100001000000001.", 0, 0, 0},
		{"5100001000000001.0", 0, 0, 0},
		{"5100001000000001.40000", 0, 0, 0},
		{"-5100001000000001", 0, 0, 0},
		{"", 0, 0, 0},
		{"bill", 0, 0, 0},
	} {
		bill, merchant, operation, err := settle.ParseBill(c.text)
		if bill != c.bill && err == nil || merchant != c.merchant || operation != c.operation || (err != nil) != (c.merchant == 0) {
			t.Errorf("ParseBill(%q) = %d, %d, %d, %v", c.text, bill, merchant, operation, err)
		}
	}
}
