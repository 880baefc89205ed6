package ipm

import (
	"io"

	"settled/fileformats/iso8583"
)

// Routing names the parties of a reply in digits.
type Routing struct {
	Destination string // DE 93: the member that the reply is for, 1-11 digits
	Originator  string // DE 94: the center, 1-11 digits
	Receiving   string // DE 100: the member as receiving institution, 1-11 digits
}

// ReplyWriter writes a center's reply: WriteHeader, entries, Close. It is the center's side, for simulators and tests.
type ReplyWriter struct {
	s       stream
	routing Routing
	value   []byte
}

// NewReplyWriter returns a writer of one reply file to out.
func NewReplyWriter(out io.Writer, p Profile, r Routing) *ReplyWriter {
	return &ReplyWriter{s: newStream(out, p), routing: r}
}

// WriteHeader begins the reply; id is the reply's own name.
func (w *ReplyWriter) WriteHeader(id FileID) error { return w.s.header(id) }

// Write appends an entry: a refusal of the whole file or of one message (a copy of more than 999 bytes is cut: that is all that DE 72 can
// hold), the account of one type of message, or that the cycle is empty, with a text for people of at most 999 characters. Other entries are
// [ErrMessage].
func (w *ReplyWriter) Write(r *Reply) error {
	switch r.Kind {
	case FileReject:
		return w.exception(functionReject, &r.Exception)
	case MessageException:
		return w.exception(functionMessage, &r.Exception)
	case PositionDetail:
		return w.position(&r.Position)
	case NoData:
		return w.noData(r.Text)
	default:
		return w.s.fail(ErrMessage)
	}
}

func (w *ReplyWriter) exception(function string, x *Exception) error {
	s := &w.s
	if err := s.ready(open); err != nil {
		return err
	}
	if len(x.Faults) == 0 || len(x.Faults) > maxFaults {
		return s.failPDS(pdsFaults)
	}
	w.value = w.value[:0]
	for _, f := range x.Faults {
		if !f.valid() {
			return s.failPDS(pdsFaults)
		}
		w.value = f.append(w.value)
	}
	if !x.Source.valid() {
		return s.failPDS(pdsSourceFile)
	}
	if x.SourceMessage < 0 {
		return s.failPDS(pdsSourceMessage)
	}
	s.pds.Reset()
	s.pds.AddBytes(pdsFaults, w.value)
	s.pds.AddInt(pdsSourceMessage, 8, uint64(x.SourceMessage))
	s.pds.Add(pdsSourceFile, x.Source.String())
	return w.entry(function, "", 0, x.Copy)
}

// position accounts for one type of message.
func (w *ReplyWriter) position(p *Position) error {
	s := &w.s
	if err := s.ready(open); err != nil {
		return err
	}
	if tag := p.invalid(); tag != 0 {
		return s.failPDS(tag)
	}
	s.pds.Reset()
	s.pds.Add(pdsReconciledFile, p.Source.String())
	s.pds.Add(pdsMessageKind, p.MTI+p.Function)
	s.pds.Add(pdsProcessing, p.ProcessingCode)
	s.pds.Add(pdsOriginal, originality(p.Reversal))
	w.signed(pdsDebits, -p.Debits.Amount, 'D')
	w.signed(pdsCredits, p.Credits.Amount, 'C')
	w.signed(pdsNet, p.Net(), 'C')
	s.pds.AddInt(pdsDebitCount, countWidth, uint64(p.Debits.Count))
	s.pds.AddInt(pdsCreditCount, countWidth, uint64(p.Credits.Count))
	s.pds.AddInt(pdsTotalCount, countWidth, uint64(p.Count()))
	return w.entry(functionPosition, "", p.Currency, nil)
}

// invalid returns the private data that p would break, or 0.
func (p *Position) invalid() int {
	kind, ok := number([]byte(p.MTI + p.Function))
	_, processing := number([]byte(p.ProcessingCode))
	switch {
	case !p.Source.valid():
		return pdsReconciledFile
	case !ok || kind > 9_999_999 || len(p.MTI) != 4 || len(p.Function) != 3:
		return pdsMessageKind
	case !processing || len(p.ProcessingCode) != 2:
		return pdsProcessing
	case p.Debits.Amount < 0 || p.Debits.Amount > maxAmount:
		return pdsDebits
	case p.Credits.Amount < 0 || p.Credits.Amount > maxAmount:
		return pdsCredits
	case p.Debits.Count < 0:
		return pdsDebitCount
	case p.Credits.Count < 0:
		return pdsCreditCount
	}
	return 0
}

func originality(reversal bool) string {
	if reversal {
		return "R"
	}
	return "O"
}

// signed adds an amount in our favor (positive, C) or against us (negative, D); zero has the letter given.
func (w *ReplyWriter) signed(tag int, v int64, zero byte) {
	letter := zero
	if v > 0 {
		letter = 'C'
	}
	if v < 0 {
		letter, v = 'D', -v
	}
	w.value = appendDigits(append(w.value[:0], letter), uint64(v), amountWidth)
	w.s.pds.AddBytes(tag, w.value)
}

// noData says that the cycle is empty.
func (w *ReplyWriter) noData(text string) error {
	if err := w.s.ready(open); err != nil {
		return err
	}
	raw, err := w.s.profile.charset().Append(nil, text)
	if err != nil {
		return w.s.fail(&iso8583.Error{MTI: mtiFile, Field: 72, Err: err})
	}
	w.s.pds.Reset()
	return w.entry(functionText, reasonNoData, 0, raw)
}

// entry writes a message with the private data collected. Reason, currency and data are absent when zero.
func (w *ReplyWriter) entry(function, reason string, currency uint16, data []byte) error {
	s := &w.s
	e := s.begin(mtiFile)
	e.String(24, function)
	if reason != "" {
		e.String(25, reason)
	}
	e.PDS(48, &s.pds)
	if currency != 0 {
		e.Int(50, int64(currency))
	}
	e.PDS(62, &s.pds)
	e.Int(71, s.control.Messages+1)
	if len(data) > 0 {
		e.Bytes(72, data[:min(len(data), maxData)])
	}
	e.String(93, w.routing.Destination)
	e.String(94, w.routing.Originator)
	e.String(100, w.routing.Receiving)
	return s.end(0)
}

// maxData is the largest data record (DE 72).
const maxData = 999

// Close writes the trailer and the end of the file and returns its control totals. It does not close the destination.
func (w *ReplyWriter) Close() (Control, error) { return w.s.close() }
