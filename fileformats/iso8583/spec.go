package iso8583

// Length is the form in which an element's length is known.
type Length uint8

// The length forms: fixed width, or two or three decimal digits in the charset before the value, counting encoded
// bytes.
const (
	Fixed Length = iota
	LL
	LLL
)

// prefix returns the number of length digits.
func (l Length) prefix() int {
	switch l {
	case LL:
		return 2
	case LLL:
		return 3
	default:
		return 0
	}
}

// Kind is what an element may hold.
type Kind uint8

// The kinds: n (digits), an (letters and digits), ans (any printable character), b (raw bytes), and private data: text
// that is a sequence of tag, length and value (see [PDSList]).
const (
	Numeric Kind = iota
	Alphanumeric
	Text
	Binary
	Private
)

func (k Kind) class() class {
	switch k {
	case Numeric:
		return classDigit
	case Alphanumeric:
		return classAlnum
	default:
		return classText
	}
}

// Redaction is what a log may show of an element.
type Redaction uint8

// The redactions: everything, first six and last four digits, only the size. Binary elements should be hidden; of private
// data the secret tags always are.
const (
	Show Redaction = iota
	MaskPAN
	Hide
)

// Field is one row of a dialect: a data element.
type Field struct {
	Number int // 2-128
	Name   string
	Length Length
	Min    int // smallest length of a value in encoded bytes; equal to Max for Fixed
	Max    int // largest length of a value in encoded bytes
	Kind   Kind
	Redact Redaction
}

// Spec is a dialect: its elements, its character set and its bitmap.
type Spec struct {
	name    string
	charset *Charset
	wide    bool // the bitmap always has 128 bits
	pds     []int
	fields  [129]Field
}

// newSpec builds a dialect from its table; pds are the elements that hold private data, in the order of overflow.
func newSpec(name string, charset *Charset, wide bool, pds []int, table []Field) *Spec {
	s := &Spec{name: name, charset: charset, wide: wide, pds: pds}
	for _, f := range table {
		s.fields[f.Number] = f
	}
	return s
}

// Name returns the name of the dialect.
func (s *Spec) Name() string { return s.name }

// Charset returns the character set of the dialect.
func (s *Spec) Charset() *Charset { return s.charset }

// Field returns the row of element n; ok is false when the dialect does not have it.
func (s *Spec) Field(n int) (f Field, ok bool) {
	if n < 2 || n > 128 {
		return Field{}, false
	}
	return s.fields[n], s.fields[n].Number == n
}

func fixed(n int, name string, kind Kind, width int) Field {
	return Field{Number: n, Name: name, Length: Fixed, Min: width, Max: width, Kind: kind}
}

func variable(n int, name string, length Length, kind Kind, least, most int) Field {
	return Field{Number: n, Name: name, Length: length, Min: least, Max: most, Kind: kind}
}

func (f Field) redacted(r Redaction) Field {
	f.Redact = r
	return f
}
