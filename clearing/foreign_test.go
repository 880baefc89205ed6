package clearing_test

import (
	"testing"
	"time"

	"settled/clearing"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/settle/epoch"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// doubted makes a world whose books may lack the hour in which the cut-off came, with a payment to seal.
func doubted(t *testing.T, removes bool) *world {
	t.Helper()
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.RemovesFiles = removes })
	w.pay(byn(10_000), pcsim.CardApproved)
	w.cutoff()
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `INSERT INTO epochs (epoch, begun_at, since, alive_at, looks, identity, cause, state)
		VALUES (1, $1, $2, $1, true, server_identity(), 'promoted', 'running')`, w.Clock.Now(), w.Clock.Now().Add(-time.Hour))
	check(t, err)
	w.Clock.Advance(time.Second)
	return w
}

func (w *world) looks() string {
	return query[string](w, `SELECT coalesce(string_agg(state, ' '), '') FROM center_looks`)
}

func (w *world) sealed() int {
	return query[int](w, `SELECT count(*) FROM windows WHERE state <> 'open'`)
}

// TestCenterThatShowsNothing: where looking proves nothing, and a cut-off came in the time that may be missing, a person decides.
func TestCenterThatShowsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		removes bool
		faults  pcsim.Faults
	}{"takes files away": {removes: true}, "may not be listed": {faults: pcsim.Faults{ListDenied: true}}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := doubted(t, tt.removes)
			w.center.SetFaults(tt.faults)
			for range 2 {
				_, _ = w.night.Step(t.Context())
			}
			if w.looks() != "open" || w.sealed() != 0 || query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-29' AND closed_at IS NULL`) != 1 {
				t.Fatalf("looks %q, %d windows sealed", w.looks(), w.sealed())
			}
			v, err := w.night.Survey(t.Context(), settletest.FileCenter)
			check(t, err)
			check(t, postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "resume"}, func(tx pgx.Tx) error {
				if err := epoch.Resume(t.Context(), tx, 1, "asked"); err != nil {
					return err
				}
				return w.night.AfterRestore(t.Context(), tx, v, nil)
			}))
			w.center.SetFaults(pcsim.Faults{})
			w.heal()
			if w.looks() != "clear" || w.sealed() != 1 {
				t.Errorf("looks %q, %d windows sealed", w.looks(), w.sealed())
			}
			w.acceptedOnce(1)
		})
	}
}

// TestCenterThatCannotBeReached is looked at as soon as it can be; its window waits so long.
func TestCenterThatCannotBeReached(t *testing.T) {
	w := doubted(t, false)
	w.center.SetFaults(pcsim.Faults{RefuseLogin: true})
	if _, err := w.night.Step(t.Context()); err == nil || w.looks() != "" || w.sealed() != 0 {
		t.Fatalf("%v, looks %q, %d windows sealed", err, w.looks(), w.sealed())
	}
	w.heal()
	if w.looks() != "clear" || w.sealed() != 1 {
		t.Errorf("looks %q, %d windows sealed", w.looks(), w.sealed())
	}
	w.acceptedOnce(1)
}
