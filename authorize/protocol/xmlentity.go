package protocol

import (
	"bytes"
	"strconv"
	"unicode/utf8"
)

// xmlEntities are those that XML itself defines. No others are known, and none can be defined.
var xmlEntities = map[string]byte{"lt": '<', "gt": '>', "amp": '&', "apos": '\'', "quot": '"'}

// unescapeXML decodes entities and numbered characters in place. What is cut off is overwritten.
func unescapeXML(v []byte) ([]byte, error) {
	n := bytes.IndexByte(v, '&')
	if n < 0 {
		return v, nil
	}
	for i := n; i < len(v); {
		if v[i] != '&' {
			v[n] = v[i]
			n, i = n+1, i+1
			continue
		}
		size := bytes.IndexByte(v[i:], ';')
		if size < 0 {
			return nil, notXML("an entity has no end")
		}
		r, ok := entity(v[i+1 : i+size])
		if !ok {
			return nil, notXML("an entity is not known")
		}
		i += size + 1
		n += utf8.EncodeRune(v[n:i], r)
	}
	clear(v[n:])
	return v[:n], nil
}

// entity decodes what stands between & and ;. A character never takes more bytes than its number.
func entity(name []byte) (rune, bool) {
	if c, ok := xmlEntities[string(name)]; ok {
		return rune(c), true
	}
	digits, decimal := bytes.CutPrefix(name, []byte{'#'})
	if !decimal || len(digits) == 0 || len(digits) > 8 {
		return 0, false
	}
	base := 10
	if digits[0] == 'x' {
		digits, base = digits[1:], 16
	}
	n, err := strconv.ParseUint(string(digits), base, 32)
	r := rune(n)
	legal := r == '\t' || r == '\n' || r == '\r' || ' ' <= r && r != 0xFFFE && r != 0xFFFF && utf8.ValidRune(r)
	return r, err == nil && legal && n <= utf8.MaxRune
}

// notXML refuses a document. The text never repeats what stands in it.
func notXML(why string) error {
	return Refuse(FirstFormat, onPacket, "body is not a SOAP envelope: "+why)
}
