package iso8583

import (
	"strconv"
	"strings"
)

// PDSVerificationCode is the private data of element 48 that carries the card verification code in the online dialect.
// It lives in memory between request and wire, and is never logged or stored.
const PDSVerificationCode = 92

// Other private data of element 48 in the online dialect.
const (
	// PDSInitiation says who begins a payment with a stored card, and why: see the Initiation codes.
	PDSInitiation = 22
	// PDSSecurityLevel is how far the cardholder was authenticated, three digits: see the SecurityLevel codes.
	PDSSecurityLevel = 42
	// PDSAuthenticationValue is the issuer's proof of an authentication, 28 characters of base64. It is never logged.
	PDSAuthenticationValue = 43
	// PDSNetworkID is the network's name of a payment, at most 15 characters: in an answer that of the payment, in a
	// request that of the first payment with the stored card.
	PDSNetworkID = 63
	// PDSDirectoryID is the directory server's transaction id of an authentication, 36 characters.
	PDSDirectoryID = 66
)

// Mask returns a PAN as its first six digits, four stars and its last four digits; a shorter value becomes four stars.
func Mask(pan string) string {
	if len(pan) < 12 {
		return "****"
	}
	return pan[:6] + "****" + pan[len(pan)-4:]
}

// String renders the message for logs: the PAN masked, expiry, binary elements, the verification code and the
// authentication value hidden.
func (m *Message) String() string {
	var b strings.Builder
	b.WriteString(m.MTI())
	for n := m.next(1); n != 0; n = m.next(n) {
		b.WriteByte(' ')
		b.WriteString(strconv.Itoa(n))
		b.WriteByte('=')
		m.redact(&b, n)
	}
	return b.String()
}

// GoString keeps %#v from printing card data.
func (m *Message) GoString() string { return m.String() }

func (m *Message) redact(b *strings.Builder, n int) {
	f, ok := m.spec.Field(n)
	switch {
	case !ok || f.Redact == Hide:
		b.WriteString("<" + strconv.Itoa(len(m.Bytes(n))) + " bytes>")
	case f.Redact == MaskPAN:
		b.WriteString(Mask(m.Text(n)))
	case f.Kind == Private:
		redactPDS(b, m.Bytes(n))
	default:
		b.WriteString(m.Text(n))
	}
}

func redactPDS(b *strings.Builder, data []byte) {
	b.WriteByte('{')
	for sep := ""; len(data) > 0; sep = " " {
		tag, value, rest, err := cutPDS(data)
		if err != nil {
			b.WriteString(sep + "<" + strconv.Itoa(len(data)) + " bytes>")
			break
		}
		b.WriteString(sep + strconv.Itoa(tag) + ":")
		if tag == PDSVerificationCode || tag == PDSAuthenticationValue {
			b.WriteString("<hidden>")
		} else {
			b.Write(value)
		}
		data = rest
	}
	b.WriteByte('}')
}
