package checkout

import (
	"crypto/subtle"
	"encoding/base64"
	"encoding/binary"
	"net/url"
	"strings"

	"settled/authorize/payment"
	"settled/internal/vault"
	"settled/settle"
)

// What the page hands to browsers is signed and says what it is for; nothing of it is stored. The domains keep one kind
// from passing as another.
const (
	domainSession = "cfsid"       // names an order: whoever has it may pay the order and see how that went
	domainForm    = "page form"   // a form of the page, of one attempt to pay
	domainSecure  = "3ds session" // an authentication's way through the cardholder's bank
	domainStored  = "stored card on a page"
)

// tagSize is how many bytes of a keyed hash stand behind what it signs: 192 bits.
const tagSize = 24

const (
	attemptSize    = 4 + 8 + 2
	generationSize = 2
)

// seal writes an attempt so that nobody else can: letters, digits, +, / and =. It stands for as long as the generation of the key that it is
// made under, whose number is before the attempt unless it is 0.
func (c *Pages) seal(domain string, a payment.Attempt) string {
	b := make([]byte, 0, attemptSize+tagSize)
	b = binary.BigEndian.AppendUint32(b, uint32(a.Merchant))
	b = binary.BigEndian.AppendUint64(b, uint64(a.Order))
	b = binary.BigEndian.AppendUint16(b, uint16(a.Payment))
	generation, sum := c.vault.Make(vault.Links, domain, b)
	var named []byte
	if generation != 0 {
		named = binary.BigEndian.AppendUint16(nil, generation)
	}
	return base64.StdEncoding.EncodeToString(append(append(named, b...), sum[:tagSize]...))
}

// unseal reads what seal wrote for the same domain under a generation that is not revoked. A plus that became a space on its way is taken
// for one.
func (c *Pages) unseal(domain, text string) (payment.Attempt, bool) {
	generation, raw, ok := parts(text)
	if !ok {
		return payment.Attempt{}, false
	}
	sum, ok := c.vault.Sum(vault.Links, generation, domain, raw[:attemptSize])
	if !ok || subtle.ConstantTimeCompare(sum[:tagSize], raw[attemptSize:]) != 1 {
		return payment.Attempt{}, false
	}
	return payment.Attempt{Merchant: int32(binary.BigEndian.Uint32(raw)), Order: int64(binary.BigEndian.Uint64(raw[4:])),
		Payment: int16(binary.BigEndian.Uint16(raw[12:]))}, true
}

// parts takes apart what seal wrote: the generation, and what it signed with the hash behind it.
func parts(text string) (generation uint16, raw []byte, ok bool) {
	raw, err := base64.StdEncoding.Strict().DecodeString(strings.ReplaceAll(text, " ", "+"))
	if err == nil && len(raw) == generationSize+attemptSize+tagSize {
		generation, raw = binary.BigEndian.Uint16(raw), raw[generationSize:]
	}
	return generation, raw, err == nil && len(raw) == attemptSize+tagSize
}

// outOfDate tells that a text says it was sealed under a generation that is revoked. Nobody vouches for it any more.
func (c *Pages) outOfDate(text string) bool {
	generation, _, ok := parts(text)
	return ok && c.vault.Revoked(vault.Links, generation)
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
