package payment

import (
	"context"
	"errors"
	"log/slog"

	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/settle"
	"settled/settle/credential"
)

// Cards carries out payments by card: it asks centers and tells the books. From the durable intent on, the work does not end with
// who asked for it; an outcome that is not known is a state, which a reversal or an inquiry resolves.
type Cards struct {
	books       *settle.Books
	credentials *credential.Store
	centers     map[int16]Center
	log         *slog.Logger
	late        *lateAnswers
	lates       chan online.LateAnswer
}

// NewCards makes the Cards of an installation with these centers, by their numbers.
func NewCards(books *settle.Books, credentials *credential.Store, centers map[int16]Center, log *slog.Logger) *Cards {
	return &Cards{books: books, credentials: credentials, centers: centers, log: log, late: newLateAnswers(), lates: make(chan online.LateAnswer, 1024)}
}

// Under returns the Cards of the same centers that write into other books. Late answers are told to one of both, which knows what either
// waits for.
func (c *Cards) Under(books *settle.Books) *Cards {
	other := *c
	other.books = books
	return &other
}

// Begin makes the intent of a payment durable, or finds the order that the same request made.
func (c *Cards) Begin(ctx context.Context, in settle.Intent) (*settle.Payment, *settle.Order, error) {
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	return c.books.Begin(ctx, in)
}

// Perform sends a payment that is durable and writes down what the center said. known is false when the outcome is not: the
// books then say what becomes of it.
func (c *Cards) Perform(ctx context.Context, p *settle.Payment, r online.Request) (result settle.Result, known bool) {
	a, err := c.exchange(ctx, p.Route.Center.ID, r)
	ctx, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	result = settle.Result{Approved: a.Approved(), ActionCode: a.ActionCode, ApprovalCode: a.ApprovalCode, NetworkID: a.NetworkID}
	switch {
	case errors.Is(err, online.ErrNotSent):
		result.Response = protocol.ResponseReception
	case err != nil:
		c.giveUp(ctx, p, err)
		return result, false
	default:
		result.Response = responseOf(a.ActionCode)
	}
	err = c.books.Finish(ctx, p, result)
	if err == nil {
		return result, true
	}
	if errors.Is(err, settle.ErrLate) && result.Approved {
		c.approvedLate(ctx, &latePayment{books: c.books, merchant: p.Merchant.ID, order: p.Order}, a)
	}
	c.giveUp(ctx, p, err)
	return result, false
}

// Request makes the message to the center. Everything that identifies it was made durable by Begin.
func (c *Cards) Request(p *settle.Payment, k protocol.Card) online.Request {
	kind := online.Authorization
	if p.Kind == settle.Purchase {
		kind = online.Purchase
	}
	return online.Request{
		Kind: kind, TwoStage: p.TwoStage, Amount: p.Amount, STAN: stan(p.Exchange), RRN: settle.RRN(p.Exchange),
		TransmittedAt: p.TransmittedAt, LocalTime: p.TransmittedAt.In(p.Route.Center.Zone),
		Terminal: p.Route.Terminal, Acceptor: p.Route.Acceptor, MCC: p.Merchant.MCC,
		Acquirer: c.centers[p.Route.Center.ID].Acquirer,
		Card:     online.Card{PAN: k.PAN, Expiry: k.Expiry, CVV: k.CVV},
	}
}

// exchange sends a payment. A request that no byte left of is the same transaction still: it is tried once more.
func (c *Cards) exchange(ctx context.Context, center int16, r online.Request) (online.Answer, error) {
	host := c.centers[center].Host
	a, err := host.Exchange(ctx, r)
	if errors.Is(err, online.ErrNotSent) && !errors.Is(err, online.ErrInvalidRequest) {
		a, err = host.Exchange(ctx, r)
	}
	return a, err
}

// giveUp records that the outcome is not known, unless it had been recorded after all. If the books cannot be reached the
// payment is given up later, and is in process till then.
func (c *Cards) giveUp(ctx context.Context, p *settle.Payment, cause error) {
	c.log.Warn("payment without an outcome", slog.Int64("order", p.Order), slog.String("center", p.Route.Center.Name), slog.Any("error", cause))
	late := c.late.expect(settle.RRN(p.Exchange), c.books, p.Merchant.ID, p.Order)
	give := c.books.GiveUp
	if errors.Is(cause, online.ErrUntrusted) {
		give = c.books.GiveUpUntrusted
	}
	if err := give(ctx, p.Merchant.ID, p.Order, p.Transaction); err != nil {
		c.log.Error("payment not given up; it will be", slog.Int64("order", p.Order), slog.Any("error", err))
		return
	}
	if a := c.late.givenUp(late); a != nil {
		c.approvedLate(ctx, late, *a)
	}
}
