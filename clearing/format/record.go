package format

import (
	"time"

	"settled/internal/money"
)

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

// Kind is what a record does to the buyer.
type Kind uint8

// The kinds of record.
const (
	Sale   Kind = 1 // the buyer pays
	Credit Kind = 2 // the buyer gets back
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
