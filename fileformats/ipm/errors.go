package ipm

import (
	"errors"
	"strconv"
)

// The reasons that an [*Error] can wrap, besides those of package iso8583 and of the underlying reader or writer.
var (
	// ErrTruncated: the file ends inside a record, a block or before its trailer.
	ErrTruncated = errors.New("ipm: file is truncated")
	// ErrRecordSize: a record is larger than [MaxRecord] bytes or has none.
	ErrRecordSize = errors.New("ipm: record size out of range")
	// ErrFill: bytes other than fill stand between blocks or after the last record.
	ErrFill = errors.New("ipm: unexpected bytes in place of fill")
	// ErrHeader: the file does not begin with one valid header.
	ErrHeader = errors.New("ipm: header missing or repeated")
	// ErrTrailer: the trailer names another file, or a record follows it.
	ErrTrailer = errors.New("ipm: trailer does not close this file")
	// ErrControl: the trailer's control totals differ from the file's content. See [ControlError].
	ErrControl = errors.New("ipm: control totals differ")
	// ErrNumber: a message number is not the one after its predecessor's.
	ErrNumber = errors.New("ipm: message number out of sequence")
	// ErrMessage: the message type and function do not belong into this kind of file.
	ErrMessage = errors.New("ipm: unexpected message")
	// ErrValue: an element or private data has a value outside its rules.
	ErrValue = errors.New("ipm: value not allowed")
	// ErrState: a call came in the wrong order: a record before the header, or anything after the trailer.
	ErrState = errors.New("ipm: call out of order")
)

// Error says where in a file something is wrong.
type Error struct {
	Record int64 // record number from 1: the header is 1
	Offset int64 // offset of the record's length in the unblocked stream
	PDS    int   // private data that Err is about; 0 when it is not about any
	Final  bool  // nothing after it can be read or written; otherwise only this record is concerned
	Err    error // a sentinel, a [*ControlError], or an [*iso8583.Error] with the data element
}

func (e *Error) Error() string {
	s := "ipm: record " + strconv.FormatInt(e.Record, 10) + " at byte " + strconv.FormatInt(e.Offset, 10)
	if e.PDS > 0 {
		s += " PDS " + strconv.Itoa(e.PDS)
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// ControlError is a control total of a trailer that differs from what the file holds. It wraps [ErrControl].
type ControlError struct {
	Declared Control
	Counted  Control
}

func (e *ControlError) Error() string {
	return ErrControl.Error() + ": trailer says " + e.Declared.String() + ", file holds " + e.Counted.String()
}

// Unwrap returns [ErrControl].
func (e *ControlError) Unwrap() error { return ErrControl }
