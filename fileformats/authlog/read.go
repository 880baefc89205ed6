package authlog

import (
	"bytes"
	"strings"
)

// Whole tells that data ends as a log ends. What is not whole yet may still be on its way.
func Whole(data []byte) bool {
	n := len(data) - trailerWidth - 1
	return n >= 1 && data[n-1] == '\n' && data[n] == 'T' && data[len(data)-1] == '\n' && bytes.IndexByte(data[n:], '\n') == trailerWidth
}

// Parse reads a whole log. The error is an [*Error].
func Parse(data []byte) (*Log, error) {
	text, ok := strings.CutSuffix(string(data), "\n")
	lines := strings.Split(text, "\n")
	last := len(lines) - 1
	if !ok || last < 1 || !strings.HasPrefix(lines[last], "T") {
		return nil, &Error{Line: len(lines), Err: ErrTruncated}
	}
	l, err := parseHeader(lines[0])
	if err != nil {
		return nil, err
	}
	for i, line := range lines[1:last] {
		e, err := parseDetail(line, i+2)
		if err == nil {
			err = l.follows(&e, i+2)
		}
		if err != nil {
			return nil, err
		}
		l.Entries = append(l.Entries, e)
	}
	return l, l.closes(lines[last], last+1)
}

func parseHeader(line string) (*Log, error) {
	if len(line) != headerWidth {
		return nil, &Error{Line: 1, Err: ErrWidth}
	}
	r := reader{rest: line, line: 1}
	if r.take(1) != "H" {
		r.fail("", ErrKind)
	}
	if r.take(2) != version {
		r.fail("version", ErrVersion)
	}
	l := &Log{Member: r.exact("member", memberWidth, true), From: r.time("from"), Until: r.time("until"), Made: r.time("made")}
	if r.err == nil && !l.From.Before(l.Until) {
		r.fail("until", ErrValue)
	}
	return l, r.err
}

// follows checks an entry against the header and the entry before it.
func (l *Log) follows(e *Entry, line int) error {
	switch {
	case e.Sent.Before(l.From), !e.Sent.Before(l.Until):
		return &Error{Line: line, Field: "transmission", Err: ErrRange}
	case len(l.Entries) > 0 && l.Entries[len(l.Entries)-1].Compare(e.Key) >= 0:
		return &Error{Line: line, Err: ErrOrder}
	}
	return nil
}

func (l *Log) closes(line string, number int) error {
	if len(line) != trailerWidth {
		return &Error{Line: number, Err: ErrWidth}
	}
	r := reader{rest: line[1:], line: number}
	count, sum := r.number("count", 8), r.number("sum", 18)
	for _, e := range l.Entries {
		count, sum = count-1, sum-e.Amount.Minor
	}
	if count != 0 || sum != 0 {
		r.fail("", ErrTotals)
	}
	return r.err
}
