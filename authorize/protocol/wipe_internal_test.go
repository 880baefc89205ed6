package protocol

import (
	"bytes"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestRequestsAreWiped: in every syntax the number and the code of a card stand in memory of the call's own, and are gone from it when the
// request is over.
func TestRequestsAreWiped(t *testing.T) {
	const number, code = "4111111111111111", "917"
	for kind, body := range map[string]string{
		"application/x-www-form-urlencoded":                 "Cardnumber=4111+1111%201111+1111&Cvc2=917",
		"application/x-www-form-urlencoded; charset=cp1251": "Cardholder=%CF&Cardnumber=4111111111111111&Cvc2=917",
		"application/json":                                  `{"Cardnumber":"41\u00311 1111 1111 1111","Cvc2":"9\u00317"}`,
		"multipart/form-data; boundary=x":                   "--x\r\nContent-Disposition: form-data; name=\"Cardnumber\"\r\n\r\n4111111111111111\r\n--x\r\nContent-Disposition: form-data; name=\"Cvc2\"\r\n\r\n917\r\n--x--\r\n",
		"text/xml": `<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><silentpay><Cardnumber>411&#49;111111111111</Cardnumber>` +
			`<Cvc2>9&#49;7</Cvc2></silentpay></e:Body></e:Envelope>`,
	} {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", kind)
		c := NewCall(FormatXML, nil, Knowledge{})
		if err := c.Read(r); err != nil {
			t.Errorf("%s: %v", kind, err)
			continue
		}
		whole, card, cvc := c.body[:cap(c.body)], c.Bytes(InCardNumber), c.Bytes(InCVC)
		if string(StripCode.Apply(bytes.Clone(cvc))) != code || strings.ReplaceAll(string(card), " ", "") != number {
			t.Errorf("%s: read %q and %q", kind, card, cvc)
		}
		c.Release()
		for what, left := range map[string][]byte{"body": whole, "number": card, "code": cvc} {
			if len(left) == 0 || len(bytes.Trim(left, "\x00")) > 0 {
				t.Errorf("%s: %d bytes of the %s are left", kind, len(bytes.Trim(left, "\x00")), what)
			}
		}
	}
}
