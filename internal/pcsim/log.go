package pcsim

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"settled/fileformats/authlog"
	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// LogDir is the directory of the SFTP server where logs of authorizations appear.
const LogDir = "/log"

// logPage is how many details fit into one answer.
const logPage = 11

// logbook remembers up to when logs were left.
type logbook struct {
	mu    sync.Mutex
	until time.Time
}

// sentAt is the transmission of a request: DE 7 with the year that brings it next to the local time.
func sentAt(m *iso8583.Message) time.Time {
	local, err := time.Parse("060102150405", m.Text(12))
	if err != nil {
		return time.Time{}
	}
	var best time.Time
	for year := local.Year() - 1; year <= local.Year()+1; year++ {
		t, err := time.Parse("20060102150405", fmt.Sprintf("%04d%s", year, m.Text(7)))
		if err == nil && (best.IsZero() || t.Sub(local).Abs() < best.Sub(local).Abs()) {
			best = t
		}
	}
	return best
}

// Log returns the log of what the center approved of the messages that were transmitted from an instant until before another,
// in the order of the keys. made is when it says that it was made.
func (c *Center) Log(from, until, made time.Time) *authlog.Log {
	l := &authlog.Log{Member: c.opt.MemberID, From: from.UTC(), Until: until.UTC(), Made: made.UTC()}
	c.books.mu.Lock()
	defer c.books.mu.Unlock()
	for _, e := range c.books.entries {
		if e.approved() && !e.sent.Before(from) && e.sent.Before(until) {
			l.Entries = append(l.Entries, e.logged())
		}
	}
	slices.SortFunc(l.Entries, func(a, b authlog.Entry) int { return a.Compare(b.Key) })
	return l
}

// logged is the entry as a log shows it.
func (e *entry) logged() authlog.Entry {
	out := authlog.Entry{
		Key:   authlog.Key{Sent: e.sent, Terminal: strings.TrimRight(e.terminal, " "), STAN: e.stan, RRN: e.rrn},
		Kind:  map[kind]authlog.Kind{authorization: authlog.Authorization, purchase: authlog.Purchase, refund: authlog.Refund}[e.kind],
		State: authlog.Completed, Acceptor: strings.TrimRight(e.acceptor, " "), Amount: money.Amount{Minor: e.amount, Currency: e.currency},
		Reversed: e.reversed, Approval: e.approval,
	}
	switch {
	case e.reversed == e.amount:
		out.State = authlog.Reversed
	case e.kind == authorization && e.open() > 0:
		out.State = authlog.Held
	}
	return out
}

// tellLog answers a page of the log.
func (c *Center) tellLog(m *iso8583.Message) answer {
	const layout = "060102150405"
	asked := m.Text(72)
	if len(asked) != 2*len(layout) && len(asked) != 2*len(layout)+authlog.KeyWidth {
		return plain(iso8583.ActionSystemMalfunction)
	}
	from, e1 := time.Parse(layout, asked[:12])
	until, e2 := time.Parse(layout, asked[12:24])
	if e1 != nil || e2 != nil || !from.Before(until) {
		return plain(iso8583.ActionSystemMalfunction)
	}
	entries := c.Log(from, until, c.opt.Now()).Entries
	if len(asked) > 24 {
		after, err := authlog.ParseKey(asked[24:])
		if err != nil {
			return plain(iso8583.ActionSystemMalfunction)
		}
		at, found := slices.BinarySearchFunc(entries, after, func(e authlog.Entry, k authlog.Key) int { return e.Compare(k) })
		if found {
			at++
		}
		entries = entries[at:]
	}
	return answer{action: iso8583.ActionApproved, data: logPageOf(entries)}
}

// logPageOf is DE 72 of an answer: whether more follows, then details.
func logPageOf(entries []authlog.Entry) string {
	var b strings.Builder
	b.WriteByte("NY"[min(len(entries)/(logPage+1), 1)])
	for i := range entries[:min(len(entries), logPage)] {
		b.WriteString(authlog.Detail(&entries[i]))
	}
	return b.String()
}

// LeaveLog writes the log of a range into LogDir, whole or not at all, and returns the name of the file.
func (c *Center) LeaveLog(from, until, made time.Time) (name string, err error) {
	const layout = "20060102T150405"
	data, err := authlog.Format(c.Log(from, until, made))
	if err != nil {
		return "", err
	}
	name = fmt.Sprintf("AUTH_%s_%s_%s.log", c.opt.Name, from.UTC().Format(layout), until.UTC().Format(layout))
	return name, writeFile(c.tree, path.Join(LogDir, name), data)
}

// leaveLogs writes the logs of the periods that are over for long enough.
func (c *Center) leaveLogs(now time.Time) error {
	every := c.opt.LogEvery
	if every == 0 {
		return nil
	}
	c.logs.mu.Lock()
	defer c.logs.mu.Unlock()
	if c.logs.until.IsZero() {
		c.logs.until = now.UTC().Truncate(every)
	}
	for end := c.logs.until.Add(every); !end.Add(c.opt.LogAfter).After(now); end = end.Add(every) {
		if _, err := c.LeaveLog(c.logs.until, end, now); err != nil {
			return err
		}
		c.logs.until = end
	}
	return nil
}
