package ipmfile

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"settled/clearing/format"
	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
)

// Name is what configurations call the format.
const Name = "ipm"

// ReplyPattern matches the names of replies where a center has no others.
const ReplyPattern = `^RPY_(?P<file>.+)_[0-9]+\.ipm$`

// Options are what a center and we agreed on.
type Options struct {
	Profile   ipm.Profile
	Member    string         // our member id, 1-11 digits: in file ids, and as originator (DE 94)
	BIN       uint32         // acquirer's, six digits: in the reference data of records (DE 31)
	Acquirer  string         // DE 32, 6-11 digits; empty: absent
	Forwarder string         // DE 33, 6-11 digits; default Member
	Zone      *time.Location // of the center: of times at the card acceptor and of days in reference data
}

// Format is the family in the form of one center.
type Format struct {
	o      Options
	member uint64
}

// ErrOptions is wrapped by what New says about options that cannot work.
var ErrOptions = errors.New("clearing: ipm")

// New checks the options and gives them their defaults.
func New(o Options) (*Format, error) {
	member, err := strconv.ParseUint(o.Member, 10, 64)
	switch {
	case err != nil || member == 0 || len(o.Member) > 11:
		return nil, fmt.Errorf("%w: member id %q is not 1 to 11 digits", ErrOptions, o.Member)
	case o.BIN == 0 || o.BIN > 999_999:
		return nil, fmt.Errorf("%w: acquirer BIN %d is not six digits", ErrOptions, o.BIN)
	case o.Zone == nil:
		return nil, fmt.Errorf("%w: no zone of the center", ErrOptions)
	}
	if o.Forwarder == "" {
		o.Forwarder = o.Member
	}
	if o.Profile.Charset == nil {
		o.Profile.Charset = iso8583.ASCII
	}
	if o.Profile.Mode == 0 {
		o.Profile.Mode = ipm.Production
	}
	return &Format{o: o, member: member}, nil
}

// Profile is the form of the files, for whoever reads them beside the night.
func (f *Format) Profile() ipm.Profile { return f.o.Profile }

// Name implements format.Format.
func (f *Format) Name() string { return Name }

// Mode implements format.Format: PDS 0122.
func (f *Format) Mode() format.Mode { return format.Mode(f.o.Profile.Mode) }

// arnSequences is how many records the sequence of reference data can tell apart.
const arnSequences = 100_000_000_000

// Limits implements format.Format.
func (f *Format) Limits() format.Limits {
	return format.Limits{SequenceDigits: ipm.SequenceDigits, References: arnSequences, Envelope: 2}
}

// Extension implements format.Format.
func (f *Format) Extension() string { return ".ipm" }

// FileName implements format.Format.
func (f *Format) FileName(n format.Name) string { return n.House(f.Extension()) }

// ParseFileName implements format.Format.
func (f *Format) ParseFileName(center, stream, name string) (format.Name, bool) {
	return format.ParseHouse(center, stream, f.Extension(), name)
}

// FileID implements format.Format: PDS 0105.
func (f *Format) FileID(businessDate time.Time, sequence int32) string {
	return ipm.FileID{Type: ipm.FromMember, Date: ipm.DateOf(businessDate), Member: f.member, Sequence: uint32(sequence)}.String()
}

// ParseFileID implements format.Format.
func (f *Format) ParseFileID(id string) (businessDate time.Time, sequence int32, ok bool) {
	parsed, err := ipm.ParseFileID(id)
	ok = err == nil && parsed.Type == ipm.FromMember && parsed.Member == f.member && parsed.Sequence > 0
	return parsed.Date.Time(time.UTC), int32(parsed.Sequence), ok
}

// WritableRune implements format.Format. A backslash ends a part of the address.
func (f *Format) WritableRune(r rune) bool {
	_, err := f.o.Profile.Charset.Append(nil, string(r))
	return err == nil && r != '\\'
}

// originator is DE 94, without the zeros that fill a member id.
func (f *Format) originator() string { return strings.TrimLeft(f.o.Member, "0") }
