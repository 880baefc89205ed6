package epoch_test

import (
	"log/slog"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/settle/epoch"

	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var ids = []string{"exchange/0", "bill/7"}

func keeper(db *pgxpool.Pool) *epoch.Keeper { return epoch.New(db, slog.New(slog.DiscardHandler), ids) }

// look makes a look of a keeper and returns the epoch that is.
func look(t *testing.T, db *pgxpool.Pool, k *epoch.Keeper) epoch.Epoch {
	t.Helper()
	must(t, k.Check(t.Context()))
	e, err := epoch.Newest(t.Context(), db)
	must(t, err)
	if e.Held() != k.Held() {
		t.Errorf("the keeper says held: %t, the books %+v", k.Held(), e)
	}
	return *e
}

// aged puts back when the database was last seen, as in a backup of that age.
func aged(t *testing.T, db *pgxpool.Pool, age string) {
	t.Helper()
	_, err := pgtest.Owner(t, db).Exec(t.Context(), `UPDATE epochs SET alive_at = alive_at - $1::interval, since = since - $1::interval`, age)
	must(t, err)
}

func TestEpochsBegin(t *testing.T) {
	tests := []struct {
		name   string
		change string // by the owner, between two looks
		same   bool   // the same process looks again
		cause  epoch.Cause
		held   bool
	}{
		{"nothing", `SELECT 1`, true, epoch.First, false},
		{"another process", `SELECT 1`, false, epoch.First, false},
		{"half a minute", `UPDATE epochs SET alive_at = alive_at - interval '30 s', since = since - interval '1 h'`, false, epoch.First, false},
		{"silence", `UPDATE epochs SET alive_at = alive_at - interval '2 min', since = since - interval '1 h'`, false, epoch.Silence, false},
		{"rewound", `UPDATE epochs SET alive_at = alive_at - interval '1 s', since = since - interval '1 h'`, true, epoch.Rewound, true},
		{"promoted", `UPDATE epochs SET identity = regexp_replace(identity, '/\w+/', '/00000099/')`, true, epoch.Promoted, false},
		{"promoted late", `UPDATE epochs SET identity = regexp_replace(identity, '/\w+/', '/00000099/'), alive_at = alive_at - interval '6 min', since = since - interval '1 h'`, false, epoch.Promoted, true},
		{"another cluster", `UPDATE epochs SET identity = '1' || identity`, true, epoch.Restored, true},
		{"another table", `UPDATE epochs SET identity = identity || '1'`, true, epoch.Restored, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			db := pgtest.DB(t)
			k := keeper(db)
			if e := look(t, db, k); e.No != 1 || e.Cause != epoch.First || e.Looks {
				t.Fatalf("first: %+v", e)
			}
			_, err := pgtest.Owner(t, db).Exec(t.Context(), tt.change)
			must(t, err)
			if !tt.same {
				k = keeper(db)
			}
			if e := look(t, db, k); e.Cause != tt.cause || e.Held() != tt.held || e.Looks == (tt.cause == epoch.First) {
				t.Errorf("%+v", e)
			}
		})
	}
}

// TestDoubtIsCarriedOn: what a person has not settled is not settled by a fail-over.
func TestDoubtIsCarriedOn(t *testing.T) {
	db := pgtest.DB(t)
	look(t, db, keeper(db))
	_, err := pgtest.Owner(t, db).Exec(t.Context(), `UPDATE epochs SET identity = '1' || identity`)
	must(t, err)
	held := look(t, db, keeper(db))
	aged(t, db, "1 hour")
	again := look(t, db, keeper(db))
	if again.No != 3 || !again.Held() || again.Cause != epoch.Restored || again.Since.After(held.Since) {
		t.Errorf("%+v after %+v", again, held)
	}
}

// TestIdentifiersJump: beyond what can have been given out, also of a name that was not used before.
func TestIdentifiersJump(t *testing.T) {
	db := pgtest.DB(t)
	_, err := db.Exec(t.Context(), `INSERT INTO id_blocks (name, next) VALUES ('exchange/0', 864001)`)
	must(t, err)
	look(t, db, keeper(db))
	aged(t, db, "1 hour")
	e := look(t, db, keeper(db))
	jumps, err := epoch.Jumps(t.Context(), db, e.No)
	must(t, err)
	if len(jumps) != 2 || jumps[0].Name != "bill/7" || jumps[0].Before != 1 || jumps[0].After < 5*3600 || jumps[1].Before != 864001 || jumps[1].After < 864001+1000*3600 {
		t.Errorf("%+v", jumps)
	}
	aged(t, db, "1 hour")
	more, err := epoch.Jumps(t.Context(), db, look(t, db, keeper(db)).No)
	must(t, err)
	if first, second := jumps[1].After-jumps[1].Before, more[1].After-more[1].Before; second > first+2000 {
		t.Errorf("a jump of %d makes the next one %d: what was passed over counts as given", first, second)
	}
}

// TestDatabaseFromBefore has commits and no epoch: it was last seen when it committed last.
func TestDatabaseFromBefore(t *testing.T) {
	db := pgtest.DB(t)
	_, err := db.Exec(t.Context(), `INSERT INTO commits (at, token) VALUES (now() - interval '3 hours', gen_random_uuid())`)
	must(t, err)
	if e := look(t, db, keeper(db)); e.No != 1 || e.Cause != epoch.Silence || !e.Looks || e.BegunAt.Sub(e.Since) < 3*time.Hour {
		t.Errorf("%+v", e)
	}
}
