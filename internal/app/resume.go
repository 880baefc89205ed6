package app

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/settle/epoch"

	"github.com/jackc/pgx/v5"
)

// ResumeOptions are a person's word about a database that was restored.
type ResumeOptions struct {
	Reason string   // why it is right to go on; required unless DryRun
	Lost   []string // names of the files that the centers have and the books lack
	Asked  []int16  // centers that were asked which files they have, because looking at them proves nothing
	DryRun bool
}

// ResumeReport is what was found, and whether the books go on.
type ResumeReport struct {
	Epoch   *epoch.Epoch      `json:"epoch"`
	Jumps   []epoch.Jump      `json:"jumps"`   // of identifiers, when the epoch began
	Centers []clearing.Survey `json:"centers"` // what each has beside the books
	Intents int               `json:"intents"` // payments without an outcome from before the doubt: they are given up and reversed
	Holds   int               `json:"holds"`   // holds whose end has come: they are given up and reversed
	Open    []string          `json:"open"`    // what must be named before the books go on
	Resumed bool              `json:"resumed"`
}

// ErrOpen means that something is open that a person has not named; the report says what.
var ErrOpen = fmt.Errorf("%w: not resumed, because not everything that was found is named", states.ErrState)

// ErrResumeReason asks for a reason.
var ErrResumeReason = errors.New("say with --reason what was restored and why the books may go on; it is kept")

// Resume looks at every center and lets the books go on after a restore, with numbers above all that were seen. Nothing is changed by a dry
// run, nor while something is open (ErrOpen). Errors besides: epoch.ErrNotHeld, clearing.ErrNotFound for a name that no center's files have.
func (c *Core) Resume(ctx context.Context, o ResumeOptions) (ResumeReport, error) {
	if strings.TrimSpace(o.Reason) == "" && !o.DryRun {
		return ResumeReport{}, ErrResumeReason
	}
	lost, err := c.named(o)
	if err != nil {
		return ResumeReport{}, err
	}
	r, err := c.survey(ctx, o, lost)
	switch {
	case err != nil || o.DryRun:
		return r, err
	case len(r.Open) > 0:
		return r, ErrOpen
	}
	err = postgres.InTx(ctx, c.Pool, postgres.Key{Name: "resume after a restore"}, func(tx pgx.Tx) error {
		if err := epoch.Resume(ctx, tx, r.Epoch.No, strings.TrimSpace(o.Reason)); err != nil {
			return err
		}
		for _, v := range r.Centers {
			if err := c.Night.AfterRestore(ctx, tx, v, append(v.Lost, lost[v.Center]...)); err != nil {
				return fmt.Errorf("center %s: %w", v.Name, err)
			}
		}
		return nil
	})
	r.Resumed = err == nil
	return r, err
}

// named sorts the files that a person names by their centers.
func (c *Core) named(o ResumeOptions) (map[int16][]clearing.LostFile, error) {
	lost := map[int16][]clearing.LostFile{}
	for _, name := range o.Lost {
		center, l, err := c.Night.NameLost(name, "a person: "+o.Reason)
		if err != nil {
			return nil, err
		}
		lost[center] = append(lost[center], l)
	}
	return lost, nil
}

// survey reads the epoch, looks at the centers, and tells what is open.
func (c *Core) survey(ctx context.Context, o ResumeOptions, lost map[int16][]clearing.LostFile) (ResumeReport, error) {
	r, err := c.doubt(ctx)
	if err != nil {
		return r, err
	}
	for _, center := range c.clearingCenters() {
		v, err := c.Night.Survey(ctx, center)
		if err != nil {
			return r, err
		}
		r.Centers = append(r.Centers, v)
		r.Open = append(r.Open, openAt(v, o, lost[v.Center])...)
	}
	return r, nil
}

// doubt reads what the database says of the doubt that stands. It is epoch.ErrNotHeld where none does.
func (c *Core) doubt(ctx context.Context) (r ResumeReport, err error) {
	if err := c.epochs.Check(ctx); err != nil {
		return r, err
	}
	if r.Epoch, err = epoch.Newest(ctx, c.Pool); err != nil {
		return r, err
	}
	if stands, err := epoch.Doubted(ctx, c.Pool, c.clearingCenters()); err != nil || !stands {
		return r, errors.Join(err, epoch.ErrNotHeld)
	}
	if r.Jumps, err = epoch.Jumps(ctx, c.Pool, r.Epoch.No); err != nil {
		return r, err
	}
	overdue, err := c.Read.Overdue(ctx, r.Epoch.Since, c.Now())
	if err != nil {
		return r, fmt.Errorf("read what is overdue: %w", err)
	}
	r.Intents, r.Holds = overdue.Intents, overdue.Holds
	return r, nil
}

// clearingCenters are the centers that clear by file.
func (c *Core) clearingCenters() (ids []int16) {
	for _, center := range c.Config.Centers {
		if center.Clearing != nil {
			ids = append(ids, center.ID)
		}
	}
	return ids
}

// openAt is what of a center is not named.
func openAt(v clearing.Survey, o ResumeOptions, lost []clearing.LostFile) (open []string) {
	for _, l := range v.Lost {
		if !slices.ContainsFunc(lost, func(n clearing.LostFile) bool { return n.Name == l.Name }) {
			open = append(open, fmt.Sprintf("%s has %s (%s), which the books lack: --lost %s", v.Name, l.Name, l.Evidence, l.Name))
		}
	}
	if v.Blind != "" && v.Missed && !slices.Contains(o.Asked, v.Center) {
		open = append(open, fmt.Sprintf("%s: %s; ask it which files it has, name those that the books lack with --lost, and say --asked %s", v.Name, v.Blind, v.Name))
	}
	return open
}
