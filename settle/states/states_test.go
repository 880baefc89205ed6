package states_test

import (
	"flag"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres/pgtest"
	"settled/settle"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite docs/states.md")

func TestMain(m *testing.M) { pgtest.Main(m) }

const document = "../../docs/states.md"

// TestDocument keeps docs/states.md equal to the tables.
func TestDocument(t *testing.T) {
	want := render()
	if *update {
		if err := os.WriteFile(document, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(have)); diff != "" {
		t.Errorf("docs/states.md (-want +have), rewrite it with -update:\n%s", diff)
	}
}

const intro = `# States

Every state machine of the books and the night. The tables are package settle/states; this page is generated from them by
` + "`go test ./settle/states -update`" + `, and a test keeps them equal. What an order's state is made of is in
[the decisions about cancels](cancel.md) and in package settle/order; how money follows is in [the ledger](ledger.md).
`

func render() string {
	var b strings.Builder
	b.WriteString(intro)
	for _, m := range Machines {
		fmt.Fprintf(&b, "\n## %s\n\nKept in: %s.\n\n```mermaid\nstateDiagram-v2\n", m.Name, m.Stored)
		for i, s := range m.States {
			fmt.Fprintf(&b, "    state %q as s%d\n", s, i)
		}
		for _, step := range m.Steps {
			draw(&b, m, step)
		}
		b.WriteString("```\n\n| # | From | To | When | Postings |\n|---|---|---|---|---|\n")
		for _, s := range m.Steps {
			fmt.Fprintf(&b, "| %s | %s | %s | %s | %s |\n", s.ID, list(s.From), list(s.To), s.Trigger, s.Posting)
		}
	}
	return b.String()
}

func draw(b *strings.Builder, m Machine, step Step) {
	for _, from := range step.From {
		for _, to := range step.To {
			fmt.Fprintf(b, "    %s --> %s: %s\n", alias(m, from), alias(m, to), step.ID)
		}
	}
}

func alias(m Machine, state string) string {
	if i := slices.Index(m.States, state); i >= 0 {
		return fmt.Sprintf("s%d", i)
	}
	return state
}

func list(all []string) string {
	return strings.ReplaceAll(strings.Join(all, ", "), Born, "(new)")
}

// TestEveryStateIsReached checks that steps name listed states only, and that each state can be reached.
func TestEveryStateIsReached(t *testing.T) {
	for _, m := range Machines {
		reached := map[string]bool{Born: true}
		for range m.Steps {
			for _, s := range m.Steps {
				if slices.ContainsFunc(s.From, func(from string) bool { return reached[from] }) {
					for _, to := range s.To {
						reached[to] = true
					}
				}
			}
		}
		for _, s := range m.States {
			if !reached[s] {
				t.Errorf("%s: no way to %q", m.Name, s)
			}
		}
		for _, s := range m.Steps {
			for _, state := range append(slices.Clone(s.From), s.To...) {
				if state != Born && !slices.Contains(m.States, state) {
					t.Errorf("%s %s: %q is not a state", m.Name, s.ID, state)
				}
			}
		}
	}
}

func machine(t *testing.T, name string) Machine {
	t.Helper()
	i := slices.IndexFunc(Machines, func(m Machine) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no machine %q", name)
	}
	return Machines[i]
}

// TestNumberedStates compares the states that are stored as numbers with the words of the code.
func TestNumberedStates(t *testing.T) {
	var operations, transactions []string
	for s := settle.OperationInProcess; s <= settle.OperationTimedOut; s++ {
		operations = append(operations, s.String())
	}
	for _, s := range []settle.TransactionState{settle.TransactionSent, settle.TransactionApproved, settle.TransactionDeclined, settle.TransactionUnknown,
		settle.TransactionReversed, settle.TransactionStuck, settle.TransactionApprovedLate} {
		transactions = append(transactions, s.String())
	}
	if diff := cmp.Diff(machine(t, "Operation").States, operations); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(machine(t, "Transaction").States, transactions); diff != "" {
		t.Error(diff)
	}
}

var quoted = regexp.MustCompile(`'([a-z_]+)'::text`)

// TestStoredStates compares the states that are stored as words with the constraints of the database.
func TestStoredStates(t *testing.T) {
	db := pgtest.DB(t)
	for name, table := range map[string]string{"Window": "windows", "Batch": "batches", "File": "files", "Reply": "replies"} {
		var check string
		err := db.QueryRow(t.Context(), `SELECT pg_get_constraintdef(c.oid) FROM pg_constraint c
			WHERE conrelid = $1::regclass AND contype = 'c' AND conname = $2`, table, table+"_state_check").Scan(&check)
		if err != nil {
			t.Fatal(err)
		}
		var have []string
		for _, m := range quoted.FindAllStringSubmatch(check, -1) {
			have = append(have, m[1])
		}
		want := slices.Clone(machine(t, name).States)
		slices.Sort(want)
		slices.Sort(have)
		if diff := cmp.Diff(want, have); diff != "" {
			t.Errorf("%s (-listed +database):\n%s", name, diff)
		}
	}
}
