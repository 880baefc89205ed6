package protocol

import (
	"strconv"
	"unicode"
	"unicode/utf8"
)

// csvSeparator stands between the pairs of a line.
const csvSeparator = ';'

// appendCSV writes a line of name:value pairs for each order, or, where a service tells operations, for each of them,
// with the fields of its order in front.
func appendCSV(dst []byte, s *Layout, a *Answer) []byte {
	if a.Fault != nil {
		dst = strconv.AppendInt(append(dst, "firstcode:"...), int64(a.Fault.First), 10)
		dst = strconv.AppendInt(append(dst, ";secondcode:"...), int64(a.Fault.Second), 10)
		return append(dst, '\n')
	}
	for i := range a.Orders {
		o := &a.Orders[i]
		if s.operation == nil {
			dst = appendPairs(dst, s.flat, &o.Row, outCount)
			dst = endLine(appendSecurePairs(dst, o.Secure))
			continue
		}
		steps := o.steps(s)
		if len(steps) == 0 {
			steps = []*Row{{}} // nothing was done to the order yet
		}
		for _, step := range steps {
			dst = endLine(appendLine(dst, s, o, step))
		}
	}
	return dst
}

// appendLine writes an operation with its order. The bill number is the operation's, which begins with the order's.
func appendLine(dst []byte, s *Layout, o *Entry, step *Row) []byte {
	if s.flat != nil {
		dst = appendPairs(dst, s.flat, &o.Row, OutOrderBill)
		dst = appendPairs(dst, s.operation, step, OutOrderBill)
		if !s.nested {
			return dst
		}
		return appendPairs(dst, s.check, &o.Row, OutOrderBill)
	}
	dst = appendPairs(dst, s.order, &o.Row, OutOrderBill)
	dst = appendPairs(dst, s.customer, &o.Row, OutOrderBill)
	dst = appendPairs(dst, s.operation, step, OutOrderBill)
	return appendPairs(dst, s.check, &o.Row, OutOrderBill)
}

// endLine turns the last separator into the end of the line.
func endLine(dst []byte) []byte {
	dst[len(dst)-1] = '\n'
	return dst
}

// appendSecurePairs writes the 3-D Secure of a payment that waits for it.
func appendSecurePairs(dst []byte, secure *SecureData) []byte {
	if secure == nil {
		return dst
	}
	for i, name := range secureNames {
		dst = append(append(dst, name...), ':')
		dst = append(appendCell(dst, secure[i]), csvSeparator)
	}
	return dst
}

func appendPairs(dst []byte, fields []Field, r *Row, without Field) []byte {
	for _, f := range fields {
		if f == without {
			continue
		}
		dst = append(append(dst, outNames[f]...), ':')
		dst = append(appendCell(dst, r[f]), csvSeparator)
	}
	return dst
}

// appendCell writes a value that cannot be taken for anything else: separators become commas, control characters and
// ends of lines spaces, and what a spreadsheet would compute gets an apostrophe in front.
func appendCell(dst []byte, v string) []byte {
	if computes(v) {
		dst = append(dst, '\'')
	}
	for _, r := range v { // what is not UTF-8 becomes the replacement character
		switch {
		case r == csvSeparator:
			dst = append(dst, ',')
		case breaksLine(r):
			dst = append(dst, ' ')
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst
}

func breaksLine(r rune) bool { return unicode.IsControl(r) || r == '\u2028' || r == '\u2029' }

// computes tells whether a spreadsheet might take a value for a formula. A negative number is none.
func computes(v string) bool {
	if v == "" || v[0] == '\t' || v[0] == '\r' {
		return v != ""
	}
	if v[0] == '-' && isDecimal(v[1:]) {
		return false
	}
	for _, r := range v {
		switch {
		case unicode.IsControl(r), unicode.IsSpace(r), unicode.Is(unicode.Cf, r):
		case r == '=', r == '+', r == '-', r == '@', r == '＝', r == '＋', r == '－', r == '＠':
			return true
		default:
			return false
		}
	}
	return false
}

// isDecimal tells whether v is digits with at most one point between them.
func isDecimal(v string) bool {
	points := 0
	for i := range len(v) {
		switch {
		case v[i] == '.' && i > 0 && i < len(v)-1:
			points++
		case v[i] < '0' || v[i] > '9':
			return false
		}
	}
	return v != "" && points <= 1
}
