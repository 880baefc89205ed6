// Package pages calls a person, for every room of the night. Each room declares the pages that it raises; docs/metrics.md lists all.
package pages

import (
	"context"
	"log/slog"

	"github.com/prometheus/client_golang/prometheus"
)

// Page is a reason to call a person.
type Page struct {
	Reason string // label of settled_clearing_pages_total
	Means  string // what has happened
	Do     string // what the person does
}

// Pager raises pages.
type Pager struct {
	log    *slog.Logger
	raised *prometheus.CounterVec
}

// New returns a pager that counts in raised, by center and reason.
func New(log *slog.Logger, raised *prometheus.CounterVec) *Pager { return &Pager{log, raised} }

// Page counts an event at a center that a person must look at, and logs it with what to do.
func (p *Pager) Page(ctx context.Context, center string, page Page, args ...any) {
	p.raised.WithLabelValues(center, page.Reason).Inc()
	//nolint:sloglint // the reasons are the pages of the rooms, which docs/metrics.md lists
	p.log.ErrorContext(ctx, "a person must look at "+page.Reason, append([]any{"center", center, "do", page.Do}, args...)...)
}
