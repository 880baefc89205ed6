// Package gauges shows to Prometheus what a process posted to the books, and what waits in them. It reads, and writes nothing; the
// wiring registers it once.
package gauges

import (
	"context"
	"log/slog"
	"time"

	"settled/settle"
	"settled/settle/notification"
	"settled/settle/reconcile"
	"settled/settle/stored"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics shows to Prometheus what this process posted, and what waits in the books, read at each scrape from the queues
// alone: never from what is history. Register it once per process.
type Metrics struct{ Books *settle.Books }

// words are the typed constants that the statements name.
var words = stored.Words{
	"Authorization": settle.Authorization, "Purchase": settle.Purchase, "Reversal": settle.Reversal, "PartialReversal": settle.PartialReversal, "Refund": settle.Refund,
	"UnknownReversed": reconcile.UnknownReversed, "LogHeld": settle.LogHeld, "LogApplied": settle.LogApplied,
	"NotificationPending": notification.Pending,
}

// scrapeTimeout bounds the reading of the gauges.
const scrapeTimeout = 5 * time.Second

func gauge(name, help, label string) *prometheus.Desc {
	return prometheus.NewDesc("settled_"+name, help, []string{label}, nil)
}

var perCenter = []*prometheus.Desc{
	gauge("unknown_outcomes", "Payments whose outcome is not known and whose reversal is on its way.", "pc"),
	gauge("unknown_oldest_age_seconds", "Age of the oldest payment of unknown outcome; 0 when there is none.", "pc"),
	gauge("reversals_pending", "Reversals, whole and partial, that the center has not answered.", "pc"),
	gauge("reversal_oldest_age_seconds", "Age of the oldest reversal without an answer; 0 when there is none.", "pc"),
	gauge("refunds_pending", "Online refunds that the center has not answered.", "pc"),
	gauge("holds_open", "Holds that are neither confirmed nor given up.", "pc"),
	gauge("expiry_due", "Holds whose end has come and that are not given up yet.", "pc"),
	gauge("expiry_lag_seconds", "How long ago the end of the oldest due hold was; 0 when none is due.", "pc"),
}

// perReconciled are shown for the centers whose authorizations are reconciled.
var perReconciled = []*prometheus.Desc{
	gauge("unknown_approvals", "Approvals of the center that our books do not know and whose reversal is owed or stuck.", "pc"),
	gauge("unknown_approval_oldest_age_seconds", "How long ago the oldest of them was found; 0 when there is none.", "pc"),
	gauge("unknown_approvals_found", "Approvals that our books do not know, found since ever.", "pc"),
	gauge("unknown_approvals_reversed", "Of these, the reversed ones.", "pc"),
	gauge("authorization_logs_held", "Logs of authorizations that cannot be compared and wait for a person.", "pc"),
	gauge("authorizations_reconciled_timestamp_seconds", "Transmissions up to this instant were compared with the center's log; 0 before the first.", "pc"),
}

var perCategory = []*prometheus.Desc{
	gauge("breaks_open", "Differences that a person must look at.", "category"),
	gauge("breaks_oldest_age_seconds", "Age of the oldest open break.", "category"),
}

// ofNotifications have no label.
var ofNotifications = []*prometheus.Desc{
	prometheus.NewDesc("settled_notifications_pending", "Notifications that merchants' servers have neither taken nor refused, and that are still tried.", nil, nil),
	prometheus.NewDesc("settled_notification_oldest_age_seconds", "Age of the oldest such notification; 0 when there is none.", nil, nil),
	prometheus.NewDesc("settled_notification_silent_merchants", "Merchants with such a notification that got no answer.", nil, nil),
}

// ofWishes have no label.
var ofWishes = []*prometheus.Desc{
	prometheus.NewDesc("settled_wishes_due", "Cards to keep and subscriptions to begin of paid orders that could not be done with the approval.", nil, nil),
	prometheus.NewDesc("settled_wish_oldest_age_seconds", "Time since the oldest of them was asked for; 0 when there is none.", nil, nil),
}

// An unknown payment owes its reversal, or the refund that replaces it, by its own operation. One whose process
// died is unknown from its due time on.
var (
	scrapeCenters = words.In(`
WITH owed AS (
	SELECT e.center_id, count(*) FILTER (WHERE e.operation = o.payment AND (kind NOT IN (@Authorization, @Purchase) OR due_at <= $1)) AS unknown,
		min(e.created_at) FILTER (WHERE e.operation = o.payment AND (kind NOT IN (@Authorization, @Purchase) OR due_at <= $1)) AS unknown_since,
		count(*) FILTER (WHERE kind IN (@Reversal, @PartialReversal)) AS reversals, min(e.created_at) FILTER (WHERE kind IN (@Reversal, @PartialReversal)) AS reversal_since,
		count(*) FILTER (WHERE kind = @Refund) AS refunds
	FROM owed_exchanges e JOIN orders o USING (merchant_id, order_id) GROUP BY e.center_id
), held AS (
	SELECT center_id, count(*) AS open, count(*) FILTER (WHERE expires_at <= $1) AS due, min(expires_at) FILTER (WHERE expires_at <= $1) AS due_since
	FROM open_holds GROUP BY center_id
)
SELECT name, array[coalesce(unknown, 0), coalesce(extract(epoch FROM $1 - unknown_since), 0),
	coalesce(reversals, 0), coalesce(extract(epoch FROM $1 - reversal_since), 0), coalesce(refunds, 0),
	coalesce(open, 0), coalesce(due, 0), coalesce(extract(epoch FROM $1 - due_since), 0)]::float8[]
FROM centers LEFT JOIN owed USING (center_id) LEFT JOIN held USING (center_id)`)
	scrapeReconciled = words.In(`
WITH unknown AS (
	SELECT center_id, count(*) AS found, count(*) FILTER (WHERE state <> @UnknownReversed) AS open, min(found_at) FILTER (WHERE state <> @UnknownReversed) AS since FROM unknown_approvals GROUP BY 1
), held AS (
	SELECT center_id, count(*) AS held FROM authorization_logs WHERE state = @LogHeld GROUP BY 1
)
SELECT name, array[coalesce(open, 0), coalesce(extract(epoch FROM $1 - since), 0), coalesce(found, 0), coalesce(found - open, 0), coalesce(held, 0),
	coalesce(extract(epoch FROM (SELECT max(until_at) FROM authorization_logs l WHERE l.center_id = c.center_id AND state = @LogApplied)), 0)]::float8[]
FROM centers c LEFT JOIN unknown USING (center_id) LEFT JOIN held USING (center_id)
WHERE EXISTS (SELECT FROM authorization_logs l WHERE l.center_id = c.center_id)`)
	scrapeBreaks = `
SELECT category, array[count(*), extract(epoch FROM $1 - min(opened_at))]::float8[] FROM breaks WHERE closed_at IS NULL GROUP BY category`
	scrapeNotifications = words.In(`
SELECT '', array[count(*), coalesce(extract(epoch FROM $1 - min(created_at)), 0), count(DISTINCT merchant_id) FILTER (WHERE last_error <> '')]::float8[]
FROM notifications WHERE state = @NotificationPending`)
	scrapeWishes = `
SELECT '', array[count(*), coalesce(extract(epoch FROM $1 - min(wished_at)), 0)]::float8[] FROM wishes WHERE due_at IS NOT NULL`
)

// Describe implements prometheus.Collector.
func (m Metrics) Describe(out chan<- *prometheus.Desc) {
	for _, descs := range [][]*prometheus.Desc{perCenter, perReconciled, perCategory, ofNotifications, ofWishes} {
		for _, d := range descs {
			out <- d
		}
	}
	m.Books.Posted().Describe(out)
}

// Collect implements prometheus.Collector. What cannot be read is left out.
func (m Metrics) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	m.collect(ctx, out, scrapeCenters, perCenter)
	m.collect(ctx, out, scrapeReconciled, perReconciled)
	m.collect(ctx, out, scrapeBreaks, perCategory)
	m.collect(ctx, out, scrapeNotifications, ofNotifications)
	m.collect(ctx, out, scrapeWishes, ofWishes)
	m.Books.Posted().Collect(out)
}

// collect turns each row, a label (empty for none) and an array of values, into gauges.
func (m Metrics) collect(ctx context.Context, out chan<- prometheus.Metric, sql string, descs []*prometheus.Desc) {
	rows, err := m.Books.Pool.Query(ctx, sql, m.Books.Now())
	if err == nil {
		var label string
		var values []float64
		_, err = pgx.ForEachRow(rows, []any{&label, &values}, func() error {
			labels := []string{label}
			if label == "" {
				labels = nil
			}
			for i, v := range values {
				out <- prometheus.MustNewConstMetric(descs[i], prometheus.GaugeValue, v, labels...)
			}
			return nil
		})
	}
	if err != nil {
		m.Books.Log.WarnContext(ctx, "read gauges of the books", slog.Any("error", err))
	}
}
