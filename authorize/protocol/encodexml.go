package protocol

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const xmlHeader = "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n"

// dtd writes the internal DTD of a flat answer. Some clients cut the text from <!DOCTYPE to ]> and fail without it.
func dtd(fields []Field, secure bool) []byte {
	var b strings.Builder
	b.WriteString("<!DOCTYPE result [\n<!ATTLIST result firstcode CDATA #REQUIRED secondcode CDATA #REQUIRED count CDATA #REQUIRED>\n" +
		"<!ELEMENT result (orders?)>\n<!ELEMENT orders (order)>\n<!ELEMENT order (")
	for i, f := range fields {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(outNames[f] + "?")
	}
	if secure {
		b.WriteString(", threedsdata?")
	}
	b.WriteString(")>\n")
	if secure {
		b.WriteString("<!ELEMENT threedsdata (" + strings.Join(secureNames[:], ", ") + ")>\n")
		for _, name := range secureNames {
			b.WriteString("<!ELEMENT " + name + " (#PCDATA)>\n")
		}
	}
	for _, f := range fields {
		b.WriteString("<!ELEMENT " + outNames[f] + " (#PCDATA)>\n")
	}
	b.WriteString("]>\n")
	return []byte(b.String())
}

func appendXML(dst []byte, s *Layout, a *Answer) []byte {
	dst = append(dst, xmlHeader...)
	dst = append(dst, s.dtd...)
	first, second := 0, 0
	if a.Fault != nil {
		first, second = a.Fault.First, a.Fault.Second
	}
	dst = append(dst, `<result firstcode="`...)
	dst = strconv.AppendInt(dst, int64(first), 10)
	dst = append(dst, `" secondcode="`...)
	dst = strconv.AppendInt(dst, int64(second), 10)
	dst = append(dst, `" count="`...)
	dst = strconv.AppendInt(dst, int64(len(a.Orders)), 10)
	dst = append(dst, `">`...)
	if s.wrapped && len(a.Orders) > 0 {
		dst = append(dst, "<orders>"...)
	}
	for i := range a.Orders {
		dst = appendXMLOrder(dst, s, &a.Orders[i])
	}
	if s.wrapped && len(a.Orders) > 0 {
		dst = append(dst, "</orders>"...)
	}
	return append(dst, "</result>\n"...)
}

func appendXMLOrder(dst []byte, s *Layout, o *Entry) []byte {
	dst = appendSections(append(dst, "<order>"...), s, o, "")
	if s.flat == nil || s.nested {
		dst = appendElements(dst, s.check, &o.Row, "")
	}
	return append(dst, "</order>"...)
}

// appendSections writes an order and its operations. attribute stands in the tag of each field.
func appendSections(dst []byte, s *Layout, o *Entry, attribute string) []byte {
	if s.flat != nil {
		dst = appendElements(dst, s.flat, &o.Row, attribute)
	} else {
		dst = appendElements(dst, s.order, &o.Row, attribute)
		dst = append(dst, "<customer>"...)
		dst = appendElements(dst, s.customer, &o.Row, attribute)
		dst = append(dst, "</customer>"...)
	}
	for _, r := range o.steps(s) {
		dst = append(dst, "<operation>"...)
		dst = appendElements(dst, s.operation, r, attribute)
		dst = append(dst, "</operation>"...)
	}
	if o.Secure != nil {
		dst = appendSecureElements(dst, o.Secure, attribute)
	}
	return dst
}

// appendSecureElements writes the 3-D Secure of a payment that waits for it.
func appendSecureElements(dst []byte, secure *SecureData, attribute string) []byte {
	dst = append(dst, "<threedsdata>"...)
	for i, name := range secureNames {
		dst = append(append(append(dst, '<'), name...), attribute...)
		dst = appendText(append(dst, '>'), secure[i])
		dst = append(append(append(dst, "</"...), name...), '>')
	}
	return append(dst, "</threedsdata>"...)
}

// steps are the rows of the operations that the layout tells.
func (o *Entry) steps(s *Layout) []*Row {
	switch {
	case s.operation == nil:
		return nil
	case o.Operations == nil:
		return []*Row{&o.Row}
	}
	all := make([]*Row, len(o.Operations))
	for i := range o.Operations {
		all[i] = &o.Operations[i]
	}
	return all
}

func appendElements(dst []byte, fields []Field, r *Row, attribute string) []byte {
	for _, f := range fields {
		dst = append(append(append(append(dst, '<'), outNames[f]...), attribute...), '>')
		dst = appendText(dst, r[f])
		dst = append(append(append(dst, "</"...), outNames[f]...), '>')
	}
	return dst
}

// appendText escapes s for XML. What XML cannot carry becomes the replacement character.
func appendText(dst []byte, s string) []byte {
	from := 0
	for i := 0; i < len(s); {
		escape, size := "", 1
		switch c := s[i]; {
		case c == '&':
			escape = "&amp;"
		case c == '<':
			escape = "&lt;"
		case c == '>':
			escape = "&gt;"
		case c < 0x20:
			escape = "\uFFFD"
		case c >= utf8.RuneSelf:
			var r rune
			if r, size = utf8.DecodeRuneInString(s[i:]); r == 0xFFFE || r == 0xFFFF || r == utf8.RuneError && size == 1 {
				escape = "\uFFFD"
			}
		}
		if escape != "" {
			dst = append(append(dst, s[from:i]...), escape...)
			from = i + size
		}
		i += size
	}
	return append(dst, s[from:]...)
}
