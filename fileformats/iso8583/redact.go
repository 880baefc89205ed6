package iso8583

import (
	"strconv"
	"strings"
)

// PDSVerificationCode is the private data of element 48 that carries the card verification code in the online dialect.
// It lives in memory between request and wire, and is never logged or stored.
const PDSVerificationCode = 92

// Mask returns a PAN as its first six digits, four stars and its last four digits; a shorter value becomes four stars.
func Mask(pan string) string {
	if len(pan) < 12 {
		return "****"
	}
	return pan[:6] + "****" + pan[len(pan)-4:]
}

// String renders the message for logs: the PAN masked, expiry, binary elements and the verification code hidden.
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
		if tag == PDSVerificationCode {
			b.WriteString("<hidden>")
		} else {
			b.Write(value)
		}
		data = rest
	}
	b.WriteByte('}')
}
