package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/app"
	"settled/settle/events"

	"github.com/spf13/cobra"
)

var errNotSaid = usageError{errors.New("say --after-restore: numbers and files go on from where the books and the centers are now")}

func newResume() *cobra.Command {
	var o app.ResumeOptions
	var restored bool
	var asked []string
	of := deed{kind: events.BooksResume, reason: &o.Reason, looks: func() bool { return o.DryRun || !restored }}
	c := act("resume", "Let the books go on after their database was restored", 0, of, func(ctx context.Context, d *desk, _ []string) error {
		if !restored {
			return errNotSaid
		}
		for _, name := range asked {
			center, err := d.centerNamed(name)
			if err != nil {
				return err
			}
			o.Asked = append(o.Asked, center)
		}
		return resume(ctx, d, o)
	})
	c.Flags().BoolVar(&restored, "after-restore", false, "the database was restored, or failed over, and what it lacks was looked after")
	c.Flags().StringVar(&o.Reason, "reason", "", "what was restored, and why the books may go on; kept with the epoch")
	c.Flags().StringArrayVar(&o.Lost, "lost", nil, "file that a center has and the books lack, by its name there or the id in it; one flag for each")
	c.Flags().StringArrayVar(&asked, "asked", nil, "name of a center that was asked which files it has, because looking there proves nothing; one flag for each")
	c.Flags().BoolVar(&o.DryRun, "dry-run", false, "show what was found, and change nothing")
	return c
}

func resume(ctx context.Context, d *desk, o app.ResumeOptions) error {
	r, err := d.Resume(ctx, o)
	switch {
	case errors.Is(err, app.ErrResumeReason), errors.Is(err, states.ErrNotFound):
		return usageError{err}
	case err != nil && !errors.Is(err, app.ErrOpen):
		return err
	}
	return errors.Join(d.print(r, func(t *rows) { showResume(d, t, r) }), err)
}

func showResume(d *desk, t *rows, r app.ResumeReport) {
	e := r.Epoch
	t.row("epoch", e.No, e.Cause)
	t.row("the books may lack", d.clock(&e.Since), "to "+d.clock(&e.BegunAt))
	t.row("given up and reversed when it goes on", fmt.Sprintf("%d payments without an outcome, %d holds whose end has come", r.Intents, r.Holds))
	for _, j := range r.Jumps {
		t.row("identifiers "+j.Name, j.Before, "go on at "+fmt.Sprint(j.After))
	}
	for _, v := range r.Centers {
		showSurvey(t, v)
	}
	for _, open := range r.Open {
		t.row("open", open)
	}
	if r.Resumed {
		t.row("the books go on")
	}
}

func showSurvey(t *rows, v clearing.Survey) {
	for _, l := range v.Lost {
		t.row(v.Name+" has, the books lack", l.Name, l.Evidence)
	}
	if len(v.Waiting) > 0 {
		t.row(v.Name+" may not have yet", strings.Join(v.Waiting, ", "))
	}
	var scopes []string
	for scope, next := range v.Next {
		scopes = append(scopes, strings.TrimSpace(fmt.Sprintf("%s %d", scope, next)))
	}
	slices.Sort(scopes)
	t.row(v.Name+" would get next by the books", strings.Join(scopes, ", "))
	if v.Blind != "" {
		t.row(v.Name, v.Blind)
	}
}
