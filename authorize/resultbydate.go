package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"time"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/telling"
	"settled/authorize/tenants"
	"settled/settle"
)

// The bounds of resultbydate.
const (
	periodUsual    = 3 * time.Hour    // before now: the period of a request that names none, or a wrong one
	periodLongest  = 24 * time.Hour   // longer ones count as wrong
	periodInterval = 10 * time.Minute // between the calls of a merchant
	periodLimit    = 10_000           // orders, and operations, in one answer
	periodReaders  = 4                // requests that are read at a time, of all merchants
	periodService  = "resultbydate"
)

// errPeriodTooLarge and errTooSoon refuse a request for a period.
var (
	errPeriodTooLarge = &protocol.Fault{First: protocol.FirstValue, Second: protocol.OnInterval, Detail: "the period holds more than 10000 orders or operations: ask for a shorter one"}
	errTooSoon        = &protocol.Fault{First: protocol.FirstLimits, Second: protocol.OnRate, Detail: "ask again ten minutes after the last answer"}
)

// periodQuery is what a merchant asks of a period. Empty fields ask for everything.
type periodQuery struct {
	from, to time.Time
	at       time.Time // when it is asked
	by       settle.PeriodBy
	state    string
	kind     string
	means    string
	file     protocol.FileMode
	none     bool // nothing can match: the merchant is not in the mode that is asked for
}

// Letters of the filters. No operation is ever seen as created: it is in process from its first instant.
var (
	stateLetters = map[string][]settle.OperationState{"N": {}, "P": {settle.OperationInProcess},
		"S": {settle.OperationDone, settle.OperationPartial}, "F": {settle.OperationFailed}, "T": {settle.OperationTimedOut}}
	kindLetters = map[string]settle.OperationKind{"A": settle.OperationPayment, "C": settle.OperationConfirmation,
		"R": settle.OperationCancellation}
)

// resultByDate serves the operations of a period, one order in the answer for each of them. A merchant gets an answer
// once in ten minutes; a refusal costs nothing.
func (g *Gateway) resultByDate(ctx context.Context, c *tenants.Caller) (*reply, error) {
	q, err := readPeriodQuery(c, g.now())
	if err != nil {
		return nil, err
	}
	defer g.reading.Add(-1)
	if g.reading.Add(1) > periodReaders {
		return nil, tenants.ErrBusy
	}
	at := g.now()
	mine, err := g.turns.Take(ctx, c.Merchant.ID, periodService, at, periodInterval)
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, errTooSoon
	}
	a, err := g.period(ctx, c, q)
	if err != nil {
		books, cancel := payment.Patient(context.WithoutCancel(ctx))
		defer cancel()
		if back := g.turns.Return(books, c.Merchant.ID, periodService, at); back != nil {
			g.log.Error("a call that failed counts", slog.Any("merchant", c.Merchant.ID), slog.Any("error", back))
		}
		return nil, err
	}
	a.File = q.fileOf(c.Merchant.ID)
	return a, nil
}

// period reads the operations and tells those that match.
func (g *Gateway) period(ctx context.Context, c *tenants.Caller, q *periodQuery) (*reply, error) {
	if q.none {
		return &reply{}, nil
	}
	found, err := g.books.Period(ctx, settle.PeriodRequest{Merchant: c.Merchant.ID, From: q.from, To: q.to, By: q.by, Limit: periodLimit})
	if errors.Is(err, settle.ErrPeriodTooLarge) {
		return nil, errPeriodTooLarge
	}
	if err != nil {
		return nil, err
	}
	now, a, w := protocol.Stamp(g.now()), &reply{}, g.teller(c)
	for _, o := range found {
		for i := range o.Operations {
			op := &o.Operations[i]
			if !q.matches(op) {
				continue
			}
			rec := w.Operation(o, op)
			if q.means != "" && rec[protocol.OutMeansTypeID] != q.means {
				continue
			}
			rec[protocol.OutPacketDate], rec[protocol.OutErrorCode] = now, telling.ErrorCode(op)
			a.Orders = append(a.Orders, protocol.Entry{Row: rec})
		}
	}
	return a, nil
}

func (q *periodQuery) matches(op *settle.Operation) bool {
	return (q.kind == "" || kindLetters[q.kind] == op.Kind) && (q.state == "" || slices.Contains(stateLetters[q.state], op.State))
}

// readPeriodQuery reads the parameters of resultbydate. Only a wrong period is passed over; the filters are not, because
// an answer to another question would not show it.
func readPeriodQuery(c *tenants.Caller, now time.Time) (*periodQuery, error) {
	q := &periodQuery{at: now, state: c.Text(protocol.InOperationState), kind: c.Text(protocol.InOperationType)}
	by, err := c.Number(protocol.InDateTimeMode, int(settle.ByOrderDate), int(settle.ByCompletion), int(settle.ByOrderDate))
	if err != nil {
		return nil, err
	}
	file, err := c.Number(protocol.InZipFlag, int(protocol.ShownInBrowser), int(protocol.AsZIP), int(protocol.ShownInBrowser))
	if err != nil {
		return nil, err
	}
	means, err := c.Number(protocol.InMeansType, 0, protocol.MaxInteger, 0)
	if err != nil {
		return nil, err
	}
	if means > 0 {
		q.means = strconv.Itoa(means)
	}
	q.by, q.file = settle.PeriodBy(by), protocol.FileMode(file)
	c.ReadLanguage(protocol.English)
	if err := errors.Join(q.checkLetters(), q.readTestMode(c)); err != nil {
		return nil, err
	}
	q.from, q.to = readPeriod(c, now)
	return q, nil
}

func (q *periodQuery) checkLetters() error {
	if _, known := stateLetters[q.state]; q.state != "" && !known {
		return protocol.Invalid(protocol.InOperationState, "is none of N, P, S, F, T")
	}
	if _, known := kindLetters[q.kind]; q.kind != "" && !known {
		return protocol.Invalid(protocol.InOperationType, "is none of A, C, R")
	}
	return nil
}

// readTestMode compares the mode that is asked for with the merchant's, which all of its orders have.
func (q *periodQuery) readTestMode(c *tenants.Caller) error {
	test, err := c.Number(protocol.InTestMode, 0, 1, 0)
	q.none = err == nil && c.Has(protocol.InTestMode) && (test == 1) != c.Settings.TestMode
	return err
}

// readPeriod reads the period of the request, with the minute that it ends in; the usual one when a date is missing, a part is
// wrong, or it is empty or too long. Hours and minutes that are missing are zero.
func readPeriod(c *tenants.Caller, now time.Time) (from, to time.Time) {
	from, wrongFrom := c.ExactInstant(protocol.FromParts)
	to, wrongTo := c.ExactInstant(protocol.ToParts)
	if wrongFrom || wrongTo || to.Before(from) || to.Sub(from) > periodLongest {
		return now.Add(-periodUsual), now.Add(time.Second)
	}
	return from, to.Add(time.Minute)
}

// fileOf names the answer by merchant and period; nil when it is not to be stored.
func (q *periodQuery) fileOf(merchant int32) *protocol.File {
	if q.file == protocol.ShownInBrowser {
		return nil
	}
	const minute = "200601021504"
	return &protocol.File{Name: fmt.Sprintf("%s_%d_%s_%s", periodService, merchant, q.from.UTC().Format(minute), q.to.Add(-time.Second).UTC().Format(minute)),
		Mode: q.file, At: q.at}
}
