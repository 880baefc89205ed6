package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/user"
	"strconv"
	"strings"

	"settled/internal/app"
	"settled/internal/postgres"
	"settled/settle/events"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// deed is what a command that changes something leaves in the log of who did what.
type deed struct {
	kind   events.Kind
	object string      // kind of what the arguments name; empty: the command says it, or it is the installation
	reason *string     // where the reason is read to, of a flag that the command has; nil: it gets --reason
	flag   string      // that flag, when it is not called reason
	looks  func() bool // its flags ask to look only, which changes nothing and leaves no event; nil: never
}

// eventOf is the annotation of a command that names the kind of its event.
const eventOf = "event"

// act is a command of operators that changes something. What do does in its context and the event are one commit; what is refused, or fails, leaves an
// event of that.
func act(use, short string, arguments int, of deed, do func(ctx context.Context, d *desk, args []string) error) *cobra.Command {
	why := of.reason
	if why == nil {
		why = new(string)
	}
	c := operator(use, short, arguments, func(ctx context.Context, d *desk, args []string) error {
		if of.looks != nil && of.looks() {
			return do(ctx, d, args)
		}
		d.act = events.NewAct(events.Event{At: d.Now(), Actor: operatorHere(), Source: sourceHere(), Kind: of.kind, After: asked(d.Command), Reason: events.Clip(*why)})
		if of.object != "" {
			d.act.Object = events.Object{Kind: of.object, ID: events.Clip(strings.Join(args, "/"))}
		}
		err := of.demand(*why)
		if err == nil {
			err = do(d.act.In(ctx), d, args)
		}
		return d.end(ctx, err)
	})
	c.Annotations = map[string]string{eventOf: string(of.kind)}
	if of.reason == nil {
		c.Flags().StringVar(why, "reason", "", of.flagHelp())
	}
	return c
}

func (of deed) flagHelp() string {
	if m, _ := events.MeaningOf(of.kind); m.Money {
		return "why; required, kept with who did it"
	}
	return "why; kept with who did it"
}

// demand refuses an act that moves money or files without a reason, and a reason that holds card data.
func (of deed) demand(why string) error {
	if m, _ := events.MeaningOf(of.kind); m.Money && strings.TrimSpace(why) == "" {
		return usageError{fmt.Errorf("say why with --%s; it is kept with who did it", otherwise(of.flag, "reason"))}
	}
	return checkReason(why)
}

// end writes how an act ended, unless its transaction did.
func (d *desk) end(ctx context.Context, err error) error {
	outcome, why := events.Done, ""
	if err != nil {
		outcome, why = outcomeOf(err, d.act.Written()), err.Error()
	}
	if lost := d.act.End(ctx, d.Pool, outcome, why); lost != nil {
		return errors.Join(err, fmt.Errorf("who did this could not be kept: %w", lost))
	}
	return err
}

// outcomeOf tells an act that was not allowed or not possible from one that an error ended, and both from one of which nobody knows. One of
// which something was done already was not refused, whatever the error says.
func outcomeOf(err error, something bool) events.Outcome {
	switch code := exitCode(err); {
	case errors.Is(err, postgres.ErrUnknown):
		return events.Unknown
	case !something && (code == exitUsage || code == exitNotFound || code == exitConflict):
		return events.Refused
	}
	return events.Failed
}

// found notes in what state the object of an act was found.
func (d *desk) found(state string) {
	if d.act != nil {
		d.act.Before, _ = json.Marshal(map[string]string{"state": state}) // of texts
	}
}

// about names the object of an act.
func (d *desk) about(kind, id string) {
	if d.act != nil {
		d.act.Object = events.Object{Kind: kind, ID: events.Clip(id)}
	}
}

// unasked are flags that say nothing of what is done.
var unasked = map[string]bool{"reason": true, "json": true, "yes": true}

// asked are the flags that were given, as JSON; nil: none.
func asked(c *cobra.Command) json.RawMessage {
	flags := map[string]string{}
	c.Flags().Visit(func(f *pflag.Flag) {
		if !unasked[f.Name] {
			flags[f.Name] = events.Clip(f.Value.String())
		}
	})
	if len(flags) == 0 {
		return nil
	}
	text, _ := json.Marshal(flags) // of texts
	if len(text) > events.MaxJSON/2 {
		text, _ = json.Marshal(map[string]int{"bytes of flags": len(text)})
	}
	return text
}

// operatorHere is who is logged in to the operating system.
func operatorHere() events.Actor {
	name := "uid " + strconv.Itoa(os.Getuid())
	if u, err := user.Current(); err == nil && u.Username != "" {
		name = u.Username
	}
	return events.Actor{Name: events.Clip(name), How: events.ByOS}
}

// sourceHere is the host, and what the environment says of where a person came from: a hint, which he could have written himself.
func sourceHere() string {
	host, err := os.Hostname()
	if err != nil {
		host = "unknown host"
	}
	if from, _, _ := strings.Cut(os.Getenv("SSH_CONNECTION"), " "); from != "" {
		host += ", ssh from " + from
	}
	if by := os.Getenv("SUDO_USER"); by != "" {
		host += ", sudo by " + by
	}
	return events.Clip(host)
}

// onFiles does an act on files, which no transaction commits with its event: one says before that it was asked for, one after what came of it.
// Without a database it warns, and does it; where one is named that cannot be asked, it does nothing.
func onFiles(c *cobra.Command, e events.Event, do func(e *events.Event) error) error {
	env, err := environment()
	if err != nil {
		return err
	}
	log, err := app.OpenEventLog(c.Context(), env, false)
	if errors.Is(err, app.ErrNoEvents) || err != nil && e.Kind == events.KeysNew { // keys come before the database
		fmt.Fprintln(c.ErrOrStderr(), "settled: not kept who does this:", err)
		return do(&e)
	}
	if err != nil {
		return fmt.Errorf("nothing was done, because it cannot be kept who did it: %w", err)
	}
	defer log.Close()
	e.Actor, e.Source, e.Outcome = operatorHere(), sourceHere(), events.Asked
	if err := log.Write(c.Context(), e); err != nil {
		return fmt.Errorf("nothing was done, because it cannot be kept who did it: %w", err)
	}
	if err := do(&e); err != nil {
		e.Outcome = outcomeOf(err, false)
		return errors.Join(err, log.Failed(c.Context(), e, err))
	}
	e.Outcome = events.Done
	return log.Write(c.Context(), e)
}
