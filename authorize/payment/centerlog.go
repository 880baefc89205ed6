package payment

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/authorize/online"
	"settled/fileformats/authlog"
	"settled/settle"
)

// ErrCenterLog is wrapped when a center's answers about its log contradict themselves.
var ErrCenterLog = errors.New("authorize: center's log cannot be read")

const logTime = "060102150405"

// CenterLog asks a center on its link for what it approved of the messages that were transmitted from an instant until before
// another, page by page. The log says that it was made when the first page was asked for. Errors: ErrCenterLog, or those of
// package online; nothing is changed, and asking again is safe.
func (s *Sender) CenterLog(ctx context.Context, center int16, from, until, now time.Time) (*authlog.Log, error) {
	c, ok := s.directory.Center(center)
	host := s.centers[center]
	if !ok || host.Host == nil {
		return nil, fmt.Errorf("%w: center %d has no online host", ErrCenterLog, center)
	}
	l := &authlog.Log{Member: host.Acquirer, From: from.UTC(), Until: until.UTC(), Made: now.UTC().Truncate(time.Second)}
	asked := l.From.Format(logTime) + l.Until.Format(logTime)
	for after := ""; ; {
		entries, more, err := s.logPage(ctx, c, host, asked+after, now)
		if err != nil {
			return nil, fmt.Errorf("ask %s for its log: %w", c.Name, err)
		}
		if n := len(l.Entries); n > 0 && len(entries) > 0 && entries[0].Compare(l.Entries[n-1].Key) <= 0 {
			return nil, fmt.Errorf("%w: a page of %s begins before the end of the last one", ErrCenterLog, c.Name)
		}
		l.Entries = append(l.Entries, entries...)
		switch {
		case !more:
			return l, nil
		case len(entries) == 0:
			return nil, fmt.Errorf("%w: a page of %s is empty, but not the last one", ErrCenterLog, c.Name)
		}
		after = authlog.FormatKey(l.Entries[len(l.Entries)-1].Key)
	}
}

// logPage asks for one page; more tells that it is not the last.
func (s *Sender) logPage(ctx context.Context, c *settle.Center, host Center, asked string, now time.Time) (entries []authlog.Entry, more bool, err error) {
	n, err := s.books.NextExchange(ctx)
	if err != nil {
		return nil, false, err
	}
	a, err := host.Host.Exchange(ctx, online.Request{Kind: online.Log, STAN: stan(n), RRN: settle.RRN(n), TransmittedAt: now, LocalTime: now.In(c.Zone),
		Acquirer: host.Acquirer, Data: asked})
	switch {
	case err != nil:
		return nil, false, err
	case !a.Approved():
		return nil, false, fmt.Errorf("%w: it answered %s", ErrCenterLog, a.ActionCode)
	case a.Data == "", a.Data[0] != 'Y' && a.Data[0] != 'N':
		return nil, false, fmt.Errorf("%w: its answer has no page", ErrCenterLog)
	}
	entries, err = authlog.ParseDetails(a.Data[1:])
	if err != nil {
		return nil, false, fmt.Errorf("%w: %w", ErrCenterLog, err)
	}
	return entries, a.Data[0] == 'Y', nil
}
