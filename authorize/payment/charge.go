package payment

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"settled/authorize/instant"
	"settled/settle"
	"settled/settle/credential"
)

// chargeWithin is how long a partner bank may take to decide about a charge before it is asked for the last time.
const chargeWithin = 10 * time.Minute

// charge takes a later payment from a consent, without the buyer. A bank that does not answer, or has not decided, is asked
// again under the same id until it has. An error tells that the bank was not asked.
func (d *Instant) charge(ctx context.Context, o *settle.Order, c *credential.Credential) error {
	books, cancel := context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	token, err := d.Credentials.UseConsent(books, c)
	if err != nil {
		return err
	}
	defer token.Wipe()
	p, err := d.Books.BeginInstant(books, o.Merchant, o.ID, d.Now().Add(chargeWithin))
	if err != nil || !p.Fresh { // somebody else has asked; the bank's word on this call could not be told from that on theirs
		return err
	}
	m, _ := d.Directory.Merchant(o.Merchant)
	said, err := d.Partners[p.Center].Client.Charge(ctx, instant.ChargeRequest{ID: p.ID(), Token: string(token.Reveal()), Amount: p.Amount,
		Description: payerText(m, o)})
	books, cancel = context.WithTimeout(ctx, SettleTimeout)
	defer cancel()
	switch {
	case errors.Is(err, instant.ErrRefused):
		err = d.end(books, p, settle.EndRefused, "the bank refused to charge it: "+err.Error())
	case err == nil:
		err = d.learn(books, p, said)
	}
	if err != nil {
		d.Log.Warn("charge of a consent without an outcome; the bank is asked", slog.String("payment", p.ID()), slog.Any("error", err))
	}
	return nil
}
