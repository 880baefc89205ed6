package ledger_test

import (
	"flag"
	"testing"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/settle/ledger"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

var update = flag.Bool("update", false, "rewrite what is generated from the chart and the rules")

func TestMain(m *testing.M) { pgtest.Main(m) }

func ledgerOf(c ledger.Code) string {
	if c.Memo() {
		return "memo"
	}
	return "financial"
}

// TestDatabaseHasTheChart compares the rows of a migrated database with the Go tables.
func TestDatabaseHasTheChart(t *testing.T) {
	db := pgtest.DB(t)
	type account struct {
		Code         int16
		Name         string
		Side, Ledger string
	}
	var want []account
	for _, a := range ledger.Chart {
		want = append(want, account{int16(a.Code), a.Name, string(a.Side), ledgerOf(a.Code)})
	}
	if diff := cmp.Diff(want, rows[account](t, db, `SELECT code, name, side, ledger FROM accounts ORDER BY code`)); diff != "" {
		t.Errorf("accounts (-want +have):\n%s", diff)
	}
	if diff := cmp.Diff(ledger.Rules, rows[ledger.RuleSpec](t, db, `SELECT rule, name, debit, credit, event FROM posting_rules ORDER BY rule`)); diff != "" {
		t.Errorf("posting_rules (-want +have):\n%s", diff)
	}
}

func rows[T any](t *testing.T, q postgres.Querier, sql string) []T {
	t.Helper()
	r, err := q.Query(t.Context(), sql)
	if err != nil {
		t.Fatal(err)
	}
	out, err := pgx.CollectRows(r, pgx.RowToStructByPos[T])
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestRulesAreUsable checks what the constraints of the database would refuse when a rule is used for the first time.
func TestRulesAreUsable(t *testing.T) {
	codes := map[ledger.Code]bool{}
	for i, a := range ledger.Chart {
		if i > 0 && a.Code <= ledger.Chart[i-1].Code {
			t.Errorf("account %d is out of order", a.Code)
		}
		codes[a.Code] = true
	}
	for i, r := range ledger.Rules {
		if int(r.Rule) != i+1 {
			t.Errorf("%s has number %d at place %d", r.Name, r.Rule, i+1)
		}
		if !codes[r.Debit] || !codes[r.Credit] || r.Debit == r.Credit || r.Debit.Memo() != r.Credit.Memo() {
			t.Errorf("%s moves from %d to %d", r.Name, r.Debit, r.Credit)
		}
		if r.Rule.String() != r.Name || r.Rule.Spec() != r {
			t.Errorf("%s is printed %s, its specification %+v", r.Name, r.Rule, r.Rule.Spec())
		}
	}
	if last := ledger.Rule(len(ledger.Rules)); (last+1).Spec() != (ledger.RuleSpec{}) || ledger.Rule(0).String() != "" {
		t.Error("a number without a rule has a specification")
	}
}

func TestPhases(t *testing.T) {
	for _, event := range []ledger.Phase{ledger.PhaseDone, ledger.PhaseAnswered, ledger.PhaseRelease} {
		for _, n := range []int16{0, 1, 7, 3275} {
			if p := event.For(n); p.Event() != event || p.Transaction() != n {
				t.Errorf("%d.For(%d) = %d: event %d of transaction %d", event, n, p, p.Event(), p.Transaction())
			}
		}
	}
	if got := ledger.PhaseAnswered.For(3).String(); got != "answered (transaction 3)" {
		t.Error(got)
	}
}
