package ipm

import (
	"bufio"
	"encoding/binary"
	"errors"
	"io"
)

// deblocker reads the stream inside a 1014-blocked file. Block ends may be 40 40 or, unless strict, 00 00; a last block that is not whole is
// [ErrTruncated], other bytes at a block end are [ErrFill].
type deblocker struct {
	r      io.Reader
	strict bool // only 40 40
	block  [blockSize]byte
	data   []byte // of block, not yet read
}

func (d *deblocker) Read(p []byte) (int, error) {
	if len(d.data) == 0 {
		if err := d.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, d.data)
	d.data = d.data[n:]
	return n, nil
}

func (d *deblocker) next() error {
	if _, err := io.ReadFull(d.r, d.block[:]); err != nil {
		if errors.Is(err, io.ErrUnexpectedEOF) {
			return ErrTruncated
		}
		return err
	}
	end := [2]byte(d.block[blockData:])
	if end != [2]byte{fill, fill} && (d.strict || end != [2]byte{}) {
		return ErrFill
	}
	d.data = d.block[:blockData]
	return nil
}

// vbs cuts a stream into records.
type vbs struct {
	br      *bufio.Reader
	blocked bool
	strict  bool
	record  int64 // number of the current record
	offset  int64 // where its length begins
	size    int   // its bytes with the length; 0 before the first
	err     error // final
}

func newVBS(r io.Reader, p Profile, o Options) *vbs {
	if p.Blocked {
		r = &deblocker{r: r, strict: o.Strict}
	}
	return &vbs{br: bufio.NewReaderSize(r, 64<<10), blocked: p.Blocked, strict: o.Strict}
}

// next returns the next record, valid until the following call, or io.EOF after the end of the records.
func (v *vbs) next() ([]byte, error) {
	if v.err != nil {
		return nil, v.err
	}
	raw, err := v.advance()
	if err != nil {
		v.err = err
		if !errors.Is(err, io.EOF) {
			v.err = &Error{Record: v.record, Offset: v.offset, Final: true, Err: err}
		}
		return nil, v.err
	}
	return raw, nil
}

func (v *vbs) fail(err error) error { return &Error{Record: v.record, Offset: v.offset, Err: err} }

func (v *vbs) advance() ([]byte, error) {
	if _, err := v.br.Discard(v.size); err != nil {
		return nil, err
	}
	v.offset += int64(v.size)
	v.record++
	v.size = 0
	head, err := v.br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	if v.ends(head) {
		return nil, v.rest(len(head))
	}
	if len(head) < 4 {
		return nil, ErrTruncated
	}
	size := binary.BigEndian.Uint32(head)
	if size > MaxRecord {
		return nil, ErrRecordSize
	}
	raw, err := v.br.Peek(4 + int(size))
	if errors.Is(err, io.EOF) {
		return nil, ErrTruncated
	}
	if err != nil {
		return nil, err
	}
	v.size = len(raw)
	return raw[4:], nil
}

// ends reports whether no record follows: a zero length, or what stands for a missing one.
func (v *vbs) ends(head []byte) bool {
	if len(head) == 4 && binary.BigEndian.Uint32(head) == 0 {
		return true
	}
	if v.strict {
		return false
	}
	if !v.blocked {
		return len(head) == 0
	}
	for _, b := range head {
		if b != fill && b != 0 {
			return false
		}
	}
	return len(head) < 4 || head[0] == fill
}

// rest reads what follows the records, beginning with a terminator of n bytes, and returns io.EOF when it is fill.
func (v *vbs) rest(n int) error {
	if _, err := v.br.Discard(n); err != nil {
		return err
	}
	left := int64(0)
	for ; ; left++ {
		b, err := v.br.ReadByte()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return err
		}
		if b != fill && (v.strict || b != 0) {
			return ErrFill
		}
	}
	if v.strict && left != v.straightFill(int64(n)) {
		return ErrFill
	}
	return io.EOF
}

// straightFill returns the fill that a straight blocker writes after a terminator of n bytes.
func (v *vbs) straightFill(n int64) int64 {
	if !v.blocked {
		return 0
	}
	return (blockData - (v.offset+n)%blockData) % blockData
}
