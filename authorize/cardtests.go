package authorize

import (
	"context"
	"log/slog"
	"time"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle/order"
)

// paidBy is a payment of a merchant's server, before it is made. Its source is the buyer's, as far as the merchant tells it.
func paidBy(c *tenants.Caller, card vault.PAN) tenants.Paid {
	return tenants.Paid{Merchant: c.Merchant.ID, Source: c.Text(protocol.InClientIP), Card: card, Mask: card.Mask()}
}

// untested refuses a payment that looks like the trying of cards, unless it repeats one that was taken.
func (g *Gateway) untested(ctx context.Context, c *tenants.Caller, p *tenants.Paid) error {
	refusal := g.tests.Refuses(p)
	if refusal == nil {
		return nil
	}
	now := g.now()
	taken, err := g.books.Attempts(ctx, c.Merchant.ID, c.Text(protocol.InOrderNumber), now.Add(-orderStatePeriod), now.Add(24*time.Hour))
	if err != nil {
		return err
	}
	if len(taken) > 0 && taken[len(taken)-1].Status != order.Declined {
		return nil
	}
	return refusal
}

// noteTested counts what a payment of a merchant's server came to. What the center was not asked says nothing of the card.
func (g *Gateway) noteTested(p *tenants.Paid, a *reply, err error) {
	if err != nil || a.repeat != "" {
		return
	}
	p.Approved = classOf(a) == protocol.ClassSuccess
	if p.Approved || classOf(a) == protocol.ClassDeclined && a.Orders[0].Row[protocol.OutResponseCode] != protocol.ResponseReception {
		g.tests.Note(p)
	}
}

// tellTested tells people that payments begin to be refused.
func tellTested(m *meter, log *slog.Logger) func(tenants.Tested) {
	return func(t tenants.Tested) {
		m.tested(t.Why)
		log.Error("somebody tries card numbers; payments like his are refused", slog.Any("merchant", t.Merchant), slog.String("why", t.Why),
			slog.String("source", t.Source), slog.String("bin", t.BIN), slog.Time("until", t.Until))
	}
}
