package audit

import (
	"context"
	"fmt"

	"settled/settle/events"

	"github.com/jackc/pgx/v5"
)

// The invariant of the events, which is checked after that of texts.
const (
	EventInvariant = "INV-40"
	EventTitle     = "the events are a chain: none was changed, removed or put between"
)

// events computes the chain of events anew. That its end was taken away only a head shows that was kept elsewhere: settled events verify --head.
func (r *Report) events(ctx context.Context, tx pgx.Tx, o Options) error {
	if !o.wants(EventInvariant) {
		return nil
	}
	p, err := events.Verify(ctx, tx)
	if err != nil {
		return fmt.Errorf("check %s: %w", EventInvariant, err)
	}
	f := Finding{Invariant: EventInvariant, Title: EventTitle}
	for _, fault := range p.Faults {
		f.add("event " + fault.String())
	}
	r.Findings = append(r.Findings, f)
	return nil
}
