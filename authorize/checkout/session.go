package checkout

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"

	"settled/authorize/payment"
	"settled/settle"
)

// What the page hands to browsers is signed and says what it is for; nothing of it is stored. The domains keep one kind
// from passing as another.
const (
	domainSession = "cfsid"       // names an order: whoever has it may pay the order and see how that went
	domainForm    = "page form"   // a form of the page, of one attempt to pay
	domainSecure  = "3ds session" // an authentication's way through the cardholder's bank
)

// tagSize is how many bytes of a keyed hash stand behind what it signs: 192 bits.
const tagSize = 24

const attemptSize = 4 + 8 + 2

// seal writes an attempt so that nobody else can: letters, digits, +, / and =.
func (c *Pages) seal(domain string, a payment.Attempt) string {
	b := make([]byte, 0, attemptSize+tagSize)
	b = binary.BigEndian.AppendUint32(b, uint32(a.Merchant))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Order))
	b = binary.BigEndian.AppendUint16(b, uint16(a.Payment))
	sum := c.vault.Fingerprint(domain, b)
	return base64.StdEncoding.EncodeToString(append(b, sum[:tagSize]...))
}

// unseal reads what seal wrote for the same domain. A plus that became a space on its way is taken for one.
func (c *Pages) unseal(domain, text string) (payment.Attempt, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(text, " ", "+"))
	if err != nil || len(raw) != attemptSize+tagSize {
		return payment.Attempt{}, false
	}
	sum := c.vault.Fingerprint(domain, raw[:attemptSize])
	if subtle.ConstantTimeCompare(sum[:tagSize], raw[attemptSize:]) != 1 {
		return payment.Attempt{}, false
	}
	return payment.Attempt{Merchant: int32(binary.BigEndian.Uint32(raw)), Order: int64(binary.BigEndian.Uint64(raw[4:])),
		Payment: int16(binary.BigEndian.Uint16(raw[12:]))}, true
}

// The paths of the page.
const (
	OrderPath      = "/pay/order.cfm"
	PayRequestPath = "/pay/payrequest.cfm"
	payPath        = "/pay/pay.cfm"
	resultPath     = "/pay/result.cfm"
	MethodPath     = "/pay/3ds/method"
	challengePath  = "/pay/3ds/result"
)

// sessionQuery is the query that leads to the page of an order.
func (c *Pages) sessionQuery(o *settle.Order) string {
	return "?CFSID=" + url.QueryEscape(c.seal(domainSession, payment.Attempt{Merchant: o.Merchant, Order: o.ID}))
}
