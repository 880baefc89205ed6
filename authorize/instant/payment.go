package instant

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/money"
)

// Status is what became of a payment, a charge or a refund.
type Status string

// The statuses of payments (Active, Paid, Expired, Refused), of charges (Pending, Paid, Refused) and of refunds (Pending,
// Done, Refused). Paid, Done and Refused are final; Expired is not, see the package.
const (
	Active  Status = "active"
	Pending Status = "pending"
	Paid    Status = "paid"
	Expired Status = "expired"
	Refused Status = "refused"
	Done    Status = "done"
)

// CodeCanceled is the code of a payment that is Refused because [Client.Cancel] took it back.
const CodeCanceled = "canceled"

// Limits of a registration.
const (
	MinTTL         = time.Minute
	MaxTTL         = 90 * 24 * time.Hour
	MaxDescription = 140 // characters
)

// Registration asks for a dynamic QR: one payment of one amount.
type Registration struct {
	// ID is ours: order and operation. 1 to 64 letters, digits or ._:-, the first one a letter or digit.
	ID     string
	Amount money.Amount
	// Description is what the buyer reads, at most MaxDescription characters.
	Description string
	// TTL is how long the QR can be paid, in whole seconds from MinTTL to MaxTTL.
	TTL time.Duration
	// ReturnURL is where the bank's app sends the buyer afterwards; empty for nowhere.
	ReturnURL string
	// Subscribe asks the buyer to consent to later payments without him.
	Subscribe bool
	// Token is a subscription that the buyer gave earlier (One Click): its buyer is asked in his app to confirm.
	Token string
}

// ChargeRequest asks for a payment from a subscription, without the buyer.
type ChargeRequest struct {
	// ID is ours, of the same form as that of a registration and from the same set.
	ID          string
	Token       string
	Amount      money.Amount
	Description string
}

// Payment is what the bank says of a payment or a charge.
type Payment struct {
	ID string
	// QR is the bank's id of the QR, Payload the URL in it; both empty for a charge.
	QR, Payload string
	Status      Status
	Amount      money.Amount
	// ExpiresAt is until when the QR can be paid; zero for a charge.
	ExpiresAt time.Time
	// Refunded is what was given back so far.
	Refunded money.Amount
	// Code is the bank's reason, when the status is Refused.
	Code string
	// Receipt is how it was paid, zero unless the status is Paid.
	Receipt Receipt
}

// Receipt is how a payment was paid.
type Receipt struct {
	// OperationID is the scheme's own id, the match key of reconciliation.
	OperationID string
	At          time.Time
	// Amount is what was paid. Compare it with the amount of the order before anything is booked.
	Amount money.Amount
	// BankID and Bank are the buyer's bank, Buyer the buyer, masked by the bank.
	BankID, Bank, Buyer string
	// Token is the subscription that paid, or that the buyer consented to; empty without one. Whoever has it and our key
	// can charge the buyer: it is kept like a password and never logged.
	Token string
}

// paymentBody is a payment on the wire.
type paymentBody struct {
	ID        string         `json:"id"`
	QR        string         `json:"qr_id"`
	Payload   string         `json:"payload"`
	Status    Status         `json:"status"`
	Amount    jsontext.Value `json:"amount"`
	Currency  string         `json:"currency"`
	ExpiresAt time.Time      `json:"expires_at"`
	Refunded  jsontext.Value `json:"refunded"`
	Code      string         `json:"code"`
	Paid      *struct {
		OperationID string         `json:"operation_id"`
		At          time.Time      `json:"at"`
		Amount      jsontext.Value `json:"amount"`
		BankID      string         `json:"bank_id"`
		Bank        string         `json:"bank"`
		Buyer       string         `json:"payer"`
		Token       string         `json:"token"`
	} `json:"paid"`
}

type registrationBody struct {
	ID           string         `json:"id"`
	Amount       jsontext.Value `json:"amount"`
	Currency     money.Currency `json:"currency"`
	Description  string         `json:"description"`
	TTL          int64          `json:"ttl_seconds"`
	ReturnURL    string         `json:"return_url,omitzero"`
	Subscription bool           `json:"subscription,omitzero"`
	Token        string         `json:"token,omitzero"`
}

type chargeBody struct {
	ID          string         `json:"id"`
	Token       string         `json:"token"`
	Amount      jsontext.Value `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description"`
}

// Register registers a payment and returns its QR. Repeats with the same arguments return the payment as it is by then.
func (c *Client) Register(ctx context.Context, r Registration) (Payment, error) {
	if err := r.check(); err != nil {
		return Payment{}, err
	}
	return c.payment(ctx, request{"register", r.ID, http.MethodPost, "/v1/payments", registrationBody{
		ID: r.ID, Amount: c.options.Unit.encode(r.Amount), Currency: r.Amount.Currency, Description: r.Description,
		TTL: int64(r.TTL / time.Second), ReturnURL: r.ReturnURL, Subscription: r.Subscribe, Token: r.Token,
	}}, func(p *Payment) error {
		if p.QR == "" || p.ID != r.ID || p.Amount != r.Amount {
			return fmt.Errorf("it is about payment %q of %s", p.ID, p.Amount)
		}
		return nil
	})
}

// Charge takes a payment from a subscription. The status of the result is Paid, Refused or Pending. Repeats with the same
// arguments return the charge as it is by then; [Client.Payment] asks for it.
func (c *Client) Charge(ctx context.Context, r ChargeRequest) (Payment, error) {
	if !printable(r.Token, maxToken) {
		return Payment{}, invalid("the token is not 1 to %d printable characters", maxToken)
	}
	if err := errors.Join(checkID(r.ID), check(r.Amount), checkDescription(r.Description)); err != nil {
		return Payment{}, err
	}
	return c.payment(ctx, request{"charge", r.ID, http.MethodPost, "/v1/charges", chargeBody{
		ID: r.ID, Token: r.Token, Amount: c.options.Unit.encode(r.Amount), Currency: r.Amount.Currency, Description: r.Description,
	}}, func(p *Payment) error {
		if p.QR != "" || p.ID != r.ID || p.Amount != r.Amount {
			return fmt.Errorf("it is about payment %q of %s", p.ID, p.Amount)
		}
		return nil
	})
}

// Payment asks for a payment or a charge by our id. When the bank does not know it, the error wraps ErrNotFound; a
// request that is still on its way can make it known later, until [FinalAfter].
func (c *Client) Payment(ctx context.Context, id string) (Payment, error) {
	if err := checkID(id); err != nil {
		return Payment{}, err
	}
	return c.payment(ctx, request{"payment", id, http.MethodGet, "/v1/payments/" + url.PathEscape(id), nil}, func(p *Payment) error {
		if p.ID != id {
			return fmt.Errorf("it is about payment %q", p.ID)
		}
		return nil
	})
}

// Cancel takes back a QR that nobody has paid. The status of the result says whether that worked: Refused, when the QR
// cannot be paid any more; Active, when money may be on its way, so that only the bank's later word decides; else what the
// payment had come to before. Repeats change nothing more.
func (c *Client) Cancel(ctx context.Context, id string) (Payment, error) {
	if err := checkID(id); err != nil {
		return Payment{}, err
	}
	return c.payment(ctx, request{"cancel", id, http.MethodPost, "/v1/payments/" + url.PathEscape(id) + "/cancel", struct{}{}}, func(p *Payment) error {
		if p.ID != id {
			return fmt.Errorf("it is about payment %q", p.ID)
		}
		return nil
	})
}

// payment calls for a payment and checks it.
func (c *Client) payment(ctx context.Context, r request, accept func(*Payment) error) (out Payment, err error) {
	_, err = call(ctx, c, r, func(body *paymentBody) (err error) {
		if out, err = c.read(body); err == nil {
			err = accept(&out)
		}
		return err
	})
	if err != nil {
		return Payment{}, err
	}
	return out, nil
}

const maxToken = 128

var (
	ourID  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)
	bankID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

func checkID(id string) error {
	if !ourID.MatchString(id) {
		return invalid("id %.70q is not 1 to 64 letters, digits or ._:-", id)
	}
	return nil
}

func checkDescription(text string) error {
	if utf8.RuneCountInString(text) > MaxDescription || !utf8.ValidString(text) {
		return invalid("the description is not a text of at most %d characters", MaxDescription)
	}
	return nil
}

func (r Registration) check() error {
	if r.TTL < MinTTL || r.TTL > MaxTTL || r.TTL%time.Second != 0 {
		return invalid("TTL %s is not in whole seconds from %s to %s", r.TTL, MinTTL, MaxTTL)
	}
	if r.ReturnURL != "" {
		if u, err := url.Parse(r.ReturnURL); err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || len(r.ReturnURL) > 2048 {
			return invalid("return URL %.200q", r.ReturnURL)
		}
	}
	if r.Token != "" && !printable(r.Token, maxToken) {
		return invalid("the token is not at most %d printable characters", maxToken)
	}
	return errors.Join(checkID(r.ID), check(r.Amount), checkDescription(r.Description))
}
