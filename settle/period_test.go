package settle_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// steps lists a period's orders as number and operation numbers.
func steps(orders []*settle.Order) []string {
	out := []string{}
	for _, o := range orders {
		line := o.Number + ":"
		for _, op := range o.Operations {
			line += fmt.Sprint(" ", op.Number)
		}
		out = append(out, line)
	}
	return out
}

// One order is made and confirmed later, one is in process, and one belongs to somebody else. Each instant of them puts
// them into other periods.
func TestPeriod(t *testing.T) {
	w := settletest.New(t)
	held := w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	w.Pay(t, settletest.Payment{Number: "foreign", Amount: byn(100), Merchant: settletest.OtherMerchant})
	w.Clock.Advance(time.Hour)
	waiting := w.Begin(t, settletest.Payment{Number: "waiting", Amount: byn(100)})
	w.Clock.Advance(time.Hour)
	_, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: held, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	hour := func(n int) time.Time { return settletest.Start.Add(time.Duration(n) * time.Hour) }
	read := func(by settle.PeriodBy, from, to int) []string {
		t.Helper()
		found, err := w.Books.Period(t.Context(), settle.PeriodRequest{Merchant: settletest.Merchant, From: hour(from), To: hour(to), By: by, Limit: 10})
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range found {
			if o.Number == "held" && o.Transaction(1) == nil {
				t.Errorf("order %s has no transaction", o.Number)
			}
		}
		return steps(found)
	}
	for name, c := range map[string]struct {
		by       settle.PeriodBy
		from, to int
		want     []string
	}{
		"orders of all hours":        {settle.ByOrderDate, 0, 3, []string{"held: 1 2", "waiting: 1"}},
		"orders of the first hour":   {settle.ByOrderDate, 0, 1, []string{"held: 1 2"}},
		"orders of the second hour":  {settle.ByOrderDate, 1, 2, []string{"waiting: 1"}},
		"orders of the third hour":   {settle.ByOrderDate, 2, 3, []string{}},
		"asked in all hours":         {settle.ByRequest, 0, 3, []string{"held: 1 2", "waiting: 1"}},
		"asked in the second hour":   {settle.ByRequest, 1, 2, []string{"waiting: 1"}},
		"asked in the third hour":    {settle.ByRequest, 2, 3, []string{"held: 2"}},
		"finished in all hours":      {settle.ByCompletion, 0, 3, []string{"held: 1 2"}},
		"finished in the first hour": {settle.ByCompletion, 0, 1, []string{"held: 1"}},
		"finished in the second":     {settle.ByCompletion, 1, 2, []string{}},
		"finished in the third hour": {settle.ByCompletion, 2, 3, []string{"held: 2"}},
	} {
		if diff := cmp.Diff(c.want, read(c.by, c.from, c.to)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if err := w.Books.Finish(t.Context(), waiting, settle.Result{ActionCode: "116", Response: "AS102"}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"held: 2", "waiting: 1"}, read(settle.ByCompletion, 2, 3)); diff != "" {
		t.Errorf("declined later: %s", diff)
	}
	if diff := cmp.Diff([]string{"waiting: 1"}, read(settle.ByRequest, 1, 2)); diff != "" {
		t.Errorf("declined later, asked before: %s", diff)
	}
}

func TestPeriodIsBounded(t *testing.T) {
	w := settletest.New(t)
	for i := range 3 {
		w.Pay(t, settletest.Payment{Number: fmt.Sprint(i), Amount: byn(100)})
	}
	held := w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	r := settle.PeriodRequest{Merchant: settletest.Merchant, From: settletest.Start, To: settletest.Start.Add(time.Hour), Limit: 4}
	if found, err := w.Books.Period(t.Context(), r); err != nil || len(found) != 4 {
		t.Errorf("%d orders, %v", len(found), err)
	}
	_, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: held, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Books.Period(t.Context(), r); !errors.Is(err, settle.ErrPeriodTooLarge) {
		t.Errorf("five operations: %v", err)
	}
	r.Limit = 3
	for _, r.By = range []settle.PeriodBy{settle.ByOrderDate, settle.ByRequest, settle.ByCompletion} {
		if _, err := w.Books.Period(t.Context(), r); !errors.Is(err, settle.ErrPeriodTooLarge) {
			t.Errorf("four orders by %d: %v", r.By, err)
		}
	}
}

// fillBooks writes forty days of orders of fifty merchants: one order each half minute or so, in the order of time.
const fillBooks = `
INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, authorized, confirmed, currency, status, created_at,
	exchange_id, center_id, two_stage, card_mask, card_expiry, card, fingerprint)
SELECT 100001 + n %% 50, 5100001000000000 + n, n, 1, 100, 100, 100, 933, 2, %[1]s, n, 1, false, '411111****1111', '2812', '\x00', '\x00'
FROM generate_series(1, 60000) n;
INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, requested_at, completed_at)
SELECT 100001 + n %% 50, 5100001000000000 + n, 1, 100, 2, 1, 100, %[1]s, %[1]s + interval '2 seconds' FROM generate_series(1, 60000) n;`

// On filled books a period is found by the ranges of pages, whatever puts operations into it, and few pages are read.
func TestPeriodReadsFewPages(t *testing.T) {
	w := settletest.New(t)
	owner := pgtest.Owner(t, w.Pool) // tables are summed up by their owner
	exec := func(sql string) {
		t.Helper()
		if _, err := owner.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	exec(fmt.Sprintf(fillBooks, `timestamptz '2026-02-01 00:00Z' + n * interval '57.6 seconds'`))
	exec(`SELECT brin_summarize_new_values('orders_by_time'), brin_summarize_new_values('operations_by_time')`)
	exec(`ANALYZE orders, operations`)
	from := time.Date(2026, 2, 20, 0, 0, 0, 0, time.UTC)
	for by, indexes := range map[settle.PeriodBy][]string{settle.ByOrderDate: {"orders_by_time"},
		settle.ByRequest: {"operations_by_time"}, settle.ByCompletion: {"operations_by_time"}} {
		rows, err := w.Pool.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS off, BUFFERS off) "+settle.PeriodKeys(by), settletest.Merchant, from, from.Add(3*time.Hour), 10)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		plan := strings.Join(lines, "\n")
		for _, index := range indexes {
			if !strings.Contains(plan, "Bitmap Index Scan on "+index) {
				t.Errorf("by %d: %s is not used:\n%s", by, index, plan)
			}
		}
		if strings.Contains(plan, "Seq Scan") {
			t.Errorf("by %d reads a whole table:\n%s", by, plan)
		}
	}
	found, err := w.Books.Period(t.Context(), settle.PeriodRequest{Merchant: settletest.Merchant, From: from, To: from.Add(3 * time.Hour), Limit: 10})
	if err != nil || len(found) == 0 || len(found) > 5 {
		t.Errorf("%d orders, %v", len(found), err)
	}
}
