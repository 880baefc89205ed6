package settle

import (
	"log/slog"
	"sync"
	"time"

	"settled/settle/credential"
	"settled/settle/ledger"
	"settled/settle/wish"

	"github.com/prometheus/client_golang/prometheus"
)

// New starts the lanes of the group commit. The caller closes the books after its last call.
func New(o Options) *Books {
	if o.Lanes == nil {
		o.Lanes = o.Pool
	}
	if o.LaneCount == 0 {
		o.LaneCount = 2
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Wake == nil {
		o.Wake = func() {}
	}
	clock := o.Now
	o.Now = func() time.Time { return clock().UTC().Truncate(time.Microsecond) }
	b := &Books{Options: o, ids: newBlocks(o.Pool), posted: newPosted(), horizon: new(sync.Map)}
	b.credentials = credential.NewStore(o.Pool, o.Vault, o.Now)
	b.wishes = wish.New(o.Pool, b.credentials, o.Vault, o.Now, o.Log)
	b.ledger = ledger.Book{Zone: o.Zone, Posted: func(rule ledger.Rule, lines int) {
		b.posted.WithLabelValues(rule.String()).Add(float64(lines))
	}}
	for _, c := range o.Directory.Centers() {
		if !c.Capabilities.FinancialRecord {
			b.singleMessage = append(b.singleMessage, c.ID)
		}
	}
	for range o.LaneCount {
		b.lanes = append(b.lanes, startLane(b))
	}
	return b
}

// Close ends the lanes after the work that is queued. Calls that come later fail with ErrClosed.
func (b *Books) Close() {
	for _, l := range b.lanes {
		l.close()
	}
	b.ids.close()
}

// newPosted counts lines by rule. Every rule is shown from the start, so that the first line is an increase.
func newPosted() *prometheus.CounterVec {
	v := prometheus.NewCounterVec(prometheus.CounterOpts{Name: "settled_journals_posted_total",
		Help: "Lines of journals that this process wrote, by posting rule."}, []string{"rule"})
	for _, r := range ledger.Rules {
		v.WithLabelValues(r.Name)
	}
	return v
}
