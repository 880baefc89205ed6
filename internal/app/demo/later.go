package demo

import (
	"context"
	"fmt"
	"net/url"

	"settled/internal/money"
)

// payLater is a merchant who asks for the next payment of a subscription.
func (p *play) payLater(ctx context.Context, s *sale) error {
	began := p.byPlan[s.After]
	if !began.paid {
		return fmt.Errorf("subscription of %s did not begin", began.Number)
	}
	return p.pay(ctx, s, s.Tries[0])
}

// payByToken is a merchant whose customer pays with the card that is kept, on a page of the merchant's own.
func (p *play) payByToken(ctx context.Context, s *sale) error {
	kept := p.byPlan[s.After]
	if kept.token == "" {
		said, err := p.fronts[s.Shop].Result(ctx, kept.Number)
		if err != nil {
			return err
		}
		if kept.token = said.Token; kept.token == "" {
			return fmt.Errorf("order %s has no token of its card", kept.Number)
		}
	}
	s.with = kept.token
	return p.pay(ctx, s, s.Tries[0])
}

// later posts the next payment of a subscription.
func (t *terminal) later(ctx context.Context, s *sale, first string) (told, error) {
	return t.post(ctx, s.Shop, "/recurrent/rp.cfm", "rp", url.Values{"Billnumber": {first}, "OrderNumber": {s.Number},
		"Amount": {s.Amount.Decimal()}, "Currency": {s.Amount.Currency.String()}})
}

// byToken posts a payment with a stored card.
func (t *terminal) byToken(ctx context.Context, s *sale) (told, error) {
	return t.post(ctx, s.Shop, "/pay/tokenpay.cfm", "tokenpay", url.Values{"OrderNumber": {s.Number}, "OrderAmount": {s.Amount.Decimal()},
		"OrderCurrency": {s.Amount.Currency.String()}, "TokenType": {"5"},
		"PaymentToken": {fmt.Sprintf(`{"Token":%q,"CustomerNumber":%q}`, s.with, s.Customer)}})
}

// inPayment is an amount of the order as the currency of its payment has it: that of a step of a converted order is a share.
func (s *sale) inPayment(minor int64) money.Amount {
	if s.taken.Currency == s.Amount.Currency || s.Amount.Minor == 0 {
		return money.Amount{Minor: minor, Currency: s.Amount.Currency}
	}
	return money.Amount{Minor: max(1, minor*s.taken.Minor/s.Amount.Minor), Currency: s.taken.Currency}
}
