package ipmfile

import (
	"errors"
	"fmt"
	"io"

	"settled/clearing/format"
	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// presentment is the type of the messages that are records.
const presentment = "1240"

// Verify implements format.Format.
func (f *Format) Verify(r io.Reader) (format.Contents, error) {
	t, err := ipm.Verify(r, f.o.Profile)
	c := format.Contents{Messages: t.Control.Messages, Control: t.Control.String(), Detail: t, File: t.File.String()}
	for _, held := range t.Currencies {
		c.Currencies = append(c.Currencies, format.CurrencySum{Currency: money.Currency(held.Currency), Sales: format.Sum(held.Sales),
			Credits: format.Sum(held.Refunds), Others: held.SaleReversals.Count + held.RefundReversals.Count})
	}
	return c, err
}

// replyReader turns the entries of a reply file into the night's words.
type replyReader struct {
	f      *Format
	in     *ipm.ReplyReader
	entry  ipm.Reply
	line   int64
	source ipm.FileID // of the entry before
	file   string     // the same in digits
	copied *iso8583.Message
}

// NewReplyReader implements format.Format.
func (f *Format) NewReplyReader(r io.Reader) format.ReplyReader {
	return &replyReader{f: f, in: ipm.NewReplyReader(r, f.o.Profile, ipm.Options{}), line: 1,
		copied: iso8583.IPM(f.o.Profile.Charset).NewMessage("")}
}

// Header implements format.ReplyReader.
func (r *replyReader) Header() format.Header {
	id, mode := r.in.File()
	return format.Header{ID: id.String(), Mode: format.Mode(mode)}
}

// Read implements format.ReplyReader.
func (r *replyReader) Read(e *format.Entry) error {
	r.line++
	if err := r.in.Read(&r.entry); err != nil {
		return syntax(err)
	}
	*e = format.Entry{Line: r.line}
	switch r.entry.Kind {
	case ipm.FileReject, ipm.MessageException:
		r.refused(e)
	case ipm.PositionDetail:
		return r.accepted(e)
	case ipm.NoData:
	default:
		return r.refuse("message %s/%s is none that a reply may have", r.entry.MTI, r.entry.Function)
	}
	return nil
}

// syntax turns an error of the codec into one of an answer; io.EOF and errors of the source stay.
func syntax(err error) error {
	var at *ipm.Error
	if !errors.As(err, &at) {
		return err
	}
	return &format.SyntaxError{Line: at.Record, Final: at.Final, Err: at}
}

func (r *replyReader) refuse(why string, args ...any) error {
	return &format.SyntaxError{Line: r.line, Err: fmt.Errorf(why, args...)}
}

// named is the identity of a file in digits; entries of one answer name the same.
func (r *replyReader) named(id ipm.FileID) string {
	if r.file == "" || r.source != id {
		r.source, r.file = id, id.String()
	}
	return r.file
}

func (r *replyReader) refused(e *format.Entry) {
	x := &r.entry.Exception
	e.Kind, e.File = format.RecordRefused, r.named(x.Source)
	if r.entry.Kind == ipm.FileReject {
		e.Kind = format.FileRefused
	}
	e.Refusal = format.Refusal{Message: uint32(x.SourceMessage), Code: x.Faults[0].Code, Text: x.Faults[0].String()}
	if arn, err := ipm.ParseARN(r.copiedARN(x), r.f.o.Profile.Dialect); err == nil && arn.BIN == r.f.o.BIN {
		e.Refusal.HasReference, e.Refusal.Reference = true, arn.Sequence
	}
}

// copiedARN is the reference data in the copy of a refused message; nil when there is none to be found. A copy that is a
// whole message needs no more than decoding; the others are mended first.
func (r *replyReader) copiedARN(x *ipm.Exception) []byte {
	if r.copied.Decode(x.Copy) == nil && r.copied.MTI() == presentment {
		return r.copied.Bytes(31)
	}
	if original, ok := x.Original(r.f.o.Profile); ok {
		return original.ARN
	}
	return nil
}

// accepted reads the center's account of one kind of presentment. We send no reversals, so it may not have accepted any,
// and a sale is in our favor, a credit against us.
func (r *replyReader) accepted(e *format.Entry) error {
	p := &r.entry.Position
	e.Kind, e.File = format.Accepted, r.named(p.Source)
	e.Accepted.Currency = money.Currency(p.Currency)
	switch {
	case p.MTI != presentment || p.Function != "200" || p.Reversal:
		return r.refuse("accounts for messages %s/%s that we do not send", p.MTI, p.Function)
	case p.ProcessingCode == "00" && p.Debits == (ipm.Sum{}):
		e.Accepted.Kind, e.Accepted.Sum = format.Sale, format.Sum(p.Credits)
	case p.ProcessingCode == "20" && p.Credits == (ipm.Sum{}):
		e.Accepted.Kind, e.Accepted.Sum = format.Credit, format.Sum(p.Debits)
	default:
		return r.refuse("accounts for processing code %s on the wrong side", p.ProcessingCode)
	}
	return nil
}

// Locate implements format.Format. It walks over the messages that are not wanted by their lengths alone.
func (f *Format) Locate(part []byte, at format.Place, messages []uint32, references []uint64) {
	walk := ipm.NewPart(part, at.Offset, f.o.Profile)
	msg := iso8583.IPM(f.o.Profile.Charset).NewMessage("")
	number, frame := at.Message, walk.Next()
	for i, wanted := range messages {
		for ; number < wanted && frame != nil; number++ {
			frame = walk.Next()
		}
		references[i] = format.NoReference
		if number == wanted && frame != nil {
			references[i] = sequenceOf(msg, frame, wanted, f.o.Profile.Dialect)
		}
	}
}

// sequenceOf is the sequence in the reference data of a presentment with the number expected, else format.NoReference.
func sequenceOf(msg *iso8583.Message, frame []byte, number uint32, d ipm.Dialect) uint64 {
	if msg.Decode(frame) != nil || msg.MTI() != presentment {
		return format.NoReference
	}
	if n, ok := msg.Int(71); !ok || n != int64(number) {
		return format.NoReference
	}
	arn, err := ipm.ParseARN(msg.Bytes(31), d)
	if err != nil {
		return format.NoReference
	}
	return arn.Sequence
}
