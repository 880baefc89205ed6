package notify

import (
	"bytes"
	"encoding/xml"
	"net/url"
)

// Field is a named value of a notification.
type Field struct{ Name, Value string }

// Form writes the body of a notification as a form, in the order of the fields, in UTF-8.
func Form(fields []Field) []byte {
	var b bytes.Buffer
	for i, f := range fields {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(url.QueryEscape(f.Name) + "=" + url.QueryEscape(f.Value))
	}
	return b.Bytes()
}

// namespace of the body of a SOAP notification.
const namespace = "http://www.paysecure.ru/ws/"

const (
	openEnvelope = xml.Header + `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ws="` + namespace + `">` +
		`<soapenv:Header/><soapenv:Body><ws:PushPaymentResult><order>`
	closeEnvelope = `</order></ws:PushPaymentResult></soapenv:Body></soapenv:Envelope>`
)

// Envelope writes the body of a notification as SOAP 1.1: the fields of the order, its operation, and what proves both.
// What XML cannot carry becomes the replacement character.
func Envelope(order, operation, proof []Field) []byte {
	var b bytes.Buffer
	b.WriteString(openEnvelope)
	elements(&b, order)
	b.WriteString("<operation>")
	elements(&b, operation)
	b.WriteString("</operation>")
	elements(&b, proof)
	b.WriteString(closeEnvelope)
	return b.Bytes()
}

func elements(b *bytes.Buffer, fields []Field) {
	for _, f := range fields {
		b.WriteString("<" + f.Name + ">")
		_ = xml.EscapeText(b, []byte(f.Value)) // a buffer takes everything
		b.WriteString("</" + f.Name + ">")
	}
}
