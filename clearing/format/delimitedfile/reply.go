package delimitedfile

import (
	"errors"
	"fmt"
	"io"

	"settled/clearing/format"
	"settled/fileformats/delimited"
)

// replyReader turns the entries of an answer into the night's words.
type replyReader struct {
	f     *Format
	in    *delimited.AnswerReader
	entry delimited.Answer
}

// NewReplyReader implements format.Format.
func (f *Format) NewReplyReader(r io.Reader) format.ReplyReader {
	return &replyReader{f: f, in: delimited.NewAnswerReader(r, f.profile)}
}

// Header implements format.ReplyReader.
func (r *replyReader) Header() format.Header {
	return format.Header{ID: r.in.Number(), Mode: mode(r.in.Test())}
}

// Read implements format.ReplyReader.
func (r *replyReader) Read(e *format.Entry) error {
	err := r.in.Read(&r.entry)
	var at *delimited.Error
	if errors.As(err, &at) {
		return &format.SyntaxError{Line: at.Line, Final: at.Final, Err: at}
	}
	if err != nil {
		return err
	}
	a := &r.entry
	*e = format.Entry{Line: a.Line, File: r.in.File().String()}
	switch a.Kind {
	case delimited.FileReject:
		e.Kind, e.Refusal = format.FileRefused, r.refusal(a)
	case delimited.RecordReject:
		e.Kind, e.Refusal = format.RecordRefused, r.refusal(a)
	case delimited.Accepted:
		e.Kind = format.Accepted
		e.Accepted = format.AcceptedTotal{Kind: format.Sale, Currency: a.Currency, Sum: format.Sum{Count: a.Count, Amount: a.Amount}}
		if a.Type == delimited.Refund {
			e.Accepted.Kind = format.Credit
		}
	}
	return nil
}

// refusal names the record by the reference in the copy of its line: the number of a line is in no answer.
func (r *replyReader) refusal(a *delimited.Answer) format.Refusal {
	out := format.Refusal{Code: a.Code, Text: fmt.Sprintf("%s %04d", a.Field, a.Code)}
	if a.HasCopy {
		out.Reference, out.HasReference = r.f.reference(&a.Record)
	}
	return out
}
