package protocol

import (
	"strings"
	"sync"

	"settled/authorize/charset"
)

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

// unknownField is a form field, a JSON member or a SOAP element that no service knows.
type unknownField struct {
	name, value []byte
	encoded     bool // of a form: the value is URL-encoded still
	member      bool // of JSON, where a name that nobody knows is an error
}

// is tells whether the field has the name, in any case.
func (f unknownField) is(name string) bool { return strings.EqualFold(name, string(f.name)) }

// standIn is a name that a service does not have, and the parameter that it seems to mean.
type standIn struct {
	name  string
	meant Parameter
}

// syntax is how a request is written.
type syntax struct {
	parse  func(*Call) error
	format Format // of the answer, whatever Format says; 0: as Format says
}

// noted is a parameter that was not taken as it was sent.
type noted struct {
	id  Parameter
	how leniency
}
