package authlog

import (
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
)

// The layout of times: UTC.
const layout = "060102150405"

// Width is how many characters a detail has, without the line feed.
const Width = 1 + 1 + 1 + 8 + 15 + 6 + 12 + 12 + 12 + 3 + 12 + 6

// KeyWidth is how many characters a key has in a question for a log.
const KeyWidth = 12 + 8 + 6 + 12

const (
	memberWidth  = 11
	headerWidth  = 1 + 2 + memberWidth + 12 + 12 + 12
	trailerWidth = 1 + 8 + 18
	version      = "01"
)

// reader takes fields from a line and keeps the first fault.
type reader struct {
	rest string
	line int
	err  error
}

func (r *reader) take(n int) string {
	v := r.rest[:n]
	r.rest = r.rest[n:]
	return v
}

func (r *reader) fail(field string, err error) {
	if r.err == nil {
		r.err = &Error{Line: r.line, Field: field, Err: err}
	}
}

// number reads digits.
func (r *reader) number(field string, n int) int64 {
	v, err := strconv.ParseUint(r.take(n), 10, 63)
	if err != nil {
		r.fail(field, ErrValue)
	}
	return int64(v)
}

func (r *reader) time(field string) time.Time {
	v := r.take(len(layout))
	t, err := time.Parse(layout, v)
	if err != nil || t.Format(layout) != v {
		r.fail(field, ErrValue)
	}
	return t
}

// text reads printable characters that blanks fill to the right, at least least of them.
func (r *reader) text(field string, n, least int) string {
	v := strings.TrimRight(r.take(n), " ")
	if len(v) < least || strings.ContainsFunc(v, func(c rune) bool { return c < ' ' || c > '~' }) || strings.HasPrefix(v, " ") {
		r.fail(field, ErrValue)
	}
	return v
}

// exact reads n letters and digits, or digits alone.
func (r *reader) exact(field string, n int, digitsOnly bool) string {
	v := r.take(n)
	for _, c := range []byte(v) {
		digit := c >= '0' && c <= '9'
		letter := c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		if !digit && (digitsOnly || !letter) {
			r.fail(field, ErrValue)
		}
	}
	return v
}

func (r *reader) entry() (e Entry) {
	e.Kind, e.State = Kind(r.take(1)[0]), State(r.take(1)[0])
	e.Terminal, e.Acceptor = r.text("terminal", 8, 1), r.text("acceptor", 15, 1)
	e.STAN, e.RRN = r.exact("trace number", 6, true), r.exact("reference number", 12, false)
	e.Sent = r.time("transmission")
	minor := r.number("amount", 12)
	currency, err := money.CurrencyFromNumeric(r.exact("currency", 3, true))
	if err != nil {
		r.fail("currency", ErrValue)
	}
	e.Amount = money.Amount{Minor: minor, Currency: currency}
	e.Reversed, e.Approval = r.number("reversed", 12), r.text("approval code", 6, 0)
	r.check(&e)
	return e
}

// check compares the fields of an entry with each other.
func (r *reader) check(e *Entry) {
	whole := e.Reversed == e.Amount.Minor
	switch {
	case e.Kind != Authorization && e.Kind != Purchase && e.Kind != Refund:
		r.fail("kind", ErrKind)
	case e.State != Held && e.State != Completed && e.State != Reversed, e.State == Held && e.Kind != Authorization:
		r.fail("state", ErrValue)
	case e.Amount.Minor == 0:
		r.fail("amount", ErrValue)
	case e.Reversed > e.Amount.Minor, whole != (e.State == Reversed):
		r.fail("reversed", ErrValue)
	}
}

// ParseDetails reads details that follow each other without line feeds, as an online host answers them. Their order is not
// looked at.
func ParseDetails(text string) ([]Entry, error) {
	var out []Entry
	for line := 1; text != ""; line++ {
		if len(text) < Width {
			return nil, &Error{Line: line, Err: ErrWidth}
		}
		e, err := parseDetail(text[:Width], line)
		if err != nil {
			return nil, err
		}
		out, text = append(out, e), text[Width:]
	}
	return out, nil
}

func parseDetail(text string, line int) (Entry, error) {
	if len(text) != Width {
		return Entry{}, &Error{Line: line, Err: ErrWidth}
	}
	if text[0] != 'D' {
		return Entry{}, &Error{Line: line, Err: ErrKind}
	}
	r := reader{rest: text[1:], line: line}
	e := r.entry()
	return e, r.err
}
