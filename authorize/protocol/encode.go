package protocol

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// encoder writes an answer in one format.
type encoder struct {
	contentType []string // value of the header
	write       func(dst []byte, s *Layout, a *Answer) []byte
}

// encoders by format; a format without one is refused.
var encoders = [256]*encoder{
	FormatCSV:    {[]string{"text/plain; charset=utf-8"}, appendCSV},
	FormatXML:    {[]string{"text/xml; charset=utf-8"}, appendXML},
	FormatSOAP:   {[]string{"text/xml; charset=utf-8"}, appendSOAP},
	FormatJSON:   {[]string{"application/json; charset=utf-8"}, appendJSON},
	formatSOAP12: {[]string{"application/soap+xml; charset=utf-8"}, appendSOAP12},
}

// Encode writes an answer in a format that has an encoder, and returns it with the value of its Content-Type.
func Encode(dst []byte, f Format, s *Layout, a *Answer) (body []byte, contentType []string) {
	e := encoders[f]
	return e.write(dst, s, a), e.contentType
}

func appendJSON(dst []byte, s *Layout, a *Answer) []byte {
	if a.Fault != nil {
		return appendFault(dst, a.Fault)
	}
	dst = append(append(append(dst, `{"`...), s.root...), `":`...)
	switch {
	case s.list:
		dst = append(appendOrders(append(dst, `{"orders":`...), s, a.Orders), '}')
	case len(a.Orders) > 1: // clients read one object: that of the last attempt
		dst = appendOrder(dst, s, &a.Orders[len(a.Orders)-1])
		dst = append(appendOrders(append(dst[:len(dst)-1], `,"orders":`...), s, a.Orders), '}')
	default:
		dst = appendOrder(dst, s, &a.Orders[0])
	}
	return append(dst, '}')
}

func appendOrders(dst []byte, s *Layout, orders []Entry) []byte {
	dst = append(dst, '[')
	for i := range orders {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = appendOrder(dst, s, &orders[i])
	}
	return append(dst, ']')
}

// appendFault keeps the spelling that clients know.
func appendFault(dst []byte, f *Fault) []byte {
	dst = append(dst, `{"fault":{"faultcode":"`...)
	dst = strconv.AppendInt(dst, int64(f.First), 10)
	dst = append(dst, `","faultstring":"`...)
	dst = strconv.AppendInt(dst, int64(f.Second), 10)
	dst = append(dst, `","detail":{"message":`...)
	dst = appendString(dst, f.Detail)
	return append(dst, `,"recomendation":""}}}`...)
}

func appendOrder(dst []byte, s *Layout, o *Entry) []byte {
	if s.nested {
		dst = append(dst, `{"order":`...)
	}
	dst = appendMembers(append(dst, '{'), s.order, &o.Row)
	if s.customer != nil {
		dst = appendMembers(append(dst, `,"customer":{`...), s.customer, &o.Row)
		dst = append(dst, '}')
	}
	if s.operation != nil {
		dst = appendOperations(dst, s, o)
	}
	if o.Secure != nil {
		dst = appendSecure(dst, o.Secure)
	}
	if s.nested {
		dst = append(dst, '}')
	}
	if s.check != nil {
		dst = appendMembers(append(dst, `,"checkdata":{`...), s.check, &o.Row)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendSecure(dst []byte, secure *SecureData) []byte {
	dst = append(dst, `,"threedsdata":{`...)
	for i, name := range secureNames {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, name), ':')
		dst = appendString(dst, secure[i])
	}
	return append(dst, '}')
}

func appendOperations(dst []byte, s *Layout, o *Entry) []byte {
	dst = append(dst, `,"operations":[`...)
	for i, r := range o.steps(s) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendMembers(append(dst, '{'), s.operation, r), '}')
	}
	return append(dst, ']')
}

func appendMembers(dst []byte, fields []Field, r *Row) []byte {
	for i, f := range fields {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(append(append(dst, '"'), outNames[f]...), `":`...)
		switch {
		case !numeric[f]:
			dst = appendString(dst, r[f])
		case r[f] == "":
			dst = append(dst, '0')
		default:
			dst = append(dst, r[f]...)
		}
	}
	return dst
}

// appendString quotes s as JSON. Invalid UTF-8 becomes the replacement character.
func appendString(dst []byte, s string) []byte {
	if quoted, err := jsontext.AppendQuote(dst, s); err == nil {
		return quoted
	}
	dst, _ = jsontext.AppendQuote(dst, strings.ToValidUTF8(s, "\uFFFD"))
	return dst
}
