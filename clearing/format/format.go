package format

import (
	"errors"
	"io"
	"time"

	"settled/internal/money"
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

// Mode is the processing mode of a file.
type Mode byte

// The modes.
const (
	Production Mode = 'P'
	Test       Mode = 'T'
)

// Limits are widths of numbers.
type Limits struct {
	SequenceDigits int    // digits that an identity has for the number of the file
	References     uint64 // how many records in a row the reference of a record tells apart
	Envelope       int64  // messages of a file that are no records: header, trailer
}

// NoReference stands for a message that is no record of the file.
const NoReference = ^uint64(0)

// Place is where a part of a file begins.
type Place struct {
	Message uint32 // number of the first message in it
	Offset  int64  // bytes before it
}

// Kind is what a record does to the cardholder.
type Kind uint8

// The kinds of record.
const (
	Sale   Kind = 1 // the cardholder pays
	Credit Kind = 2 // the cardholder gets back
)

// Batch is what a file is to say of itself and of the merchants in it.
type Batch struct {
	ID        string // identity of the file, made by FileID
	Currency  money.Currency
	Merchants []Merchant // whose records it has, by Record.Merchant
}

// Merchant is what a center is told of a merchant, as one version of its contract has it.
type Merchant struct {
	ID                                               int32 // names it in errors
	Name, Street, City, Postal, Region, Country, MCC string
	Terminal, Acceptor                               string
}

// Record is one sale or credit of a batch. Its slices are the caller's, and are read during the call alone.
type Record struct {
	Kind       Kind
	Number     int64 // tells records apart: the reference is its remainder by Limits.References
	Exchange   int64 // the payment's, see AppendRRN
	Amount     int64 // minor units of the batch's currency, above 0
	Born       time.Time
	Authorized time.Time // of a sale
	PAN        []byte
	Expiry     []byte // YYMM
	Approval   []byte // of a sale
	Security   []byte // how far the buyer was authenticated, three digits; empty when that was not asked
	Network    []byte // the network's name of the payment; empty where it told none
	Merchant   int    // index in Batch.Merchants
}

// Writer writes one file. It is not safe for concurrent use.
type Writer interface {
	// Write appends a record. An error that wraps ErrRecord is about the record alone; every other is final.
	Write(*Record) error
	// Messages is how many messages the file has so far.
	Messages() int64
	// Close writes the trailer and hands everything out.
	Close() error
}

// Sum is a number of records and the sum of their amounts in minor units.
type Sum struct{ Count, Amount int64 }

// Contents is what the bytes of a file of ours hold.
type Contents struct {
	File       string // identity
	Messages   int64  // with header and trailer
	Currencies []CurrencySum
	Control    string // control totals, for people
	Detail     any    // the same in the format's own words, for JSON
}

// CurrencySum is what a file holds in one currency.
type CurrencySum struct {
	Currency       money.Currency
	Sales, Credits Sum
	Others         int64 // records of kinds that we do not send
}

// AppendRRN appends the twelve digits by which the network knows the payment of an exchange.
func AppendRRN(dst []byte, exchange int64) []byte {
	n := exchange % 1_000_000_000_000
	var digits [12]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[:]...)
}
