package ipm

import (
	"fmt"
	"strconv"
	"time"

	"settled/fileformats/iso8583"
)

// Dialect is a branch of the family.
type Dialect uint8

// The dialects. SmartVista adds a transaction type (PDS 1002) to every presentment, and its reference data (DE 31)
// begins with 9 and ends with 0 instead of a Luhn digit.
const (
	Standard Dialect = iota
	SmartVista
)

// Mode is the processing mode of a file (PDS 0122).
type Mode byte

// The modes.
const (
	Production Mode = 'P'
	Test       Mode = 'T'
)

// Profile is what a center and we agreed on.
type Profile struct {
	Charset *iso8583.Charset // nil means ASCII
	Blocked bool             // 1014 blocking
	Mode    Mode             // written to headers; 0 means Production
	Dialect Dialect
}

func (p Profile) charset() *iso8583.Charset {
	if p.Charset == nil {
		return iso8583.ASCII
	}
	return p.Charset
}

func (p Profile) spec() *iso8583.Spec { return iso8583.IPM(p.charset()) }

func (p Profile) mode() Mode {
	if p.Mode == 0 {
		return Production
	}
	return p.Mode
}

// Date is a calendar date of this century as the six digits YYMMDD: 261121 is 21 November 2026. Zero is no date.
type Date uint32

// DateOf returns the date of t in the location of t. A year outside 2000-2099 yields zero.
func DateOf(t time.Time) Date {
	year, month, day := t.Date()
	if year < 2000 || year > 2099 {
		return 0
	}
	return Date((year-2000)*10000 + int(month)*100 + day)
}

// Time returns the start of the date in loc, or the zero time when d is not a date.
func (d Date) Time(loc *time.Location) time.Time {
	t := time.Date(2000+int(d/10000), time.Month(d/100%100), int(d%100), 0, 0, 0, 0, loc)
	if d == 0 || DateOf(t) != d {
		return time.Time{}
	}
	return t
}

func (d Date) valid() bool { return !d.Time(time.UTC).IsZero() }

// FileType says who made a file.
type FileType uint16

// The file types.
const (
	FromCenter      FileType = 1
	FromMember      FileType = 2
	Acknowledgement FileType = 3
)

// SequenceDigits is how many digits a [FileID] has for the sequence.
const SequenceDigits = 5

// FileID names a file (PDS 0105): 25 digits. Member, date and sequence together are used once.
type FileID struct {
	Type     FileType
	Date     Date
	Member   uint64 // at most 11 digits: the member or processor that sends
	Sequence uint32 // at most SequenceDigits, per member and date
}

// String returns the 25 digits, or a note of the fields when they do not fit.
func (id FileID) String() string {
	if !id.valid() {
		return fmt.Sprintf("invalid file id %d/%d/%d/%d", id.Type, id.Date, id.Member, id.Sequence)
	}
	return string(id.append(nil))
}

func (id FileID) valid() bool {
	return id.Type <= 999 && id.Member <= 99_999_999_999 && id.Sequence <= 99_999 && id.Date.valid()
}

func (id FileID) append(dst []byte) []byte {
	dst = appendDigits(dst, uint64(id.Type), 3)
	dst = appendDigits(dst, uint64(id.Date), 6)
	dst = appendDigits(dst, id.Member, 11)
	return appendDigits(dst, uint64(id.Sequence), SequenceDigits)
}

// ParseFileID returns the file that 25 digits name, or [ErrValue].
func ParseFileID(s string) (FileID, error) { return parseFileID([]byte(s)) }

func parseFileID(b []byte) (FileID, error) {
	if len(b) != 25 {
		return FileID{}, ErrValue
	}
	kind, ok1 := number(b[:3])
	date, ok2 := number(b[3:9])
	member, ok3 := number(b[9:20])
	sequence, ok4 := number(b[20:])
	id := FileID{Type: FileType(kind), Date: Date(date), Member: member, Sequence: uint32(sequence)}
	if !ok1 || !ok2 || !ok3 || !ok4 || !id.valid() {
		return FileID{}, ErrValue
	}
	return id, nil
}

// Control is the pair of control totals in a trailer.
type Control struct {
	Messages int64  // PDS 0306: messages including header and trailer
	Amount   uint64 // PDS 0301: plain sum of DE 4, ignoring currency, direction and reversal
}

// String renders both totals for people.
func (c Control) String() string {
	return strconv.FormatInt(c.Messages, 10) + " messages, amount " + strconv.FormatUint(c.Amount, 10)
}

// The largest control totals that a trailer can hold.
const (
	maxMessages = 99_999_999
	maxAmount   = 9_999_999_999_999_999
)

func appendDigits(dst []byte, v uint64, width int) []byte {
	at := len(dst)
	for range width {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; i >= at; i-- {
		dst[i] = '0' + byte(v%10)
		v /= 10
	}
	return dst
}

// number reads 1-18 digits.
func number(b []byte) (v uint64, ok bool) {
	if len(b) == 0 || len(b) > 18 {
		return 0, false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return 0, false
		}
		v = v*10 + uint64(c-'0')
	}
	return v, true
}
