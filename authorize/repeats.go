package authorize

import (
	"context"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
)

// repeatHeader names, in the answer to a request that repeats an earlier one, why it counts as a repeat: a [settle.Repeat].
const repeatHeader = "X-Settled-Repeat"

// repeatWords are the recommendation of an answer that repeats an earlier one's.
var repeatWords = [protocol.Languages]string{
	protocol.English: "Repeat of an earlier request: nothing was done now",
	protocol.Russian: "Повтор более раннего запроса: сейчас ничего не выполнено",
}

// operated answers a confirmation or cancel.
func (g *Gateway) operated(c *tenants.Caller, r *settle.OperationResult) *reply {
	rec := g.teller(c).Operation(r.Order, r.Operation)
	if r.Repeat != "" {
		rec[protocol.OutRecommendation] = repeatWords[c.Language]
	}
	a := one(rec)
	a.repeat, a.again = r.Repeat, r.Again
	if r.Operation.State != settle.OperationInProcess {
		a.ends = &ending{r.Order.ID, r.Operation.Number}
	}
	return a
}

// refused notes that the answer tells that a payment was refused: what its merchant was told once does not answer the next try.
func (a *reply) refused(o *settle.Order, op *settle.Operation) {
	if o.PaymentNumber != 0 && (op.State == settle.OperationFailed || op.State == settle.OperationTimedOut) {
		a.ends = &ending{o.ID, op.Number}
	}
}

// repeated marks the answer to a payment that was asked for before.
func (a *reply) repeated() *reply {
	switch a.Orders[0].Row[protocol.OutResponseCode] {
	case protocol.ResponseApproved:
		a.repeat = settle.RepeatKey // the order number is the key of a payment
	case protocol.ResponseInProcess, protocol.ResponseSecure:
		a.repeat = settle.RepeatInProcess
	default:
		a.repeat = settle.RepeatUnanswered
	}
	return a
}

// tellRepeat says aloud, before the answer is written, that a request is a repeat, or that it may be one and was served all the same.
func (g *Gateway) tellRepeat(w http.ResponseWriter, s *service, c *tenants.Caller, a *reply, id string) {
	switch {
	case a.repeat != "":
		w.Header()[repeatHeader] = []string{string(a.repeat)}
		g.log.Info("a repeat: nothing was done", slog.String("route", s.path), slog.String("request", id), slog.Any("merchant", c.Merchant.ID), slog.String("billnumber", a.Orders[0].Row[protocol.OutBillNumber]),
			slog.String("why", string(a.repeat)))
		g.meter.repeated(s.path, string(a.repeat))
	case a.again:
		g.log.Warn("an operation equal to an earlier one was done", slog.String("route", s.path), slog.String("request", id), slog.Any("merchant", c.Merchant.ID),
			slog.String("billnumber", a.Orders[0].Row[protocol.OutBillNumber]))
		g.meter.repeated(s.path, doneAgain)
	}
}

// toldWithin bounds the note that an answer was handed over.
const toldWithin = 5 * time.Second

// handedOver notes that the merchant has been handed the final result of an operation. It has not when its connection broke: then
// the next equal request asks for this answer.
// at is when the answer was begun to be written.
func (g *Gateway) handedOver(r *http.Request, c *tenants.Caller, a *reply, at time.Time, broken error) {
	if a.ends == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), toldWithin)
	defer cancel()
	if broken == nil {
		broken = r.Context().Err()
	}
	if broken == nil {
		broken = g.books.Told(ctx, c.Merchant.ID, a.ends.order, a.ends.operation, at)
	}
	if broken != nil {
		g.meter.lost()
		g.log.Warn("an answer is not known to have been handed over", slog.Any("merchant", c.Merchant.ID),
			slog.String("billnumber", strconv.FormatInt(a.ends.order, 10)+"."+strconv.Itoa(int(a.ends.operation))), slog.Any("error", broken))
	}
}
