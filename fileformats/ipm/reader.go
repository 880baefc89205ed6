package ipm

import (
	"io"
	"slices"
	"time"

	"settled/fileformats/iso8583"
)

// Reader reads a file of presentments. It is not safe for concurrent use.
type Reader struct {
	f file
}

// NewReader returns a reader of the file in r, which has the form of the profile.
func NewReader(r io.Reader, p Profile, o Options) *Reader { return &Reader{f: newFile(r, p, o)} }

// Read sets rec to the next presentment; its slices are valid until the following call. It returns io.EOF after a
// trailer whose totals agree with the file. Every other error is an [*Error]. Unless it is Final, the
// next call goes on with the next record (after a message that could not be decoded, the amount checksum is not
// compared, for lack of an amount).
func (r *Reader) Read(rec *Record) error {
	if err := r.f.next(); err != nil {
		return err
	}
	if !r.f.is(mtiPresentment, functionFirst) {
		return r.f.fail(ErrMessage)
	}
	return r.f.presentment(rec)
}

// File returns the name and the mode of the file, known after the first Read.
func (r *Reader) File() (FileID, Mode) { return r.f.id, r.f.mode }

// Control returns the totals counted so far; after io.EOF they are those of the trailer.
func (r *Reader) Control() Control { return r.f.counted }

// Raw returns the bytes of the current record without its length, valid until the following Read. A center copies them
// into its rejects.
func (r *Reader) Raw() []byte { return r.f.raw }

// The elements of a presentment, ascending.
var (
	requiredFields = [...]int{2, 3, 4, 12, 22, 24, 26, 31, 33, 37, 41, 42, 43, 48, 49, 71, 94}
	optionalFields = [...]int{14, 23, 32, 38, 54, 55, 63}
)

// presentment sets rec from the current message.
func (f *file) presentment(rec *Record) error {
	m := f.msg
	if err := f.layout(); err != nil {
		return err
	}
	*rec = Record{
		PAN: m.Bytes(2), Expiry: m.Bytes(14), POSData: m.Bytes(22), CardSequence: m.Bytes(23), MCC: m.Bytes(26),
		ARN: m.Bytes(31), Acquirer: m.Bytes(32), Forwarder: m.Bytes(33), RRN: m.Bytes(37), ApprovalCode: m.Bytes(38),
		Terminal: m.Bytes(41), Acceptor: m.Bytes(42), Location: m.Bytes(43), AdditionalAmounts: m.Bytes(54),
		ICC: m.Bytes(55), LifeCycle: m.Bytes(63), Originator: m.Bytes(94),
	}
	rec.Message, _ = m.Int(71)
	rec.Amount, _ = m.Int(4)
	currency, _ := m.Int(49)
	rec.Currency = uint16(currency)
	code, _ := m.Int(3)
	rec.Kind = Kind(code / 10_000)
	var ok bool
	rec.LocalTime, ok = parseTime(m.Bytes(12))
	switch {
	case code != int64(Sale)*10_000 && code != int64(Refund)*10_000:
		return f.failField(3)
	case !ok:
		return f.failField(12)
	case !validARN(rec.ARN, f.profile.Dialect):
		return f.failField(31)
	case len(rec.AdditionalAmounts)%20 != 0:
		return f.failField(54)
	}
	return f.private(rec)
}

// layout checks that the message has the elements of a presentment and no others.
func (f *file) layout() error {
	missing := requiredFields[:]
	for n := range f.msg.Fields() {
		switch {
		case len(missing) > 0 && n == missing[0]:
			missing = missing[1:]
		case len(missing) > 0 && n > missing[0]:
			return f.fail(f.missing(missing[0]))
		case !slices.Contains(optionalFields[:], n):
			return f.fail(&iso8583.Error{MTI: f.msg.MTI(), Field: n, Err: ErrMessage})
		}
	}
	if len(missing) > 0 {
		return f.fail(f.missing(missing[0]))
	}
	return nil
}

// private sets rec from the private data of a presentment. Tags that it does not have are refused.
func (f *file) private(rec *Record) error {
	kind, exponents := uint64(0), false
	for tag, v := range f.msg.AllPDS() {
		ok := false
		switch tag {
		case pdsTerminalType:
			rec.TerminalType, ok = trimSpaces(v), len(v) == 3
		case pdsReversal:
			rec.Reversal = true
			rec.ReversalDate, ok = parseReversal(v)
		case pdsSecurityLevel:
			rec.SecurityLevel, ok = v, validLevel(v)
		case pdsExponents:
			rec.Exponent, ok = exponentOf(v, rec.Currency)
			exponents = ok
		case pdsSettlement:
			if ok = len(v) == 1 && (v[0] == 'M' || v[0] == 'C'); ok {
				rec.Settlement = v[0]
			}
		case pdsTransactionType:
			kind, ok = number(v)
			ok = ok && f.profile.Dialect == SmartVista
		}
		if !ok {
			return f.failPDS(tag)
		}
	}
	switch {
	case len(rec.TerminalType) == 0:
		return f.failPDS(pdsTerminalType)
	case !exponents:
		return f.failPDS(pdsExponents)
	case rec.Settlement == 0:
		return f.failPDS(pdsSettlement)
	case f.profile.Dialect == SmartVista && kind != rec.Kind.transactionType():
		return f.failPDS(pdsTransactionType)
	}
	return nil
}

func trimSpaces(v []byte) []byte {
	for len(v) > 0 && v[len(v)-1] == ' ' {
		v = v[:len(v)-1]
	}
	return v
}

// parseReversal reads R or R and a date.
func parseReversal(v []byte) (Date, bool) {
	if len(v) == 1 {
		return 0, v[0] == 'R'
	}
	n, ok := number(v[min(1, len(v)):])
	d := Date(n)
	return d, ok && len(v) == 7 && v[0] == 'R' && d.valid()
}

// exponentOf finds a currency in a list of code and exponent.
func exponentOf(v []byte, currency uint16) (uint8, bool) {
	for ; len(v) >= 4; v = v[4:] {
		n, ok := number(v[:4])
		if !ok {
			return 0, false
		}
		if n/10 == uint64(currency) {
			return uint8(n % 10), len(v)%4 == 0
		}
	}
	return 0, false
}

// parseTime reads YYMMDDhhmmss as a wall clock without zone, in UTC.
func parseTime(b []byte) (time.Time, bool) {
	n, ok := number(b)
	v := int(n)
	t := time.Date(2000+v/1e10, time.Month(v/1e8%100), v/1e6%100, v/1e4%100, v/100%100, v%100, 0, time.UTC)
	return t, ok && localTime(t) == int64(n)
}
