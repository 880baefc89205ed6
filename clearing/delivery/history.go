package delivery

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/rows"
	"settled/internal/postgres"
)

// Attempt is one try to deliver a file.
type Attempt struct {
	No         int32      `json:"attempt"`
	StartedAt  time.Time  `json:"started_at"`
	EndedAt    *time.Time `json:"ended_at,omitempty"`
	Outcome    string     `json:"outcome"` // delivered, retry, unknown, stopped; empty: under way or interrupted
	ErrorClass string     `json:"error_class,omitempty"`
	Error      string     `json:"error,omitempty"`
}

const (
	attemptsOf = `
SELECT attempt, started_at, ended_at, outcome, error_class, error FROM delivery_attempts WHERE file_id = $1 ORDER BY attempt`
	resendsOf = `SELECT resend, at, reason, from_state, proof, delivered_at, at_center FROM file_resends WHERE file_id = $1 ORDER BY resend`
)

// Of returns the attempts to deliver a file, and the times that it was sent again, oldest first.
func Of(ctx context.Context, q postgres.Querier, file int64) (tries []Attempt, again []Resend, err error) {
	if tries, err = rows.Collect[Attempt](ctx, q, attemptsOf, file); err != nil {
		return nil, nil, fmt.Errorf("read attempts of file %d: %w", file, err)
	}
	if again, err = rows.Collect[Resend](ctx, q, resendsOf, file); err != nil {
		return nil, nil, fmt.Errorf("read resends of file %d: %w", file, err)
	}
	return tries, again, nil
}
