package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"settled/internal/listing"
	"settled/settle/events"
	"settled/settle/read"

	"github.com/spf13/cobra"
)

func newEvents() *cobra.Command {
	return group("events", "Who did what: the log that nobody changes", newEventsList(), newEventsVerify(), newEventsHead())
}

// eventLine is an event as programs read it: all that its hash covers, so that the chain can be verified elsewhere.
type eventLine struct {
	Day      string          `json:"day"`
	No       int32           `json:"no"`
	OfKind   int64           `json:"of_kind"`
	At       time.Time       `json:"at"`
	Kind     events.Kind     `json:"kind"`
	Outcome  events.Outcome  `json:"outcome"`
	Actor    string          `json:"actor"`
	How      events.How      `json:"how"`
	Role     string          `json:"role"`
	Factor   string          `json:"factor"`
	Login    string          `json:"login"`
	Source   string          `json:"source"`
	Object   events.Object   `json:"object"`
	Reason   string          `json:"reason"`
	Approval *string         `json:"approval"`
	Before   json.RawMessage `json:"before"`
	After    json.RawMessage `json:"after"`
	Previous string          `json:"previous"`
	Hash     string          `json:"hash"`
}

func eventLines(all []events.Stored) []eventLine {
	lines := make([]eventLine, 0, len(all))
	for _, s := range all {
		lines = append(lines, eventLine{Day: s.Day.Format(time.DateOnly), No: s.No, OfKind: s.OfKind, At: s.At.UTC(), Kind: s.Kind, Outcome: s.Outcome, Actor: s.Actor, How: s.How,
			Role: s.Role, Factor: s.Factor, Login: s.Login, Source: s.Source, Object: events.Object{Kind: s.ObjectOf, ID: s.Object}, Reason: s.Reason, Approval: s.Approval,
			Before: s.Before, After: s.After, Previous: hex.EncodeToString(s.Previous), Hash: hex.EncodeToString(s.Hash)})
	}
	return lines
}

func (d *desk) showEvents(t *rows, all []eventLine) {
	t.row("event", "at", "kind", "outcome", "who", "from", "object", "reason", "after")
	for _, l := range all {
		t.row(fmt.Sprintf("%s/%d", l.Day, l.No), d.clock(&l.At), l.Kind, l.Outcome, l.Actor, otherwise(l.Source, "-"), otherwise(strings.TrimSpace(l.Object.Kind+" "+l.Object.ID), "-"),
			otherwise(l.Reason, "-"), string(l.After))
	}
}

func newEventsList() *cobra.Command {
	var since, kind, actor, object string
	var paging func() (listing.Range, error)
	c := operator("list", "List who did what, the newest first", 0, func(ctx context.Context, d *desk, _ []string) error {
		r, err := paging()
		if err != nil {
			return err
		}
		f := read.EventFilter{Kind: events.Kind(kind), Actor: actor}
		f.Object.Kind, f.Object.ID, _ = strings.Cut(object, "/")
		if err := d.dateInto(&f.Since, since); err != nil {
			return err
		}
		part, err := d.Read.Events(ctx, f, r)
		if err != nil {
			return err
		}
		lines := eventLines(part.Rows)
		return d.printPart(lines, part.Next, nil, func(t *rows) { d.showEvents(t, lines) })
	})
	c.Flags().StringVar(&since, "since", "", "from this day (UTC) on, such as 2026-11-21")
	c.Flags().StringVar(&kind, "kind", "", "of this kind only, such as file.resend")
	c.Flags().StringVar(&actor, "actor", "", "by this person or service only")
	c.Flags().StringVar(&object, "object", "", "about this object only, such as file/12; file alone is all files")
	paging = paged(c)
	return c
}

func newEventsVerify() *cobra.Command {
	var file string
	c := operator("verify", "Compute the chain of events anew: which was changed, removed or put between", 0, func(ctx context.Context, d *desk, _ []string) error {
		var kept []events.Head
		if file != "" {
			text, err := os.ReadFile(file)
			if err != nil {
				return err
			}
			if kept, err = events.ParseHeads(string(text)); err != nil {
				return usageError{fmt.Errorf("%s: %w", file, err)}
			}
		}
		proof, err := events.Verify(ctx, d.Pool, kept...)
		if err != nil {
			return err
		}
		err = d.print(proof, func(t *rows) { showProof(t, proof) })
		if err == nil && len(proof.Faults) > 0 {
			err = errRed
		}
		return err
	})
	c.Flags().StringVar(&file, "head", "", "file of heads that was kept elsewhere: without one, nobody knows whether the end was taken away")
	return c
}

func showProof(t *rows, p events.Proof) {
	for _, f := range p.Faults {
		t.row("event "+f.Event, f.What)
	}
	end := "no event"
	if p.Last != nil {
		end = "the last is " + p.Last.String()
	}
	t.row(fmt.Sprintf("%d events, %d kept heads, %d faults; %s", p.Events, p.Heads, len(p.Faults), end))
	if p.Heads == 0 {
		t.row("Without a head that was kept elsewhere this proves nothing against who may do everything in the database.")
	}
}

// errNoEvent means that there is nothing to take the head of.
var errNoEvent = errors.New("there is no event yet")

func newEventsHead() *cobra.Command {
	return operator("head", "Print the head of the chain, to be kept where nobody of the database can write", 0, func(ctx context.Context, d *desk, _ []string) error {
		h, err := events.Last(ctx, d.Pool)
		if err != nil {
			return err
		}
		if h == nil {
			return errNoEvent
		}
		said := struct {
			Day  string `json:"day"`
			No   int32  `json:"no"`
			Hash string `json:"hash"`
		}{h.Day.Format(time.DateOnly), h.No, hex.EncodeToString(h.Hash)}
		return d.print(said, func(t *rows) { t.row(h) })
	})
}
