package delimited

import (
	"errors"
	"io"
	"strconv"

	"settled/internal/money"
)

// The functions of answers.
const (
	functionReject  = "699"
	functionSummary = "605"
)

// AnswerKind is what an entry of an answer says.
type AnswerKind uint8

// The kinds of entry.
const (
	FileReject   AnswerKind = iota + 1 // nothing of the file was processed
	RecordReject                       // one record was refused, the others were processed
	Accepted                           // how much of one kind was accepted
)

// Answer is one entry of an answer.
type Answer struct {
	Kind     AnswerKind
	Line     int64  // of the reason or the sum, in the answer
	Field    string // what is wrong, in the center's words
	Value    string
	Code     uint16 // four digits in front of the reason
	Reason   string
	Record   Record // of RecordReject: the refused line as it was sent, if HasCopy
	HasCopy  bool
	Type     Kind // of Accepted, with the two below
	Currency money.Currency
	Amount   int64
	Count    int64
}

// AnswerReader reads what a center says of a file. It is not safe for concurrent use.
type AnswerReader struct {
	l        lines
	table    []*column
	function string
	id       FileID
	test     bool
	number   string
	copied   bool   // the line before was a copy
	record   Record // of it
	readable bool
}

// NewAnswerReader returns a reader of the answer in r, which has the form of the profile.
func NewAnswerReader(r io.Reader, p Profile) *AnswerReader {
	return &AnswerReader{l: newLines(r, p), table: p.table()}
}

// File is the file that is answered, Number the answer's own number; both are known after the first Read.
func (r *AnswerReader) File() FileID { return r.id }

// Number is the answer's own number, with its function in front.
func (r *AnswerReader) Number() string { return r.function + r.number }

// Test tells the mode of the answer.
func (r *AnswerReader) Test() bool { return r.test }

// Read sets a to the next entry. It returns io.EOF after a trailer that counts the lines rightly and that nothing follows. Every other
// error is an [*Error]; unless it is final, the next call goes on with the next line.
func (r *AnswerReader) Read(a *Answer) error {
	if r.function == "" {
		if err := r.header(); err != nil {
			return err
		}
	}
	for {
		err := r.l.next()
		switch {
		case errors.Is(err, io.EOF):
			return r.l.final(ErrTruncated)
		case err != nil:
			return err
		case r.l.is(typeFile, r.function):
			return r.trailer()
		case r.l.is(typeRecord, functionFirst) || r.function == functionReject && !r.copied:
			if r.copied {
				return r.l.fail("", ErrFields)
			}
			r.copy()
		default:
			return r.entry(a)
		}
	}
}

func (r *AnswerReader) header() error {
	err := r.l.next()
	if errors.Is(err, io.EOF) {
		return r.l.final(ErrTruncated)
	}
	if err != nil {
		return err
	}
	f := r.l.fields
	reject := r.l.is(typeFile, functionReject)
	if !reject && !r.l.is(typeFile, functionSummary) || len(f) != 9 || string(f[6]) != "I" {
		return r.l.final(ErrFields)
	}
	if _, ok := number(f[8]); !ok {
		return r.l.final(ErrValue)
	}
	if r.id, err = r.l.identity(); err != nil {
		return err
	}
	r.test, r.number, r.function = string(f[7]) == "T", string(f[8]), string(f[1])
	return nil
}

// copy keeps a line that the center copied from our file, which may be one that cannot be read: that is why it was refused.
func (r *AnswerReader) copy() {
	fields := make([][]byte, 0, len(r.l.fields))
	kept := append([]byte{}, r.l.raw...)
	fields = cut(fields, kept, r.l.profile.Delimiter)
	r.copied, r.readable = true, false
	var line int64
	for i, c := range r.table {
		if c.name == "stan" && 2+i < len(fields) {
			n, _ := number(fields[2+i])
			line = int64(n)
		}
	}
	if r.l.is(typeRecord, functionFirst) {
		_, err := parse(&r.record, line, fields, r.table, &r.l.profile)
		r.readable = err == nil
	}
}

// entry reads a reason, or a sum.
func (r *AnswerReader) entry(a *Answer) error {
	*a = Answer{Line: r.l.line}
	if r.copied {
		return r.reason(a)
	}
	return r.sum(a)
}

// reason reads field, value and why: four digits and words.
func (r *AnswerReader) reason(a *Answer) error {
	f := r.l.fields
	a.Kind, a.Record, a.HasCopy = RecordReject, r.record, r.readable
	if r.function == functionReject {
		a.Kind = FileReject
	}
	r.copied = false
	if len(f) != 3 || len(f[2]) < 4 {
		return r.l.fail("", ErrFields)
	}
	code, ok := number(f[2][:4])
	if !ok {
		return r.l.fail("Error", ErrValue)
	}
	a.Field, a.Value, a.Code, a.Reason = string(f[0]), string(f[1]), uint16(code), string(f[2])
	return nil
}

// sum reads currency, number of the sum, processing code, amount and count.
func (r *AnswerReader) sum(a *Answer) (err error) {
	f := r.l.fields
	if len(f) != 5 {
		return r.l.fail("", ErrFields)
	}
	a.Kind = Accepted
	if a.Currency, err = money.CurrencyFromNumeric(string(f[0])); err != nil {
		return r.l.fail("currency", ErrValue)
	}
	code, ok := number(f[2])
	count, counted := number(f[4])
	a.Type, a.Count = Kind(code), int64(count)
	if !ok || len(f[2]) != 2 || a.Type != Sale && a.Type != Refund {
		return r.l.fail("processing_code", ErrValue)
	}
	if a.Amount, ok = r.l.profile.amount(f[3], a.Currency); !ok || !counted {
		return r.l.fail("amount", ErrValue)
	}
	return nil
}

func (r *AnswerReader) trailer() error {
	f := r.l.fields
	if len(f) != 3 || r.copied || string(f[2]) != strconv.FormatInt(r.l.line-2, 10) {
		return r.l.final(ErrControl)
	}
	return r.l.closing()
}
