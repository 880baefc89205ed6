package ipm

import "time"

// ARN is acquirer reference data (DE 31): it names a presentment for its whole life. A reversal repeats the ARN of its
// original.
type ARN struct {
	BIN      uint32 // six digits of the acquirer
	YearDay  uint16 // YDDD: last digit of the year and day of the year, in the time zone of the processing center
	Sequence uint64 // eleven digits, unique for BIN and day
}

// ARNSize is the number of digits of an ARN.
const ARNSize = 23

// NewARN returns the reference of item sequence on the day of at; at must be in the time zone of the center.
func NewARN(bin uint32, at time.Time, sequence uint64) ARN {
	return ARN{BIN: bin, YearDay: uint16(at.Year()%10*1000 + at.YearDay()), Sequence: sequence}
}

// Append appends the 23 digits of a to dst: format digit, BIN, YDDD, sequence, check digit. It returns [ErrValue] when a
// part has too many digits or the day is not 1-366.
func (a ARN) Append(dst []byte, d Dialect) ([]byte, error) {
	if !a.valid() {
		return dst, ErrValue
	}
	at := len(dst)
	format := byte('2')
	if d == SmartVista {
		format = '9'
	}
	dst = append(dst, format)
	dst = appendDigits(dst, uint64(a.BIN), 6)
	dst = appendDigits(dst, uint64(a.YearDay), 4)
	dst = appendDigits(dst, a.Sequence, 11)
	return append(dst, checkDigit(dst[at:], d)), nil
}

func (a ARN) valid() bool {
	day := a.YearDay % 1000
	return a.BIN <= 999_999 && a.YearDay <= 9366 && day >= 1 && day <= 366 && a.Sequence <= 99_999_999_999
}

// ParseARN splits 23 digits. It returns [ErrValue] for a wrong width, a wrong check digit or an impossible day. The
// format digit may be any in the standard dialect.
func ParseARN(b []byte, d Dialect) (ARN, error) {
	if !validARN(b, d) {
		return ARN{}, ErrValue
	}
	bin, _ := number(b[1:7])
	day, _ := number(b[7:11])
	sequence, _ := number(b[11:22])
	a := ARN{BIN: uint32(bin), YearDay: uint16(day), Sequence: sequence}
	if !a.valid() {
		return ARN{}, ErrValue
	}
	return a, nil
}

func validARN(b []byte, d Dialect) bool {
	if len(b) != ARNSize {
		return false
	}
	for _, c := range b {
		if c < '0' || c > '9' {
			return false
		}
	}
	return b[22] == checkDigit(b[:22], d) && (d != SmartVista || b[0] == '9')
}

func checkDigit(b []byte, d Dialect) byte {
	if d == SmartVista {
		return '0'
	}
	return LuhnDigit(b)
}

// LuhnDigit returns the check digit that makes digits followed by it pass the Luhn test. Every byte of digits must be a
// decimal digit.
func LuhnDigit(digits []byte) byte {
	const doubled = "\x00\x02\x04\x06\x08\x01\x03\x05\x07\x09" // digit sum of twice the digit
	sum := 0
	for i := len(digits) - 1; i >= 0; i -= 2 {
		sum += int(doubled[digits[i]-'0'])
		if i > 0 {
			sum += int(digits[i-1] - '0')
		}
	}
	return '0' + byte((10-sum%10)%10)
}
