package audit_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/audit"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/pgxpool"
)

// notChecked are the columns whose change no check finds, each with the reason; a class of its rows may stand behind the column.
var notChecked = map[string]string{
	"authorization_logs.size":       "bytes, not money",
	"contracts.merchant_id":         "never updated, by grants; the prices that a seal took from it stand in batch_totals and are checked there (INV-32)",
	"contracts.processing":          "as contracts.merchant_id",
	"erasures.bytes":                "bytes, not money",
	"erasures.erased":               "how many rows, not money; nobody may update it",
	"events.of_kind":                "a counter, no row in these books; INV-40 damages rows of its own",
	"file_chunks.plain_offset":      "bytes, not money",
	"files.bytes":                   "bytes, not money; their hash is compared at each reading",
	"id_blocks.next":                "a counter; gaps are allowed",
	"id_jumps.next_after":           "as id_blocks.next",
	"id_jumps.next_before":          "as id_blocks.next",
	"inbox_files.size":              "bytes, not money",
	"leases.fence":                  "a counter",
	"replies.bytes":                 "bytes, not money; their hash is compared at each reading",
	"replies.line":                  "a line number",
	"breaks.amount":                 "shown to people; no money follows it",
	"breaks.merchant_id":            "shown to people; no money follows it",
	"unknown_approvals.amount":      "the center's word about what the books do not know",
	"unknown_approvals.merchant_id": "shown to people; the reversal names the terminal",
	"cheques.merchant_id":           "no money: what a fiscal service is told",
	"notifications.merchant_id":     "no money: what a shop is told",
	"service_calls.merchant_id":     "no money: when a service was last asked",
	"wishes.merchant_id":            "no row in these books; INV-31 damages rows of its own",
	"funds.available":               "no row in these books; INV-16 damages one of its own",
	"funds.merchant_id":             "no row in these books; INV-16 damages one of its own",
	"operations.asked_amount":       "the merchant's word; what was done is amount",
	"orders.original_amount":        "no row in these books; INV-36 damages one of its own",
	"operations.amount 300 1":       "what a cancel in process asked for; what it gave back is checked when it is done",
}

// classes divide the rows of a table into kinds that different code writes; one row of each is damaged.
var classes = map[string]string{
	"postings":       "rule || ' ' || undo",
	"records":        "kind",
	"operations":     "kind || ' ' || state",
	"transactions":   "kind || ' ' || state",
	"owed_exchanges": "kind",
	"batch_totals":   "kind",
	"orders":         "status || ' ' || two_stage",
}

// Money columns are the numbers of 64 bits that are no identifiers; the merchant's column says whose money it is.
const moneyColumns = `
SELECT table_name, column_name, column_name = 'merchant_id' FROM information_schema.columns JOIN information_schema.tables USING (table_schema, table_name)
WHERE table_schema = 'public' AND table_type = 'BASE TABLE' AND table_name !~ '^(river_|goose_)'
	AND (column_name = 'merchant_id' OR data_type IN ('bigint', 'numeric') AND column_name !~ '(_id|_ref)$')
	AND NOT EXISTS (SELECT FROM pg_class WHERE relname = table_name AND relispartition)
ORDER BY 1, 2`

type moneyColumn struct {
	Table, Column string
	Owner         bool // the merchant's, not an amount
}

// TestEveryMoneyColumnIsChecked damages one row of each class in each money column of the books, alone, and expects a finding or
// a constraint that refuses it. A new column has a check, or a reason in notChecked.
func TestEveryMoneyColumnIsChecked(t *testing.T) {
	b := live(t)
	owner := pgtest.Owner(t, b.Pool)
	rows, err := owner.Query(t.Context(), moneyColumns)
	b.must(err)
	columns, err := pgx.CollectRows(rows, pgx.RowToStructByPos[moneyColumn])
	b.must(err)
	m := matrix{books: b, owner: owner, used: map[string]bool{}, first: map[string]string{}}
	for _, c := range columns {
		m.damage(c)
	}
	for name := range notChecked {
		if !m.used[name] {
			t.Errorf("%s is excepted, but no money column", name)
		}
	}
}

// matrix is a run over the money columns. first is the invariant that found the last damage of a table: it is asked first.
type matrix struct {
	books
	owner *pgxpool.Pool
	used  map[string]bool
	first map[string]string
}

func (m *matrix) excepted(name string) bool {
	m.used[name] = true
	return notChecked[name] != ""
}

func (m *matrix) damage(c moneyColumn) {
	m.t.Helper()
	name := c.Table + "." + c.Column
	if m.excepted(name) {
		return
	}
	rows := m.oneOfEachClass(c)
	for _, row := range rows {
		if !m.excepted(name+" "+row.class) && !m.found(c, row.at) {
			m.t.Errorf("%s of a row of class %q: a change is not found", name, row.class)
		}
	}
	if len(rows) == 0 {
		m.t.Errorf("%s: no row in the test's books to damage", name)
	}
}

type damagedRow struct {
	class string
	at    pgtype.TID
}

func (m *matrix) oneOfEachClass(c moneyColumn) (out []damagedRow) {
	rows, err := m.owner.Query(m.t.Context(), fmt.Sprintf(`SELECT (%s)::text, min(ctid) FROM %s WHERE %s IS NOT NULL GROUP BY 1 ORDER BY 1`,
		cmp.Or(classes[c.Table], "''"), c.Table, c.Column))
	m.must(err)
	out, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (d damagedRow, err error) { return d, row.Scan(&d.class, &d.at) })
	m.must(err)
	return out
}

// found damages the row and tells whether an audit finds it, or a constraint refuses it; the damage is taken back.
func (m *matrix) found(c moneyColumn, at pgtype.TID) bool {
	change := "+ 1"
	if c.Owner {
		change = "+ 7"
	}
	tx, err := m.owner.Begin(m.t.Context())
	m.must(err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(m.t.Context(), fmt.Sprintf(`UPDATE %s SET %s = %s %s WHERE ctid = $1`, c.Table, c.Column, c.Column, change), at)
	if refused := new(pgconn.PgError); errors.As(err, &refused) && strings.HasPrefix(refused.Code, "23") {
		return true
	}
	m.must(err)
	return m.broken(tx, c.Table)
}

// broken tells that an invariant of the books is broken, and asks the likely one first: a whole audit for each damage takes long.
func (m *matrix) broken(tx pgx.Tx, table string) bool {
	options := []audit.Options{{}}
	if first := m.first[table]; first != "" {
		options = []audit.Options{{Only: []string{first}}, {}}
	}
	for _, o := range options {
		report, err := audit.Run(m.t.Context(), inside{tx}, m.Clock.Now(), o)
		m.must(err)
		if broken := report.Broken(); len(broken) > 0 {
			m.first[table] = broken[0].Invariant
			return true
		}
	}
	return false
}
