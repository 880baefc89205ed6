package retention_test

import (
	"slices"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle/retention"

	"github.com/jackc/pgx/v5"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// sealedColumns are the columns of bytes that hold what is sealed, or a hash of a card, with the class that erases them.
var sealedColumns = map[string][]retention.Class{
	"credentials.sealed": {retention.Stored}, "credentials.sealed_key": {retention.Stored}, "file_chunks.bytes": {retention.Files},
	"orders.card": {retention.Declined, retention.Paid}, "orders.fingerprint": {retention.Declined, retention.Paid}, "records.card": {retention.Paid},
	"reply_chunks.bytes": {retention.Replies},
}

// openColumns are the other columns of bytes.
var openColumns = []string{"authorization_logs.bytes", "authorization_logs.sha256", "contracts.digest", "events.hash", "events.previous", "files.sha256",
	"key_checks.check_value", "orders.asked", "replies.content", "replies.sha256", "subscriptions.agreed"}

// TestEverySealedColumnHasAClass is what a new column of bytes fails on, until it has one or needs none.
func TestEverySealedColumnHasAClass(t *testing.T) {
	rows, err := pgtest.DB(t).Query(t.Context(), `SELECT table_name || '.' || column_name FROM information_schema.columns
		WHERE table_schema = 'public' AND data_type = 'bytea' AND table_name !~ '^river_' ORDER BY 1`)
	check(t, err)
	columns, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	for _, c := range columns {
		classes, sealed := sealedColumns[c]
		if sealed == slices.Contains(openColumns, c) {
			t.Errorf("%s: say which class erases it, or that it holds nothing sealed", c)
		}
		for _, class := range classes {
			if !slices.Contains(retention.Classes(), class) {
				t.Errorf("%s: there is no class %q", c, class)
			}
		}
	}
	if want := len(sealedColumns) + len(openColumns); len(columns) != want {
		t.Errorf("%d columns of bytes, %d are told", len(columns), want)
	}
}
