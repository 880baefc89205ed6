package notification_test

import (
	"testing"

	"settled/settle/notification"
	"settled/settle/settletest"
)

// TestDueNotificationsReadFewRows fills the table with history and with a long queue of a merchant whose server is down, and counts
// what the question for due ones touches.
func TestDueNotificationsReadFewRows(t *testing.T) {
	w := settletest.New(t)
	const fill = `INSERT INTO notifications (merchant_id, order_id, operation, sequence, created_at, due_at, state, attempts, answered_at, last_error)
		SELECT $1, n, 1, 1, $2::timestamptz - interval '1 h', $2::timestamptz - n * interval '1 s', $3, 1, CASE WHEN $3::smallint = 2 THEN now() END, $4 FROM generate_series($5::int, $6::int) n`
	for _, f := range [][]any{{100001, notification.Pending, "timeout", 1, 20_000}, {100002, notification.Delivered, "", 1, 100_000},
		{100002, notification.Pending, "", 100_001, 110_000}} {
		if _, err := w.Pool.Exec(t.Context(), fill, f[0], w.Clock.Now(), f[1], f[2], f[3], f[4]); err != nil {
			t.Fatal(err)
		}
	}
	of := map[int32]int{}
	found, err := w.Notifications().Due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range found {
		of[n.Merchant]++
	}
	if of[100001] != 1 || of[100002] != 4 {
		t.Errorf("due by merchant: %v", of)
	}
	var plan []struct {
		Plan struct {
			Hit  int `json:"Shared Hit Blocks"`
			Read int `json:"Shared Read Blocks"`
		}
	}
	if err := w.Pool.QueryRow(t.Context(), "EXPLAIN (ANALYZE, BUFFERS, FORMAT json) "+notification.DueSQL, []int32{100001, 100002}, w.Clock.Now(), 4, 1).Scan(&plan); err != nil {
		t.Fatal(err)
	}
	if pages := plan[0].Plan.Hit + plan[0].Plan.Read; pages == 0 || pages > 40 {
		t.Errorf("the question for five due notifications touches %d pages", pages)
	}
}
