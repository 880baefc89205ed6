package delimitedfile

import (
	"errors"
	"fmt"
	"io"
	"time"

	"settled/clearing/format"
	"settled/fileformats/delimited"
	"settled/fileformats/ipm"
)

// Name is what configurations call the format.
const Name = "delimited"

// ReplyPattern matches the names of answers where a center has no others: the name of our file, and what the answer is.
const ReplyPattern = `^(?P<file>ACQ_.+)\.csv\.(FileReject|SettlementSummary)(\.[0-9]+)?$`

// Format is the format in the form of one center.
type Format struct {
	profile delimited.Profile
	member  string // eleven digits
	bin     uint32 // acquirer's, six digits: in the reference data of records
	zone    *time.Location
}

// Name implements format.Format.
func (f *Format) Name() string { return Name }

// Mode implements format.Format.
func (f *Format) Mode() format.Mode { return mode(f.profile.Test) }

func mode(test bool) format.Mode {
	if test {
		return format.Test
	}
	return format.Production
}

// references is how many records the sequence of reference data can tell apart.
const references = 100_000_000_000

// Limits implements format.Format.
func (f *Format) Limits() format.Limits {
	return format.Limits{SequenceDigits: delimited.CycleDigits, References: references, Envelope: 2}
}

// Extension implements format.Format.
func (f *Format) Extension() string { return ".csv" }

// FileName implements format.Format.
func (f *Format) FileName(n format.Name) string { return n.House(f.Extension()) }

// ParseFileName implements format.Format.
func (f *Format) ParseFileName(center, stream, name string) (format.Name, bool) {
	return format.ParseHouse(center, stream, f.Extension(), name)
}

// FileID implements format.Format: member, date and cycle.
func (f *Format) FileID(businessDate time.Time, sequence int32) string {
	return delimited.FileID{Member: f.member, Date: businessDate, Cycle: uint32(sequence)}.String()
}

// ParseFileID implements format.Format.
func (f *Format) ParseFileID(id string) (businessDate time.Time, sequence int32, ok bool) {
	parsed, err := delimited.ParseFileID(id)
	return parsed.Date, int32(parsed.Cycle), err == nil && parsed.Member == f.member
}

// WritableRune implements format.Format.
func (f *Format) WritableRune(r rune) bool {
	return r >= ' ' && r <= '~' && r != rune(f.profile.Delimiter)
}

// Fits implements format.Format: it writes a record of the merchant to nowhere.
func (f *Format) Fits(m format.Merchant) error {
	id := delimited.FileID{Member: f.member, Date: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), Cycle: 1}
	out, err := delimited.NewWriter(io.Discard, f.profile, id)
	if err != nil {
		return err
	}
	r := delimited.Record{PAN: []byte("4000000000003006"), RRN: []byte("000000000001"), ARN: []byte("00000000000000000000000"), Time: id.Date, Amount: 1, Currency: 933}
	f.present(&r, m)
	if err := out.Write(&r); err != nil {
		return fmt.Errorf("%w: merchant %d: %w", format.ErrRecord, m.ID, column(err))
	}
	return nil
}

// column is an error without the number of a line, which the file does not have.
func column(err error) error {
	var at *delimited.Error
	if errors.As(err, &at) {
		return fmt.Errorf("%s does not fit a clearing file", at.Column)
	}
	return err
}

// present sets what a record says of a merchant.
func (f *Format) present(r *delimited.Record, m format.Merchant) {
	r.MCC, r.Terminal, r.Acceptor = []byte(m.MCC), []byte(m.Terminal), []byte(m.Acceptor)
	r.Name, r.City, r.Country = []byte(m.Name), []byte(m.City), []byte(m.Country)
}

// arn is the reference data of a record: the day is the one of its birth in the center's zone.
func (f *Format) arn(record int64, born time.Time) ipm.ARN {
	return ipm.NewARN(f.bin, born.In(f.zone), uint64(record%references))
}

// reference is the sequence in the reference data of a line of ours.
func (f *Format) reference(r *delimited.Record) (uint64, bool) {
	arn, err := ipm.ParseARN(r.ARN, ipm.Standard)
	return arn.Sequence, err == nil && arn.BIN == f.bin
}
