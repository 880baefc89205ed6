package authorize

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"settled/authorize/charset"
)

// maxBody bounds a request's body in bytes.
const maxBody = 64 << 10

// call is one request: its parameters point into body, which is wiped when the request is over.
type call struct {
	body     []byte
	values   [inCount][]byte
	boundary string // of a multipart body
	zipped   bool   // the body is compressed
	document bool   // a SOAP request is one of the document style
	link     bool   // the parameters stand in the address
	declared bool   // the request says what its charset is
	charset  *charset.Charset
	charsets func(merchant int32) string // of a merchant's pages
	given    []received                  // fields of a form, until all of them are known
	accepts  *[inCount]taking            // what the service does with each parameter; nil: it has them all
	named    [inCount]bool               // parameters that the request names, with a value or without
	standIns []standIn                   // names that the service does not have and that seem to mean a parameter of it
	syntax   *syntax
	format   Format
	language language
	old      bool             // codes that a country's currency had before are read as those that it has
	received []received       // what was changed of the parameters that proofs cover
	cards    []cardFound      // card data where none belongs
	bills    func(int64) bool // knows bill numbers that were given out
	noted    []noted          // what describes the buyer and was not taken as sent
	unknown  []field          // fields that ListParameters may name
	listed   []field          // those that it does
}

var calls = sync.Pool{New: func() any { return &call{body: make([]byte, 0, 4<<10)} }}

// newCall returns a call that has nothing yet. What the service does with each parameter is in accepts.
func newCall(f Format, accepts *[inCount]taking, k knowledge) *call {
	c := calls.Get().(*call)
	c.format, c.accepts, c.charsets, c.bills = f, accepts, k.charset, k.bill
	return c
}

// knowledge is what the reading of a request needs to know of those who may have sent it. Functions that are nil know nothing.
type knowledge struct {
	charset func(merchant int32) string // of the pages of a merchant, whose forms do not say it; empty: UTF-8, or no such merchant
	bill    func(number int64) bool     // the number is that of a bill that was given out
}

// release wipes the call, which may hold card data, and gives it back.
func (c *call) release() {
	body := c.body[:cap(c.body)]
	clear(body)
	clear(c.given)
	*c = call{body: body[:0], given: c.given[:0]}
	calls.Put(c)
}

// read takes in the request: method, query, type, size, syntax, and what is stripped from each value.
func (c *call) read(r *http.Request) error {
	if r.Method != http.MethodPost {
		return &fault{first: errProhibited, second: onService, status: http.StatusMethodNotAllowed, detail: "use POST"}
	}
	if err := c.readType(r.Header); err != nil {
		return err
	}
	if err := c.readBody(r); err != nil {
		return err
	}
	return c.parse(r)
}

// readLink takes an order in from an address, as if it were a form.
func (c *call) readLink(r *http.Request) error {
	if len(r.URL.RawQuery) > maxBody {
		return errTooLarge
	}
	c.syntax, c.link = formSyntax, true
	c.body = append(c.body[:0], r.URL.RawQuery...)
	return c.parse(r)
}

// parse reads the parameters.
func (c *call) parse(r *http.Request) error {
	err := checkQuery(r.URL.RawQuery) // told in the format that the body asks for
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

// checkQuery refuses a query that holds critical parameters. Other parameters of a query are not read.
func checkQuery(query string) error {
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, _, _ := strings.Cut(pair, "=")
		if plain, err := url.QueryUnescape(name); err == nil {
			name = plain
		}
		if second, ok := criticalParams[lowerASCII(name)]; ok {
			return refuse(errProhibitedObject, second, "parameter must not be in the URL")
		}
	}
	return nil
}

// syntax is how a request is written.
type syntax struct {
	parse  func(*call) error
	format Format // of the answer, whatever Format says; 0: as Format says
}

var (
	formSyntax = &syntax{parse: (*call).parseForm}
	jsonSyntax = &syntax{(*call).parseJSON, FormatJSON}
)

// syntaxes by the type of the body.
var syntaxes = map[string]*syntax{
	"application/x-www-form-urlencoded": formSyntax,
	"multipart/form-data":               multipartSyntax,
	"application/json":                  jsonSyntax,
	"text/json":                         jsonSyntax,
	"text/xml":                          {(*call).parseSOAP, FormatSOAP},
	"application/xml":                   {(*call).parseSOAP, FormatSOAP},
	"application/soap+xml":              {(*call).parseSOAP, FormatSOAP},
}

func (c *call) readType(h http.Header) error {
	unsupported := func(why string) error {
		return &fault{first: errFormat, second: onService, status: http.StatusUnsupportedMediaType, detail: why}
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
		c.format = c.syntax.format
	}
	return nil
}

var errTooLarge = &fault{first: errGeneral, second: onSize, status: http.StatusRequestEntityTooLarge, detail: "body exceeds 64 KiB"}

// readBody reads at most maxBody bytes, compressed or not. A buffer that is left for a larger one is wiped.
func (c *call) readBody(r *http.Request) error {
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

var errNotZipped = &fault{first: errFormat, second: onService, status: http.StatusBadRequest, detail: "body is not gzip, or is not whole"}

func (c *call) readFrom(body io.Reader) error {
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
			return &fault{first: errTimedOut, second: onUnexpected, status: http.StatusRequestTimeout, detail: "body did not come in time"}
		case err != nil && c.zipped:
			return errNotZipped
		case err != nil:
			return &fault{first: errGeneral, second: onUnexpected, status: http.StatusBadRequest, detail: "body ended early"}
		}
	}
}

// set takes one parameter: strips it, checks its text, length and size, and refuses a second value. An empty value counts as
// missing, and so does a zero that proofs skip; where the service says that a missing one has a meaning of its own, an empty one
// is refused. What describes the buyer is cut or left out where other parameters are refused. A parameter that the service does
// not have is skipped.
func (c *call) set(id in, v []byte) error {
	if c.accepts != nil && c.accepts[id] == skipped {
		c.suspect([]byte(params[id].name))
		return nil
	}
	p := &params[id]
	text := c.plain(v)
	if !utf8.Valid(text) {
		return c.lenient(id, refuse(errFormat, p.second, p.name+" is not UTF-8, and no other charset is declared"))
	}
	if c.named[id] {
		return c.lenient(id, refuse(errFormat, p.second, p.name+" is given twice"))
	}
	c.named[id] = true
	c.keepReceived(id, v, text)
	v, err := c.guarded(id, text)
	if err != nil {
		return err
	}
	if len(v) > p.max && utf8.RuneCount(v) > p.max {
		if slices.Contains(fromParts[:], id) || slices.Contains(toParts[:], id) {
			c.values[id] = v[:0] // a wrong part of a period is passed over by its reader
			return nil
		}
		if describing[id] == refused {
			return refuse(errFormat, p.second, p.name+" is too long")
		}
		v = c.shorten(id, v)
	}
	if c.accepts != nil && c.accepts[id] == exact && len(bytes.TrimSpace(v)) == 0 {
		return unreadable(id, "is empty: give a value or leave it out")
	}
	if err := id.checkNumber(v); err != nil {
		return err
	}
	if len(v) > 0 && !(id.skippedWhenZero() && isZero(v)) {
		c.values[id] = v
	}
	return nil
}

// guarded strips a text and guards it, before and after.
func (c *call) guarded(id in, text []byte) ([]byte, error) {
	text, err := c.guard(id, text)
	if err != nil || text == nil {
		return nil, err
	}
	return c.guard(id, params[id].strip.apply(text))
}

// readFormat decides the format of the answer. A JSON or SOAP request is answered in kind whatever Format says.
func (c *call) readFormat() error {
	v := c.values[inFormat]
	if c.syntax.format != 0 || v == nil {
		return nil
	}
	f := Format(v[0] - '0')
	if f > 9 || encoders[f] == nil {
		return refuse(errValue, onFormat, "Format is not served; use 1 (CSV), 3 (XML), 4 (SOAP) or 5 (JSON)")
	}
	c.format = f
	return nil
}

// text returns a parameter, empty when it is missing.
func (c *call) text(id in) string { return string(c.values[id]) }

// has tells whether a parameter is given.
func (c *call) has(id in) bool { return c.values[id] != nil }

// require returns the first of the parameters that is missing as an error.
func (c *call) require(ids ...in) error {
	for _, id := range ids {
		if !c.has(id) {
			return refuse(errMissing, params[id].second, params[id].name+" is missing")
		}
	}
	return nil
}
