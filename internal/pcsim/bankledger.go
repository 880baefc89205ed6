package pcsim

import (
	"slices"
	"strconv"
	"sync"
	"time"

	"settled/internal/money"
)

// What a bank says of payments and refunds.
const (
	BankActive  = "active"  // the QR can be paid
	BankPending = "pending" // a charge or refund has no result yet
	BankPaid    = "paid"
	BankExpired = "expired"
	BankRefused = "refused"
	BankDone    = "done" // a refund
)

// BankPayment is a payment in the books of a bank: by QR, or a charge of a subscription.
type BankPayment struct {
	// ID is the id that the payment was registered under.
	ID string `json:"id"`
	// QR and Payload are empty for a charge.
	QR          string       `json:"qr,omitempty"`
	Payload     string       `json:"payload,omitempty"`
	Amount      money.Amount `json:"amount"`
	Description string       `json:"description"`
	ReturnURL   string       `json:"return_url,omitempty"`
	// Asks says that the buyer is asked to consent to later payments.
	Asks bool `json:"asks"`
	// Token names the subscription that pays, or that the buyer consented to.
	Token string `json:"token,omitempty"`
	// Status is one of the Bank… constants.
	Status    string    `json:"status"`
	ExpiresAt time.Time `json:"expires_at,omitzero"` // zero for a charge
	// OperationID is the scheme's own id of the payment, PaidAt its time; empty until paid.
	OperationID string    `json:"operation_id,omitempty"`
	PaidAt      time.Time `json:"paid_at,omitzero"`
	// MemberID and Buyer are the buyer's bank and the buyer, masked.
	MemberID string `json:"member_id,omitempty"`
	Buyer    string `json:"buyer,omitempty"`
	// Code says why the payment was refused.
	Code string `json:"code,omitempty"`
	// Refunded is what was given back, in minor units.
	Refunded int64 `json:"refunded"`
}

// BankTotals are the books of a bank in one currency. Amounts are minor units.
type BankTotals struct {
	// Paid is every payment that was paid, late ones too.
	Paid Line `json:"paid"`
	// Refunded is every refund that is done, Pending those without a result.
	Refunded Line `json:"refunded"`
	Pending  Line `json:"pending"`
}

// Net is what the bank owes us: paid less refunded.
func (t BankTotals) Net() int64 { return t.Paid.Amount - t.Refunded.Amount }

// bankPayment is a payment with what the bank alone knows.
type bankPayment struct {
	BankPayment
	request any // what it was registered with, comparable
	outcome BankOutcome
	decides time.Time // when the money arrives, zero unless it is on its way
}

type bankRefund struct {
	request     refundRequest
	payment     *bankPayment
	amount      int64
	status      string
	code        string
	operationID string
	at          time.Time
	decides     time.Time // when a pending refund has its result
}

type subscription struct {
	memberID, buyer string
	canceled        bool
}

// bankLedger is the books of a bank. Every exported method of Bank takes the lock once.
type bankLedger struct {
	mu            sync.Mutex
	payments      map[string]*bankPayment
	byQR          map[string]*bankPayment
	order         []*bankPayment
	refunds       map[string]*bankRefund
	subscriptions map[string]*subscription
	attempts      map[string]int // requests by kind and id
	nonces        map[string]time.Time
	swept         time.Time // when nonces were last cleared
	totals        map[money.Currency]*BankTotals
	// moving are the payments and refunds that time alone can change.
	moving        []*bankPayment
	movingRefunds []*bankRefund
}

func newBankLedger() bankLedger {
	return bankLedger{
		payments: map[string]*bankPayment{}, byQR: map[string]*bankPayment{}, refunds: map[string]*bankRefund{},
		subscriptions: map[string]*subscription{}, attempts: map[string]int{}, nonces: map[string]time.Time{},
		totals: map[money.Currency]*BankTotals{},
	}
}

// Books returns the totals by currency.
func (b *Bank) Books() map[money.Currency]BankTotals {
	b.lock()
	defer b.books.mu.Unlock()
	out := make(map[money.Currency]BankTotals, len(b.books.totals))
	for currency, t := range b.books.totals {
		out[currency] = *t
	}
	return out
}

// Payments returns every payment in the order of registration.
func (b *Bank) Payments() []BankPayment {
	b.lock()
	defer b.books.mu.Unlock()
	out := make([]BankPayment, 0, len(b.books.order))
	for _, p := range b.books.order {
		out = append(out, p.BankPayment)
	}
	return out
}

// lock takes the books' lock and brings them up to the bank's clock.
func (b *Bank) lock() {
	b.books.mu.Lock()
	b.advance(b.opt.Now())
}

// advance makes happen what is due at now, in the order of registration. The caller holds the lock.
func (b *Bank) advance(now time.Time) {
	l := &b.books
	for _, p := range l.moving {
		if p.Status == BankActive && !now.Before(p.ExpiresAt) {
			p.Status = BankExpired
		}
		if !p.decides.IsZero() && !now.Before(p.decides) {
			b.pay(p, p.decides)
		}
	}
	for _, r := range l.movingRefunds {
		if !now.Before(r.decides) {
			b.decideRefund(r, r.decides)
		}
	}
	l.moving = slices.DeleteFunc(l.moving, (*bankPayment).final)
	l.movingRefunds = slices.DeleteFunc(l.movingRefunds, func(r *bankRefund) bool { return r.status != BankPending })
}

// final reports whether time alone changes nothing of the payment any more.
func (p *bankPayment) final() bool {
	return p.Status != BankActive && p.decides.IsZero()
}

// pay books a payment as paid at the time and owes the notification.
func (b *Bank) pay(p *bankPayment, at time.Time) {
	p.Status, p.PaidAt, p.decides = BankPaid, at.UTC().Truncate(time.Millisecond), time.Time{}
	p.OperationID = "A" + b.identifier("operation", p.ID, 31)
	b.totals(p.Amount.Currency).Paid.add(p.Amount.Minor)
	b.owe(p)
}

func (b *Bank) refuse(p *bankPayment, code string) {
	p.Status, p.Code, p.decides = BankRefused, code, time.Time{}
}

// decideRefund gives a refund its result.
func (b *Bank) decideRefund(r *bankRefund, at time.Time) {
	t := b.totals(r.payment.Amount.Currency)
	if r.status == BankPending {
		t.Pending.Count--
		t.Pending.Amount -= r.amount
	}
	r.at = at.UTC().Truncate(time.Millisecond)
	switch r.payment.outcome {
	case RefundRefused, RefundPendingRefused:
		r.status, r.code = BankRefused, "account_closed"
		return
	}
	r.status, r.operationID = BankDone, "B"+b.identifier("refund", r.request.ID, 31)
	r.payment.Refunded += r.amount
	t.Refunded.add(r.amount)
}

// pendingOf is the sum of a payment's refunds without a result.
func (b *Bank) pendingOf(p *bankPayment) (sum int64) {
	for _, r := range b.books.movingRefunds {
		if r.payment == p && r.status == BankPending {
			sum += r.amount
		}
	}
	return sum
}

func (b *Bank) totals(c money.Currency) *BankTotals {
	t := b.books.totals[c]
	if t == nil {
		t = &BankTotals{}
		b.books.totals[c] = t
	}
	return t
}

// identifier is n letters and digits that the seed, the purpose and the id determine.
func (b *Bank) identifier(purpose, id string, n int) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	out := make([]byte, n)
	for i := range out {
		h := hash(strconv.FormatUint(b.opt.Seed, 10) + "\x00" + purpose + "\x00" + strconv.Itoa(i) + "\x00" + id)
		out[i] = alphabet[h%uint64(len(alphabet))]
	}
	return string(out)
}

// buyer draws a buyer for an id: a bank of the scheme and a masked telephone number.
func (b *Bank) buyer(id string) (memberID, masked string) {
	h := hash(strconv.FormatUint(b.opt.Seed, 10) + "\x00payer\x00" + id)
	masked = "+7 9** ***-**-" + strconv.FormatUint(10+h%90, 10)
	return members[(h>>8)%uint64(len(members))].ID, masked
}
