package iso8583

import (
	"errors"
	"strconv"
)

// The reasons that an [*Error] can wrap.
var (
	// ErrTruncated: the input ends inside a message or a frame.
	ErrTruncated = errors.New("iso8583: truncated")
	// ErrTrailing: bytes follow the last data element.
	ErrTrailing = errors.New("iso8583: bytes after the last element")
	// ErrMTI: the message type is not four digits.
	ErrMTI = errors.New("iso8583: message type is not four digits")
	// ErrBitmap: a bitmap announces a second bitmap wrongly: missing where the dialect always has one, or empty.
	ErrBitmap = errors.New("iso8583: bitmap is not canonical")
	// ErrUnknownField: the dialect does not have this data element.
	ErrUnknownField = errors.New("iso8583: element is not in the dialect")
	// ErrMissing: the message lacks an element that its type requires.
	ErrMissing = errors.New("iso8583: required element is missing")
	// ErrOrder: elements or tags were appended out of ascending order, or twice.
	ErrOrder = errors.New("iso8583: not in ascending order")
	// ErrLength: a value is shorter or longer than its element allows, or a length is not digits.
	ErrLength = errors.New("iso8583: wrong length")
	// ErrCharacter: a character is not allowed in this kind of element.
	ErrCharacter = errors.New("iso8583: character not allowed")
	// ErrUnencodable: a character does not exist in the charset of the dialect.
	ErrUnencodable = errors.New("iso8583: character not in the charset")
	// ErrPDS: private data is not a sequence of tag, length and value.
	ErrPDS = errors.New("iso8583: malformed private data")
	// ErrFrame: a frame announces no bytes or more than [MaxFrame].
	ErrFrame = errors.New("iso8583: frame length out of range")
)

// Error says where in a message something is wrong.
type Error struct {
	MTI    string // message type; empty when it could not be read
	Field  int    // data element, 1-128; 0 for the message as a whole
	Offset int    // byte offset in the message, from 0
	Err    error  // one of the sentinels of this package
}

func (e *Error) Error() string {
	s := e.Err.Error() + " at byte " + strconv.Itoa(e.Offset)
	if e.Field > 0 {
		s += " in DE " + strconv.Itoa(e.Field)
	}
	if e.MTI != "" {
		s += " of " + e.MTI
	}
	return s
}

// Unwrap returns the sentinel.
func (e *Error) Unwrap() error { return e.Err }
