package events

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Fault is what is wrong with the chain.
type Fault struct {
	Event string `json:"event"` // where it shows, as 2026-12-01/17
	What  string `json:"what"`
}

// String tells where and what.
func (f Fault) String() string { return f.Event + ": " + f.What }

// Proof is what a verification of the chain found.
type Proof struct {
	Events  int     `json:"events"`
	Heads   int     `json:"heads"` // that were compared
	Faults  []Fault `json:"faults"`
	Last    *Head   `json:"-"` // as it is now; nil: no event
	anchors map[string]Head
	held    string // last event that an anchor proves
	kinds   map[Kind]int64
}

// maxFaults bounds what one verification tells.
const maxFaults = 100

const wholeChain = `SELECT ` + Columns + ` FROM events ORDER BY day, no`

// Verify reads the whole chain in one statement, and computes every hash anew. anchors are heads that were kept elsewhere. An error means that the chain could
// not be read, never that something is wrong with it.
func Verify(ctx context.Context, q postgres.Querier, anchors ...Head) (Proof, error) {
	p := Proof{Faults: []Fault{}, Heads: len(anchors), anchors: map[string]Head{}, kinds: map[Kind]int64{}}
	for _, a := range anchors {
		p.anchors[name(a.Day, a.No)] = a
	}
	rows, err := q.Query(ctx, wholeChain)
	if err != nil {
		return p, fmt.Errorf("read the events: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		s, err := pgx.RowToAddrOfStructByName[Stored](rows)
		if err != nil {
			return p, fmt.Errorf("read the events: %w", err)
		}
		p.take(s)
	}
	if err := rows.Err(); err != nil {
		return p, fmt.Errorf("read the events: %w", err)
	}
	p.end(anchors)
	return p, nil
}

// take verifies the next event of the chain.
func (p *Proof) take(s *Stored) {
	p.Events++
	p.number(s)
	if !bytes.Equal(s.sum(), s.Hash) {
		p.fault(s.Name(), "was changed: its bytes have another hash")
	}
	if want := p.kinds[s.Kind] + 1; s.OfKind != want {
		p.fault(s.Name(), fmt.Sprintf("is number %d of %s, not %d: others were removed or put between", s.OfKind, s.Kind, want))
	}
	p.kinds[s.Kind] = s.OfKind
	if a, ok := p.anchors[s.Name()]; ok {
		p.anchor(s, a)
	}
	p.Last = &Head{s.Day, s.No, s.Hash}
}

// number verifies that an event follows the one before it.
func (p *Proof) number(s *Stored) {
	want := int32(1)
	if p.Last != nil && s.Day.Equal(p.Last.Day) {
		want = p.Last.No + 1
	}
	switch {
	case s.No != want:
		p.fault(s.Name(), fmt.Sprintf("follows %s: those from %s to %s were removed", p.before(), name(s.Day, want), name(s.Day, s.No-1)))
	case !bytes.Equal(s.Previous, p.Last.hash()):
		p.fault(s.Name(), fmt.Sprintf("does not follow %s: that one was changed or put between, or others between them were removed", p.before()))
	}
}

// before names the event before.
func (p *Proof) before() string {
	if p.Last == nil {
		return "the beginning"
	}
	return name(p.Last.Day, p.Last.No)
}

// anchor compares an event with the head that was kept of it.
func (p *Proof) anchor(s *Stored, a Head) {
	delete(p.anchors, s.Name())
	if bytes.Equal(s.Hash, a.Hash) {
		p.held = s.Name()
		return
	}
	p.fault(s.Name(), "is not the head that was kept: the chain was written anew after "+p.proven())
}

// proven names what is proven by heads.
func (p *Proof) proven() string {
	if p.held == "" {
		return "its beginning"
	}
	return p.held + ", which a kept head proves"
}

// end finds the kept heads that the chain has no event of.
func (p *Proof) end(anchors []Head) {
	for _, a := range anchors {
		if _, missing := p.anchors[name(a.Day, a.No)]; missing {
			p.fault(name(a.Day, a.No), "was removed, or never written: a kept head names it, the chain ends at "+p.before())
		}
	}
}

func (p *Proof) fault(event, what string) {
	if len(p.Faults) < maxFaults {
		p.Faults = append(p.Faults, Fault{event, what})
	}
}

// String writes a head as a line of a file of heads: day, number and hash.
func (h Head) String() string {
	return fmt.Sprintf("%s %d %s", h.Day.Format(time.DateOnly), h.No, hex.EncodeToString(h.Hash))
}

// ErrHead is wrapped by the refusal of a line that is no head.
var ErrHead = errors.New("events: not a head")

// ParseHeads reads heads as String writes them, one a line; empty lines are passed over. A line that is none, or two heads of one event that differ, are
// ErrHead, and so is a text without any head.
func ParseHeads(text string) (heads []Head, err error) {
	for line := range strings.Lines(text) {
		if strings.TrimSpace(line) == "" {
			continue
		}
		h, err := parseHead(line)
		if err != nil {
			return nil, err
		}
		if slices.ContainsFunc(heads, func(o Head) bool { return o.Day.Equal(h.Day) && o.No == h.No && !bytes.Equal(o.Hash, h.Hash) }) {
			return nil, fmt.Errorf("%w: %s/%d has two hashes", ErrHead, h.Day.Format(time.DateOnly), h.No)
		}
		heads = append(heads, h)
	}
	if len(heads) == 0 {
		return nil, fmt.Errorf("%w: there is no line with one", ErrHead)
	}
	return heads, nil
}

func parseHead(line string) (h Head, err error) {
	bad := fmt.Errorf("%w: %q", ErrHead, Clip(strings.TrimSpace(line)))
	words := strings.Fields(line)
	if len(words) != 3 {
		return h, bad
	}
	day, e1 := time.Parse(time.DateOnly, words[0])
	no, e2 := strconv.ParseInt(words[1], 10, 32)
	hash, e3 := hex.DecodeString(words[2])
	if e1 != nil || e2 != nil || e3 != nil || no < 1 || len(hash) != sha256.Size {
		return h, bad
	}
	return Head{day, int32(no), hash}, nil
}
