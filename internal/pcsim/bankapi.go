package pcsim

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"settled/internal/money"
)

// maxRequest is the longest request body that the bank reads.
const maxRequest = 64 << 10

// bankReply is what the bank does about a request.
type bankReply struct {
	status int
	body   any
	silent bool // no answer; the connection stays open until the other side gives up
}

// bankError is the body of a reply that is not 200.
type bankError struct {
	Code    string `json:"code"`
	Message string `json:"message"`
}

func okay(body any) bankReply { return bankReply{status: http.StatusOK, body: body} }

func problem(status int, code, format string, args ...any) bankReply {
	return bankReply{status: status, body: bankError{code, fmt.Sprintf(format, args...)}}
}

// routes are the API and the buyer's pages.
func (b *Bank) routes() *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("POST /v1/payments", b.api(b.register))
	mux.Handle("GET /v1/payments/{id}", b.api(b.getPayment))
	mux.Handle("POST /v1/payments/{id}/cancel", b.api(b.cancelPayment))
	mux.Handle("GET /v1/qr/{qr}", b.api(b.getQR))
	mux.Handle("GET /v1/banks", b.api(b.getBanks))
	mux.Handle("POST /v1/refunds", b.api(b.refund))
	mux.Handle("GET /v1/refunds/{id}", b.api(b.getRefund))
	mux.Handle("POST /v1/charges", b.api(b.charge))
	mux.Handle("POST /v1/subscriptions/cancel", b.api(b.cancelSubscription))
	mux.HandleFunc("GET /qr/{$}", b.showWaiting)
	mux.HandleFunc("GET /qr/{qr}", b.showPage)
	mux.HandleFunc("POST /qr/{qr}", b.answerPage)
	mux.HandleFunc("GET /{$}", b.showBooks)
	return mux
}

// api authenticates a request, lets handle decide, and signs the answer.
func (b *Bank) api(handle func(*http.Request, []byte) bankReply) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequest))
		if err != nil {
			http.Error(w, "the body cannot be read", http.StatusRequestEntityTooLarge)
			return
		}
		var reply bankReply
		if wrong := b.authentic(r, body); wrong != "" {
			reply = problem(http.StatusUnauthorized, "unauthorized", "%s", wrong)
		} else {
			reply = handle(r, body)
		}
		if reply.silent {
			select {
			case <-r.Context().Done():
			case <-b.ctx.Done():
			}
			panic(http.ErrAbortHandler)
		}
		b.answer(w, r, reply)
	})
}

func (b *Bank) answer(w http.ResponseWriter, r *http.Request, reply bankReply) {
	body, err := json.Marshal(reply.body)
	if err != nil { // the types marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	b.signAnswer(w.Header(), r.Header.Get(headerNonce), reply.status, body)
	w.WriteHeader(reply.status)
	_, _ = w.Write(body)
}

// amount writes an amount in the bank's unit.
func (b *Bank) amount(a money.Amount) jsontext.Value {
	if b.opt.Unit == Kopecks {
		return jsontext.Value(strconv.FormatInt(a.Minor, 10))
	}
	return jsontext.Value(`"` + a.Decimal() + `"`)
}

// maxBankAmount is the highest amount that the API takes, in minor units.
const maxBankAmount = 999_999_999_999

// parseAmount reads an amount in the bank's unit: a text of the exact form in rubles, an integer in kopecks.
func (b *Bank) parseAmount(text string, currency money.Currency) (money.Amount, error) {
	a := money.Amount{Currency: currency}
	if b.opt.Unit == Kopecks {
		a.Minor, _ = strconv.ParseInt(text, 10, 64)
	} else if inner, quoted := strings.CutPrefix(text, `"`); quoted {
		a, _ = money.Parse(strings.TrimSuffix(inner, `"`), currency)
	}
	if a.Minor <= 0 || a.Minor > maxBankAmount || string(b.amount(a)) != text {
		return a, fmt.Errorf("amount %.40s is not an amount of %s in %s", text, currency, b.opt.Unit)
	}
	return a, nil
}

// paymentBody is a payment as the API shows it.
type paymentBody struct {
	ID        string         `json:"id"`
	QR        string         `json:"qr_id,omitzero"`
	Payload   string         `json:"payload,omitzero"`
	Status    string         `json:"status"`
	Amount    jsontext.Value `json:"amount"`
	Currency  money.Currency `json:"currency"`
	ExpiresAt time.Time      `json:"expires_at,omitzero"`
	Refunded  jsontext.Value `json:"refunded"`
	Code      string         `json:"code,omitzero"`
	Paid      *paidBody      `json:"paid,omitzero"`
}

// paidBody is how a payment was paid.
type paidBody struct {
	OperationID string         `json:"operation_id"`
	At          time.Time      `json:"at"`
	Amount      jsontext.Value `json:"amount"`
	BankID      string         `json:"bank_id"`
	Bank        string         `json:"bank"`
	Buyer       string         `json:"payer"`
	Token       string         `json:"token,omitzero"`
}

func (b *Bank) body(p *bankPayment) paymentBody {
	out := paymentBody{
		ID: p.ID, QR: p.QR, Payload: p.Payload, Status: p.Status, Amount: b.amount(p.Amount), Currency: p.Amount.Currency,
		ExpiresAt: p.ExpiresAt, Refunded: b.amount(money.Amount{Minor: p.Refunded, Currency: p.Amount.Currency}), Code: p.Code,
	}
	if p.Status == BankPaid {
		out.Paid = &paidBody{
			OperationID: p.OperationID, At: p.PaidAt, Amount: out.Amount, BankID: p.MemberID, Bank: memberName(p.MemberID),
			Buyer: p.Buyer, Token: p.Token,
		}
	}
	return out
}

// refundBody is a refund as the API shows it.
type refundBody struct {
	ID          string         `json:"id"`
	PaymentID   string         `json:"payment_id"`
	Status      string         `json:"status"`
	Amount      jsontext.Value `json:"amount"`
	Currency    money.Currency `json:"currency"`
	Code        string         `json:"code,omitzero"`
	OperationID string         `json:"operation_id,omitzero"`
	At          time.Time      `json:"at,omitzero"`
}

func (b *Bank) refundBody(r *bankRefund) refundBody {
	currency := r.payment.Amount.Currency
	return refundBody{
		ID: r.request.ID, PaymentID: r.request.PaymentID, Status: r.status, Currency: currency,
		Amount: b.amount(money.Amount{Minor: r.amount, Currency: currency}), Code: r.code, OperationID: r.operationID, At: r.at,
	}
}

func (b *Bank) getPayment(r *http.Request, _ []byte) bankReply {
	b.lock()
	defer b.books.mu.Unlock()
	return b.found(b.books.payments[r.PathValue("id")])
}

// cancelPayment takes back a QR that nobody has paid and whose money is not on its way.
func (b *Bank) cancelPayment(r *http.Request, _ []byte) bankReply {
	b.lock()
	defer b.books.mu.Unlock()
	p := b.books.payments[r.PathValue("id")]
	if p != nil && p.Status == BankActive && p.decides.IsZero() {
		p.Status, p.Code = BankRefused, "canceled"
	}
	return b.found(p)
}

func (b *Bank) getQR(r *http.Request, _ []byte) bankReply {
	b.lock()
	defer b.books.mu.Unlock()
	return b.found(b.books.byQR[r.PathValue("qr")])
}

func (b *Bank) found(p *bankPayment) bankReply {
	if p == nil {
		return problem(http.StatusNotFound, "not_found", "no such payment")
	}
	return okay(b.body(p))
}

func (b *Bank) getRefund(r *http.Request, _ []byte) bankReply {
	b.lock()
	defer b.books.mu.Unlock()
	if refund := b.books.refunds[r.PathValue("id")]; refund != nil {
		return okay(b.refundBody(refund))
	}
	return problem(http.StatusNotFound, "not_found", "no such refund")
}

func (b *Bank) getBanks(*http.Request, []byte) bankReply {
	list := append([]member(nil), members...)
	for i := range list {
		list[i].WebURL = b.URL() + "/qr/"
	}
	return okay(map[string][]member{"banks": list})
}

func (b *Bank) showBooks(w http.ResponseWriter, _ *http.Request) {
	text, err := json.Marshal(map[string]any{"name": b.opt.Name, "unit": b.opt.Unit.String(), "books": b.Books()},
		json.Deterministic(true), jsontext.WithIndent("  "))
	if err != nil { // the types marshal
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(text, '\n'))
}
