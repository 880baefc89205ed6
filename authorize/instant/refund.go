package instant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/money"
)

// RefundRequest asks to give money of a paid payment back.
type RefundRequest struct {
	// ID is ours, of the same form as that of a registration but from a set of its own.
	ID string
	// PaymentID is our id of the payment or charge.
	PaymentID string
	// Amount is at most what was paid less what was refunded or is pending.
	Amount      money.Amount
	Description string
}

// Refund is what the bank says of a refund.
type Refund struct {
	ID, PaymentID string
	// Status is Done, Refused or Pending.
	Status Status
	Amount money.Amount
	// Code is the bank's reason, when the status is Refused.
	Code string
	// OperationID is the scheme's own id and At the time, when the status is Done.
	OperationID string
	At          time.Time
}

// refundBody is a refund on the wire.
type refundBody struct {
	ID          string         `json:"id"`
	PaymentID   string         `json:"payment_id"`
	Status      Status         `json:"status"`
	Amount      jsontext.Value `json:"amount"`
	Currency    string         `json:"currency"`
	Code        string         `json:"code"`
	OperationID string         `json:"operation_id"`
	At          time.Time      `json:"at"`
}

type refundRequestBody struct {
	ID          string         `json:"id"`
	PaymentID   string         `json:"payment_id"`
	Amount      jsontext.Value `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description,omitzero"`
}

// Refund gives money back. Repeats with the same arguments return the refund as it is by then.
func (c *Client) Refund(ctx context.Context, r RefundRequest) (Refund, error) {
	if err := errors.Join(checkID(r.ID), checkID(r.PaymentID), check(r.Amount), checkDescription(r.Description)); err != nil {
		return Refund{}, err
	}
	return c.refund(ctx, request{"refund", r.ID, http.MethodPost, "/v1/refunds", refundRequestBody{
		ID: r.ID, PaymentID: r.PaymentID, Amount: c.options.Unit.encode(r.Amount), Currency: r.Amount.Currency, Description: r.Description,
	}}, func(got *Refund) error {
		if got.ID != r.ID || got.PaymentID != r.PaymentID || got.Amount != r.Amount {
			return fmt.Errorf("it is about refund %q of payment %q, %s", got.ID, got.PaymentID, got.Amount)
		}
		return nil
	})
}

// refund calls for a refund and checks it.
func (c *Client) refund(ctx context.Context, r request, accept func(*Refund) error) (out Refund, err error) {
	_, err = call(ctx, c, r, func(body *refundBody) (err error) {
		if out, err = c.readRefund(body); err == nil {
			err = accept(&out)
		}
		return err
	})
	if err != nil {
		return Refund{}, err
	}
	return out, nil
}

func (c *Client) readRefund(b *refundBody) (Refund, error) {
	r := Refund{ID: b.ID, PaymentID: b.PaymentID, Status: b.Status, Code: b.Code, OperationID: b.OperationID, At: b.At.UTC()}
	currency, err := money.ParseCurrency(b.Currency)
	if err != nil {
		return r, err
	}
	if r.Amount, err = c.options.Unit.decode(b.Amount, currency); err != nil {
		return r, err
	}
	switch {
	case !slices.Contains(refundStatuses, r.Status):
		return r, fmt.Errorf("status %.40q", r.Status)
	case r.Status == Done && (!bankID.MatchString(r.OperationID) || r.At.IsZero()):
		return r, fmt.Errorf("refund done under operation id %.70q, or without a time", r.OperationID)
	case (r.Code != "") != (r.Status == Refused) || r.Code != "" && !printable(r.Code, 64):
		return r, fmt.Errorf("status %s with code %.70q", r.Status, r.Code)
	}
	return r, nil
}

// CancelSubscription ends a subscription: it can no longer be charged. Repeats do nothing more. A token that the bank does
// not know is ErrNotFound.
func (c *Client) CancelSubscription(ctx context.Context, token string) error {
	if !printable(token, maxToken) {
		return invalid("the token is not 1 to %d printable characters", maxToken)
	}
	type tokenBody struct {
		Token string `json:"token"`
	}
	type result struct {
		Token  string `json:"token"`
		Status string `json:"status"`
	}
	_, err := call(ctx, c, request{"cancel_subscription", "", http.MethodPost, "/v1/subscriptions/cancel", tokenBody{token}}, func(r *result) error {
		if r.Token != token || r.Status != "canceled" {
			return fmt.Errorf("it is about another token, or the status is %.40q", r.Status)
		}
		return nil
	})
	return err
}
