package checkout

import (
	"context"
	"slices"

	"settled/authorize/instant"
	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/settle"
)

// codeBody is the page of an instant payment that the order waits for, nil when it waits for none. Once the code cannot be
// paid any more, the bank has the word.
func (v *visit) codeBody(ctx context.Context) (page.Body, error) {
	p, err := v.in.instant.Waiting(ctx, v.order)
	if p == nil || err != nil {
		return nil, err
	}
	if p.State == settle.InstantActive && !v.in.now().Before(p.ExpiresAt) {
		return page.Wait{}, nil
	}
	code := page.QR{Payload: p.Payload, Until: p.ExpiresAt, Means: slices.Contains(v.means(), page.MeansCard), Recurring: v.recurring(true)}
	if p.Payload == "" {
		return code, nil
	}
	if code.Asked, err = v.in.instant.AskedInApp(ctx, v.order); code.Asked || err != nil {
		return code, err
	}
	for _, bank := range v.in.instant.Banks(ctx, p.Center) {
		code.Banks = append(code.Banks, v.app(bank, p))
	}
	return code, nil
}

// app is how a phone comes to a bank that can pay a code.
func (v *visit) app(bank instant.Bank, p *settle.InstantPayment) page.Bank {
	name := bank.NameEN
	if name == "" || v.words() == protocol.Russian && bank.NameRU != "" {
		name = bank.NameRU
	}
	return page.Bank{Name: name, URL: bank.AppLink(p.Payload)}
}

// leaveCode goes from the page of a code to another one, or asks for the code again.
func (v *visit) leaveCode(ctx context.Context, asked string) error {
	var err error
	switch asked {
	case page.DoMeans:
		err = v.in.instant.Leave(ctx, v.order, payment.LeftForOthers)
	case page.DoRetry:
		err = v.in.instant.Begin(ctx, v.order)
	}
	if err != nil && !payment.Overtaken(err) {
		return err
	}
	return v.again()
}
