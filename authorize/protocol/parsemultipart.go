package protocol

import (
	"bytes"
	"mime"
	"strings"
)

// maxBoundary is the longest boundary of multipart/form-data, in bytes (RFC 2046).
const maxBoundary = 70

var multipartSyntax = &syntax{parse: (*Call).parseMultipart}

// parseMultipart reads multipart/form-data (RFC 7578), which some HTTP libraries send for a list of fields, as the form that
// it stands for: values are taken where they stand. Files are refused. It reads on after an error, because Format says how
// to tell it; a body that breaks off is an error as a whole.
func (c *Call) parseMultipart() (wrong error) {
	delimiter := []byte("\r\n--" + c.boundary)
	rest, more := bytes.CutPrefix(c.body, delimiter[2:])
	for more {
		if end, last := bytes.CutPrefix(rest, []byte("--")); last && len(bytes.TrimSpace(end)) == 0 {
			if err := c.take(); wrong == nil {
				wrong = err
			}
			return wrong
		}
		var part []byte
		if part, rest, more = bytes.Cut(rest, delimiter); more {
			if err := c.formField(part); wrong == nil {
				wrong = err
			}
		}
	}
	return malformed("body is not whole multipart/form-data", "")
}

// formField reads one part: header lines, an empty line, the value.
func (c *Call) formField(text []byte) error {
	text, begins := bytes.CutPrefix(text, []byte("\r\n"))
	header, value, whole := bytes.Cut(text, []byte("\r\n\r\n"))
	name, ok := partName(string(header))
	if !begins || !whole || !ok {
		return malformed("a part of the body is no field of a form", "")
	}
	id, known := lookUp([]byte(name))
	switch {
	case !known:
		if name == charsetField {
			c.declare(value)
		}
		c.keepUnknown([]byte(name), value, false)
	case id != Ignored:
		c.given = append(c.given, received{id, value})
	}
	return nil
}

// partName reads the name of a field from its header. A file and an encoded value are none.
func partName(header string) (string, bool) {
	name, found := "", false
	for line := range strings.SplitSeq(header, "\r\n") {
		key, value, _ := strings.Cut(line, ":")
		switch strings.ToLower(strings.TrimSpace(key)) {
		case "content-disposition":
			kind, options, err := mime.ParseMediaType(value)
			if _, file := options["filename"]; err != nil || kind != "form-data" || file || found {
				return "", false
			}
			name, found = options["name"]
		case "content-transfer-encoding":
			return "", false
		}
	}
	return name, found
}
