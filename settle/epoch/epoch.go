package epoch

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Cause is why an epoch began.
type Cause string

// The causes. The words are stored.
const (
	First    Cause = "first"    // of a new database
	Silence  Cause = "silence"  // nobody saw the database for longer than SilentFor
	Promoted Cause = "promoted" // its timeline changed
	Rewound  Cause = "rewound"  // it went back behind what this process had seen of it
	Restored Cause = "restored" // it is another cluster, database or table
)

const (
	// SilentFor is how long nobody may have seen the database for it to be surely whole.
	SilentFor = time.Minute
	// FailoverWithin is how long after it was last seen a promoted database goes on without a person.
	FailoverWithin = 5 * time.Minute
)

// Epoch is a stretch of the life of the books.
type Epoch struct {
	No        int32      `json:"epoch"`
	Cause     Cause      `json:"cause"`
	State     string     `json:"state"` // held, running
	Since     time.Time  `json:"since"` // what happened from here until BegunAt may be missing in the books
	BegunAt   time.Time  `json:"begun_at"`
	AliveAt   time.Time  `json:"alive_at"` // when it was last seen, by the database's clock
	ResumedAt *time.Time `json:"resumed_at,omitempty"`
	Reason    string     `json:"reason,omitempty"` // of the person who resumed it
	Looks     bool       `json:"looks"`            // each center is looked at before anything is numbered for it or sent to it
	identity  string
}

// Held tells that the epoch waits for a person.
func (e Epoch) Held() bool { return e.State == stateHeld }

const (
	stateHeld    = "held"
	stateRunning = "running"
)

const (
	selectEpoch = `SELECT epoch, cause, state, since, begun_at, alive_at, resumed_at, reason, looks, identity FROM epochs `
	newestEpoch = selectEpoch + `ORDER BY epoch DESC LIMIT 1`
)

// Newest reads the epoch that is. It is nil where no process has looked at the database yet.
func Newest(ctx context.Context, q postgres.Querier) (*Epoch, error) {
	rows, err := q.Query(ctx, newestEpoch)
	if err != nil {
		return nil, fmt.Errorf("read the epoch: %w", err)
	}
	e, err := pgx.CollectExactlyOneRow(rows, scanEpoch)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read the epoch: %w", err)
	}
	return &e, nil
}

func scanEpoch(row pgx.CollectableRow) (e Epoch, err error) {
	err = row.Scan(&e.No, &e.Cause, &e.State, &e.Since, &e.BegunAt, &e.AliveAt, &e.ResumedAt, &e.Reason, &e.Looks, &e.identity)
	return e, err
}

// seen is what a look at the database finds beside the newest epoch.
type seen struct {
	identity string
	now      time.Time
	alive    time.Time // when this process last saw it; zero: never
}

// change is a new epoch that must begin.
type change struct {
	cause Cause
	held  bool
}

// judge tells whether an epoch must begin, given the newest one.
func judge(last Epoch, s seen) (c change, begins bool) {
	before, now := strings.Split(last.identity, "/"), strings.Split(s.identity, "/")
	gap := s.now.Sub(last.AliveAt)
	switch {
	case len(before) != len(now) || before[0] != now[0] || before[2] != now[2] || before[3] != now[3]:
		return change{Restored, true}, true
	case before[1] != now[1]:
		return change{Promoted, last.Held() || gap > FailoverWithin}, true
	case last.AliveAt.Before(s.alive):
		return change{Rewound, true}, true
	}
	return change{Silence, last.Held()}, gap > SilentFor
}
