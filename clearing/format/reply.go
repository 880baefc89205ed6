package format

import "settled/internal/money"

// ReplyReader reads one answer of a center. It is not safe for concurrent use.
type ReplyReader interface {
	// Read sets e to the next entry. It returns io.EOF after an end that closes the answer, and *SyntaxError for what cannot be
	// read; unless that is final, the next call goes on after it. Other errors are those of the source.
	Read(e *Entry) error
	// Header is what the answer says of itself, known after io.EOF.
	Header() Header
}

// Header names an answer.
type Header struct {
	ID   string // identity that the center gave it
	Mode Mode
}

// EntryKind is what an entry of an answer says.
type EntryKind uint8

// The kinds of entry.
const (
	Nothing       EntryKind = iota // there is nothing to tell
	FileRefused                    // nothing of our file was processed
	RecordRefused                  // one record was not, the others were
	Accepted                       // how much of one kind was accepted
)

// Entry is one entry of an answer.
type Entry struct {
	Kind     EntryKind
	Line     int64         // in the answer
	File     string        // identity of our file; empty where there is nothing to tell
	Refusal  Refusal       // of FileRefused and RecordRefused
	Accepted AcceptedTotal // of Accepted
}

// Refusal is why a file or a record was refused.
type Refusal struct {
	Message      uint32 // number of the refused message in our file, as the center has it
	Code         uint16 // the center's code alone, which the profile sorts into classes
	Text         string // the code with what it is about, as people see it
	HasReference bool   // the center repeated the record's reference
	Reference    uint64 // of the record
}

// AcceptedTotal is how much of one kind and currency a center accepted.
type AcceptedTotal struct {
	Kind     Kind
	Currency money.Currency
	Sum
}

// SyntaxError says where an answer cannot be read, or says what it may not say. Its words are those of Err.
type SyntaxError struct {
	Line  int64
	Final bool // nothing after it can be read
	Err   error
}

func (e *SyntaxError) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *SyntaxError) Unwrap() error { return e.Err }
