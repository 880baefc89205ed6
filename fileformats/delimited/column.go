package delimited

import (
	"time"

	"settled/internal/money"
)

// Kind is what a record does to the cardholder: the first two digits of the processing code.
type Kind uint8

// The kinds of record.
const (
	Sale   Kind = 0
	Refund Kind = 20
)

// Record is one line: a sale or a refund. Its slices are valid until the next call of the reader. A field that the profile has no
// column for is not written, and is zero when read.
type Record struct {
	Line     int64 // in the file, set by reader and writer
	Kind     Kind
	PAN      []byte // 12-19 digits
	RRN      []byte // 12 digits
	ARN      []byte // 23 digits: acquirer reference data
	MCC      []byte // 4 digits
	Time     time.Time
	Expiry   []byte // YYMM; may be empty
	Approval []byte // at most 6 characters; empty where nothing was authorized
	Terminal []byte // at most 8 characters
	Acceptor []byte // at most 15 characters
	Name     []byte // 1-22 characters
	City     []byte // at most 13
	Country  []byte // 3 characters
	Amount   int64
	Currency money.Currency
}

// column says how one field of a record is written, and how it is read back: false is a value that it cannot have. Amounts are
// written in the currency of the record, which is read before them.
type column struct {
	name string
	put  func(dst []byte, r *Record, p *Profile) []byte
	take func(r *Record, v []byte, p *Profile) bool
	late bool // read after the others
}

// columns is the table of all fields; see docs/formats/delimited.md.
var columns = [...]column{
	{name: "processing_code", put: func(dst []byte, r *Record, _ *Profile) []byte { return appendDigits(dst, uint64(r.Kind)*10_000, 6) },
		take: func(r *Record, v []byte, _ *Profile) bool {
			n, ok := number(v)
			r.Kind = Kind(n / 10_000)
			return ok && len(v) == 6 && (n == uint64(Sale) || n == uint64(Refund)*10_000)
		}},
	text("pan", 12, 19, digits, func(r *Record) *[]byte { return &r.PAN }),
	{name: "stan", put: func(dst []byte, r *Record, _ *Profile) []byte { return appendDigits(dst, uint64(r.Line%1_000_000), 6) },
		take: func(r *Record, v []byte, _ *Profile) bool {
			n, ok := number(v)
			return ok && len(v) == 6 && n == uint64(r.Line%1_000_000)
		}},
	text("rrn", 12, 12, digits, func(r *Record) *[]byte { return &r.RRN }),
	text("arn", 23, 23, digits, func(r *Record) *[]byte { return &r.ARN }),
	text("mcc", 4, 4, digits, func(r *Record) *[]byte { return &r.MCC }),
	{name: "time", put: func(dst []byte, r *Record, _ *Profile) []byte { return r.Time.AppendFormat(dst, timeForm) },
		take: func(r *Record, v []byte, _ *Profile) bool {
			var err error
			r.Time, err = time.Parse(timeForm, string(v))
			return err == nil && r.Time.Year() >= 2000
		}},
	text("expiry", 0, 4, digits, func(r *Record) *[]byte { return &r.Expiry }),
	text("approval", 0, 6, printable, func(r *Record) *[]byte { return &r.Approval }),
	text("terminal", 1, 8, printable, func(r *Record) *[]byte { return &r.Terminal }),
	text("acceptor", 1, 15, printable, func(r *Record) *[]byte { return &r.Acceptor }),
	text("name", 1, 22, printable, func(r *Record) *[]byte { return &r.Name }),
	text("city", 0, 13, printable, func(r *Record) *[]byte { return &r.City }),
	text("country", 3, 3, printable, func(r *Record) *[]byte { return &r.Country }),
	{name: "amount", late: true, put: func(dst []byte, r *Record, p *Profile) []byte { return p.appendAmount(dst, r.Amount, r.Currency) },
		take: func(r *Record, v []byte, p *Profile) (ok bool) {
			r.Amount, ok = p.amount(v, r.Currency)
			return ok && r.Amount > 0
		}},
	{name: "currency", put: func(dst []byte, r *Record, _ *Profile) []byte { return appendDigits(dst, uint64(r.Currency), 3) },
		take: func(r *Record, v []byte, _ *Profile) bool {
			var err error
			r.Currency, err = money.CurrencyFromNumeric(string(v))
			return err == nil
		}},
}

// StandardColumns are those of a profile that names none.
var StandardColumns = []string{"processing_code", "pan", "stan", "rrn", "arn", "mcc", "time", "expiry", "approval", "terminal", "acceptor",
	"name", "city", "country", "amount", "currency"}

// required are the columns without which a record cannot be told apart or says nothing.
var required = []string{"processing_code", "pan", "arn", "amount", "currency"}

// Columns are the names of all fields that a profile may order.
func Columns() []string {
	names := make([]string, len(columns))
	for i := range columns {
		names[i] = columns[i].name
	}
	return names
}

func columnNamed(name string) *column {
	for i := range columns {
		if columns[i].name == name {
			return &columns[i]
		}
	}
	return nil
}

// text is a column of between shortest and longest characters of one sort.
func text(name string, shortest, longest int, sort func([]byte) bool, of func(*Record) *[]byte) column {
	return column{name: name,
		put: func(dst []byte, r *Record, _ *Profile) []byte { return append(dst, *of(r)...) },
		take: func(r *Record, v []byte, _ *Profile) bool {
			*of(r) = v
			return len(v) >= shortest && len(v) <= longest && sort(v)
		}}
}

// maxAmount is the largest amount of a record or a file: what every reader can hold.
const maxAmount = 999_999_999_999_999

// appendAmount writes an amount as the profile has it.
func (p *Profile) appendAmount(dst []byte, minor int64, c money.Currency) []byte {
	width := 1
	if !p.Minor {
		width += c.Exponent()
	}
	dst = appendDigits(dst, uint64(minor), max(width, length(uint64(minor))))
	if p.Minor || c.Exponent() == 0 {
		return dst
	}
	point := len(dst) - c.Exponent()
	dst = append(dst, 0)
	copy(dst[point+1:], dst[point:])
	dst[point] = '.'
	return dst
}

// amount reads what appendAmount writes, and nothing else.
func (p *Profile) amount(v []byte, c money.Currency) (minor int64, ok bool) {
	whole, part := v, []byte(nil)
	if exponent := c.Exponent(); !p.Minor && exponent > 0 {
		point := len(v) - exponent - 1
		if point < 1 || v[point] != '.' {
			return 0, false
		}
		whole, part = v[:point], v[point+1:]
	}
	if len(whole) > 1 && whole[0] == '0' || len(whole)+len(part) > 15 || !digits(whole) || !digits(part) || len(whole) == 0 {
		return 0, false
	}
	for _, run := range [...][]byte{whole, part} {
		for _, b := range run {
			minor = minor*10 + int64(b-'0')
		}
	}
	return minor, true
}

func length(v uint64) int {
	n := 1
	for ; v >= 10; v /= 10 {
		n++
	}
	return n
}

func appendDigits(dst []byte, v uint64, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= at; i-- {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
	return dst
}

// number reads 1-15 digits.
func number(v []byte) (n uint64, ok bool) {
	if len(v) == 0 || len(v) > 15 || !digits(v) {
		return 0, false
	}
	for _, b := range v {
		n = n*10 + uint64(b-'0')
	}
	return n, true
}

func digits(v []byte) bool {
	for _, b := range v {
		if b < '0' || b > '9' {
			return false
		}
	}
	return true
}

// printable tells that a text is of printable ASCII. A delimiter in it is found as a field too many.
func printable(v []byte) bool {
	for _, b := range v {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}
