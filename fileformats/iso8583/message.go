package iso8583

import (
	"encoding/binary"
	"iter"
	"math/bits"
)

// Message is one message of a dialect: a type and values by element number. It is made for reuse: Reset and Decode
// keep its memory. It is not safe for concurrent use.
type Message struct {
	spec    *Spec
	mti     [4]byte
	present [2]uint64 // bit 63-(n-1)%64 of word (n-1)/64, as on the wire
	span    [129]struct{ from, to int32 }
	buf     []byte // the values
}

// NewMessage returns an empty message of the dialect.
func (s *Spec) NewMessage(mti string) *Message {
	m := &Message{spec: s, buf: make([]byte, 0, 512)}
	m.Reset(mti)
	return m
}

// Spec returns the dialect.
func (m *Message) Spec() *Spec { return m.spec }

// Reset empties the message, overwrites the values it held and gives it a type of four digits. Another type is refused
// when the message is encoded.
func (m *Message) Reset(mti string) {
	clear(m.buf[:cap(m.buf)])
	m.buf = m.buf[:0]
	m.present = [2]uint64{}
	m.mti = [4]byte{}
	if len(mti) == len(m.mti) {
		copy(m.mti[:], mti)
	}
}

// MTI returns the message type.
func (m *Message) MTI() string { return string(m.mti[:]) }

// Has reports whether element n is present.
func (m *Message) Has(n int) bool {
	return n >= 2 && n <= 128 && m.present[(n-1)/64]&(1<<(63-uint(n-1)%64)) != 0
}

// Bytes returns the value of element n, valid until the message changes; nil when it is absent.
func (m *Message) Bytes(n int) []byte {
	if !m.Has(n) {
		return nil
	}
	return m.buf[m.span[n].from:m.span[n].to]
}

// Text returns the value of element n as a string; empty when it is absent.
func (m *Message) Text(n int) string { return string(m.Bytes(n)) }

// Int returns the value of the numeric element n of at most 18 digits; ok is false when it is absent or no such number.
func (m *Message) Int(n int) (v int64, ok bool) {
	b := m.Bytes(n)
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	i, ok := ASCII.number(b)
	return int64(i), ok
}

// Set sets element n to text. The value is checked when the message is encoded.
func (m *Message) Set(n int, v string) { setField(m, n, v) }

// SetBytes sets element n to a copy of v.
func (m *Message) SetBytes(n int, v []byte) { setField(m, n, v) }

// SetInt sets the fixed numeric element n, zero-filled to its width. A value that does not fit is refused when the
// message is encoded.
func (m *Message) SetInt(n int, v int64) {
	width := 1
	if f, ok := m.spec.Field(n); ok {
		width = f.Max
	}
	if v < 0 {
		m.Set(n, "-")
		return
	}
	for limit := v; limit >= 10; limit /= 10 {
		width--
	}
	from := len(m.buf)
	for ; width > 1; width-- {
		m.buf = append(m.buf, '0')
	}
	m.buf = appendInt(m.buf, v)
	m.mark(n, from)
}

func appendInt(dst []byte, v int64) []byte {
	if v >= 10 {
		dst = appendInt(dst, v/10)
	}
	return append(dst, '0'+byte(v%10))
}

// Unset removes element n.
func (m *Message) Unset(n int) {
	if m.Has(n) {
		m.present[(n-1)/64] &^= 1 << (63 - uint(n-1)%64)
	}
}

func setField[T string | []byte](m *Message, n int, v T) {
	from := len(m.buf)
	m.buf = append(m.buf, v...)
	m.mark(n, from)
}

// mark records that element n is the tail of buf. A number that no message can have is kept as an unknown element, so
// that encoding refuses it.
func (m *Message) mark(n, from int) {
	if n < 2 || n > 128 {
		n = 65
	}
	m.present[(n-1)/64] |= 1 << (63 - uint(n-1)%64)
	m.span[n].from, m.span[n].to = int32(from), int32(len(m.buf))
}

// next returns the first element present after n, or 0.
func (m *Message) next(n int) int {
	for w := n / 64; w < 2; w++ {
		word := m.present[w]
		if w == n/64 {
			word &= ^uint64(0) >> uint(n%64)
		}
		if word != 0 {
			return w*64 + bits.LeadingZeros64(word) + 1
		}
	}
	return 0
}

// Fields yields the numbers of the elements present, ascending.
func (m *Message) Fields() iter.Seq[int] {
	return func(yield func(int) bool) {
		for n := m.next(1); n != 0 && yield(n); n = m.next(n) {
		}
	}
}

// AppendTo encodes the message at the end of dst. The error is an [*Error], and dst is then returned unchanged.
func (m *Message) AppendTo(dst []byte) ([]byte, error) {
	e := Encoder{spec: m.spec}
	e.Begin(dst, m.MTI())
	for n := m.next(1); n != 0; n = m.next(n) {
		e.Bytes(n, m.Bytes(n))
	}
	return e.End()
}

// Decode replaces the message by the one that data holds, whole. The error is an [*Error]; the message then
// has no elements. Nothing of data is kept.
func (m *Message) Decode(data []byte) error {
	m.Reset("")
	d := decoder{m: m, data: data}
	if err := d.message(); err != nil {
		m.present = [2]uint64{}
		return &Error{MTI: d.mti(), Field: d.field, Offset: d.at, Err: err}
	}
	return nil
}

// decoder walks over an encoded message.
type decoder struct {
	m     *Message
	data  []byte
	at    int
	field int
}

func (d *decoder) mti() string {
	if d.m.mti == [4]byte{} {
		return ""
	}
	return d.m.MTI()
}

func (d *decoder) message() error {
	if err := d.head(); err != nil {
		return err
	}
	for n := d.m.next(1); n != 0; n = d.m.next(n) {
		d.field = n
		if err := d.value(n); err != nil {
			return err
		}
	}
	d.field = 0
	if d.at != len(d.data) {
		return ErrTrailing
	}
	return nil
}

// head reads message type and bitmaps.
func (d *decoder) head() error {
	raw, ok := d.take(4)
	if !ok {
		return ErrTruncated
	}
	mti, err := decode(d.m.spec.charset, d.m.buf, raw, classDigit)
	if err != nil {
		d.at = 0
		return ErrMTI
	}
	copy(d.m.mti[:], mti)
	if raw, ok = d.take(8); !ok {
		return ErrTruncated
	}
	first := binary.BigEndian.Uint64(raw)
	second := first>>63 == 1
	d.m.present[0] = first &^ (1 << 63)
	if d.m.spec.wide && !second {
		return ErrBitmap
	}
	if !second {
		return nil
	}
	if raw, ok = d.take(8); !ok {
		return ErrTruncated
	}
	d.m.present[1] = binary.BigEndian.Uint64(raw)
	if !d.m.spec.wide && d.m.present[1] == 0 {
		return ErrBitmap
	}
	return nil
}

func (d *decoder) value(n int) error {
	f, ok := d.m.spec.Field(n)
	if !ok {
		return ErrUnknownField
	}
	size, err := d.size(&f)
	if err != nil {
		return err
	}
	at := d.at
	raw, ok := d.take(size)
	if !ok {
		return ErrTruncated
	}
	from := len(d.m.buf)
	if err := d.store(&f, raw); err != nil {
		d.at = at
		return err
	}
	d.m.span[n].from, d.m.span[n].to = int32(from), int32(len(d.m.buf))
	return nil
}

func (d *decoder) size(f *Field) (int, error) {
	prefix := f.Length.prefix()
	if prefix == 0 {
		return f.Max, nil
	}
	at := d.at
	raw, ok := d.take(prefix)
	if !ok {
		return 0, ErrTruncated
	}
	size, ok := d.m.spec.charset.number(raw)
	if !ok || size < f.Min || size > f.Max {
		d.at = at
		return 0, ErrLength
	}
	return size, nil
}

// store appends a value to the message, decoded, trimmed and checked.
func (d *decoder) store(f *Field, raw []byte) (err error) {
	m := d.m
	if f.Kind == Binary {
		m.buf = append(m.buf, raw...)
		return nil
	}
	if f.Length == Fixed && f.Kind != Numeric {
		for len(raw) > 0 && raw[len(raw)-1] == m.spec.charset.enc[' '] {
			raw = raw[:len(raw)-1]
		}
	}
	if m.buf, err = decode(m.spec.charset, m.buf, raw, f.Kind.class()); err != nil {
		return err
	}
	if f.Kind == Private {
		return m.spec.charset.checkPDS(raw)
	}
	return nil
}

func (d *decoder) take(n int) ([]byte, bool) {
	if n > len(d.data)-d.at {
		return nil, false
	}
	d.at += n
	return d.data[d.at-n : d.at], true
}
