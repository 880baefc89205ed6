package delimited

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Profile is what a center and we agreed on.
type Profile struct {
	Delimiter byte     // parts the fields of a line; none of their characters
	CRLF      bool     // lines end with two characters; else with a line feed
	Minor     bool     // amounts are whole minor units; else decimal numbers of the currency
	Columns   []string // fields of a record after type and function; nil: StandardColumns
	Test      bool     // the mode in headers
}

// Delimiters are those that a profile may have.
const Delimiters = "^|;,\t"

// ErrProfile is wrapped by what Check says.
var ErrProfile = errors.New("delimited: profile")

// Check finds what is wrong with a profile.
func (p Profile) Check() error {
	if strings.IndexByte(Delimiters, p.Delimiter) < 0 {
		return fmt.Errorf("%w: %q parts no fields", ErrProfile, p.Delimiter)
	}
	for i, name := range p.columns() {
		if columnNamed(name) == nil {
			return fmt.Errorf("%w: %q is not one of %s", ErrProfile, name, strings.Join(Columns(), ", "))
		}
		if slices.Contains(p.columns()[:i], name) {
			return fmt.Errorf("%w: column %s is there twice", ErrProfile, name)
		}
	}
	for _, name := range required {
		if !slices.Contains(p.columns(), name) {
			return fmt.Errorf("%w: column %s is missing: records are not told apart, or not worth anything, without it", ErrProfile, name)
		}
	}
	return nil
}

func (p Profile) columns() []string {
	if p.Columns == nil {
		return StandardColumns
	}
	return p.Columns
}

func (p Profile) table() []*column {
	var out []*column
	for _, name := range p.columns() {
		out = append(out, columnNamed(name))
	}
	return out
}

func (p Profile) mode() string {
	if p.Test {
		return "T"
	}
	return "P"
}

func (p Profile) lineEnd() string {
	if p.CRLF {
		return "\r\n"
	}
	return "\n"
}

// FileID names a file: member, date and cycle together are used once.
type FileID struct {
	Member string    // eleven digits
	Date   time.Time // business date, in UTC
	Cycle  uint32    // 1 and more, at most CycleDigits digits
}

// CycleDigits is how many digits a FileID has for the cycle at most.
const CycleDigits = 5

const memberDigits = 11

// String returns member, date as YYYYMMDD, and cycle.
func (id FileID) String() string {
	return id.Member + id.Date.Format(dateForm) + strconv.FormatUint(uint64(id.Cycle), 10)
}

const (
	dateForm = "20060102"
	timeForm = "20060102150405"
)

// ParseFileID returns the file that digits name, or [ErrValue].
func ParseFileID(s string) (FileID, error) {
	if len(s) <= memberDigits+len(dateForm) {
		return FileID{}, ErrValue
	}
	return fileID(s[:memberDigits], s[memberDigits:memberDigits+len(dateForm)], s[memberDigits+len(dateForm):])
}

// fileID makes an identity of its fields.
func fileID(member, date, cycle string) (FileID, error) {
	at, err := time.Parse(dateForm, date)
	n, ok := number([]byte(cycle))
	if err != nil || !ok || n == 0 || cycle[0] == '0' || len(cycle) > CycleDigits || len(member) != memberDigits || !digits([]byte(member)) {
		return FileID{}, ErrValue
	}
	return FileID{Member: member, Date: at, Cycle: uint32(n)}, nil
}
