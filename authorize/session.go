package authorize

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"

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
func (c *checkout) seal(domain string, a attempt) string {
	b := make([]byte, 0, attemptSize+tagSize)
	b = binary.BigEndian.AppendUint32(b, uint32(a.merchant))
	b = binary.BigEndian.AppendUint64(b, uint64(a.order))
	b = binary.BigEndian.AppendUint16(b, uint16(a.payment))
	sum := c.vault.Fingerprint(domain, b)
	return base64.StdEncoding.EncodeToString(append(b, sum[:tagSize]...))
}

// unseal reads what seal wrote for the same domain. A plus that became a space on its way is taken for one.
func (c *checkout) unseal(domain, text string) (attempt, bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(text, " ", "+"))
	if err != nil || len(raw) != attemptSize+tagSize {
		return attempt{}, false
	}
	sum := c.vault.Fingerprint(domain, raw[:attemptSize])
	if subtle.ConstantTimeCompare(sum[:tagSize], raw[attemptSize:]) != 1 {
		return attempt{}, false
	}
	return attempt{int32(binary.BigEndian.Uint32(raw)), int64(binary.BigEndian.Uint64(raw[4:])), int16(binary.BigEndian.Uint16(raw[12:]))}, true
}

// The paths of the page.
const (
	orderPath      = "/pay/order.cfm"
	payRequestPath = "/pay/payrequest.cfm"
	payPath        = "/pay/pay.cfm"
	resultPath     = "/pay/result.cfm"
	methodPath     = "/pay/3ds/method"
	challengePath  = "/pay/3ds/result"
)

// viaDetail is the detail of an order that says how it came, when that was not by the page.
const (
	viaDetail = "via"
	viaServer = "server" // in a payment of the merchant's server
)

// sessionQuery is the query that leads to the page of an order.
func (c *checkout) sessionQuery(o *settle.Order) string {
	return "?CFSID=" + url.QueryEscape(c.seal(domainSession, attempt{merchant: o.Merchant, order: o.ID}))
}
