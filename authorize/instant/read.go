package instant

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"unicode"
	"unicode/utf8"

	"settled/internal/money"
)

// paymentStatuses are what a payment by QR, and a charge, can be.
var (
	paymentStatuses = []Status{Active, Paid, Expired, Refused}
	chargeStatuses  = []Status{Pending, Paid, Refused}
	refundStatuses  = []Status{Pending, Done, Refused}
)

// read turns a payment of the wire into one of ours. It believes nothing that it can check.
func (c *Client) read(b *paymentBody) (Payment, error) {
	p := Payment{ID: b.ID, QR: b.QR, Payload: b.Payload, Status: b.Status, ExpiresAt: b.ExpiresAt.UTC(), Code: b.Code}
	if !ourID.MatchString(b.ID) {
		return p, fmt.Errorf("payment id %.70q", b.ID)
	}
	currency, err := money.ParseCurrency(b.Currency)
	if err != nil {
		return p, err
	}
	if p.Amount, err = c.options.Unit.decode(b.Amount, currency); err != nil {
		return p, err
	}
	if p.Refunded, err = c.options.Unit.decode(b.Refunded, currency); err != nil {
		return p, fmt.Errorf("refunded: %w", err)
	}
	if err := c.readPaid(b, &p); err != nil {
		return p, err
	}
	return p, p.check()
}

// readPaid reads how a payment was paid.
func (c *Client) readPaid(b *paymentBody, p *Payment) error {
	if (b.Paid != nil) != (b.Status == Paid) {
		return fmt.Errorf("status %.40q, and paid is there: %v", b.Status, b.Paid != nil)
	}
	if b.Paid == nil {
		return nil
	}
	amount, err := c.options.Unit.decode(b.Paid.Amount, p.Amount.Currency)
	if err != nil {
		return fmt.Errorf("paid: %w", err)
	}
	p.Receipt = Receipt{
		OperationID: b.Paid.OperationID, At: b.Paid.At.UTC(), Amount: amount, BankID: b.Paid.BankID, Bank: b.Paid.Bank,
		Buyer: b.Paid.Buyer, Token: b.Paid.Token,
	}
	return p.Receipt.check()
}

func (r Receipt) check() error {
	switch {
	case !bankID.MatchString(r.OperationID):
		return fmt.Errorf("operation id %.70q", r.OperationID)
	case r.At.IsZero() || r.Amount.Minor == 0:
		return fmt.Errorf("operation %s without a time or an amount", r.OperationID)
	case r.Token != "" && !printable(r.Token, maxToken):
		return fmt.Errorf("operation %s with a token that is not at most %d printable characters", r.OperationID, maxToken)
	case !text(r.BankID) || !text(r.Bank) || !text(r.Buyer):
		return fmt.Errorf("operation %s with a name that is not a text of at most 140 characters", r.OperationID)
	}
	return nil
}

func (p *Payment) check() error {
	statuses := paymentStatuses
	if p.QR == "" {
		statuses = chargeStatuses
	}
	switch {
	case !slices.Contains(statuses, p.Status):
		return fmt.Errorf("status %.40q", p.Status)
	case p.Amount.Minor == 0:
		return fmt.Errorf("payment %s of nothing", p.ID)
	case p.Refunded.Minor > p.Receipt.Amount.Minor:
		return fmt.Errorf("payment %s is refunded by more than was paid", p.ID)
	case (p.Code != "") != (p.Status == Refused) || p.Code != "" && !printable(p.Code, 64):
		return fmt.Errorf("status %s with code %.70q", p.Status, p.Code)
	case p.QR == "":
		return nil
	case !bankID.MatchString(p.QR) || p.ExpiresAt.IsZero():
		return fmt.Errorf("QR id %.70q, or no expiry", p.QR)
	}
	return p.checkPayload()
}

// checkPayload refuses a QR that leads to no web address, or asks for another sum. The sum of a payload is in minor
// units.
func (p *Payment) checkPayload() error {
	u, err := url.Parse(p.Payload)
	if err != nil || len(p.Payload) > 512 || u.Host == "" || u.User != nil || u.Scheme != "https" && !(u.Scheme == "http" && loopback(u.Hostname())) {
		return fmt.Errorf("payload %.200q is not a web address", p.Payload)
	}
	q := u.Query()
	if q.Has("sum") && q.Get("sum") != strconv.FormatInt(p.Amount.Minor, 10) || q.Has("cur") && q.Get("cur") != p.Amount.Currency.String() {
		return fmt.Errorf("payload %.200q does not ask for %s", p.Payload, p.Amount)
	}
	return nil
}

// text reports whether s can be shown: at most 140 characters, none of them a control character.
func text(s string) bool {
	for _, r := range s {
		if unicode.IsControl(r) {
			return false
		}
	}
	return utf8.ValidString(s) && utf8.RuneCountInString(s) <= 140
}
