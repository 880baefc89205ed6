package delimitedfile

import (
	"errors"
	"fmt"
	"io"
	"time"

	"settled/clearing/format"
	"settled/fileformats/delimited"
	"settled/fileformats/ipm"
	"settled/internal/money"
)

// writer turns records into lines, in one buffer that the next record reuses.
type writer struct {
	f        *Format
	out      *delimited.Writer
	currency money.Currency
	parties  []delimited.Record // what the records of a merchant have in common
	record   delimited.Record
	arn      [ipm.ARNSize]byte
	rrn      [12]byte
}

// NewWriter implements format.Format.
func (f *Format) NewWriter(out io.Writer, b format.Batch) (format.Writer, error) {
	id, err := delimited.ParseFileID(b.ID)
	if err != nil {
		return nil, fmt.Errorf("file id %q: %w", b.ID, err)
	}
	w := &writer{f: f, currency: b.Currency, parties: make([]delimited.Record, len(b.Merchants))}
	for i, m := range b.Merchants {
		f.present(&w.parties[i], m)
	}
	w.out, err = delimited.NewWriter(out, f.profile, id)
	return w, err
}

// Write implements format.Writer. A sale shows the time of its authorization and its approval code; a credit its own time and no
// code, under the reference number of the payment.
func (w *writer) Write(r *format.Record) error {
	arn, err := w.f.arn(r.Number, r.Born).Append(w.arn[:0], ipm.Standard)
	if err != nil {
		return fmt.Errorf("%w: reference data: %w", format.ErrRecord, err)
	}
	w.record = w.parties[r.Merchant]
	out := &w.record
	out.Kind, out.Time, out.Approval = delimited.Sale, r.Authorized, r.Approval
	if r.Kind == format.Credit {
		out.Kind, out.Time, out.Approval = delimited.Refund, r.Born, nil
	}
	out.Time = wall(out.Time.In(w.f.zone))
	out.PAN, out.ARN, out.RRN, out.Expiry = r.PAN, arn, format.AppendRRN(w.rrn[:0], r.Exchange), r.Expiry
	out.Amount, out.Currency = r.Amount, w.currency
	if err := w.out.Write(out); err != nil {
		return unwritten(err)
	}
	return nil
}

// unwritten says of a writer's error whether it is about the record alone.
func unwritten(err error) error {
	var one *delimited.Error
	if errors.As(err, &one) && !one.Final {
		return format.Unwritable(err)
	}
	return err
}

// wall is the clock of t without its zone.
func wall(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), 0, time.UTC)
}

// Messages implements format.Writer.
func (w *writer) Messages() int64 { return w.out.Lines() }

// Close implements format.Writer.
func (w *writer) Close() error { return w.out.Close() }

// totals are what a file holds, for people.
type totals struct {
	File  string `json:"file"`
	Mode  string `json:"mode"`
	Lines int64  `json:"lines"`
	Total int64  `json:"total"` // of all amounts, whatever their direction, in minor units
}

// Verify implements format.Format.
func (f *Format) Verify(r io.Reader) (format.Contents, error) {
	in, err := delimited.NewReader(r, f.profile)
	if err != nil {
		return format.Contents{}, err
	}
	var held format.CurrencySum
	var rec delimited.Record
	for {
		err := in.Read(&rec)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return format.Contents{}, err
		}
		held.Currency = rec.Currency
		add(&held, &rec)
	}
	if in.Test() != f.profile.Test {
		return format.Contents{}, fmt.Errorf("mode is %c, not %c", mode(in.Test()), f.Mode())
	}
	t := totals{File: in.File().String(), Mode: string(f.Mode()), Lines: in.Lines(), Total: held.Sales.Amount + held.Credits.Amount}
	c := format.Contents{File: t.File, Messages: t.Lines, Control: fmt.Sprintf("%d lines, amount %d", t.Lines, t.Total), Detail: t}
	if held.Currency != 0 {
		c.Currencies = []format.CurrencySum{held}
	}
	return c, nil
}

func add(s *format.CurrencySum, r *delimited.Record) {
	sum := &s.Sales
	if r.Kind == delimited.Refund {
		sum = &s.Credits
	}
	sum.Count++
	sum.Amount += r.Amount
}

// Locate implements format.Format.
func (f *Format) Locate(part []byte, at format.Place, messages []uint32, found []uint64) {
	walk := delimited.NewPart(part, f.profile)
	number, there := at.Message, walk.Next()
	var rec delimited.Record
	for i, wanted := range messages {
		for ; number < wanted && there; number++ {
			there = walk.Next()
		}
		found[i] = format.NoReference
		if number == wanted && there && walk.Record(&rec, int64(wanted)) {
			if reference, ours := f.reference(&rec); ours {
				found[i] = reference
			}
		}
	}
}
