package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/internal/config"
	"settled/internal/postgres"
	"settled/migrations"
	"settled/settle/events"

	"github.com/jackc/pgx/v5/pgxpool"
)

// EventLog is where commands that work on files, or make the database, tell what they did. They stand on no Core.
type EventLog struct{ pool *pgxpool.Pool }

// ErrNoEvents means that there is no database yet that events could be kept in: none is named, or it lacks the tables.
var ErrNoEvents = errors.New("there is no database yet that keeps who did this")

// OpenEventLog opens the events of the database that the environment names. asOwner keeps the role of the login. Errors: ErrNoEvents, else ErrDatabase:
// the database is there, or should be, and cannot be asked.
func OpenEventLog(ctx context.Context, e config.Environment, asOwner bool) (*EventLog, error) {
	if e.DatabaseURL == "" {
		return nil, fmt.Errorf("%w: DATABASE_URL is not set", ErrNoEvents)
	}
	if cfg, err := e.Load(); err == nil { // the configuration may be what is being made
		if err := CheckDatabase(cfg, e.DatabaseURL); err != nil {
			return nil, err
		}
	}
	pending, err := migrations.Pending(ctx, e.DatabaseURL)
	switch {
	case err != nil:
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	case len(pending) > 0:
		return nil, fmt.Errorf("%w: run settled migrate", ErrNoEvents)
	}
	pool, err := postgres.Open(ctx, postgres.Config{URL: e.DatabaseURL, Application: "settled events", MaxConns: 2, Owner: asOwner, ThrowAway: true,
		Log: slog.New(slog.DiscardHandler)}) // every process that holds money checks its server
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	return &EventLog{pool}, nil
}

// Write appends an event that is now.
func (l *EventLog) Write(ctx context.Context, e events.Event) error {
	e.At = time.Now()
	return events.NewAct(e).End(ctx, l.pool, e.Outcome, "")
}

// Failed appends an event of an act that ended with an error, which is refused or failed.
func (l *EventLog) Failed(ctx context.Context, e events.Event, why error) error {
	e.At = time.Now()
	return events.NewAct(e).End(ctx, l.pool, e.Outcome, why.Error())
}

// Close closes what OpenEventLog opened.
func (l *EventLog) Close() { l.pool.Close() }
