package app

import (
	"testing"

	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
)

// TestOnlyTheNightsOwnStepsAreQueued: a window, a file or a reply of a center or a stream that the configuration does not have is no
// work. It was queued again and again, to be refused each time.
func TestOnlyTheNightsOwnStepsAreQueued(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	must(t, err)
	must(t, center.Start())
	defer center.Close()
	core, err := Open(t.Context(), options(t, pgtest.URL(t), center.OnlineAddr()))
	must(t, err)
	defer core.Close()
	owner := pgtest.Owner(t, core.Pool)
	for _, statement := range []string{
		`INSERT INTO centers VALUES (9, 'PC-OLD')`,
		`INSERT INTO windows (center_id, stream, business_date, window_no, cutoff_at, deadline_at) VALUES (9, 'old', '2020-01-01', 1, '2020-01-01 20:00Z', '2020-01-01 21:00Z')`,
		`INSERT INTO batches (window_id, center_id, stream, business_date, currency, part, parts, sales_count, sales_amount, credits_count, credits_amount, sealed_at)
		SELECT window_id, 9, 'old', business_date, 933, 1, 1, 1, 100, 0, 0, cutoff_at FROM windows WHERE center_id = 9`,
		`INSERT INTO files (batch_id, build, center_id, stream, scope, base, sequence, name, logical_id, planned_at, next_attempt_at, deadline_at)
		SELECT batch_id, 1, 9, 'old', '', 0, 1, 'x', 'y', sealed_at, sealed_at, sealed_at FROM batches WHERE center_id = 9`,
		`INSERT INTO replies (center_id, name, bytes, sha256, fetched_at) VALUES (9, 'x', 1, sha256('x'), '2020-01-01')`,
	} {
		if _, err := owner.Exec(t.Context(), statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	next, err := core.next(t.Context())
	must(t, err)
	if len(next.Seal)+len(next.Build)+len(next.Deliver)+len(next.Apply) > 0 {
		t.Errorf("queued: %+v", next)
	}
}
