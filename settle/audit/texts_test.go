package audit_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/audit"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// notFree are the columns of text that are no free texts, each with the reason. "*.column" stands for all tables.
var notFree = map[string]string{
	"*.state": "one of a list", "*.stream": "of the configuration", "*.scope": "of the configuration", "*.token": "random", "*.class": "one of a list",
	"*.error_class": "one of a list", "*.proof": "one of a list", "*.card_mask": "a mask", "*.card_expiry": "four digits", "*.action_code": "of the center, 4 characters",
	"*.approval_code": "of the center, 6 characters", "*.network_id": "an identifier of the network", "*.security": "three digits", "*.name": "an identifier: of a file, a schedule, a lock, a configuration",
	"*.logical_id": "an identifier of a file", "*.customer": "an identifier of the merchant: refused at the entrance", "*.rate": "a number",
	"*.terminal": "an identifier", "*.acceptor": "an identifier",
	"accounts.ledger": "ours", "accounts.side": "ours", "authentications.directory_id": "an identifier of the scheme", "authentications.eci": "two digits",
	"authentications.method_url": "an address of the bank, which is called", "authentications.server_id": "an identifier of the 3-D Secure server",
	"authentications.status": "one letter", "authentications.version": "a version", "authorization_logs.source": "one of a list", "break_notes.actor": "a login of the operating system", "break_notes.kind": "one of a list", "breaks.category": "one of a list",
	"breaks.fingerprint": "ours: the key of the break", "contracts.city": "of the configuration", "contracts.country": "of the configuration", "contracts.mcc": "of the configuration",
	"center_looks.found": "ours: names and numbers of files",
	"events.kind":        "one of a list", "events.outcome": "one of a list", "events.how": "one of a list", "events.object_of": "ours: kinds of objects", "events.login": "of the database",
	"events.role": "ours: a role", "events.factor": "ours: a kind of factor", "events.approval": "ours: an approval",
	"epochs.cause": "one of a list", "epochs.identity": "ours: the database's", "contracts.postal": "of the configuration", "contracts.region": "of the configuration", "contracts.street": "of the configuration",
	"delivery_attempts.left_over": "one of a list", "delivery_attempts.outcome": "one of a list", "delivery_attempts.reached": "one of a list",
	"file_resends.from_state": "one of a list", "instant_payments.bank_id": "an identifier of the bank", "instant_payments.bank_operation": "an identifier of the scheme",
	"instant_payments.payload": "the QR code of the bank, which buyers pay", "key_checks.environment": "one of a list", "key_checks.purpose": "one of a list", "key_revocations.purpose": "one of a list", "leases.holder": "ours: a process",
	"operations.external_id": "an identifier of the merchant: refused at the entrance", "operations.response": "one of a list",
	"orders.ordernumber": "an identifier of the merchant: refused at the entrance", "processes.content": "ours: the name of a configuration, a keyed hash", "processes.process": "ours: a process", "posting_rules.event": "ours",
	"erasures.subject": "ours", "erasures.held": "ours: numbers by reason",
	"rejects.code": "of the center, one of its list", "rejects.origin": "one of a list", "replans.made": "ours: windows", "replans.removed": "ours: windows",
	"schedule_runs.slot": "a time", "schedules.next_slot": "a time", "schedules.spec": "of the configuration", "schedules.zone": "of the configuration",
	"service_calls.service": "one of a list", "windows.calendar": "of the configuration",
}

const textColumns = `
SELECT c.relname || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0 AND NOT a.attisdropped
	AND c.relname !~ '^(river_|goose_)' AND format_type(a.atttypid, NULL) ~ '^(text|json|jsonb|character)'`

// TestEveryTextIsFreeOrNot is what a new column of text fails on, until it is a free text or has a reason not to be one.
func TestEveryTextIsFreeOrNot(t *testing.T) {
	rows, err := pgtest.DB(t).Query(t.Context(), textColumns)
	if err != nil {
		t.Fatal(err)
	}
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(columns) < 50 {
		t.Fatalf("%d columns, %v", len(columns), err)
	}
	used := map[string]bool{}
	for _, c := range columns {
		_, column, _ := strings.Cut(c, ".")
		free := slices.ContainsFunc(audit.FreeTexts, func(f audit.FreeText) bool { return f.Table+"."+f.Column == c })
		used[c], used["*."+column] = true, true
		if excepted := notFree[c] + notFree["*."+column]; free == (excepted != "") {
			t.Errorf("%s: put it into audit.FreeTexts, or say why it is none (%q)", c, excepted)
		}
	}
	for name := range notFree {
		if !used[name] {
			t.Errorf("there is no column %s", name)
		}
	}
	for _, f := range audit.FreeTexts {
		if !used[f.Table+"."+f.Column] {
			t.Errorf("there is no column %s.%s", f.Table, f.Column)
		}
	}
}

// TestCardDataInTextsIsFound puts a card number, or a code, into each free text that has a row. Bill numbers that were given out are none.
func TestCardDataInTextsIsFound(t *testing.T) {
	b := live(t)
	owner := pgtest.Owner(t, b.Pool)
	planted := 0
	for i, f := range audit.FreeTexts {
		value := []string{"paid with 4111 1111-1111.1111", "cvv 123", "4111&nbsp;1111&nbsp;1111&nbsp;1111"}[i%3]
		if slices.Contains([]string{"details", "before", "after"}, f.Column) {
			value = `{"ordercomment": "` + value + `"}`
		}
		planted += b.plant(owner, f, value)
	}
	if planted < 5 {
		t.Errorf("only %d of the free texts have a row", planted)
	}
}

// plant puts a value into a row of a column, if there is one, and expects the audit to find it and nothing else.
func (b books) plant(owner *pgxpool.Pool, f audit.FreeText, value string) int {
	b.t.Helper()
	tx, err := owner.Begin(b.t.Context())
	b.must(err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	if before := b.textsOf(tx); before.Violations != 0 {
		b.t.Fatalf("before: %+v", before)
	}
	tag, err := tx.Exec(b.t.Context(), fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE ctid = (SELECT min(ctid) FROM %[1]s)`, f.Table, f.Column), value)
	if refused := (*pgconn.PgError)(nil); errors.As(err, &refused) && refused.Code == "23514" {
		return 0 // the row that is there may not have a text
	}
	b.must(err)
	if tag.RowsAffected() == 0 {
		return 0
	}
	if got := b.textsOf(tx); got.Violations != 1 || len(got.Examples) != 1 || strings.Contains(got.Examples[0], "1111") {
		b.t.Errorf("%s.%s: %+v", f.Table, f.Column, got)
	}
	return 1
}

// textsOf is what the audit finds in the free texts.
func (b books) textsOf(tx pgx.Tx) audit.Finding {
	b.t.Helper()
	report, err := audit.Run(b.t.Context(), inside{tx}, b.Clock.Now(), audit.Options{Only: []string{audit.TextInvariant}})
	b.must(err)
	return report.Findings[0]
}

// TestTelephoneNumbersAreNoCards: a German number of 13 digits has the right check digit for a card; requests may bring it, so it is good here.
func TestTelephoneNumbersAreNoCards(t *testing.T) {
	b := live(t)
	tx, err := pgtest.Owner(t, b.Pool).Begin(t.Context())
	b.must(err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `UPDATE orders SET details = '{"mobilephone": "4915112345678"}'`)
	b.must(err)
	if got := b.textsOf(tx); got.Violations != 0 {
		t.Errorf("%+v", got)
	}
}
