package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Due are the steps of the night that can be done at an instant. What waits for another step of its center is not among them: of a
// center's windows the earliest, and of its files at most one to deliver.
type Due struct {
	Seal    []int64 // windows
	Build   []int64 // batches
	Deliver []int64 // files
	Apply   []int64 // replies
}

// Due asks the rows, with the same queries as Step, what a queue is to do now. Centers and streams without a profile have no night.
// An error at one center does not hide the work of the others.
func (n *Night) Due(ctx context.Context, now time.Time) (Due, error) {
	var d Due
	var all []error
	for _, s := range n.centers {
		if err := n.due(ctx, s, now, &d); err != nil {
			all = append(all, fmt.Errorf("center %s: %w", s.Name, err))
		}
	}
	return d, errors.Join(all...)
}

func (n *Night) due(ctx context.Context, s *station, now time.Time, d *Due) error {
	windows, err := n.windowsDue(ctx, s, now)
	if len(windows) > 0 {
		d.Seal = append(d.Seal, int64(windows[0].ID))
	}
	batches, unread := n.batchesDue(ctx, s, now)
	d.Build = append(d.Build, batches...)
	file, unknown := n.Delivery.Next(ctx, s.ID)
	if file != nil && file.AttemptDue(now) {
		d.Deliver = append(d.Deliver, file.ID)
	}
	replies, unheard := n.repliesDue(ctx, s)
	d.Apply = append(d.Apply, replies...)
	return errors.Join(err, unread, unknown, unheard)
}
