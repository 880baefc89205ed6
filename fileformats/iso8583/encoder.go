package iso8583

import (
	"encoding/binary"
	"errors"
	"slices"
	"unicode/utf8"
)

// Encoder appends one message to a buffer, element by element in ascending order. The first error sticks and is
// returned by [Encoder.End], so a message of twenty elements is twenty calls. It is made for reuse and allocates only
// when the buffer must grow.
type Encoder struct {
	spec  *Spec
	buf   []byte
	start int // where the message begins in buf
	last  int // last element appended
	value int // where its value begins in buf
	bits  [2]uint64
	mti   [4]byte
	text  []byte // the value of String
	err   error
}

// NewEncoder returns an encoder of messages of the dialect.
func (s *Spec) NewEncoder() *Encoder { return &Encoder{spec: s} }

// Begin starts a message of type mti at the end of dst and forgets the previous one.
func (e *Encoder) Begin(dst []byte, mti string) {
	*e = Encoder{spec: e.spec, buf: dst, start: len(dst), last: 1, text: e.text}
	copy(e.mti[:], mti)
	buf, err := encode(e.spec.charset, dst, e.mti[:], classDigit)
	if err != nil || len(mti) != 4 {
		e.fail(0, ErrMTI)
		return
	}
	e.buf = grow(buf, e.bitmapSize())
}

func (e *Encoder) bitmapSize() int {
	if e.spec.wide || e.bits[1] != 0 {
		return 16
	}
	return 8
}

// String appends element n with a text value. A fixed alphanumeric value is space-filled.
func (e *Encoder) String(n int, v string) {
	e.text = append(e.text[:0], v...)
	e.Bytes(n, e.text)
}

// Bytes appends element n with a value in UTF-8, or raw bytes when the element is binary.
func (e *Encoder) Bytes(n int, v []byte) {
	if f := e.field(n, v); f != nil && f.Kind == Private {
		e.checkPDS(n)
	}
}

// checkPDS checks private data that did not come from a [PDSList]: element n, just appended.
func (e *Encoder) checkPDS(n int) {
	if e.spec.charset.checkPDS(e.buf[e.value:]) != nil {
		e.fail(n, ErrPDS)
	}
}

// Int appends the fixed numeric element n, zero-filled. A value that is negative or has too many digits is [ErrLength].
func (e *Encoder) Int(n int, v int64) {
	f, ok := e.begin(n)
	if !ok {
		return
	}
	if f.Length != Fixed || f.Kind != Numeric || v < 0 {
		e.fail(n, ErrLength)
		return
	}
	if e.buf, ok = e.spec.charset.digits(e.buf, uint64(v), f.Max); !ok {
		e.fail(n, ErrLength)
	}
}

// PDS appends element n with its share of the private data in l, or nothing when the share is empty. It is called once
// for each element that may hold private data.
func (e *Encoder) PDS(n int, l *PDSList) {
	if l.err != nil {
		e.fail(n, l.err)
		return
	}
	if i := slices.Index(e.spec.pds, n); i >= 0 && i < l.chunks {
		e.field(n, l.chunk(i))
	}
}

// End writes the bitmap and returns the buffer with the message appended. After an error the buffer is returned as it
// was before the message, with an [*Error].
func (e *Encoder) End() ([]byte, error) {
	if e.err != nil {
		return e.buf[:e.start], e.err
	}
	at := e.start + 4
	if e.bitmapSize() == 16 {
		e.bits[0] |= 1 << 63
		binary.BigEndian.PutUint64(e.buf[at+8:], e.bits[1])
	}
	binary.BigEndian.PutUint64(e.buf[at:], e.bits[0])
	return e.buf, nil
}

// begin checks that element n may come next and marks it in the bitmap.
func (e *Encoder) begin(n int) (*Field, bool) {
	if e.err != nil {
		return nil, false
	}
	if n < 2 || n > 128 || e.spec.fields[n].Number == 0 {
		e.fail(n, ErrUnknownField)
		return nil, false
	}
	if n <= e.last {
		e.fail(n, ErrOrder)
		return nil, false
	}
	e.last = n
	if n > 64 && e.bitmapSize() == 8 {
		at := e.start + 12
		e.buf = slices.Insert(e.buf, at, 0, 0, 0, 0, 0, 0, 0, 0)
	}
	e.bits[uint(n-1)/64] |= 1 << (63 - uint(n-1)%64)
	return &e.spec.fields[n], true
}

func (e *Encoder) fail(n int, err error) {
	if e.err != nil {
		return
	}
	if errors.Is(err, ErrMTI) {
		e.err = &Error{Err: err}
	} else {
		e.err = &Error{MTI: string(e.mti[:]), Field: n, Offset: len(e.buf) - e.start, Err: err}
	}
}

// field appends element n and returns its row, or nil after an error.
func (e *Encoder) field(n int, v []byte) *Field {
	f, ok := e.begin(n)
	if !ok {
		return nil
	}
	if len(v) > f.Max*utf8.UTFMax {
		e.fail(n, ErrLength)
		return nil
	}
	c := e.spec.charset
	prefix := f.Length.prefix()
	at := len(e.buf) + prefix
	buf, err := appendValue(c, grow(e.buf, prefix), f, v)
	if err != nil {
		e.fail(n, err)
		return nil
	}
	size := len(buf) - at
	if size < f.Min || size > f.Max {
		e.fail(n, ErrLength)
		return nil
	}
	if prefix > 0 {
		c.putLength(buf[at-prefix:at], size)
	}
	e.buf, e.value = buf, at
	return f
}

// appendValue appends v encoded and, in a fixed alphanumeric element, space-filled.
func appendValue(c *Charset, dst []byte, f *Field, v []byte) ([]byte, error) {
	if f.Kind == Binary {
		return append(dst, v...), nil
	}
	at := len(dst)
	dst, err := encode(c, dst, v, f.Kind.class())
	if f.Length == Fixed && f.Kind != Numeric {
		for len(dst)-at < f.Max {
			dst = append(dst, c.enc[' '])
		}
	}
	return dst, err
}
