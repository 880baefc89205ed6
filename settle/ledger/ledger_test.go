package ledger_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/settle/ledger"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func posting(order int64, rule ledger.Rule, amount int64) ledger.Posting {
	return ledger.Posting{Key: ledger.Key{Merchant: 7, Source: ledger.FromOrder, SourceID: order, Seq: 1}, Rule: rule, Amount: amount,
		Currency: money.BYN, Center: 1, At: noon}
}

func TestPost(t *testing.T) {
	db := pgtest.DB(t)
	book := ledger.Book{Zone: time.UTC}
	post := func(all ...ledger.Posting) error {
		return postgres.InTx(t.Context(), db, postgres.Key{Name: "post"}, func(tx pgx.Tx) error { return book.Post(t.Context(), tx, all) })
	}
	undone := posting(2, ledger.SliceConfirmed, 30)
	undone.Undo = true
	if err := post(posting(1, ledger.HoldConsumed, 100), posting(1, ledger.SliceConfirmed, 100), posting(1, ledger.HoldReleased, 0), undone); err != nil {
		t.Fatal(err)
	}
	if err := post(posting(1, ledger.SliceVoided, 1)); !errors.Is(err, ledger.ErrAlreadyPosted) {
		t.Errorf("second journal of an event: %v", err)
	}
	for name, bad := range map[string]ledger.Posting{
		"no rule":     posting(3, 0, 1),
		"negative":    posting(3, ledger.SliceConfirmed, -1),
		"no instant":  {Key: posting(3, 0, 0).Key, Rule: ledger.SliceConfirmed, Amount: 1},
		"no merchant": {Rule: ledger.SliceConfirmed, Amount: 1, At: noon},
	} {
		if err := post(bad); err == nil {
			t.Errorf("%s was posted", name)
		}
	}
	have, err := ledger.TrialBalance(t.Context(), db, noon, 7)
	if err != nil {
		t.Fatal(err)
	}
	want := []ledger.Balance{{ledger.Captured, money.BYN, 100, 30}, {ledger.Pending, money.BYN, 30, 100},
		{ledger.Holds, money.BYN, 0, 100}, {ledger.HoldsContra, money.BYN, 100, 0}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("trial balance (-want +have):\n%s", diff)
	}
	if others, err := ledger.TrialBalance(t.Context(), db, noon, 8); err != nil || len(others) != 0 {
		t.Errorf("another merchant's trial balance: %v, %v", others, err)
	}
	if have[0].Net() != 70 || have[1].Net() != -70 {
		t.Errorf("net %d and %d", have[0].Net(), have[1].Net())
	}
}

// TestAppendOnly tries to change the books with the rights of the application.
func TestAppendOnly(t *testing.T) {
	db := pgtest.DB(t)
	for _, sql := range []string{`UPDATE postings SET amount = 1`, `DELETE FROM postings`, `TRUNCATE postings`, `UPDATE posting_rules SET debit = 1010`,
		`DELETE FROM rolled_days`, `UPDATE balances SET debit = 0`, `UPDATE records SET amount = 1`, `DELETE FROM record_changes`} {
		if _, err := db.Exec(t.Context(), sql); err == nil {
			t.Errorf("%s was allowed", sql)
		}
	}
}

func TestDateIsOfTheZone(t *testing.T) {
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	book := ledger.Book{Zone: tokyo}
	for at, want := range map[string]string{"2026-03-02T14:59:59Z": "2026-03-02", "2026-03-02T15:00:00Z": "2026-03-03"} {
		instant, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if have := book.Date(instant).Format(time.DateOnly); have != want {
			t.Errorf("%s is of %s, want %s", at, have, want)
		}
	}
}

// TestViews reads a journal by the names that people use.
func TestViews(t *testing.T) {
	db := pgtest.DB(t)
	book := ledger.Book{Zone: time.UTC}
	p := posting(5, ledger.RefundConfirmed, 100)
	p.Phase = ledger.PhaseAnswered.For(3)
	err := postgres.InTx(t.Context(), db, postgres.Key{Name: "post"}, func(tx pgx.Tx) error { return book.Post(t.Context(), tx, []ledger.Posting{p}) })
	if err != nil {
		t.Fatal(err)
	}
	type line struct {
		Source, Event string
		Transaction   int
		Rule, Debit   string
	}
	have := rows[line](t, db, `SELECT source, event, transaction, rule, debit_name FROM journal_lines`)
	want := []line{{"order", "answered", 3, "PR-19", "Online refunds in flight"}}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("journal_lines (-want +have):\n%s", diff)
	}
	type journal struct {
		Lines    int64
		Turnover int64
	}
	if diff := cmp.Diff([]journal{{1, 100}}, rows[journal](t, db, `SELECT lines, turnover FROM journals`)); diff != "" {
		t.Errorf("journals (-want +have):\n%s", diff)
	}
}
