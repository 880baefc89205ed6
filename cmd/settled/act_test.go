package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/events"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/cobra"
)

// looking are the commands that change nothing of an installation, and so leave no event. The processes (serve, work, run) act for merchants and
// schedules, whose acts stand in the books.
var looking = []string{
	"demo", "bench", "serve", "work", "run", "version", "doctor", "audit", "password-hash", "config check", "config environment", "window list",
	"batch list", "batch show", "batch preview", "file list", "file show", "file verify", "reply list", "reply show", "recon authorizations list",
	"merchant list", "merchant show", "merchant check", "reject list", "record show", "break list", "break show", "ledger trial-balance", "order show", "events list", "events verify", "events head",
	"keys list", "retention preview", "retention report", "notification list", "notification key", "subscription list", "subscription show",
}

// eventsOfCommands are the kinds of events that commands leave, by their words.
func eventsOfCommands(c *cobra.Command, into map[string]string) {
	for _, sub := range c.Commands() {
		eventsOfCommands(sub, into)
	}
	if name := strings.TrimPrefix(c.CommandPath(), "settled "); !c.HasSubCommands() && !c.Hidden && c.Name() != "help" && !strings.HasPrefix(name, "completion") {
		into[name] = c.Annotations[eventOf]
	}
}

// TestEveryChangingCommandLeavesAnEvent is what a new command fails on, until it leaves an event or is among those that only look.
func TestEveryChangingCommandLeavesAnEvent(t *testing.T) {
	text, err := os.ReadFile("../../docs/events.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, m := range regexp.MustCompile("(?m)^\\| `settled ([a-z -]+)` \\| `([a-z.-]+)` \\|").FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = m[2]
	}
	all, have := map[string]string{}, map[string]string{}
	eventsOfCommands(newRoot(), all)
	for name, kind := range all {
		if (kind == "") != slices.Contains(looking, name) {
			t.Errorf("settled %s leaves an event of the kind %q: one that changes something leaves one, one that looks does not", name, kind)
		}
		if kind == "" {
			continue
		}
		have[name] = kind
		if !events.Kind(kind).Valid() {
			t.Errorf("settled %s: there is no kind %q", name, kind)
		}
	}
	for _, name := range looking {
		if _, ok := all[name]; !ok {
			t.Errorf("there is no command %s", name)
		}
	}
	if diff := cmp.Diff(have, told); diff != "" {
		t.Errorf("docs/events.md (-in the program, +documented):\n%s", diff)
	}
}

// TestOutcomes: what may have happened did not fail, and what happened in part was not refused.
func TestOutcomes(t *testing.T) {
	lost := &postgres.UnknownError{Key: "file/1/retry", Err: io.ErrUnexpectedEOF}
	for _, c := range []struct {
		err       error
		something bool
		want      events.Outcome
	}{
		{fmt.Errorf("retry: %w", lost), false, events.Unknown}, {errors.Join(settle.ErrNotFound, lost), false, events.Unknown},
		{settle.ErrNotFound, false, events.Refused}, {settle.ErrNotFound, true, events.Failed}, {io.ErrUnexpectedEOF, false, events.Failed},
	} {
		if got := outcomeOf(c.err, c.something); got != c.want {
			t.Errorf("%v, something done %v: %s, not %s", c.err, c.something, got, c.want)
		}
	}
}

// TestMoneyWantsAReason: a command whose kind moves money or files refuses to work without a reason, and has a flag for it.
func TestMoneyWantsAReason(t *testing.T) {
	for _, m := range events.Kinds {
		of, card := deed{kind: m.Kind}, deed{kind: m.Kind}
		if err := of.demand(" "); (err != nil) != m.Money || err != nil && exitCode(err) != exitUsage {
			t.Errorf("%s without a reason: %v", m.Kind, err)
		}
		if err := of.demand("the center asked"); err != nil {
			t.Errorf("%s with a reason: %v", m.Kind, err)
		}
		if err := card.demand("paid with 4111 1111 1111 1111"); err == nil {
			t.Errorf("%s takes a card number", m.Kind)
		}
	}
	root := newRoot()
	all := map[string]string{}
	eventsOfCommands(root, all)
	for name, kind := range all {
		c, _, err := root.Find(strings.Fields(name))
		if m, _ := events.MeaningOf(events.Kind(kind)); err != nil || m.Money && c.Flags().Lookup("reason") == nil && c.Flags().Lookup("evidence") == nil {
			t.Errorf("settled %s has no flag for its reason (%v)", name, err)
		}
	}
}

// TestWhatCommandsLeave: each act leaves who, what and what came of it; what was refused, too. One on files says before that it was asked for.
func TestWhatCommandsLeave(t *testing.T) {
	env := map[string]string{"DATABASE_URL": durable(t).URL("postgres"), "SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	for _, args := range [][]string{{"migrate"}, {"keys", "new"}, {"merchant", "set", "7", "page.timeout=25m", "--reason", "the shop asked"}, {"merchant", "set", "7", "page.timeout=soon"},
		{"merchant", "secret", "7"}, {"file", "release", "99", "--reason", "a call"}, {"file", "release", "99"}, {"file", "show", "99"}, {"resume", "--after-restore", "--dry-run"}} {
		settled(t, env, args...)
	}
	out, errOut, code := settled(t, env, "events", "list", "--json")
	var all []eventLine
	if err := json.Unmarshal([]byte(out), &all); err != nil || code != exitOK {
		t.Fatalf("%v: %d\n%s%s", err, code, out, errOut)
	}
	var have []string
	for _, e := range slices.Backward(all) {
		have = append(have, strings.Join([]string{string(e.Kind), string(e.Outcome), e.Object.ID, e.Reason}, "|"))
		if e.Actor != operatorHere().Name || e.How != events.ByOS || e.Source == "" || e.Login == "" {
			t.Errorf("nobody did %s: %+v", e.Kind, e)
		}
	}
	keys := env["SETTLED_KEYS"]
	want := []string{"schema.migrate|done||", "keys.new|asked|" + keys + "|", "keys.new|done|" + keys + "|", "merchant.set|asked|7|the shop asked", "merchant.set|done|7|the shop asked",
		"merchant.set|asked|7|", "merchant.set|refused|7|", "merchant.secret|asked|7|", "merchant.secret|done|7|", "file.release|refused|99|a call", "file.release|refused|99|"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("events (-want +have):\n%s", diff)
	}
	if set := all[len(all)-5]; !strings.Contains(string(set.After), "25m") || !strings.Contains(string(set.Before), "page.timeout") {
		t.Errorf("what a setting was and is: %s, %s", set.Before, set.After)
	}
	keepHead(t, env)
}

// keepHead keeps the head of the chain, and asks for it when there is more.
func keepHead(t *testing.T, env map[string]string) {
	t.Helper()
	head, _, _ := settled(t, env, "events", "head")
	kept := write(t, filepath.Join(t.TempDir(), "heads"), head)
	settled(t, env, "keys", "rotate")
	if out, errOut, code := settled(t, env, "events", "verify", "--head", kept); code != exitOK || !strings.Contains(out, "13 events, 1 kept heads, 0 faults") {
		t.Errorf("exit code %d\n%s%s", code, out, errOut)
	}
	other := write(t, filepath.Join(t.TempDir(), "heads"), strings.Replace(head, "20", "19", 1))
	if out, _, code := settled(t, env, "events", "verify", "--head", other); code != exitRed || !strings.Contains(out, "a kept head names it") {
		t.Errorf("another head: exit code %d\n%s", code, out)
	}
	if _, errOut, code := settled(t, env, "events", "verify", "--head", write(t, filepath.Join(t.TempDir(), "heads"), "none\n")); code != exitUsage || !strings.Contains(errOut, "not a head") {
		t.Errorf("no head: exit code %d\n%s", code, errOut)
	}
}

// TestFilesWithoutADatabase: without a database the act is done and said to be kept by nobody; one that is named and does not answer stops it.
func TestFilesWithoutADatabase(t *testing.T) {
	env := map[string]string{"SETTLED_CONFIG": small(t, "127.0.0.1:1"), "SETTLED_KEYS": filepath.Join(t.TempDir(), "keys")}
	if _, errOut, code := settled(t, env, "merchant", "set", "7", "page.timeout=25m"); code != exitOK || !strings.Contains(errOut, "not kept who does this") {
		t.Errorf("no database: exit code %d\n%s", code, errOut)
	}
	env["DATABASE_URL"] = "postgres://x@127.0.0.1:1/x"
	if _, errOut, code := settled(t, env, "merchant", "set", "7", "page.timeout=35m"); code != exitConfig || !strings.Contains(errOut, "nothing was done") {
		t.Errorf("a database that does not answer: exit code %d\n%s", code, errOut)
	}
	if out, _, _ := settled(t, env, "merchant", "show", "7"); !strings.Contains(out, "25m") {
		t.Errorf("changed all the same:\n%s", out)
	}
	if _, errOut, code := settled(t, env, "keys", "new"); code != exitOK || !strings.Contains(errOut, "not kept who does this") {
		t.Errorf("keys come first: exit code %d\n%s", code, errOut)
	}
}
