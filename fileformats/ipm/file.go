package ipm

import (
	"errors"
	"io"

	"settled/fileformats/iso8583"
)

// Options say how to read.
type Options struct {
	// Strict refuses what is tolerated in files of others: zero bytes as fill, extra fill, a missing terminator, message
	// numbers that do not follow each other.
	Strict bool
}

// file reads the messages between header and trailer; Reader and ReplyReader share it.
type file struct {
	vbs     *vbs
	msg     *iso8583.Message
	raw     []byte // the current record
	profile Profile
	strict  bool
	id      FileID
	mode    Mode
	counted Control
	spoiled bool // an amount could not be read
	state   state
}

func newFile(r io.Reader, p Profile, o Options) file {
	return file{vbs: newVBS(r, p, o), msg: p.spec().NewMessage(""), profile: p, strict: o.Strict}
}

// next reads messages until one that is neither header nor trailer. It returns io.EOF after a trailer that closes the
// file.
func (f *file) next() error {
	for {
		raw, err := f.vbs.next()
		if errors.Is(err, io.EOF) {
			return f.end()
		}
		if err != nil {
			return err
		}
		f.raw = raw
		if ours, err := f.message(); !ours || err != nil {
			return err
		}
	}
}

// end judges the end of the records.
func (f *file) end() error {
	if f.state == closed {
		return io.EOF
	}
	return f.final(ErrTruncated)
}

// message decodes the current record; ours says that it was header or trailer.
func (f *file) message() (ours bool, err error) {
	f.counted.Messages++
	if f.state == closed {
		return false, f.final(ErrTrailer)
	}
	if err := f.msg.Decode(f.raw); err != nil {
		f.spoiled = true
		return false, f.entry(err)
	}
	if err := f.number(); err != nil {
		return false, err
	}
	header := f.is(mtiFile, functionHeader)
	switch {
	case header != (f.state == fresh):
		return false, f.final(ErrHeader)
	case header:
		return true, f.header()
	case f.is(mtiFile, functionTrailer):
		return true, f.trailer()
	}
	return false, f.amount()
}

// entry returns the error about one record. When that record had to be the header, it is final.
func (f *file) entry(err error) error {
	if f.state == fresh {
		return f.final(err)
	}
	return f.fail(err)
}

func (f *file) is(mti, function string) bool {
	return f.msg.MTI() == mti && string(f.msg.Bytes(24)) == function
}

func (f *file) number() error {
	n, ok := f.msg.Int(71)
	if !ok {
		f.spoiled = true
		return f.entry(f.missing(71))
	}
	if f.strict && n != f.counted.Messages {
		return f.final(ErrNumber)
	}
	return nil
}

func (f *file) header() error {
	id, err := f.fileID(pdsFileID)
	if err != nil {
		return f.final(err)
	}
	mode, ok := f.msg.PDS(pdsMode)
	if !ok || len(mode) != 1 || mode[0] != byte(Production) && mode[0] != byte(Test) {
		return f.final(f.failPDS(pdsMode))
	}
	f.id, f.mode, f.state = id, Mode(mode[0]), open
	return nil
}

func (f *file) trailer() error {
	id, err := f.fileID(pdsFileID)
	if err != nil {
		return f.final(err)
	}
	if id != f.id {
		return f.final(ErrTrailer)
	}
	amount, err := f.digits(pdsAmountChecksum, 16)
	if err != nil {
		return f.final(err)
	}
	messages, err := f.digits(pdsMessageCount, 8)
	if err != nil {
		return f.final(err)
	}
	f.state = closed
	declared := Control{Messages: int64(messages), Amount: amount}
	if f.spoiled {
		declared.Amount = f.counted.Amount
	}
	if declared != f.counted {
		return f.final(&ControlError{Declared: declared, Counted: f.counted})
	}
	return nil
}

// amount adds to the checksum.
func (f *file) amount() error {
	if !f.msg.Has(4) {
		return nil
	}
	v, _ := f.msg.Int(4)
	if f.counted.Amount += uint64(v); f.counted.Amount > maxAmount {
		return f.final(ErrControl)
	}
	return nil
}

// fileID returns the file that private data names.
func (f *file) fileID(tag int) (FileID, error) {
	v, _ := f.msg.PDS(tag)
	id, err := parseFileID(v)
	if err != nil {
		return FileID{}, f.failPDS(tag)
	}
	return id, nil
}

// digits returns private data that is a number of the given width.
func (f *file) digits(tag, width int) (uint64, error) {
	v, _ := f.msg.PDS(tag)
	n, ok := number(v)
	if !ok || len(v) != width {
		return 0, f.failPDS(tag)
	}
	return n, nil
}

// fail returns err with the place of the current record.
func (f *file) fail(err error) error { return f.vbs.fail(err) }

// final is fail for an error after which the file cannot be read on.
func (f *file) final(err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Record: f.vbs.record, Offset: f.vbs.offset, Err: err}
	}
	e.Final = true
	f.vbs.err = e
	return e
}

func (f *file) failPDS(tag int) error {
	return &Error{Record: f.vbs.record, Offset: f.vbs.offset, PDS: tag, Err: ErrValue}
}

func (f *file) failField(n int) error {
	return f.fail(&iso8583.Error{MTI: f.msg.MTI(), Field: n, Err: ErrValue})
}

func (f *file) missing(n int) error {
	return &iso8583.Error{MTI: f.msg.MTI(), Field: n, Err: iso8583.ErrMissing}
}
