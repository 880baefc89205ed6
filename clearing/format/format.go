package format

import (
	"errors"
	"io"
	"time"
)

// Format writes files as one center wants them, and reads what it answers. It is safe for concurrent use.
type Format interface {
	// Name is what configurations call the format.
	Name() string
	// Mode tells test files from real ones. A reply in another mode is not applied.
	Mode() Mode
	// Limits are the widths that the format has for numbers.
	Limits() Limits
	// Extension ends the names of our files, with its point.
	Extension() string
	// FileName is the name of a file at the center. Two files of a center have two names.
	FileName(Name) string
	// ParseFileName reads a name that FileName made for the center and stream, with or without its extension. ok is false for
	// every other name.
	ParseFileName(center, stream, name string) (n Name, ok bool)
	// FileID is the identity of a file inside the file, by which replies name it.
	FileID(businessDate time.Time, sequence int32) string
	// ParseFileID reads an identity. ok is false for one that is none of our files.
	ParseFileID(id string) (businessDate time.Time, sequence int32, ok bool)
	// WritableRune tells that a merchant's texts may hold the character.
	WritableRune(r rune) bool
	// Fits says why the records of a merchant cannot be written; the error wraps ErrRecord.
	Fits(Merchant) error
	// NewWriter begins a file. Each Write to out ends with a whole message.
	NewWriter(out io.Writer, b Batch) (Writer, error)
	// Verify reads a whole file of ours back, strictly, and sums it up from its bytes alone. A file that is not whole, or whose
	// trailer differs from its content, is an error.
	Verify(r io.Reader) (Contents, error)
	// NewReplyReader reads an answer of the center, leniently where centers are known to be.
	NewReplyReader(r io.Reader) ReplyReader
	// Locate finds records by their message numbers, which ascend, in a part of a file of ours: a run of whole messages that
	// begins at a place. It sets references to those of the records, NoReference where there is no record of that number.
	Locate(part []byte, at Place, messages []uint32, references []uint64)
}

// ErrRecord says that one record cannot be written: the file is as if it had not been given, and goes on without it.
var ErrRecord = errors.New("clearing: record cannot be written")

// Unwritable makes an error of a codec one of a single record. It keeps its words.
func Unwritable(err error) error { return &unwritable{err} }

type unwritable struct{ err error }

func (u *unwritable) Error() string   { return u.err.Error() }
func (u *unwritable) Unwrap() []error { return []error{u.err, ErrRecord} }

// Writer writes one file. It is not safe for concurrent use.
type Writer interface {
	// Write appends a record. An error that wraps ErrRecord is about the record alone; every other is final.
	Write(*Record) error
	// Messages is how many messages the file has so far.
	Messages() int64
	// Close writes the trailer and hands everything out.
	Close() error
}
