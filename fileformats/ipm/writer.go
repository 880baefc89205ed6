package ipm

import (
	"io"
	"time"

	"settled/fileformats/iso8583"
)

// Writer writes one file of presentments: WriteHeader, any number of Write, Close. It is not safe for concurrent use.
type Writer struct {
	s     stream
	small [8]byte // short private values
	last  private // what s.pds holds
}

// NewWriter returns a writer of one file to out in the form of the profile.
func NewWriter(out io.Writer, p Profile) *Writer { return &Writer{s: newStream(out, p)} }

// WriteHeader begins the file.
func (w *Writer) WriteHeader(id FileID) error { return w.s.header(id) }

// Control returns the control totals of what was written so far.
func (w *Writer) Control() Control { return w.s.control }

// Write appends a presentment and sets r.Message. An error about the record itself is an [*Error] with the cause; the
// file is then as if Write had not been called. An error of the destination is returned from then on.
func (w *Writer) Write(r *Record) error {
	s := &w.s
	if err := s.ready(open); err != nil {
		return err
	}
	if err := w.check(r); err != nil {
		return err
	}
	w.private(private{
		terminalType: [3]byte(pad3(w.small[:0], r.TerminalType)), reversal: r.Reversal, date: r.ReversalDate,
		level: level(r.SecurityLevel), currency: r.Currency, exponent: r.Exponent, settlement: r.Settlement, kind: r.Kind,
	})
	e := s.begin(mtiPresentment)
	e.Bytes(2, r.PAN)
	e.Int(3, int64(r.Kind)*10_000)
	e.Int(4, r.Amount)
	e.Int(12, localTime(r.LocalTime))
	optional(e, 14, r.Expiry)
	e.Bytes(22, r.POSData)
	optional(e, 23, r.CardSequence)
	e.String(24, functionFirst)
	e.Bytes(26, r.MCC)
	e.Bytes(31, r.ARN)
	optional(e, 32, r.Acquirer)
	e.Bytes(33, r.Forwarder)
	e.Bytes(37, r.RRN)
	optional(e, 38, r.ApprovalCode)
	e.Bytes(41, r.Terminal)
	e.Bytes(42, r.Acceptor)
	e.Bytes(43, r.Location)
	e.PDS(48, &s.pds)
	e.Int(49, int64(r.Currency))
	optional(e, 54, r.AdditionalAmounts)
	optional(e, 55, r.ICC)
	optional(e, 63, r.LifeCycle)
	e.Int(71, s.control.Messages+1)
	e.Bytes(94, r.Originator)
	if err := s.end(r.Amount); err != nil {
		return err
	}
	r.Message = s.control.Messages
	return nil
}

// Close writes the trailer and the end of the file and returns its control totals. It does not close the destination.
func (w *Writer) Close() (Control, error) { return w.s.close() }

func optional(e *iso8583.Encoder, n int, v []byte) {
	if v != nil {
		e.Bytes(n, v)
	}
}

// check refuses what the element table cannot see.
func (w *Writer) check(r *Record) error {
	switch {
	case r.Kind != Sale && r.Kind != Refund:
		return w.s.failField(3)
	case r.Amount < 0:
		return w.s.failField(4)
	case !validTime(r.LocalTime):
		return w.s.failField(12)
	case !validARN(r.ARN, w.s.profile.Dialect):
		return w.s.failField(31)
	case len(r.AdditionalAmounts)%20 != 0:
		return w.s.failField(54)
	case r.ReversalDate != 0 && (!r.Reversal || !r.ReversalDate.valid()):
		return w.s.failPDS(pdsReversal)
	case len(r.TerminalType) == 0 || len(r.TerminalType) > 3:
		return w.s.failPDS(pdsTerminalType)
	case r.SecurityLevel != nil && !validLevel(r.SecurityLevel):
		return w.s.failPDS(pdsSecurityLevel)
	case r.Currency > 999 || r.Exponent > 9:
		return w.s.failPDS(pdsExponents)
	case r.Settlement != 'M' && r.Settlement != 'C':
		return w.s.failPDS(pdsSettlement)
	}
	return nil
}

// private is what goes into the private data of a presentment. Most records of a file share it.
type private struct {
	terminalType [3]byte
	reversal     bool
	date         Date
	level        [3]byte // 0 when absent
	currency     uint16
	exponent     uint8
	settlement   byte // never 0, so that no record has the zero value
	kind         Kind
}

// private collects the private data of a presentment, unless it is that of the one before.
func (w *Writer) private(p private) {
	if p == w.last {
		return
	}
	w.last = p
	l := &w.s.pds
	l.Reset()
	l.AddBytes(pdsTerminalType, w.last.terminalType[:])
	if p.reversal {
		value := append(w.small[:0], 'R')
		if p.date != 0 {
			value = appendDigits(value, uint64(p.date), 6)
		}
		l.AddBytes(pdsReversal, value)
	}
	if p.level != [3]byte{} {
		l.AddBytes(pdsSecurityLevel, w.last.level[:])
	}
	l.AddInt(pdsExponents, 4, uint64(p.currency)*10+uint64(p.exponent))
	l.AddBytes(pdsSettlement, append(w.small[:0], p.settlement))
	if w.s.profile.Dialect == SmartVista {
		l.AddInt(pdsTransactionType, 3, p.kind.transactionType())
	}
}

// level returns a checked security level, zeros for none.
func level(v []byte) (digits [3]byte) {
	copy(digits[:], v)
	return digits
}

func validLevel(v []byte) bool {
	_, ok := number(v)
	return ok && len(v) == 3
}

func pad3(dst, v []byte) []byte {
	dst = append(dst, v...)
	for len(dst) < 3 {
		dst = append(dst, ' ')
	}
	return dst
}

// localTime returns t as YYMMDDhhmmss.
func localTime(t time.Time) int64 {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	date := int64(year-2000)*10_000 + int64(month)*100 + int64(day)
	return date*1_000_000 + int64(hour)*10_000 + int64(minute)*100 + int64(second)
}

func validTime(t time.Time) bool { return t.Year() >= 2000 && t.Year() <= 2099 }
