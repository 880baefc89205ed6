package protocol

import (
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"settled/authorize/charset"
	"strings"
)

// maxBody bounds a request's body in bytes.
const maxBody = 64 << 10

// Read takes in the request: method, query, type, size, syntax, and what is stripped from each value.
func (c *Call) Read(r *http.Request) error {
	if r.Method != http.MethodPost {
		return &Fault{First: FirstProhibited, Second: OnService, Status: http.StatusMethodNotAllowed, Detail: "use POST"}
	}
	if err := c.readType(r.Header); err != nil {
		return err
	}
	if err := c.readBody(r); err != nil {
		return err
	}
	return c.parse(r)
}

// ReadLink takes an order in from an address, as if it were a form.
func (c *Call) ReadLink(r *http.Request) error {
	if len(r.URL.RawQuery) > maxBody {
		return errTooLarge
	}
	c.syntax, c.Link = formSyntax, true
	c.body = append(c.body[:0], r.URL.RawQuery...)
	return c.parse(r)
}

// parse reads the parameters.
func (c *Call) parse(r *http.Request) error {
	err := CheckQuery(r.URL.RawQuery) // told in the format that the body asks for
	if parsed := c.syntax.parse(c); err == nil {
		err = parsed
	}
	if err == nil {
		err = errors.Join(c.takeListed(), c.checkStandIns(), c.checkCheque())
	}
	c.checkClientIP()
	if format := c.readFormat(); err == nil {
		err = format
	}
	return err
}

// CheckQuery refuses a query that holds critical parameters. Other parameters of a query are not read.
func CheckQuery(query string) error {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if second, ok := criticalParams[lowerASCII(name)]; ok {
			return Refuse(FirstProhibitedObject, second, "parameter must not be in the URL")
		}
	}
	return nil
}

var (
	formSyntax = &syntax{parse: (*Call).parseForm}
	jsonSyntax = &syntax{(*Call).parseJSON, FormatJSON}
)

// syntaxes by the type of the body.
var syntaxes = map[string]*syntax{
	"application/x-www-form-urlencoded": formSyntax,
	"multipart/form-data":               multipartSyntax,
	"application/json":                  jsonSyntax,
	"text/json":                         jsonSyntax,
	"text/xml":                          {(*Call).parseSOAP, FormatSOAP},
	"application/xml":                   {(*Call).parseSOAP, FormatSOAP},
	"application/soap+xml":              {(*Call).parseSOAP, FormatSOAP},
}

func (c *Call) readType(h http.Header) error {
	unsupported := func(why string) error {
		return &Fault{First: FirstFormat, Second: OnService, Status: http.StatusUnsupportedMediaType, Detail: why}
	}
	switch strings.ToLower(h.Get("Content-Encoding")) {
	case "", "identity":
	case "gzip", "x-gzip":
		c.zipped = true
	default:
		return unsupported("send the body without content encoding, or in gzip")
	}
	kind := h.Get("Content-Type")
	if kind == "application/x-www-form-urlencoded" {
		c.syntax = formSyntax
		return nil
	}
	kind, options, err := mime.ParseMediaType(kind)
	c.syntax = syntaxes[kind]
	if err != nil || c.syntax == nil {
		return unsupported("send application/x-www-form-urlencoded, application/json, text/xml or application/soap+xml")
	}
	if name := options["charset"]; name != "" {
		if c.charset, c.declared = charset.Named(name); !c.declared {
			return unsupported("send UTF-8, windows-1251 or ISO-8859-1")
		}
	}
	if c.boundary = options["boundary"]; c.syntax == multipartSyntax && (c.boundary == "" || len(c.boundary) > maxBoundary) {
		return unsupported("multipart/form-data has no boundary")
	}
	if c.syntax.format != 0 {
		c.Format = c.syntax.format
	}
	return nil
}

var errTooLarge = &Fault{First: FirstGeneral, Second: onSize, Status: http.StatusRequestEntityTooLarge, Detail: "body exceeds 64 KiB"}

// readBody reads at most maxBody bytes, compressed or not. A buffer that is left for a larger one is wiped.
func (c *Call) readBody(r *http.Request) error {
	if r.ContentLength > maxBody {
		return errTooLarge
	}
	if !c.zipped {
		return c.readFrom(r.Body)
	}
	plain, err := gzip.NewReader(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return errNotZipped
	}
	return c.readFrom(plain)
}

var errNotZipped = &Fault{First: FirstFormat, Second: OnService, Status: http.StatusBadRequest, Detail: "body is not gzip, or is not whole"}

func (c *Call) readFrom(body io.Reader) error {
	for {
		if len(c.body) == cap(c.body) {
			grown := append(make([]byte, 0, max(4<<10, 4*cap(c.body))), c.body...)
			clear(c.body)
			c.body = grown
		}
		n, err := body.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+n]
		switch {
		case len(c.body) > maxBody:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case errors.Is(err, os.ErrDeadlineExceeded):
			return &Fault{First: FirstTimedOut, Second: OnUnexpected, Status: http.StatusRequestTimeout, Detail: "body did not come in time"}
		case err != nil && c.zipped:
			return errNotZipped
		case err != nil:
			return &Fault{First: FirstGeneral, Second: OnUnexpected, Status: http.StatusBadRequest, Detail: "body ended early"}
		}
	}
}

// readFormat decides the format of the answer. A JSON or SOAP request is answered in kind whatever Format says.
func (c *Call) readFormat() error {
	v := c.values[InFormat]
	if c.syntax.format != 0 || v == nil {
		return nil
	}
	f := Format(v[0] - '0')
	if f > 9 || encoders[f] == nil {
		return Refuse(FirstValue, onFormat, "Format is not served; use 1 (CSV), 3 (XML), 4 (SOAP) or 5 (JSON)")
	}
	c.Format = f
	return nil
}
