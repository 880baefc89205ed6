package authorize

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

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
	errPeriodTooLarge = &fault{first: errValue, second: onInterval, detail: "the period holds more than 10000 orders or operations: ask for a shorter one"}
	errTooSoon        = &fault{first: errLimits, second: onRate, detail: "ask again ten minutes after the last answer"}
)

// periodQuery is what a merchant asks of a period. Empty fields ask for everything.
type periodQuery struct {
	from, to time.Time
	at       time.Time // when it is asked
	by       settle.PeriodBy
	state    string
	kind     string
	means    string
	file     fileMode
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
func (g *Gateway) resultByDate(ctx context.Context, c *caller) (*reply, error) {
	q, err := readPeriodQuery(c, g.Now())
	if err != nil {
		return nil, err
	}
	defer g.reading.Add(-1)
	if g.reading.Add(1) > periodReaders {
		return nil, errBusy
	}
	at := g.Now()
	mine, err := g.Books.TakeTurn(ctx, c.merchant.ID, periodService, at, periodInterval)
	if err != nil {
		return nil, err
	}
	if !mine {
		return nil, errTooSoon
	}
	a, err := g.period(ctx, c, q)
	if err != nil {
		books, cancel := patient(context.WithoutCancel(ctx))
		defer cancel()
		if back := g.Books.ReturnTurn(books, c.merchant.ID, periodService, at); back != nil {
			g.Log.Error("a call that failed counts", "merchant", c.merchant.ID, "error", back)
		}
		return nil, err
	}
	a.file = q.fileOf(c.merchant.ID)
	return a, nil
}

// period reads the operations and tells those that match.
func (g *Gateway) period(ctx context.Context, c *caller, q *periodQuery) (*reply, error) {
	if q.none {
		return &reply{}, nil
	}
	found, err := g.Books.Period(ctx, settle.PeriodRequest{Merchant: c.merchant.ID, From: q.from, To: q.to, By: q.by, Limit: periodLimit})
	if errors.Is(err, settle.ErrPeriodTooLarge) {
		return nil, errPeriodTooLarge
	}
	if err != nil {
		return nil, err
	}
	now, a, w := stamp(g.Now()), &reply{}, g.teller(c)
	for _, o := range found {
		for i := range o.Operations {
			op := &o.Operations[i]
			if !q.matches(op) {
				continue
			}
			rec := w.operation(o, op)
			if q.means != "" && rec[outMeansTypeID] != q.means {
				continue
			}
			rec[outPacketDate], rec[outErrorCode] = now, errorCode(op)
			a.orders = append(a.orders, told{record: rec})
		}
	}
	return a, nil
}

func (q *periodQuery) matches(op *settle.Operation) bool {
	return (q.kind == "" || kindLetters[q.kind] == op.Kind) && (q.state == "" || slices.Contains(stateLetters[q.state], op.State))
}

// errorCode is the number of a failed operation's response code: what is wrong, without a text. Empty when it has not
// failed.
func errorCode(op *settle.Operation) string {
	if op.State != settle.OperationFailed && op.State != settle.OperationTimedOut {
		return ""
	}
	return strings.TrimPrefix(op.Response, "AS")
}

// readPeriodQuery reads the parameters of resultbydate. Only a wrong period is passed over; the filters are not, because
// an answer to another question would not show it.
func readPeriodQuery(c *caller, now time.Time) (*periodQuery, error) {
	q := &periodQuery{at: now, state: c.text(inOperationState), kind: c.text(inOperationType)}
	by, err := c.number(inDateTimeMode, int(settle.ByOrderDate), int(settle.ByCompletion), int(settle.ByOrderDate))
	if err != nil {
		return nil, err
	}
	file, err := c.number(inZipFlag, int(inBrowser), int(asZIP), int(inBrowser))
	if err != nil {
		return nil, err
	}
	means, err := c.number(inMeansType, 0, maxInteger, 0)
	if err != nil {
		return nil, err
	}
	if means > 0 {
		q.means = strconv.Itoa(means)
	}
	q.by, q.file = settle.PeriodBy(by), fileMode(file)
	c.readLanguage(english)
	if err := errors.Join(q.checkLetters(), q.readTestMode(c)); err != nil {
		return nil, err
	}
	q.from, q.to = readPeriod(c, now)
	return q, nil
}

func (q *periodQuery) checkLetters() error {
	if _, known := stateLetters[q.state]; q.state != "" && !known {
		return invalid(inOperationState, "is none of N, P, S, F, T")
	}
	if _, known := kindLetters[q.kind]; q.kind != "" && !known {
		return invalid(inOperationType, "is none of A, C, R")
	}
	return nil
}

// readTestMode compares the mode that is asked for with the merchant's, which all of its orders have.
func (q *periodQuery) readTestMode(c *caller) error {
	test, err := c.number(inTestMode, 0, 1, 0)
	q.none = err == nil && c.has(inTestMode) && (test == 1) != c.settings.TestMode
	return err
}

// readPeriod reads the period of the request, with the minute that it ends in; the usual one when a date is missing, a part is
// wrong, or it is empty or too long. Hours and minutes that are missing are zero.
func readPeriod(c *caller, now time.Time) (from, to time.Time) {
	from, wrongFrom := c.exactInstant(fromParts)
	to, wrongTo := c.exactInstant(toParts)
	if wrongFrom || wrongTo || to.Before(from) || to.Sub(from) > periodLongest {
		return now.Add(-periodUsual), now.Add(time.Second)
	}
	return from, to.Add(time.Minute)
}

// fileOf names the answer by merchant and period; nil when it is not to be stored.
func (q *periodQuery) fileOf(merchant int32) *file {
	if q.file == inBrowser {
		return nil
	}
	const minute = "200601021504"
	return &file{name: fmt.Sprintf("%s_%d_%s_%s", periodService, merchant, q.from.UTC().Format(minute), q.to.Add(-time.Second).UTC().Format(minute)),
		mode: q.file, at: q.at}
}
