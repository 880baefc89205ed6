package doctor

import (
	"context"
	"time"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/internal/app"
	"settled/internal/work"
)

// Bounds of the work queue: a worker takes a job within seconds, and the longest job, the seal of a large window, ends within the hour.
const (
	dueFor     = time.Minute
	stuckFor   = 15 * time.Minute
	workingFor = time.Hour
)

func queue(ctx context.Context, p *patient) (all []Finding) {
	q, err := work.QueueAt(ctx, p.pool, p.now)
	if err != nil {
		return failed(err)
	}
	switch waits := p.now.Sub(q.OldestDue); {
	case q.Due == 0:
	case waits > stuckFor:
		all = append(all, found(Bad, "%d jobs wait for a worker, the oldest (%s) since %s: see that settled run or settled work runs, and its log", q.Due, q.OldestOf, q.OldestDue.UTC().Format(time.RFC3339))...)
	case waits > dueFor:
		all = append(all, found(Warning, "%d jobs wait for a worker, the oldest (%s) for %s: start another if that stays", q.Due, q.OldestOf, waits.Round(time.Second))...)
	}
	if q.Working > 0 && p.now.Sub(q.Longest) > workingFor {
		all = append(all, found(Warning, "a job (%s) is worked on since %s: see the log of the workers", q.LongestOf, q.Longest.UTC().Format(time.RFC3339))...)
	}
	if q.Discarded > 0 {
		all = append(all, found(Warning, "%d jobs were tried as often as they may, the last of them %s: what they did is begun again by the rows; see the log of the workers for why", q.Discarded, q.Last)...)
	}
	if len(all) == 0 {
		return found(Good, "%d jobs wait for a worker, %d are worked on", q.Due, q.Working)
	}
	return all
}

// Bounds of a night: a seal follows its cut-off within seconds, and a center answers within the next day.
const (
	sealWithin  = 10 * time.Minute
	replyWithin = 24 * time.Hour
)

func nights(ctx context.Context, p *patient) (all []Finding) {
	last, err := clearing.LastNights(ctx, p.pool, p.now)
	if err != nil {
		return failed(err)
	}
	for _, n := range last {
		all = append(all, p.judgeNight(n)...)
	}
	if len(all) == 0 {
		return found(Good, "no cut-off has come yet")
	}
	return all
}

func (p *patient) judgeNight(n clearing.LastNight) []Finding {
	day, cutoff := n.BusinessDate.Format(time.DateOnly), n.CutoffAt.UTC().Format(time.RFC3339)
	switch {
	case n.SealedAt == nil && p.now.Sub(n.CutoffAt) > sealWithin:
		return found(Bad, "%s: the window of %s is %s, %s after its cut-off: see check schedules and the log of the workers", n.Center, day, n.State, p.now.Sub(n.CutoffAt).Round(time.Minute))
	case n.SealedAt == nil:
		return found(Good, "%s: the window of %s is being sealed, its cut-off was at %s", n.Center, day, cutoff)
	case n.State == states.WindowEmpty || n.Batches == 0:
		return found(Good, "%s: the window of %s held nothing", n.Center, day)
	case n.Replied == n.Batches:
		return found(Good, "%s: %s was sealed, and all %d files were delivered and answered", n.Center, day, n.Batches)
	case n.Delivered < n.Batches:
		return found(Good, "%s: %s was sealed at %s, %d of %d files are delivered; check files says which are late", n.Center, day, n.SealedAt.UTC().Format(time.RFC3339), n.Delivered, n.Batches)
	case p.now.Sub(*n.DeliveredAt) > replyWithin:
		return found(Warning, "%s: of %s %d of %d files are not answered, the last was delivered at %s: ask the center", n.Center, day, n.Batches-n.Replied, n.Batches, n.DeliveredAt.UTC().Format(time.RFC3339))
	}
	return found(Good, "%s: %s was sealed, all %d files are delivered, %d are answered", n.Center, day, n.Batches, n.Replied)
}

// probes writes a file to every center, as a delivery does, and takes it away.
func probes(ctx context.Context, p *patient) (all []Finding) {
	night, err := app.NightToLookAt(p.config, p.pool, p.at)
	if err != nil {
		return failed(err)
	}
	for _, t := range night.Delivery.Probe(ctx) {
		all = append(all, judgeTrial(t)...)
	}
	if len(all) == 0 {
		return found(Good, "no center clears by file")
	}
	return all
}

func judgeTrial(t delivery.Trial) (all []Finding) {
	switch {
	case t.Err != nil:
		all = found(Bad, "%s: a probe file could not be delivered, step %s: %v; %s", t.Center, t.Step, t.Err, remedy(t.Err))
	case remote.ClassOf(t.Unread) == remote.Mismatch:
		all = found(Bad, "%s: a probe file did not come back as it was written: %v; ask the center", t.Center, t.Unread)
	case t.Unread != nil:
		all = found(Warning, "%s: a probe file was written and renamed, but may not be read back (%v): deliveries are proven by their size alone", t.Center, t.Unread)
	}
	if t.Left != "" {
		all = append(all, found(Warning, "%s: the probe file %s may not be removed: ask the center to remove it", t.Center, remote.Printable(t.Left))...)
	}
	if len(all) == 0 {
		return found(Good, "%s at %s took a probe file, renamed it and gave it back; it is removed", t.Center, t.Address)
	}
	return all
}
