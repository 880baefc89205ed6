package authorize

import (
	"strconv"
	"strings"
	"unicode/utf8"
)

const xmlHeader = "<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n"

// dtd writes the internal DTD of a flat answer. Some clients cut the text from <!DOCTYPE to ]> and fail without it.
func dtd(fields []out, secure bool) []byte {
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

func appendXML(dst []byte, s *sheet, a *answer) []byte {
	dst = append(dst, xmlHeader...)
	dst = append(dst, s.dtd...)
	first, second := 0, 0
	if a.fault != nil {
		first, second = a.fault.first, a.fault.second
	}
	dst = append(dst, `<result firstcode="`...)
	dst = strconv.AppendInt(dst, int64(first), 10)
	dst = append(dst, `" secondcode="`...)
	dst = strconv.AppendInt(dst, int64(second), 10)
	dst = append(dst, `" count="`...)
	dst = strconv.AppendInt(dst, int64(len(a.orders)), 10)
	dst = append(dst, `">`...)
	if s.wrapped && len(a.orders) > 0 {
		dst = append(dst, "<orders>"...)
	}
	for i := range a.orders {
		dst = appendXMLOrder(dst, s, &a.orders[i])
	}
	if s.wrapped && len(a.orders) > 0 {
		dst = append(dst, "</orders>"...)
	}
	return append(dst, "</result>\n"...)
}

func appendXMLOrder(dst []byte, s *sheet, o *told) []byte {
	dst = appendSections(append(dst, "<order>"...), s, o, "")
	if s.flat == nil || s.nested {
		dst = appendElements(dst, s.check, &o.record, "")
	}
	return append(dst, "</order>"...)
}

// appendSections writes an order and its operations. attribute stands in the tag of each field.
func appendSections(dst []byte, s *sheet, o *told, attribute string) []byte {
	if s.flat != nil {
		dst = appendElements(dst, s.flat, &o.record, attribute)
	} else {
		dst = appendElements(dst, s.order, &o.record, attribute)
		dst = append(dst, "<customer>"...)
		dst = appendElements(dst, s.customer, &o.record, attribute)
		dst = append(dst, "</customer>"...)
	}
	for _, r := range o.steps(s) {
		dst = append(dst, "<operation>"...)
		dst = appendElements(dst, s.operation, r, attribute)
		dst = append(dst, "</operation>"...)
	}
	if o.secure != nil {
		dst = appendSecureElements(dst, o.secure, attribute)
	}
	return dst
}

// appendSecureElements writes the 3-D Secure of a payment that waits for it.
func appendSecureElements(dst []byte, secure []pair, attribute string) []byte {
	dst = append(dst, "<threedsdata>"...)
	for _, p := range secure {
		dst = append(append(append(dst, '<'), p.name...), attribute...)
		dst = appendText(append(dst, '>'), p.value)
		dst = append(append(append(dst, "</"...), p.name...), '>')
	}
	return append(dst, "</threedsdata>"...)
}

// steps are the records of the operations that the sheet shows.
func (o *told) steps(s *sheet) []*record {
	switch {
	case s.operation == nil:
		return nil
	case o.operations == nil:
		return []*record{&o.record}
	}
	all := make([]*record, len(o.operations))
	for i := range o.operations {
		all[i] = &o.operations[i]
	}
	return all
}

func appendElements(dst []byte, fields []out, r *record, attribute string) []byte {
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
