package pcsim

import (
	"cmp"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json"

	"settled/internal/money"
)

// ourID is the form of the ids that the other side chooses.
var ourID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$`)

// amountText is an amount as it stands in JSON.
type amountText string

// UnmarshalJSON keeps the value as it is.
func (a *amountText) UnmarshalJSON(raw []byte) error {
	*a = amountText(raw)
	return nil
}

// registration is the body of POST /v1/payments. The bodies are comparable, so that a repeat can be told from another
// request.
type registration struct {
	ID           string         `json:"id"`
	Amount       amountText     `json:"amount"`
	Currency     money.Currency `json:"currency"`
	Description  string         `json:"description"`
	TTL          int64          `json:"ttl_seconds"`
	ReturnURL    string         `json:"return_url"`
	Subscription bool           `json:"subscription"`
	Token        string         `json:"token"`
}

// chargeRequest is the body of POST /v1/charges.
type chargeRequest struct {
	ID          string         `json:"id"`
	Amount      amountText     `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description"`
	Token       string         `json:"token"`
}

// refundRequest is the body of POST /v1/refunds.
type refundRequest struct {
	ID          string         `json:"id"`
	PaymentID   string         `json:"payment_id"`
	Amount      amountText     `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Description string         `json:"description"`
}

// read decodes a request body, unknown and repeated members refused, and its amount.
func read[T any](b *Bank, body []byte, fields func(*T) (amountText, money.Currency)) (in T, a money.Amount, err error) {
	if err := json.Unmarshal(body, &in, json.RejectUnknownMembers(true)); err != nil {
		return in, a, err
	}
	text, currency := fields(&in)
	a, err = b.parseAmount(string(text), currency)
	return in, a, err
}

func badRequest(err error) bankReply {
	return problem(http.StatusBadRequest, "bad_request", "%v", err)
}

func checkID(id, description string) error {
	if !ourID.MatchString(id) {
		return fmt.Errorf("id %.70q is not 1 to 64 letters, digits or ._:-", id)
	}
	if utf8.RuneCountInString(description) > 140 {
		return fmt.Errorf("description has more than 140 characters")
	}
	return nil
}

func (b *Bank) register(_ *http.Request, body []byte) bankReply {
	in, amount, err := read(b, body, func(r *registration) (amountText, money.Currency) { return r.Amount, r.Currency })
	if err == nil && (in.TTL < 60 || in.TTL > 90*24*3600) {
		err = fmt.Errorf("ttl_seconds %d is not 60 to 7776000", in.TTL)
	}
	if err = cmp.Or(err, checkID(in.ID, in.Description)); err != nil {
		return badRequest(err)
	}
	return b.create(&bankPayment{request: in, outcome: bankOutcome(amount), BankPayment: BankPayment{
		ID: in.ID, Amount: amount, Description: in.Description, ReturnURL: in.ReturnURL, Asks: in.Subscription, Token: in.Token,
		Status: BankActive,
	}}, func(p *bankPayment, now time.Time) bankReply {
		if s := b.books.subscriptions[in.Token]; in.Token != "" && (s == nil || s.canceled) {
			return problem(http.StatusUnprocessableEntity, "token_unknown", "no such subscription, or it is canceled")
		}
		p.QR = "AD" + b.identifier("qr", in.ID, 30)
		p.Payload = b.payload(p.QR, amount)
		p.ExpiresAt = now.Add(time.Duration(in.TTL) * time.Second).UTC().Truncate(time.Millisecond)
		return okay(nil)
	})
}

func (b *Bank) charge(_ *http.Request, body []byte) bankReply {
	in, amount, err := read(b, body, func(r *chargeRequest) (amountText, money.Currency) { return r.Amount, r.Currency })
	if err = cmp.Or(err, checkID(in.ID, in.Description)); err != nil {
		return badRequest(err)
	}
	return b.create(&bankPayment{request: in, outcome: bankOutcome(amount), BankPayment: BankPayment{
		ID: in.ID, Amount: amount, Description: in.Description, Token: in.Token, Status: BankPending,
	}}, func(p *bankPayment, now time.Time) bankReply {
		switch s := b.books.subscriptions[in.Token]; {
		case s == nil:
			b.refuse(p, "token_unknown")
		case s.canceled:
			b.refuse(p, "token_canceled")
		case p.outcome == BuyerRefused:
			b.refuse(p, "insufficient_funds")
		case p.outcome == PaidLate:
			p.MemberID, p.Buyer, p.decides = s.memberID, s.buyer, now.Add(b.opt.PendingFor)
		default:
			p.MemberID, p.Buyer = s.memberID, s.buyer
			b.pay(p, now)
		}
		return okay(nil)
	})
}

// create books a payment unless its id is known, and answers as its test amount says. begin fills it, or refuses it.
func (b *Bank) create(p *bankPayment, begin func(*bankPayment, time.Time) bankReply) bankReply {
	b.lock()
	defer b.books.mu.Unlock()
	l := &b.books
	l.attempts["payment "+p.ID]++
	first := l.attempts["payment "+p.ID] == 1
	switch {
	case p.outcome == RegisterFails || p.outcome == RegisterFailsOnce && first:
		return problem(http.StatusServiceUnavailable, "unavailable", "the scheme does not answer; nothing was done")
	case p.outcome == RegisterSilent:
		return bankReply{silent: true}
	case p.outcome == RegisterRefused:
		return problem(http.StatusUnprocessableEntity, "limit_exceeded", "more than the merchant may take")
	}
	if known := l.payments[p.ID]; known != nil {
		if known.request != p.request {
			return problem(http.StatusConflict, "conflict", "id %s was used for something else", p.ID)
		}
		return okay(b.body(known))
	}
	if reply := begin(p, b.opt.Now()); reply.status != http.StatusOK {
		return reply
	}
	l.payments[p.ID], l.order = p, append(l.order, p)
	if p.QR != "" {
		l.byQR[p.QR] = p
	}
	if !p.final() {
		l.moving = append(l.moving, p)
	}
	if p.outcome == RegisterAnswerLost && first {
		return bankReply{silent: true}
	}
	return okay(b.body(p))
}

func (b *Bank) refund(_ *http.Request, body []byte) bankReply {
	in, amount, err := read(b, body, func(r *refundRequest) (amountText, money.Currency) { return r.Amount, r.Currency })
	if err = cmp.Or(err, checkID(in.ID, in.Description)); err != nil {
		return badRequest(err)
	}
	b.lock()
	defer b.books.mu.Unlock()
	if known := b.books.refunds[in.ID]; known != nil {
		if known.request != in {
			return problem(http.StatusConflict, "conflict", "id %s was used for something else", in.ID)
		}
		return okay(b.refundBody(known))
	}
	p := b.books.payments[in.PaymentID]
	if reply := b.refundable(p, amount); reply.status != http.StatusOK {
		return reply
	}
	r := &bankRefund{request: in, payment: p, amount: amount.Minor}
	b.books.refunds[in.ID] = r
	b.beginRefund(r)
	if p.outcome == RefundAnswerLost {
		return bankReply{silent: true}
	}
	return okay(b.refundBody(r))
}

// refundable checks a refund against what is left of the payment.
func (b *Bank) refundable(p *bankPayment, amount money.Amount) bankReply {
	switch {
	case p == nil:
		return problem(http.StatusNotFound, "not_found", "no such payment")
	case p.Status != BankPaid:
		return problem(http.StatusUnprocessableEntity, "not_paid", "the payment is %s", p.Status)
	case amount.Currency != p.Amount.Currency || amount.Minor > p.Amount.Minor-p.Refunded-b.pendingOf(p):
		return problem(http.StatusUnprocessableEntity, "amount_exceeded", "more than is left of the payment")
	}
	return okay(nil)
}

// beginRefund decides a refund, or lets it wait.
func (b *Bank) beginRefund(r *bankRefund) {
	now := b.opt.Now()
	switch r.payment.outcome {
	case RefundPending, RefundPendingRefused:
		r.status, r.decides = BankPending, now.Add(b.opt.PendingFor)
		b.totals(r.payment.Amount.Currency).Pending.add(r.amount)
		b.books.movingRefunds = append(b.books.movingRefunds, r)
	default:
		b.decideRefund(r, now)
	}
}

func (b *Bank) cancelSubscription(_ *http.Request, body []byte) bankReply {
	var in struct {
		Token string `json:"token"`
	}
	if err := json.Unmarshal(body, &in, json.RejectUnknownMembers(true)); err != nil {
		return badRequest(err)
	}
	b.lock()
	defer b.books.mu.Unlock()
	s := b.books.subscriptions[in.Token]
	if s == nil {
		return problem(http.StatusNotFound, "not_found", "no such subscription")
	}
	s.canceled = true
	return okay(map[string]string{"token": in.Token, "status": "canceled"})
}

// Subscriptions returns the tokens that can be charged, in alphabetic order.
func (b *Bank) Subscriptions() []string {
	b.lock()
	defer b.books.mu.Unlock()
	var out []string
	for token, s := range b.books.subscriptions {
		if !s.canceled {
			out = append(out, token)
		}
	}
	slices.Sort(out)
	return out
}
