package events

import (
	"context"
	"encoding/json"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Act is an act on its way: what its event says, and whether it was written. Whoever acts may fill in Before and After until it is.
type Act struct {
	Event
	beside *postgres.Beside
}

// NewAct begins an act. The event's outcome is what its end will be.
func NewAct(e Event) *Act { return &Act{Event: e} }

// In returns a context whose first transaction that commits writes the event of the act, as done. What a command does in that context and
// its event are one commit.
func (a *Act) In(ctx context.Context) context.Context {
	ctx, a.beside = postgres.WithBeside(ctx, func(ctx context.Context, tx pgx.Tx) error {
		e := a.Event
		e.Outcome = Done
		return Append(ctx, tx, e)
	})
	return ctx
}

// Written tells that the event stands, by a transaction of the act.
func (a *Act) Written() bool { return a.beside != nil && a.beside.Done() }

// endTimeout bounds how long the event of an act that ended is tried to be written, also when the act was interrupted.
const endTimeout = 10 * time.Second

// End writes how the act ended, unless that stands. why says what went wrong; it is told in After, beside what was asked for.
func (a *Act) End(ctx context.Context, pool *pgxpool.Pool, o Outcome, why string) error {
	if o == Done && a.Written() {
		return nil
	}
	e := a.Event
	e.Outcome = o
	if why != "" {
		said := struct {
			Error string          `json:"error"`
			Asked json.RawMessage `json:"asked,omitempty"`
		}{Clip(why), e.After}
		e.After, _ = json.Marshal(said) // of a text and of JSON
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endTimeout)
	defer cancel()
	return Write(ctx, pool, e)
}
