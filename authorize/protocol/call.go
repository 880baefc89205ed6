package protocol

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

// Call is one request: its parameters point into body, which is wiped when the request is over.
type Call struct {
	body          []byte
	values        [InCount][]byte
	boundary      string // of a multipart body
	zipped        bool   // the body is compressed
	Document      bool   // a SOAP request is one of the document style
	Link          bool   // the parameters stand in the address
	declared      bool   // the request says what its charset is
	charset       *charset.Charset
	charsets      func(merchant int32) string // of a merchant's pages
	given         []received                  // fields of a form, until all of them are known
	accepts       *[InCount]Taking            // what the service does with each parameter; nil: it has them all
	named         [InCount]bool               // parameters that the request names, with a value or without
	standIns      []standIn                   // names that the service does not have and that seem to mean a parameter of it
	syntax        *syntax
	Format        Format
	Language      Language
	OldCurrencies bool             // codes that a country's currency had before are read as those that it has
	received      []received       // what was changed of the parameters that proofs cover
	Cards         []CardFound      // card data where none belongs
	bills         func(int64) bool // knows bill numbers that were given out
	noted         []noted          // what describes the buyer and was not taken as sent
	unknown       []unknownField   // fields that ListParameters may name
	listed        []unknownField   // those that it does
}

var calls = sync.Pool{New: func() any { return &Call{body: make([]byte, 0, 4<<10)} }}

// NewCall returns a call that has nothing yet. What the service does with each parameter is in accepts.
func NewCall(f Format, accepts *[InCount]Taking, k Knowledge) *Call {
	c := calls.Get().(*Call)
	c.Format, c.accepts, c.charsets, c.bills = f, accepts, k.Charset, k.Bill
	return c
}

// Knowledge is what the reading of a request needs to know of those who may have sent it. Functions that are nil know nothing.
type Knowledge struct {
	Charset func(merchant int32) string // of the pages of a merchant, whose forms do not say it; empty: UTF-8, or no such merchant
	Bill    func(number int64) bool     // the number is that of a bill that was given out
}

// Release wipes the call, which may hold card data, and gives it back.
func (c *Call) Release() {
	body := c.body[:cap(c.body)]
	clear(body)
	clear(c.given)
	*c = Call{body: body[:0], given: c.given[:0]}
	calls.Put(c)
}

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

// syntax is how a request is written.
type syntax struct {
	parse  func(*Call) error
	format Format // of the answer, whatever Format says; 0: as Format says
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

// set takes one parameter: strips it, checks its text, length and size, and refuses a second value. An empty value counts as
// missing, and so does a zero that proofs skip; where the service says that a missing one has a meaning of its own, an empty one
// is refused. What describes the buyer is cut or left out where other parameters are refused. A parameter that the service does
// not have is skipped.
func (c *Call) set(id Parameter, v []byte) error {
	if c.accepts != nil && c.accepts[id] == Skipped {
		c.suspect([]byte(params[id].name))
		return nil
	}
	p := &params[id]
	text := c.plain(v)
	if !utf8.Valid(text) {
		return c.lenient(id, Refuse(FirstFormat, p.second, p.name+" is not UTF-8, and no other charset is declared"))
	}
	if c.named[id] {
		return c.lenient(id, Refuse(FirstFormat, p.second, p.name+" is given twice"))
	}
	c.named[id] = true
	c.keepReceived(id, v, text)
	v, err := c.Guarded(id, text)
	if err != nil {
		return err
	}
	if len(v) > p.max && utf8.RuneCount(v) > p.max {
		if slices.Contains(FromParts[:], id) || slices.Contains(ToParts[:], id) {
			c.values[id] = v[:0] // a wrong part of a period is passed over by its reader
			return nil
		}
		if !id.DescribesBuyer() {
			return Refuse(FirstFormat, p.second, p.name+" is too long")
		}
		v = c.shorten(id, v)
	}
	if c.accepts != nil && c.accepts[id] == exact && len(bytes.TrimSpace(v)) == 0 {
		return Unreadable(id, "is empty: give a value or leave it out")
	}
	if err := id.checkNumber(v); err != nil {
		return err
	}
	if len(v) > 0 && !(id.skippedWhenZero() && isZero(v)) {
		c.values[id] = v
	}
	return nil
}

// Guarded strips a text and guards it, before and after.
func (c *Call) Guarded(id Parameter, text []byte) ([]byte, error) {
	text, err := c.Guard(id, text)
	if err != nil || text == nil {
		return nil, err
	}
	return c.Guard(id, params[id].strip.Apply(text))
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

// Text returns a parameter, empty when it is missing.
func (c *Call) Text(id Parameter) string { return string(c.values[id]) }

// Bytes returns the value of a parameter in the call's own memory, which is wiped; nil when it is missing.
func (c *Call) Bytes(id Parameter) []byte { return c.values[id] }

// Names tells whether the request names a parameter, with a value or without.
func (c *Call) Names(id Parameter) bool { return c.named[id] }

// IsForm tells that the parameters stand in a form or in an address.
func (c *Call) IsForm() bool { return c.syntax.format == 0 }

// Has tells whether a parameter is given.
func (c *Call) Has(id Parameter) bool { return c.values[id] != nil }

// Require returns the first of the parameters that is missing as an error.
func (c *Call) Require(ids ...Parameter) error {
	for _, id := range ids {
		if !c.Has(id) {
			return Refuse(FirstMissing, params[id].second, params[id].name+" is missing")
		}
	}
	return nil
}
