package processes_test

import (
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle/processes"

	"github.com/google/go-cmp/cmp"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

// TestProcesses: what a process said last is told, for as long as it goes on saying it.
func TestProcesses(t *testing.T) {
	pool := pgtest.DB(t)
	since := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	a, b, c := processes.Process{Name: "host_1", Content: "aa", Since: since}, processes.Process{Name: "host_2", Content: "aa", Since: since}, processes.Process{Name: "host_3", Content: "bb", Since: since}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []processes.Process{b, a, c} {
		must(processes.Note(t.Context(), pool, p))
	}
	a.Refused, b.Content, b.Since = true, "bb", since.Add(time.Hour)
	must(processes.Note(t.Context(), pool, a))
	must(processes.Note(t.Context(), pool, b))
	_, err := pgtest.Owner(t, pool).Exec(t.Context(), `UPDATE processes SET seen_at = seen_at - interval '2 minutes' WHERE process = 'host_3'`)
	must(err)
	working := func(want ...processes.Process) {
		t.Helper()
		got, err := processes.Working(t.Context(), pool)
		must(err)
		for i := range got {
			got[i].Since = got[i].Since.UTC()
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("(- want, + got)\n%s", diff)
		}
	}
	working(a, b)
	must(processes.Forget(t.Context(), pool, "host_1"))
	working(b)
}
