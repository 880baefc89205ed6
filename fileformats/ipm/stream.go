package ipm

import (
	"encoding/binary"
	"io"

	"settled/fileformats/iso8583"
)

// MaxRecord is the largest record, in bytes without its length.
const MaxRecord = 6000

const (
	blockData = 1012 // bytes of the stream in a block
	blockSize = 1014 // with the two fill bytes
	fill      = 0x40 // fill byte, whatever the charset
	flushSize = 256 << 10
)

// stream writes numbered messages between header and trailer; Writer and ReplyWriter share it.
type stream struct {
	out     io.Writer
	enc     *iso8583.Encoder
	profile Profile
	pds     iso8583.PDSList
	buf     []byte // encoded records not yet handed out
	blocks  []byte // buf in blocks
	column  int    // bytes in the last block handed out
	sent    int64  // stream bytes handed out
	control Control
	file    FileID
	state   state
	err     error // of out; final
}

type state uint8

const (
	fresh state = iota
	open
	closed
)

func newStream(out io.Writer, p Profile) stream {
	return stream{out: out, enc: p.spec().NewEncoder(), profile: p, buf: make([]byte, 0, flushSize+MaxRecord+8)}
}

// offset is how many bytes the unblocked stream has.
func (s *stream) offset() int64 { return s.sent + int64(len(s.buf)) }

// place is the error about the message that would come next.
func (s *stream) place() *Error { return &Error{Record: s.control.Messages + 1, Offset: s.offset()} }

// begin starts a message behind room for its length.
func (s *stream) begin(mti string) *iso8583.Encoder {
	s.enc.Begin(append(s.buf, 0, 0, 0, 0), mti)
	return s.enc
}

// end completes the message, which is worth amount in the checksum, and hands a full buffer out.
func (s *stream) end(amount int64) error {
	at := len(s.buf)
	out, err := s.enc.End()
	if err != nil {
		return s.fail(err)
	}
	size := len(out) - at - 4
	if size > MaxRecord {
		return s.fail(ErrRecordSize)
	}
	if s.control.Messages >= maxMessages || s.control.Amount+uint64(amount) > maxAmount {
		return s.fail(ErrControl)
	}
	binary.BigEndian.PutUint32(out[at:], uint32(size))
	s.buf = out
	s.control.Messages++
	s.control.Amount += uint64(amount)
	if len(s.buf) >= flushSize {
		return s.flush()
	}
	return nil
}

// fail returns err with the place of the message that was not written.
func (s *stream) fail(err error) error {
	e := s.place()
	e.Err = err
	return e
}

func (s *stream) failPDS(tag int) error {
	e := s.place()
	e.PDS, e.Err = tag, ErrValue
	return e
}

func (s *stream) failField(n int) error {
	return s.fail(&iso8583.Error{MTI: mtiPresentment, Field: n, Err: ErrValue})
}

func (s *stream) flush() error {
	if s.err != nil {
		return s.err
	}
	data := s.buf
	if s.profile.Blocked {
		s.block()
		data = s.blocks
	}
	if n, err := s.out.Write(data); err != nil || n != len(data) {
		if err == nil {
			err = io.ErrShortWrite
		}
		e := s.place()
		e.Final, e.Err = true, err
		s.err = e
		return s.err
	}
	s.sent += int64(len(s.buf))
	clear(s.buf) // card numbers
	clear(s.blocks)
	s.buf = s.buf[:0]
	return nil
}

// block cuts buf into blocks, continuing the last one.
func (s *stream) block() {
	s.blocks = s.blocks[:0]
	for data := s.buf; len(data) > 0; {
		n := min(blockData-s.column, len(data))
		s.blocks = append(s.blocks, data[:n]...)
		data = data[n:]
		if s.column += n; s.column == blockData {
			s.blocks = append(s.blocks, fill, fill)
			s.column = 0
		}
	}
}

func (s *stream) ready(want state) error {
	if s.err != nil {
		return s.err
	}
	if s.state != want {
		return s.fail(ErrState)
	}
	return nil
}

func (s *stream) header(id FileID) error {
	if err := s.ready(fresh); err != nil {
		return err
	}
	if !id.valid() {
		return s.failPDS(pdsFileID)
	}
	if m := s.profile.mode(); m != Production && m != Test {
		return s.failPDS(pdsMode)
	}
	s.file = id
	s.pds.Reset()
	s.pds.Add(pdsFileID, id.String())
	s.pds.AddBytes(pdsMode, []byte{byte(s.profile.mode())})
	if err := s.envelope(functionHeader); err != nil {
		return err
	}
	s.state = open
	return nil
}

// close writes trailer and terminator and hands everything out.
func (s *stream) close() (Control, error) {
	if err := s.ready(open); err != nil {
		return s.control, err
	}
	s.pds.Reset()
	s.pds.Add(pdsFileID, s.file.String())
	s.pds.AddInt(pdsAmountChecksum, 16, s.control.Amount)
	s.pds.AddInt(pdsMessageCount, 8, uint64(s.control.Messages+1))
	if err := s.envelope(functionTrailer); err != nil {
		return s.control, err
	}
	s.state = closed
	s.buf = append(s.buf, 0, 0, 0, 0)
	if s.profile.Blocked {
		for used := s.offset() % blockData; used > 0 && used < blockData; used++ {
			s.buf = append(s.buf, fill)
		}
	}
	return s.control, s.flush()
}

func (s *stream) envelope(function string) error {
	e := s.begin(mtiFile)
	e.String(24, function)
	e.PDS(48, &s.pds)
	e.Int(71, s.control.Messages+1)
	return s.end(0)
}
