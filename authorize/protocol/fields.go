package protocol

import (
	"bytes"
	"net/http"
	"unicode/utf8"
)

// maxFields bounds the fields of a form.
const maxFields = 64

// Fields reads a form whose fields are no parameters, as the page and banks send them. Of a field that is given twice the first
// counts. The values point into the body, which is wiped after the request.
func (c *Call) Fields(r *http.Request) (map[string][]byte, error) {
	if err := c.readType(r.Header); err != nil {
		return nil, err
	}
	if c.syntax != formSyntax {
		return nil, Refuse(FirstFormat, OnService, "send a form")
	}
	if err := c.readBody(r); err != nil {
		return nil, err
	}
	f := map[string][]byte{}
	for pair := range bytes.SplitSeq(c.body, []byte{'&'}) {
		name, value, _ := bytes.Cut(pair, []byte{'='})
		name, named := unescape(name)
		value, ok := unescape(value)
		if !named || !ok || !utf8.Valid(value) || len(f) == maxFields {
			return nil, Refuse(FirstFormat, OnNothing, "form cannot be read")
		}
		if _, twice := f[string(name)]; !twice {
			f[string(name)] = value
		}
	}
	return f, nil
}
