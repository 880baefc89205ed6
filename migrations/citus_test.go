package migrations_test

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"

	"github.com/jackc/pgx/v5"
)

// The schema must run unchanged when it is sharded by merchant. These are the rules of Citus for distributed tables, read
// from the catalog of a migrated database; each query lists what breaks one.

// whole are tables that name a merchant and are not sharded (reference tables of Citus), each with what it would lose.
var whole = map[string]string{
	"breaks":            "a fingerprint is opened once among all merchants, and a difference of a center has none",
	"unknown_approvals": "an approval is found once at its center, whoever its terminal belongs to by then",
}

// sqlNamingMerchants are the tables with a column merchant_id. Partitions inherit.
const sqlNamingMerchants = `
WITH naming AS (
	SELECT c.oid, c.relname, a.attnum FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'merchant_id'
	WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
)`

// sqlMerchantTables are the tables of a merchant's data: those that are sharded.
var sqlMerchantTables = sqlNamingMerchants + `, merchant AS (
	SELECT * FROM naming WHERE relname NOT IN ('` + strings.Join(slices.Sorted(maps.Keys(whole)), "', '") + `')
) `

var shardingRules = []struct{ name, sql string }{
	{"a merchant table has a primary key", sqlMerchantTables + `
		SELECT relname FROM merchant m WHERE NOT EXISTS (SELECT FROM pg_index WHERE indrelid = m.oid AND indisprimary)`},
	{"a primary key or unique index of a merchant table contains merchant_id", sqlMerchantTables + `
		SELECT relname || ': ' || indexrelid::regclass FROM merchant m JOIN pg_index i ON i.indrelid = m.oid
		WHERE i.indisunique AND NOT m.attnum = ANY ((i.indkey::int2[])[0:i.indnkeyatts - 1])`},
	{"an exclusion constraint of a merchant table contains merchant_id with =", sqlMerchantTables + `
		SELECT relname || ': ' || conname FROM merchant m JOIN pg_constraint c ON c.conrelid = m.oid AND contype = 'x'
		WHERE NOT m.attnum = ANY (c.conkey)`},
	{"a merchant table has no trigger", sqlMerchantTables + `
		SELECT relname || ': ' || tgname FROM merchant m JOIN pg_trigger t ON t.tgrelid = m.oid WHERE NOT tgisinternal`},
	{"a foreign key of a merchant table stays within the merchant or points to a table without merchants", sqlMerchantTables + `
		SELECT m.relname || ': ' || conname FROM merchant m JOIN pg_constraint c ON c.conrelid = m.oid AND contype = 'f'
		JOIN merchant f ON f.oid = c.confrelid
		WHERE array_position(c.conkey, m.attnum) IS DISTINCT FROM array_position(c.confkey, f.attnum)
		OR NOT m.attnum = ANY (c.conkey)`},
	{"a table without merchants has no foreign key to a merchant table", sqlMerchantTables + `
		SELECT conrelid::regclass || ': ' || conname FROM pg_constraint JOIN merchant f ON f.oid = confrelid
		WHERE contype = 'f' AND conparentid = 0 AND conrelid NOT IN (SELECT oid FROM merchant)
		AND NOT (SELECT relispartition FROM pg_class WHERE oid = conrelid)`},
}

func TestSchemaCanBeShardedByMerchant(t *testing.T) {
	conn := connect(t, pgtest.URL(t))
	if tables := texts(t, conn, sqlMerchantTables+"SELECT relname FROM merchant"); len(tables) < 3 {
		t.Fatalf("only %v hold data of merchants; the check looks at nothing", tables)
	}
	for _, rule := range shardingRules {
		for _, broken := range texts(t, conn, rule.sql) {
			t.Errorf("%s: %s", rule.name, broken)
		}
	}
}

// TestMerchantsHaveOneName keeps a table from hiding from the rules by another name of its column, and the list of those that
// stay whole from naming what is not there.
func TestMerchantsHaveOneName(t *testing.T) {
	conn := connect(t, pgtest.URL(t))
	for _, column := range texts(t, conn, `SELECT attrelid::regclass || '.' || attname FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT attisdropped
		AND attname ~ 'merchant' AND attname NOT IN ('merchant_id')`) {
		t.Errorf("%s: a merchant's number is merchant_id everywhere", column)
	}
	naming := texts(t, conn, sqlNamingMerchants+"SELECT relname FROM naming")
	for table, why := range whole {
		if !slices.Contains(naming, table) || why == "" {
			t.Errorf("%s does not name a merchant, or nothing says why it is whole", table)
		}
	}
}

// TestShardingRulesBite breaks each rule in turn and expects to hear of it.
func TestShardingRulesBite(t *testing.T) {
	breaches := []string{
		"CREATE TABLE bad (merchant_id int)",
		"CREATE TABLE bad (merchant_id int, id int UNIQUE, PRIMARY KEY (merchant_id, id))",
		"CREATE TABLE bad (merchant_id int PRIMARY KEY, span int4range, EXCLUDE USING gist (span WITH &&))",
		`CREATE TABLE bad (merchant_id int PRIMARY KEY);
			CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
			CREATE TRIGGER bad BEFORE INSERT ON bad FOR EACH ROW EXECUTE FUNCTION f()`,
		`CREATE TABLE good (merchant_id int, id int, PRIMARY KEY (merchant_id, id));
			CREATE TABLE bad (merchant_id int, id int, other int, PRIMARY KEY (merchant_id, id), FOREIGN KEY (other, id) REFERENCES good)`,
		`CREATE TABLE good (merchant_id int, id int, PRIMARY KEY (merchant_id, id));
			CREATE TABLE bad (id int PRIMARY KEY, other int, FOREIGN KEY (other, id) REFERENCES good)`,
	}
	url := pgtest.URL(t)
	conn := connect(t, url)
	for i, rule := range shardingRules {
		tx, err := conn.Begin(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec(t.Context(), breaches[i]); err != nil {
			t.Fatal(err)
		}
		rows, err := tx.Query(t.Context(), rule.sql)
		if err != nil {
			t.Fatal(err)
		}
		found, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil || len(found) == 0 {
			t.Errorf("%s: a breach is not found, %v", rule.name, err)
		}
		if err := tx.Rollback(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
