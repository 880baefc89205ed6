package delimited

import (
	"errors"
	"strconv"
)

// The reasons that an [*Error] can wrap, besides those of the underlying reader or writer.
var (
	// ErrValue: a field has a value outside its rules.
	ErrValue = errors.New("delimited: value not allowed")
	// ErrFields: a line has too few or too many fields, or is none that may stand there.
	ErrFields = errors.New("delimited: unexpected line")
	// ErrTruncated: the file ends before its trailer, or in the middle of a line.
	ErrTruncated = errors.New("delimited: file is truncated")
	// ErrControl: the trailer differs from the lines, or no trailer can hold what they add up to.
	ErrControl = errors.New("delimited: control totals differ")
	// ErrCurrency: a file has records of one currency.
	ErrCurrency = errors.New("delimited: more than one currency")
	// ErrLine: a line is longer than MaxLine bytes.
	ErrLine = errors.New("delimited: line is too long")
	// ErrState: a record after the trailer.
	ErrState = errors.New("delimited: call out of order")
)

// Error says where in a file something is wrong.
type Error struct {
	Line   int64  // from 1: the header is 1
	Column string // field that Err is about; empty when it is not about any
	Final  bool   // nothing after it can be read or written; otherwise only this line is concerned
	Err    error
}

func (e *Error) Error() string {
	s := "delimited: line " + strconv.FormatInt(e.Line, 10)
	if e.Column != "" {
		s += " " + e.Column
	}
	return s + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }
