package read_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle/breaks"
	"settled/settle/read"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// fillBreaks writes 40,000 breaks of two categories, of which every hundredth is open, and gives every thousandth to ann and then to bob.
const fillBreaks = `
INSERT INTO breaks (category, fingerprint, center_id, merchant_id, amount, currency, opened_at, closed_at, note)
SELECT CASE WHEN n % 3 = 0 THEN 'B-05' ELSE 'B-01' END, n::text, 1 + n % 2, 100001, CASE WHEN n % 200 = 0 THEN -10 ELSE 7 END, 933, timestamptz '2026-02-01Z', CASE WHEN n % 100 > 0 THEN timestamptz '2026-02-02Z' END, ''
FROM generate_series(1, 40000) n;
INSERT INTO break_notes (break_id, no, at, actor, kind, words)
SELECT break_id, k, timestamptz '2026-02-01Z', 'ann', CASE WHEN k < 3 THEN 'assign' ELSE 'comment' END, CASE k WHEN 1 THEN 'ann' WHEN 2 THEN 'bob' ELSE 'asked' END
FROM breaks, generate_series(1, 3) k WHERE fingerprint::int % 1000 = 0;
ANALYZE breaks, break_notes`

func writeBreaks(t *testing.T, w *settletest.World) {
	t.Helper()
	if _, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), fillBreaks, pgx.QueryExecModeSimpleProtocol); err != nil {
		t.Fatal(err)
	}
}

func withBreaks(t *testing.T) *read.Books {
	t.Helper()
	w := settletest.New(t)
	writeBreaks(t, w)
	return read.New(w.Pool, w.Dir)
}

// Breaks are listed the youngest first, the same however large the parts are, and only those that were asked for; totals are gross.
func TestBreaksPartByPart(t *testing.T) {
	books := withBreaks(t)
	for _, c := range []struct {
		f     read.BreakFilter
		rows  int
		gross int64
	}{
		{read.BreakFilter{Open: true}, 400, 200*10 + 200*7}, {read.BreakFilter{Open: true, Category: breaks.PaidTwice}, 133, 66*10 + 67*7},
		{read.BreakFilter{Owner: "bob"}, 40, 40 * 10}, {read.BreakFilter{Owner: "ann"}, 0, 0}, {read.BreakFilter{Open: true, Merchant: 7}, 0, 0},
		{read.BreakFilter{Open: true, Center: 2}, 0, 0},
	} {
		var totals []listing.Total
		parts, err := listing.All(func(r listing.Range) (part listing.Part[read.Break], err error) {
			r.Limit = 97
			part, totals, err = books.Breaks(t.Context(), c.f, r)
			return part, err
		})
		if err != nil || len(parts) != c.rows {
			t.Errorf("%+v: %d breaks, want %d, %v", c.f, len(parts), c.rows, err)
		}
		var rows, gross int64
		for _, s := range totals {
			rows, gross = rows+s.Rows, gross+s.Amount
		}
		if rows != int64(c.rows) || gross != c.gross {
			t.Errorf("%+v: totals %+v", c.f, totals)
		}
		for i, b := range parts {
			if i > 0 && b.ID >= parts[i-1].ID {
				t.Fatalf("%d after %d", b.ID, parts[i-1].ID)
			}
		}
	}
	if _, _, err := books.Breaks(t.Context(), read.BreakFilter{Category: "B-99"}, listing.Range{}); !errors.Is(err, read.ErrFilter) {
		t.Errorf("no such category: %v", err)
	}
}

// TestBreak: the one break, with what people said of it.
func TestBreak(t *testing.T) {
	books := withBreaks(t)
	found, _, err := books.Breaks(t.Context(), read.BreakFilter{Owner: "bob"}, listing.Range{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	one, notes, err := books.Break(t.Context(), found.Rows[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	one.OpenedAt = one.OpenedAt.UTC()
	if diff := cmp.Diff(read.Break{ID: one.ID, Category: breaks.NotAtCenter, Fingerprint: "40000", Center: 1, Merchant: 100001, Amount: -10, Currency: money.BYN,
		OpenedAt: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC), Owner: "bob", Notes: 3}, one); diff != "" {
		t.Error(diff)
	}
	var said []string
	for _, n := range notes {
		said = append(said, fmt.Sprintf("%d %s %s %s", n.No, n.Actor, n.Kind, n.Words))
	}
	if diff := cmp.Diff([]string{"1 ann assign ann", "2 ann assign bob", "3 ann comment asked"}, said); diff != "" {
		t.Error(diff)
	}
	if _, _, err := books.Break(t.Context(), 999999); !errors.Is(err, breaks.ErrNone) {
		t.Errorf("no such break: %v", err)
	}
}
