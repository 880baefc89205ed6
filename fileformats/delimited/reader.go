package delimited

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"strconv"

	"settled/internal/money"
)

// lines cuts a file into lines and these into fields.
type lines struct {
	in      *bufio.Reader
	profile Profile
	line    int64
	raw     []byte
	fields  [][]byte
	err     error // final
}

func newLines(r io.Reader, p Profile) lines {
	return lines{in: bufio.NewReaderSize(r, 64<<10), profile: p}
}

// next reads a line; the fields are valid until the following call. It returns io.EOF at the end.
func (l *lines) next() error {
	if l.err != nil {
		return l.err
	}
	raw, err := l.in.ReadSlice('\n')
	if len(raw) > 0 || !errors.Is(err, io.EOF) {
		l.line++
	}
	end := []byte(l.profile.lineEnd())
	switch {
	case errors.Is(err, io.EOF) && len(raw) == 0:
		l.err = io.EOF
		return l.err
	case errors.Is(err, io.EOF) || err == nil && !bytes.HasSuffix(raw, end):
		return l.final(ErrTruncated)
	case errors.Is(err, bufio.ErrBufferFull) || len(raw) > MaxLine+len(end):
		return l.final(ErrLine)
	case err != nil:
		return l.final(err)
	}
	l.raw = raw[:len(raw)-len(end)]
	l.fields = cut(l.fields[:0], l.raw, l.profile.Delimiter)
	return nil
}

// cut appends the fields of a line.
func cut(dst [][]byte, line []byte, delimiter byte) [][]byte {
	for {
		i := bytes.IndexByte(line, delimiter)
		if i < 0 {
			return append(dst, line)
		}
		dst = append(dst, line[:i])
		line = line[i+1:]
	}
}

func (l *lines) fail(column string, err error) error {
	return &Error{Line: l.line, Column: column, Err: err}
}

func (l *lines) final(err error) error {
	l.err = &Error{Line: l.line, Final: true, Err: err}
	return l.err
}

// is tells what the line is by its first two fields.
func (l *lines) is(kind, function string) bool {
	return len(l.fields) > 1 && string(l.fields[0]) == kind && string(l.fields[1]) == function
}

// closing tells that nothing follows the trailer.
func (l *lines) closing() error {
	err := l.next()
	if errors.Is(err, io.EOF) {
		return io.EOF
	}
	if err == nil {
		err = l.final(ErrFields)
	}
	return err
}

// identity reads the fields of a header from place 3 on.
func (l *lines) identity() (FileID, error) {
	id, err := fileID(string(l.fields[3]), string(l.fields[4]), string(l.fields[5]))
	if err != nil {
		return id, l.final(err)
	}
	if mode := string(l.fields[7]); mode != "P" && mode != "T" {
		return id, l.final(ErrValue)
	}
	return id, nil
}

// Reader reads a file of records. It is not safe for concurrent use.
type Reader struct {
	l        lines
	table    []*column
	id       FileID
	test     bool
	records  int64
	total    int64
	currency money.Currency
}

// NewReader returns a reader of the file in r, which has the form of the profile, that has read its header. Errors: [*Error], [ErrProfile].
func NewReader(r io.Reader, p Profile) (*Reader, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	in := &Reader{l: newLines(r, p), table: p.table()}
	err := in.l.next()
	if errors.Is(err, io.EOF) {
		return nil, in.l.final(ErrTruncated)
	}
	if err != nil {
		return nil, err
	}
	f := in.l.fields
	if !in.l.is(typeFile, functionHeader) || len(f) != 8 || string(f[2]) != "O" || string(f[6]) != "O" {
		return nil, in.l.final(ErrFields)
	}
	in.test = string(f[7]) == "T"
	in.id, err = in.l.identity()
	return in, err
}

// File is the name of the file.
func (r *Reader) File() FileID { return r.id }

// Test tells the mode of the file.
func (r *Reader) Test() bool { return r.test }

// Lines is how many lines were read.
func (r *Reader) Lines() int64 { return r.l.line }

// Read sets rec to the next record; its slices are valid until the following call. It returns io.EOF after a trailer that agrees with the
// lines and that nothing follows. Every other error is an [*Error]; unless it is final, the next call goes on with the next line.
func (r *Reader) Read(rec *Record) error {
	err := r.l.next()
	if errors.Is(err, io.EOF) {
		return r.l.final(ErrTruncated)
	}
	switch {
	case err != nil:
		return err
	case r.l.is(typeFile, functionTrailer):
		return r.trailer()
	case !r.l.is(typeRecord, functionFirst):
		return r.l.fail("", ErrFields)
	}
	return r.record(rec)
}

func (r *Reader) record(rec *Record) error {
	if name, err := parse(rec, r.l.line, r.l.fields, r.table, &r.l.profile); err != nil {
		return r.l.fail(name, err)
	}
	if r.records > 0 && rec.Currency != r.currency {
		return r.l.fail("currency", ErrCurrency)
	}
	if r.total > maxAmount-rec.Amount {
		return r.l.final(ErrControl)
	}
	r.currency = rec.Currency
	r.records++
	r.total += rec.Amount
	return nil
}

// parse sets a record from the fields of a line; name is the column that an error is about.
func parse(rec *Record, line int64, fields [][]byte, table []*column, p *Profile) (name string, err error) {
	*rec = Record{Line: line}
	if len(fields) != 2+len(table) {
		return "", ErrFields
	}
	for _, late := range [...]bool{false, true} {
		for i, c := range table {
			if c.late == late && !c.take(rec, fields[2+i], p) {
				return c.name, ErrValue
			}
		}
	}
	return "", nil
}

func (r *Reader) trailer() error {
	f := r.l.fields
	if len(f) != 5 || string(f[2]) != "1" {
		return r.l.final(ErrFields)
	}
	total, ok := r.l.profile.amount(f[3], r.currency)
	if !ok || total != r.total || string(f[4]) != strconv.FormatInt(r.records, 10) {
		return r.l.final(ErrControl)
	}
	return r.l.closing()
}
