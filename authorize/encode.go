package authorize

import (
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"
)

// encoder writes an answer in one format.
type encoder struct {
	contentType []string // value of the header
	write       func(dst []byte, s *sheet, a *answer) []byte
}

// encoders by format; a format without one is refused.
var encoders = [256]*encoder{
	FormatCSV:    {[]string{"text/plain; charset=utf-8"}, appendCSV},
	FormatXML:    {[]string{"text/xml; charset=utf-8"}, appendXML},
	FormatSOAP:   {[]string{"text/xml; charset=utf-8"}, appendSOAP},
	FormatJSON:   {[]string{"application/json; charset=utf-8"}, appendJSON},
	formatSOAP12: {[]string{"application/soap+xml; charset=utf-8"}, appendSOAP12},
}

func appendJSON(dst []byte, s *sheet, a *answer) []byte {
	if a.fault != nil {
		return appendFault(dst, a.fault)
	}
	dst = append(append(append(dst, `{"`...), s.root...), `":`...)
	switch {
	case s.list:
		dst = append(appendOrders(append(dst, `{"orders":`...), s, a.orders), '}')
	case len(a.orders) > 1: // clients read one object: that of the last attempt
		dst = appendOrder(dst, s, &a.orders[len(a.orders)-1])
		dst = append(appendOrders(append(dst[:len(dst)-1], `,"orders":`...), s, a.orders), '}')
	default:
		dst = appendOrder(dst, s, &a.orders[0])
	}
	return append(dst, '}')
}

func appendOrders(dst []byte, s *sheet, orders []told) []byte {
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
func appendFault(dst []byte, f *fault) []byte {
	dst = append(dst, `{"fault":{"faultcode":"`...)
	dst = strconv.AppendInt(dst, int64(f.first), 10)
	dst = append(dst, `","faultstring":"`...)
	dst = strconv.AppendInt(dst, int64(f.second), 10)
	dst = append(dst, `","detail":{"message":`...)
	dst = appendString(dst, f.detail)
	return append(dst, `,"recomendation":""}}}`...)
}

func appendOrder(dst []byte, s *sheet, o *told) []byte {
	if s.nested {
		dst = append(dst, `{"order":`...)
	}
	dst = appendMembers(append(dst, '{'), s.order, &o.record)
	if s.customer != nil {
		dst = appendMembers(append(dst, `,"customer":{`...), s.customer, &o.record)
		dst = append(dst, '}')
	}
	if s.operation != nil {
		dst = appendOperations(dst, s, o)
	}
	if o.secure != nil {
		dst = appendSecure(dst, o.secure)
	}
	if s.nested {
		dst = append(dst, '}')
	}
	if s.check != nil {
		dst = appendMembers(append(dst, `,"checkdata":{`...), s.check, &o.record)
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

func appendSecure(dst []byte, secure []pair) []byte {
	dst = append(dst, `,"threedsdata":{`...)
	for i, p := range secure {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendString(dst, p.name), ':')
		dst = appendString(dst, p.value)
	}
	return append(dst, '}')
}

func appendOperations(dst []byte, s *sheet, o *told) []byte {
	dst = append(dst, `,"operations":[`...)
	for i, r := range o.steps(s) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendMembers(append(dst, '{'), s.operation, r), '}')
	}
	return append(dst, ']')
}

func appendMembers(dst []byte, fields []out, r *record) []byte {
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
