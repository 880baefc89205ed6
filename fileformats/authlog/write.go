package authlog

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
)

// Format writes a log, its entries in the order of their keys. What Parse would refuse is an error.
func Format(l *Log) ([]byte, error) {
	entries := slices.SortedFunc(slices.Values(l.Entries), func(a, b Entry) int { return a.Compare(b.Key) })
	var out bytes.Buffer
	member := strings.Repeat("0", max(0, memberWidth-len(l.Member))) + l.Member
	fmt.Fprintf(&out, "H%s%s%s%s%s\n", version, member, l.From.UTC().Format(layout), l.Until.UTC().Format(layout), l.Made.UTC().Format(layout))
	var sum int64
	for i := range entries {
		out.WriteString(Detail(&entries[i]) + "\n")
		sum += entries[i].Amount.Minor
	}
	fmt.Fprintf(&out, "T%08d%018d\n", len(entries), sum)
	if _, err := Parse(out.Bytes()); err != nil {
		return nil, fmt.Errorf("write a log: %w", err)
	}
	return out.Bytes(), nil
}

// Detail is the line of an entry, without a line feed. It is Width characters long when the entry has values that a log
// can hold.
func Detail(e *Entry) string {
	var b strings.Builder
	fmt.Fprintf(&b, "D%c%c%-8s%-15s%s%s%s%012d%s%012d%-6s", e.Kind, e.State, e.Terminal, e.Acceptor, e.STAN, e.RRN,
		e.Sent.UTC().Format(layout), e.Amount.Minor, e.Amount.Currency.Numeric(), e.Reversed, e.Approval)
	return b.String()
}

// FormatKey is a key as a question for a log names it: KeyWidth characters.
func FormatKey(k Key) string {
	return fmt.Sprintf("%s%-8s%s%s", k.Sent.UTC().Format(layout), k.Terminal, k.STAN, k.RRN)
}

// ParseKey reads what FormatKey wrote. The error is an [*Error].
func ParseKey(text string) (Key, error) {
	if len(text) != KeyWidth {
		return Key{}, &Error{Line: 1, Err: ErrWidth}
	}
	r := reader{rest: text, line: 1}
	k := Key{Sent: r.time("transmission"), Terminal: r.text("terminal", 8, 1), STAN: r.exact("trace number", 6, true),
		RRN: r.exact("reference number", 12, false)}
	return k, r.err
}
