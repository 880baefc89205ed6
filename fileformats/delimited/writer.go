package delimited

import (
	"bytes"
	"io"
	"strconv"

	"settled/internal/money"
)

// The first two fields of a line say what it is.
const (
	typeFile        = "1644"
	typeRecord      = "1240"
	functionHeader  = "601"
	functionTrailer = "602"
	functionFirst   = "200"
)

// MaxLine is the longest line, in bytes without its end.
const MaxLine = 1000

const flushSize = 256 << 10

// Writer writes one file: header, any number of Write, Close. It is not safe for concurrent use.
type Writer struct {
	out      io.Writer
	profile  Profile
	table    []*column
	buf      []byte // whole lines not yet handed out
	lines    int64
	records  int64
	total    int64
	currency money.Currency // of the first record
	check    Record
	closed   bool
	err      error // of out; final
}

// NewWriter returns a writer that has begun a file. Each Write to out is of whole lines.
func NewWriter(out io.Writer, p Profile, id FileID) (*Writer, error) {
	if err := p.Check(); err != nil {
		return nil, err
	}
	if _, err := ParseFileID(id.String()); err != nil {
		return nil, &Error{Line: 1, Err: err}
	}
	w := &Writer{out: out, profile: p, table: p.table(), buf: make([]byte, 0, flushSize+MaxLine+2)}
	w.line(typeFile, functionHeader, "O", id.Member, id.Date.Format(dateForm), strconv.FormatUint(uint64(id.Cycle), 10), "O", p.mode())
	return w, nil
}

// line appends a line of fields.
func (w *Writer) line(fields ...string) {
	for i, f := range fields {
		if i > 0 {
			w.buf = append(w.buf, w.profile.Delimiter)
		}
		w.buf = append(w.buf, f...)
	}
	w.end()
}

func (w *Writer) end() {
	w.buf = append(w.buf, w.profile.lineEnd()...)
	w.lines++
}

// Write appends a record and sets r.Line. An error about the record itself is an [*Error] that is not final; the file is then as if
// Write had not been called.
func (w *Writer) Write(r *Record) error {
	if w.err != nil || w.closed {
		return w.over()
	}
	at := len(w.buf)
	r.Line = w.lines + 1
	w.buf = append(append(append(w.buf, typeRecord...), w.profile.Delimiter), functionFirst...)
	for _, c := range w.table {
		w.buf = append(w.buf, w.profile.Delimiter)
		from := len(w.buf)
		w.buf = c.put(w.buf, r, &w.profile)
		if !w.fits(c, r, w.buf[from:]) {
			w.buf = w.buf[:at]
			return &Error{Line: r.Line, Column: c.name, Err: ErrValue}
		}
	}
	if err := w.count(r, len(w.buf)-at); err != nil {
		w.buf = w.buf[:at]
		return &Error{Line: r.Line, Err: err}
	}
	w.end()
	if len(w.buf) >= flushSize {
		return w.flush()
	}
	return nil
}

// fits reads a field back: what a reader would refuse is not written.
func (w *Writer) fits(c *column, r *Record, v []byte) bool {
	w.check.Line, w.check.Currency = r.Line, r.Currency
	return bytes.IndexByte(v, w.profile.Delimiter) < 0 && c.take(&w.check, v, &w.profile)
}

func (w *Writer) count(r *Record, size int) error {
	switch {
	case size > MaxLine:
		return ErrLine
	case w.records > 0 && r.Currency != w.currency:
		return ErrCurrency
	case w.total > maxAmount-r.Amount:
		return ErrControl
	}
	w.currency = r.Currency
	w.records++
	w.total += r.Amount
	return nil
}

// Lines is how many lines were written so far.
func (w *Writer) Lines() int64 { return w.lines }

// Close writes the trailer and hands everything out. It does not close the destination.
func (w *Writer) Close() error {
	if w.err != nil || w.closed {
		return w.over()
	}
	w.closed = true
	w.line(typeFile, functionTrailer, "1", string(w.profile.appendAmount(nil, w.total, w.currency)), strconv.FormatInt(w.records, 10))
	return w.flush()
}

func (w *Writer) over() error {
	if w.err != nil {
		return w.err
	}
	return &Error{Line: w.lines, Err: ErrState}
}

func (w *Writer) flush() error {
	if n, err := w.out.Write(w.buf); err != nil || n != len(w.buf) {
		if err == nil {
			err = io.ErrShortWrite
		}
		w.err = &Error{Line: w.lines, Final: true, Err: err}
		return w.err
	}
	clear(w.buf) // card numbers
	w.buf = w.buf[:0]
	return nil
}
