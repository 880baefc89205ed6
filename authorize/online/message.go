package online

import (
	"fmt"
	"strings"
	"time"

	"settled/fileformats/iso8583"
)

// key is the match key of a request.
type key = iso8583.Key

const (
	layoutSent  = "0102150405"   // DE7
	layoutLocal = "060102150405" // DE12
)

// form is how a kind of request stands in a message.
type form struct {
	mti, answer          string
	processing, function string
	card, original       bool
}

var forms = [kinds]form{
	Authorization: {mti: iso8583.MTIAuthorizationRequest, answer: iso8583.MTIAuthorizationAnswer,
		processing: iso8583.ProcessingPurchase, function: iso8583.FunctionAuthorizationFinal, card: true},
	Purchase: {mti: iso8583.MTIFinancialRequest, answer: iso8583.MTIFinancialAnswer,
		processing: iso8583.ProcessingPurchase, function: iso8583.FunctionFinancial, card: true},
	Refund: {mti: iso8583.MTIFinancialRequest, answer: iso8583.MTIFinancialAnswer,
		processing: iso8583.ProcessingRefund, function: iso8583.FunctionFinancial, card: true, original: true},
	Reversal: {mti: iso8583.MTIReversalAdvice, answer: iso8583.MTIReversalAnswer,
		processing: iso8583.ProcessingPurchase, function: iso8583.FunctionReversalFull, original: true},
	PartialReversal: {mti: iso8583.MTIReversalAdvice, answer: iso8583.MTIReversalAnswer,
		processing: iso8583.ProcessingPurchase, function: iso8583.FunctionReversalPartial, original: true},
	Inquiry: {mti: iso8583.MTIInquiryRequest, answer: iso8583.MTIInquiryAnswer,
		function: iso8583.FunctionInquiry, original: true},
	Log:  {mti: iso8583.MTILogRequest, answer: iso8583.MTILogAnswer, function: iso8583.FunctionLog},
	echo: {mti: iso8583.MTINetworkRequest, answer: iso8583.MTINetworkAnswer, function: iso8583.FunctionEcho},
}

// expectation is what the answer to a request has to repeat.
type expectation struct {
	mti      string
	amount   [12]byte // DE4, zero when the request has none
	currency [3]byte  // DE49
}

func (e *expectation) fits(r *reply) bool {
	return e.amount == r.amount && (e.amount == [12]byte{} || e.currency == r.currency)
}

// compose writes the request as a frame. The error wraps ErrNotSent and ErrInvalidRequest.
func (f *flight) compose(r *Request) error {
	if err := r.check(); err != nil {
		return err
	}
	m := f.message
	defer m.Reset("")
	m.Reset(r.mti())
	r.setIdentity(m)
	r.setMoney(m)
	r.setCard(m)
	if forms[r.Kind].original {
		if err := r.setOriginal(m); err != nil {
			return err
		}
	}
	return f.encode(r.Kind)
}

// check refuses what the codec would not notice.
func (r *Request) check() error {
	switch {
	case r.Kind == 0 || r.Kind >= echo:
		return invalid("kind of request unknown")
	case r.Kind.money() && r.Amount.Minor <= 0:
		return invalid("amount is not positive")
	case r.Kind == PartialReversal && r.OriginalAmount.Currency != r.Amount.Currency:
		return invalid("amount released has another currency than the original")
	case r.Kind == PartialReversal && r.OriginalAmount.Minor < r.Amount.Minor:
		return invalid("amount released exceeds the original")
	case len(r.Card.CVV.Reveal()) > 4:
		return invalid("card verification code has more than four digits")
	}
	return r.checkCredential()
}

// encode finishes the flight from its message.
func (f *flight) encode(k Kind) (err error) {
	m := f.message
	if err = iso8583.CheckOnline(m); err == nil {
		f.frame, err = f.mac.AppendFrame(f.frame[:0], m)
	}
	if err != nil {
		return invalid(err.Error())
	}
	f.key = m.Key()
	f.expect.mti = forms[k].answer
	copy(f.expect.amount[:], m.Bytes(4))
	copy(f.expect.currency[:], m.Bytes(49))
	return nil
}

func invalid(reason string) error { return notSent(fmt.Errorf("%w: %s", ErrInvalidRequest, reason)) }

func (r *Request) mti() string {
	if r.Repeat && r.Kind.undoes() {
		return iso8583.MTIReversalRepeat
	}
	return forms[r.Kind].mti
}

func (r *Request) function() string {
	if r.TwoStage && r.Kind == Authorization {
		return iso8583.FunctionAuthorizationHold
	}
	return forms[r.Kind].function
}

// setIdentity sets who asks, when, and under which numbers.
func (r *Request) setIdentity(m *iso8583.Message) {
	setTime(m, 7, r.TransmittedAt.UTC(), layoutSent)
	m.Set(11, r.STAN)
	setTime(m, 12, r.LocalTime, layoutLocal)
	m.Set(24, r.function())
	setText(m, 25, r.Reason)
	setText(m, 32, r.Acquirer)
	setText(m, 37, r.RRN)
	setText(m, 41, strings.TrimRight(r.Terminal, " "))
	setText(m, 42, strings.TrimRight(r.Acceptor, " "))
}

// setMoney sets amounts, currency and processing code, or what a message without them asks for.
func (r *Request) setMoney(m *iso8583.Message) {
	if !r.Kind.money() {
		setText(m, 72, r.Data)
		return
	}
	m.Set(3, forms[r.Kind].processing)
	m.SetInt(4, r.Amount.Minor)
	m.Set(49, r.Amount.Currency.Numeric())
	if r.Kind == PartialReversal {
		m.Set(30, fmt.Sprintf("%012d%012d", r.OriginalAmount.Minor, 0))
	}
}

// setCard sets the card and where it was used, in the requests that carry one.
func (r *Request) setCard(m *iso8583.Message) {
	if !forms[r.Kind].card {
		return
	}
	var pan [19]byte
	m.SetBytes(2, r.Card.PAN.AppendReveal(pan[:0]))
	clear(pan[:])
	setText(m, 14, r.Card.Expiry)
	m.Set(22, r.posData())
	m.Set(26, r.MCC)
	r.setPrivate(m)
}

// setOriginal sets the reference to an earlier request.
func (r *Request) setOriginal(m *iso8583.Message) error {
	k := r.Original.Kind
	if k == 0 || k >= Log || len(r.Original.STAN) != 6 {
		return invalid("original request is not named")
	}
	m.SetOriginal(iso8583.Original{
		MTI: forms[k].mti, Trace: r.Original.STAN,
		LocalTime: r.Original.LocalTime.Format(layoutLocal), Acquirer: r.Acquirer,
	})
	return nil
}

func setText(m *iso8583.Message, n int, v string) {
	if v != "" {
		m.Set(n, v)
	}
}

func setTime(m *iso8583.Message, n int, t time.Time, layout string) {
	var text [16]byte
	m.SetBytes(n, t.AppendFormat(text[:0], layout))
}

// composeEcho writes the next echo test as a frame.
func (c *Client) composeEcho(f *flight) error {
	m, now := f.message, c.options.Now().UTC()
	m.Reset(iso8583.MTINetworkRequest)
	setTime(m, 7, now, layoutSent)
	m.SetInt(11, int64(c.echoes.Add(1)%999_999)+1)
	setTime(m, 12, now, layoutLocal)
	m.Set(24, iso8583.FunctionEcho)
	return f.encode(echo)
}

// reply is a decoded answer.
type reply struct {
	key      key
	mti      string
	action   string
	approval string
	network  string
	data     string
	amount   [12]byte
	currency [3]byte
	text     string
}

// readReply decodes an answer. On an error the reply has a key when the message itself could be decoded, and is zero
// otherwise.
func readReply(m *iso8583.Message, frame []byte) (r reply, err error) {
	if err := m.Decode(frame); err != nil {
		return reply{}, err
	}
	r = reply{key: m.Key(), mti: m.MTI(), action: m.Text(39), approval: m.Text(38), data: m.Text(72), text: m.String()}
	copy(r.amount[:], m.Bytes(4))
	copy(r.currency[:], m.Bytes(49))
	if id, ok := m.PDS(iso8583.PDSNetworkID); ok && len(id) <= maxNetworkID && plainText(string(id)) {
		r.network = string(id)
	}
	return r, iso8583.CheckOnline(m)
}

func (r *reply) answer() Answer {
	return Answer{ActionCode: r.action, ApprovalCode: r.approval, RRN: text(r.key.RRN[:]), NetworkID: r.network, Data: r.data, Text: r.text}
}

func (r *reply) lateAnswer(reason LateReason) LateAnswer {
	return LateAnswer{
		Reason: reason, MTI: r.mti, Terminal: text(r.key.Terminal[:]), STAN: text(r.key.Trace[:]),
		TransmittedAt: text(r.key.Sent[:]), Answer: r.answer(),
	}
}

// text returns an element of a key without its filling.
func text(b []byte) string { return strings.TrimRight(string(b), "\x00") }
