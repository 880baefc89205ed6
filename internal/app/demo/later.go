package demo

import (
	"context"
	"encoding/json"
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

// payByToken is a merchant whose buyer pays with the card that is kept, on a page of the merchant's own.
func (p *play) payByToken(ctx context.Context, s *sale) error {
	kept := p.byPlan[s.After]
	if kept.token == "" {
		var err error
		if kept.token, err = p.terminal.token(ctx, s.Shop, kept.Number); err != nil {
			return err
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

// token asks what stands for the card that an order was paid with.
func (t *terminal) token(ctx context.Context, s *Shop, number string) (string, error) {
	raw, err := t.send(ctx, s, "/orderresult/orderresult.cfm", url.Values{"Ordernumber": {number}})
	if err != nil {
		return "", err
	}
	var list struct {
		Orders []struct {
			Token string `json:"token"`
		} `json:"orders"`
	}
	if err := json.Unmarshal(raw["orderresult"], &list); err != nil {
		return "", fmt.Errorf("read result of %s: %w", number, err)
	}
	for _, o := range list.Orders { // the attempts of the order number
		if o.Token != "" {
			return o.Token, nil
		}
	}
	return "", fmt.Errorf("order %s tells no token of its card", number)
}

// byToken posts a payment with a stored card. The answer has sections: the order, and its one operation.
func (t *terminal) byToken(ctx context.Context, s *sale) (told, error) {
	raw, err := t.send(ctx, s.Shop, "/pay/tokenpay.cfm", url.Values{"OrderNumber": {s.Number}, "OrderAmount": {s.Amount.Decimal()},
		"OrderCurrency": {s.Amount.Currency.String()}, "TokenType": {"5"}, "Format": {"5"},
		"PaymentToken": {fmt.Sprintf(`{"Token":%q,"CustomerNumber":%q}`, s.with, s.Customer)}})
	if err != nil {
		return told{}, err
	}
	if text, ok := raw["fault"]; ok {
		return refused(text)
	}
	var answer struct {
		Order struct {
			told
			Operations []told `json:"operations"`
		} `json:"order"`
	}
	if err := json.Unmarshal(raw["tokenpay"], &answer); err != nil {
		return told{}, fmt.Errorf("read answer of tokenpay: %w", err)
	}
	if n := len(answer.Order.Operations); n != 1 {
		return told{}, fmt.Errorf("payment %s by token has %d operations", s.Number, n)
	}
	one := answer.Order.Operations[0]
	one.State = answer.Order.State
	return one, nil
}

// inPayment is an amount of the order as the currency of its payment has it: that of a step of a converted order is a share.
func (s *sale) inPayment(minor int64) money.Amount {
	if s.taken.Currency == s.Amount.Currency || s.Amount.Minor == 0 {
		return money.Amount{Minor: minor, Currency: s.Amount.Currency}
	}
	return money.Amount{Minor: max(1, minor*s.taken.Minor/s.Amount.Minor), Currency: s.taken.Currency}
}
