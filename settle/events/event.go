package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"settled/internal/vault"
)

// ErrEvent is wrapped by the refusal of what is no event: nothing was written.
var ErrEvent = errors.New("events: not an event")

// How it is known who acted.
type How string

// The ways. The words are stored.
const (
	ByOS      How = "os"      // who is logged in to the operating system; he could be anybody who may become that user
	ByService How = "service" // a process of settled by itself
	ByUser    How = "user"    // a person who logged in to settled
)

// Actor is who acts. Name and How are required.
type Actor struct {
	Name   string // of the login, the service or the user
	How    How
	Role   string // in which the actor acts, where he has several; empty: none is known
	Factor string // second factor that he proved himself with; empty: none
}

// Object is what was acted on, by its name for people: batch 12, merchant 7, center PC-A. Both are empty where it is the installation.
type Object struct {
	Kind string `json:"kind"`
	ID   string `json:"id"`
}

// Outcome is what became of the act.
type Outcome string

// The outcomes. The words are stored.
const (
	Asked   Outcome = "asked"   // it begins; another event tells how it ended, and where none does nobody knows
	Done    Outcome = "done"    // it took effect
	Refused Outcome = "refused" // it was not allowed, or not possible: nothing changed
	Failed  Outcome = "failed"  // an error ended it; Reason or After tell which. What a failed act left is where it acted to be seen
	Unknown Outcome = "unknown" // the answer to its commit was lost: where an event says done of it, it took effect, else look at its object
)

// outcomes are all outcomes.
var outcomes = []Outcome{Asked, Done, Refused, Failed, Unknown}

// Event is who did what. At, Actor.Name, Actor.How, Kind and Outcome are required.
type Event struct {
	At       time.Time // to the microsecond
	Actor    Actor
	Source   string // host or address that he came from
	Kind     Kind
	Object   Object
	Before   json.RawMessage // what stood before, as JSON of at most MaxJSON bytes; nil: nothing to tell
	After    json.RawMessage // what stands, or what was asked for
	Reason   string          // why, in his words
	Approval string          // the approval that allowed it; empty: none was needed
	Outcome  Outcome
}

// Bounds of an event, in bytes.
const (
	MaxJSON = 8192 // of Before, of After
	MaxText = 2000 // of each text
)

// texts are the texts of the event.
func (e *Event) texts() []*string {
	return []*string{&e.Actor.Name, &e.Actor.Role, &e.Actor.Factor, &e.Source, &e.Object.Kind, &e.Object.ID, &e.Reason, &e.Approval}
}

// checked is the event as it is kept: in UTC, to the microsecond, without card data. What is none is ErrEvent.
func (e Event) checked() (Event, error) {
	switch {
	case e.At.IsZero():
		return e, fmt.Errorf("%w: no time", ErrEvent)
	case !e.Kind.Valid():
		return e, fmt.Errorf("%w: no kind %q", ErrEvent, e.Kind)
	case e.Actor.Name == "" || e.Actor.How != ByOS && e.Actor.How != ByService && e.Actor.How != ByUser:
		return e, fmt.Errorf("%w: %s by nobody known: %q, %q", ErrEvent, e.Kind, e.Actor.Name, e.Actor.How)
	case !slices.Contains(outcomes, e.Outcome):
		return e, fmt.Errorf("%w: %s with outcome %q", ErrEvent, e.Kind, e.Outcome)
	}
	e.At = e.At.UTC().Truncate(time.Microsecond)
	for _, text := range e.texts() {
		if len(*text) > MaxText || !utf8.ValidString(*text) || strings.ContainsRune(*text, 0) {
			return e, fmt.Errorf("%w: a text of %s is too long, or none: %d bytes", ErrEvent, e.Kind, len(*text))
		}
		*text = vault.Words(*text)
	}
	for _, part := range []*json.RawMessage{&e.Before, &e.After} {
		if err := keepJSON(part); err != nil {
			return e, fmt.Errorf("%w: %s: %w", ErrEvent, e.Kind, err)
		}
	}
	return e, nil
}

// keepJSON hides card data in JSON. Empty JSON is none.
func keepJSON(part *json.RawMessage) error {
	switch {
	case len(*part) == 0:
		*part = nil
		return nil
	case len(*part) > MaxJSON:
		return fmt.Errorf("JSON of %d bytes, %d at most", len(*part), MaxJSON)
	case !json.Valid(*part) || !utf8.Valid(*part):
		return errors.New("before or after is not JSON")
	}
	s := vault.Scanner{Ours: vault.KnownBill}
	*part, _ = s.MaskJSON(*part)
	return nil
}

// Clip makes any text one that an event may hold: what is beyond MaxText, or no text, is left out.
func Clip(text string) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "?"), "\x00", "?")
	if len(text) <= MaxText {
		return text
	}
	return strings.ToValidUTF8(text[:MaxText-len("…")], "") + "…"
}
