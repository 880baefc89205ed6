package clearing

import (
	"context"
	"log/slog"
	"sync/atomic"
	"time"

	"settled/clearing/states"

	"github.com/prometheus/client_golang/prometheus"
)

// gauges tell how the night stands: they are read from the rows at each scrape.
type gauges struct{ shown *atomic.Pointer[Night] }

// register gives the metrics of the night to a registerer; nil: none are registered.
func (n *Night) register(r prometheus.Registerer) error {
	if r == nil {
		return nil
	}
	for _, c := range append(n.metrics.collectors(), &gauges{n.shown}) {
		if err := r.Register(c); err != nil {
			return err
		}
	}
	return nil
}

func gauge(name, help string) *prometheus.Desc {
	return prometheus.NewDesc("settled_"+name, help, []string{"pc", "stream"}, nil)
}

var (
	cutoffNext   = gauge("cutoff_next_timestamp_seconds", "Cut-off of the window that is open now.")
	cutoffSealed = gauge("cutoff_last_sealed_timestamp_seconds", "Cut-off of the last window that was sealed.")
	cutoffLate   = gauge("cutoff_overdue_seconds", "How long the oldest window due has waited for its seal; 0 when none has.")
	fileDeadline = gauge("file_deadline_timestamp_seconds", "Deadline of the oldest file that is not delivered; absent when all are.")
	fileWaiting  = gauge("file_undelivered", "Files that are not proven to be at the center.")
	fileUnknown  = gauge("file_unknown_delivery", "Files of which nobody can tell whether the center has them.")
	fileNewest   = gauge("file_delivered", "1 when the files of the newest sealed window are all at the center, 0 when not; absent when it has none.")
	batchRecords = gauge("batch_records", "Records in the batches of the newest sealed window.")
	replyOverdue = gauge("file_ack_overdue_seconds", "How long the reply to the oldest delivered file has been overdue; 0 when none is.")
	weakOverdue  = gauge("file_weak_proof_overdue", "Files without a reply whose delivery has a weak proof, for longer than such a proof may stand.")
	unreplied    = gauge("records_unreplied", "Records of delivered files without a verdict.")
	unrepliedAge = gauge("records_unreplied_oldest_age_seconds", "Age of the oldest delivery without a verdict; 0 when none.")
	replyLast    = gauge("reply_last_received_timestamp_seconds", "When the last reply was fetched.")
	quarantined  = gauge("replies_quarantined", "Replies that could not be applied and wait for a person.")
	numbersLeft  = gauge("file_numbers_left", "Numbers left for the center's files before the last; absent where they begin again after it.")
	planLeft     = gauge("windows_planned_seconds", "Time until the last cut-off that is planned, from which on card payments are refused; below 0: they are.")
	planDiffers  = gauge("windows_differing", "Windows that `settled window replan` would remove or make, because they differ from the configuration of this process.")
	calendarEnds = prometheus.NewDesc("settled_calendar_ends_days", "Days until the last date that the calendar of a center covers; below 0: it has ended.", []string{"pc", "calendar"}, nil)
	centerHeld   = gauge("center_held", "1 while nothing is numbered for the center or sent to it: it was not looked at yet, or has what the books lack, or all is held; else 0.")
	horizon      = prometheus.NewDesc("settled_calendar_horizon_timestamp_seconds", "Last date that the calendar covers.", []string{"calendar"}, nil)
)

// perStream are the gauges in the order in which scrapeNight returns them.
var perStream = []*prometheus.Desc{cutoffNext, cutoffSealed, cutoffLate, fileDeadline, fileWaiting, fileUnknown, fileNewest, batchRecords,
	replyOverdue, weakOverdue, unreplied, unrepliedAge, replyLast, quarantined, numbersLeft, centerHeld}

// Describe implements prometheus.Collector.
func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range perStream {
		out <- d
	}
	for _, d := range []*prometheus.Desc{planLeft, planDiffers, calendarEnds, horizon} {
		out <- d
	}
}

var scrapeNight = `
WITH f AS (
	SELECT f.*, b.sales_count + b.credits_count AS records FROM files f JOIN batches b USING (batch_id)
	WHERE f.center_id = $1 AND f.stream = $2 AND f.state IN ` + states.In(states.FileWaiting, states.FilePlanned, states.FileBuilt, states.FileReleased, states.FileSending, states.FileDelivered, states.FileUnknown) + `
), newest AS (
	SELECT b.batch_id, b.sales_count + b.credits_count AS records FROM batches b
	WHERE window_id = (SELECT window_id FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ` + states.NightIsOver + ` ORDER BY cutoff_at DESC LIMIT 1)
)
SELECT
	(SELECT extract(epoch FROM min(cutoff_at)) FROM windows WHERE center_id = $1 AND stream = $2 AND state = ` + states.Quoted(states.WindowOpen) + ` AND cutoff_at > $3),
	(SELECT extract(epoch FROM max(cutoff_at)) FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ` + states.NightIsOver + `),
	(SELECT coalesce(extract(epoch FROM $3 - min(cutoff_at)), 0) FROM windows WHERE center_id = $1 AND stream = $2 AND state IN ` + states.NotSealed + ` AND cutoff_at <= $3),
	(SELECT extract(epoch FROM min(deadline_at)) FROM f WHERE state <> ` + states.Quoted(states.FileDelivered) + `),
	(SELECT count(*)::float8 FROM f WHERE state <> ` + states.Quoted(states.FileDelivered) + `),
	(SELECT count(*)::float8 FROM f WHERE state = ` + states.Quoted(states.FileUnknown) + `),
	(SELECT CASE WHEN count(*) > 0 THEN bool_and(EXISTS (SELECT FROM files f WHERE f.batch_id = n.batch_id AND f.state IN ` + states.In(states.FileDelivered, states.FileReplied) + `))::int::float8 END FROM newest n),
	(SELECT coalesce(sum(records), 0)::float8 FROM newest),
	(SELECT coalesce(greatest(extract(epoch FROM $3 - min(delivered_at)) - $4::float8, 0), 0) FROM f WHERE state = ` + states.Quoted(states.FileDelivered) + `),
	(SELECT count(*)::float8 FROM f WHERE state = ` + states.Quoted(states.FileDelivered) + ` AND proof NOT IN ('hash', 'present', 'reply') AND delivered_at <= $5),
	(SELECT coalesce(sum(records), 0)::float8 FROM f WHERE state = ` + states.Quoted(states.FileDelivered) + `),
	(SELECT coalesce(extract(epoch FROM $3 - min(delivered_at)), 0) FROM f WHERE state = ` + states.Quoted(states.FileDelivered) + `),
	(SELECT extract(epoch FROM max(fetched_at)) FROM replies WHERE center_id = $1),
	(SELECT count(*)::float8 FROM replies WHERE center_id = $1 AND state = ` + states.Quoted(states.ReplyQuarantined) + `),
	(SELECT greatest($6::int - coalesce((SELECT last - base FROM file_sequences
		WHERE center_id = $1 AND stream = $2 AND (scope = '') = $7 ORDER BY scope DESC LIMIT 1), 0), 0)::float8 WHERE $6::int IS NOT NULL),
	(SELECT (held($1) IS NOT NULL)::int::float8)`

// scrapeTimeout bounds the reading of the gauges.
const scrapeTimeout = 5 * time.Second

// Collect implements prometheus.Collector. What cannot be read is left out.
func (g *gauges) Collect(out chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	n, seen := g.shown.Load(), map[string]bool{}
	for _, s := range n.centers {
		n.collectCenter(ctx, s, out)
		n.collectPlan(ctx, s, out)
		calendar := s.Plan.Calendar
		if !seen[calendar.Name()] {
			seen[calendar.Name()] = true
			out <- prometheus.MustNewConstMetric(horizon, prometheus.GaugeValue, float64(calendar.Horizon().UTC().Unix()), calendar.Name())
		}
	}
}

func (n *Night) collectCenter(ctx context.Context, s *station, out chan<- prometheus.Metric) {
	values := make([]*float64, len(perStream))
	targets := make([]any, len(perStream))
	for i := range values {
		targets[i] = &values[i]
	}
	now := n.now()
	if err := n.Pool.QueryRow(ctx, scrapeNight, s.ID, s.Stream, now, s.ReplyTimeout.Seconds(), now.Add(-s.WeakTimeout),
		s.end(), s.Sequence == Forever).Scan(targets...); err != nil {
		n.Log.WarnContext(ctx, "read gauges of the night", slog.String("center", s.Name), slog.Any("error", err))
		return
	}
	for i, v := range values {
		if v != nil {
			out <- prometheus.MustNewConstMetric(perStream[i], prometheus.GaugeValue, *v, s.Name, s.Stream)
		}
	}
}

// collectPlan tells how the windows to come stand beside the plan.
func (n *Night) collectPlan(ctx context.Context, s *station, out chan<- prometheus.Metric) {
	now := n.now()
	out <- prometheus.MustNewConstMetric(calendarEnds, prometheus.GaugeValue, float64(s.calendarEnds(now)), s.Name, s.Plan.Calendar.Name())
	state, err := n.planState(ctx, s, now)
	if err != nil {
		n.Log.WarnContext(ctx, "compare planned windows", slog.String("center", s.Name), slog.Any("error", err))
		return
	}
	left := 0.0
	if !state.Last.IsZero() {
		left = state.Last.Sub(now).Seconds()
	}
	out <- prometheus.MustNewConstMetric(planLeft, prometheus.GaugeValue, left, s.Name, s.Stream)
	out <- prometheus.MustNewConstMetric(planDiffers, prometheus.GaugeValue, float64(state.Differing), s.Name, s.Stream)
}
