package protocol

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"settled/authorize/charset"
)

// charsetField is a field that browsers fill in with the charset of the page whose form they send (HTML).
const charsetField = "_charset_"

// plain returns a value of a form as UTF-8. Other requests are UTF-8 as a whole when they are parsed.
func (c *Call) plain(v []byte) []byte {
	if c.syntax.format != 0 {
		return v
	}
	return c.charset.Decode(v)
}

// encoded returns the bytes that a value came as, which is what its sender has proven.
func (c *Call) encoded(v []byte) []byte {
	if c.syntax.format == 0 {
		return v
	}
	return c.charset.Encode(v)
}

// take sets the fields of a form, once it is known what charset they are in.
func (c *Call) take() (wrong error) {
	c.findCharset()
	for _, g := range c.given {
		if err := c.set(g.id, g.value); wrong == nil {
			wrong = err
		}
	}
	return wrong
}

// findCharset decides the charset of a form: as it is declared. Else text that is UTF-8 is UTF-8, and other text is in the charset
// of the merchant's pages.
func (c *Call) findCharset() {
	if c.declared {
		return
	}
	merchant := int32(0)
	valid := true
	for _, g := range c.given {
		valid = valid && utf8.Valid(g.value)
		if g.id == InMerchant {
			id, _ := strconv.ParseInt(string(g.value), 10, 32)
			merchant = int32(id)
		}
	}
	if c.charsets != nil && !valid {
		c.charset, _ = charset.Named(c.charsets(merchant))
	}
}

// declare takes the charset that a form names, unless the request did before.
func (c *Call) declare(name []byte) {
	if found, known := charset.Named(string(name)); known && !c.declared {
		c.charset, c.declared = found, true
	}
}

var byteOrderMark = []byte("\xef\xbb\xbf")

// convert makes the whole body UTF-8.
func (c *Call) convert() {
	c.body = bytes.TrimPrefix(c.body, byteOrderMark)
	if text := c.charset.Decode(c.body); c.charset != nil && len(text) > 0 {
		old := c.body[:cap(c.body)]
		c.body = bytes.Clone(text)
		clear(old)
	}
}

// convertXML makes a document UTF-8, which may name its charset itself. What the request says counts first, as long as it can be
// true. A document that says UTF-16 in single bytes is none: programs write that into texts that they send as UTF-8.
func (c *Call) convertXML() error {
	named, err := declaredIn(c.body)
	if err != nil {
		return err
	}
	if c.charset == nil && (!c.declared || !utf8.Valid(c.body)) && named != "" && named != "utf-16" {
		found, known := charset.Named(named)
		if !known {
			return notXML("its charset is not taken: UTF-8, windows-1251 and ISO-8859-1 are")
		}
		c.charset = found
	}
	c.convert()
	return nil
}

// maxDeclaration bounds the declaration of a document, in bytes.
const maxDeclaration = 256

// declaredIn is the charset that a document names, in lower case; empty when it names none.
func declaredIn(body []byte) (string, error) {
	s := &xmlScanner{b: bytes.Clone(bytes.TrimPrefix(body, byteOrderMark))}
	s.b = s.b[:min(len(s.b), maxDeclaration)]
	if !s.take("<?xml") {
		return "", nil
	}
	if err := s.readAttributes(); err != nil {
		return "", err
	}
	name, _ := s.attribute("encoding")
	return lowerASCII(string(name)), nil
}
