package authorize

import (
	"bytes"
	"context"
	"errors"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/credential"
	"settled/settle/order"
)

// tokenTypeStored is the TokenType of a card that is stored with us; the others are those of wallets.
const tokenTypeStored = 5

// errNoStored is answered for every token that does not stand for a card of the merchant's buyer, whatever the reason.
var errNoStored = &protocol.Fault{First: protocol.FirstNotFound, Second: protocol.OnCard, Detail: "no such stored card"}

// payToken serves a payment with a stored card, which the buyer started on the merchant's own page.
func (g *Gateway) payToken(ctx context.Context, c *tenants.Caller) (*reply, error) {
	r, s, err := g.readTokenPayment(ctx, c)
	defer s.CVV.Wipe()
	if err != nil {
		return nil, err
	}
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	books, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	c.Fingerprint = r.Fingerprint
	o, fresh, err := g.books.Open(books, r)
	if err != nil {
		return nil, err
	}
	return g.payOnce(ctx, c, o, fresh, func() error { return g.wallet.Pay(ctx, o, s) })
}

// readTokenPayment checks everything that can be refused without a trace. The caller wipes the verification code.
func (g *Gateway) readTokenPayment(ctx context.Context, c *tenants.Caller) (r settle.OpenRequest, s payment.StoredPayment, err error) {
	r = settle.OpenRequest{Merchant: c.Merchant, OrderNumber: c.Text(protocol.InOrderNumber), Means: order.MeansCard, Tries: 1,
		PayBefore: g.now().Add(payment.StoredPayWithin), RepeatWithin: settle.RepeatWithin}
	if err = c.Require(protocol.InOrderNumber, protocol.InOrderAmount, protocol.InPaymentToken); err != nil {
		return r, s, err
	}
	if r.Original, err = c.OrderAmount(); err != nil {
		return r, s, err
	}
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return r, s, err
	}
	c.ReadLanguage(c.Settings.Language())
	if s, err = g.readStored(ctx, c); err != nil {
		return r, s, err
	}
	if err = g.ways.CheckBrand(c.Merchant, r.Original, s.Credential.CardMask); err != nil {
		return r, s, err
	}
	r.TwoStage, r.Customer, r.Details = delay == 1, s.Credential.Customer, c.Details()
	r.Fingerprint = g.prints.Token(&r, s.Credential)
	return r, s, nil
}

// readStored reads which stored card is meant, and its verification code if the buyer gave it.
func (g *Gateway) readStored(ctx context.Context, c *tenants.Caller) (s payment.StoredPayment, err error) {
	kind, err := c.Number(protocol.InTokenType, 1, 6, 1)
	switch {
	case err != nil:
		return s, err
	case kind != tokenTypeStored:
		return s, protocol.Refuse(protocol.FirstProhibited, protocol.OnMeans, "tokens of wallets are not taken; use TokenType=5 for a stored card")
	case !c.Settings.Page.OneClick:
		return s, protocol.Refuse(protocol.FirstProhibited, protocol.OnMeans, "stored cards are not available")
	}
	token, err := c.PaymentToken()
	if err != nil {
		return s, err
	}
	s.Use = online.CardOnFile
	if s.Credential, err = g.credentials.Find(ctx, c.Merchant.ID, token.ID); errors.Is(err, credential.ErrNone) {
		return s, errNoStored
	}
	if err == nil && (s.Credential.Customer != token.Customer || s.Credential.Means != order.MeansCard) {
		return s, errNoStored
	}
	if err == nil && c.Has(protocol.InCVC) {
		if s.CVV, err = vault.ParseCVV(bytes.Clone(c.Bytes(protocol.InCVC))); err != nil {
			err = protocol.Unreadable(protocol.InCVC, "must be 3 or 4 digits")
		}
	}
	return s, err
}
