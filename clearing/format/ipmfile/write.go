package ipmfile

import (
	"errors"
	"fmt"
	"io"
	"time"

	"settled/clearing/format"
	"settled/fileformats/ipm"
)

// What every record of ours says about how the card was presented: an electronic order, card and cardholder not present
// (DE 22), at an e-commerce terminal (PDS 0023), settled through the center (PDS 0165).
const (
	posData      = "000250S1900C"
	terminalType = "CT6"
	settledByPC  = 'M'
)

// party is what the records of a merchant have in common, as it stands in the file.
type party struct {
	mcc, terminal, acceptor, location []byte
}

// partyOf encodes a merchant. What does not fit the format is an error of each of its records.
func partyOf(m format.Merchant) (party, error) {
	place := ipm.Location{Name: m.Name, Street: m.Street, City: m.City, PostalCode: m.Postal, Region: m.Region, Country: m.Country}
	location, err := place.Append(nil)
	if err != nil {
		return party{}, fmt.Errorf("%w: merchant %d: name or address does not fit a clearing file: %w", format.ErrRecord, m.ID, err)
	}
	if len(m.MCC) != 4 || len(m.Terminal) > 8 || len(m.Acceptor) > 15 {
		return party{}, fmt.Errorf("%w: merchant %d: MCC %q, terminal %q or acceptor %q does not fit a clearing file", format.ErrRecord, m.ID, m.MCC, m.Terminal, m.Acceptor)
	}
	return party{mcc: []byte(m.MCC), terminal: []byte(m.Terminal), acceptor: []byte(m.Acceptor), location: location}, nil
}

// Fits implements format.Format.
func (f *Format) Fits(m format.Merchant) error {
	_, err := partyOf(m)
	return err
}

// writer turns records into presentments, in one buffer that the next record reuses.
type writer struct {
	f       *Format
	out     *ipm.Writer
	parties []party // without those that do not fit
	refused []error // of those
	record  ipm.Record
	arn     [ipm.ARNSize]byte
	rrn     [12]byte
	trace   [16]byte
}

// NewWriter implements format.Format.
func (f *Format) NewWriter(out io.Writer, b format.Batch) (format.Writer, error) {
	w := &writer{f: f, out: ipm.NewWriter(out, f.o.Profile), parties: make([]party, len(b.Merchants)), refused: make([]error, len(b.Merchants))}
	for i, m := range b.Merchants {
		w.parties[i], w.refused[i] = partyOf(m)
	}
	w.record = ipm.Record{
		Currency: uint16(b.Currency), Exponent: uint8(b.Currency.Exponent()), POSData: []byte(posData), TerminalType: []byte(terminalType),
		Settlement: settledByPC, Forwarder: []byte(f.o.Forwarder), Originator: []byte(f.originator()),
	}
	if f.o.Acquirer != "" {
		w.record.Acquirer = []byte(f.o.Acquirer)
	}
	id, err := ipm.ParseFileID(b.ID)
	if err != nil {
		return nil, fmt.Errorf("file id %q: %w", b.ID, err)
	}
	return w, w.out.WriteHeader(id)
}

// Write implements format.Writer.
func (w *writer) Write(r *format.Record) error {
	if err := w.refused[r.Merchant]; err != nil {
		return err
	}
	if err := w.present(r); err != nil {
		return err
	}
	if err := w.out.Write(&w.record); err != nil {
		return unwritten(err)
	}
	return nil
}

// unwritten says of a writer's error whether it is about the record alone.
func unwritten(err error) error {
	var one *ipm.Error
	if errors.As(err, &one) && !one.Final {
		return format.Unwritable(err)
	}
	return err
}

// present makes the presentment of a record. A sale shows the time of its authorization and its approval code; a credit its own
// time and no code, under the reference number of the payment.
func (w *writer) present(r *format.Record) error {
	arn, err := w.f.arn(r.Number, r.Born).Append(w.arn[:0], w.f.o.Profile.Dialect)
	if err != nil {
		return fmt.Errorf("%w: reference data: %w", format.ErrRecord, err)
	}
	out, who := &w.record, &w.parties[r.Merchant]
	out.Kind, out.LocalTime, out.ApprovalCode = ipm.Sale, r.Authorized.In(w.f.o.Zone), r.Approval
	if r.Kind == format.Credit {
		out.Kind, out.LocalTime, out.ApprovalCode = ipm.Refund, r.Born.In(w.f.o.Zone), nil
	}
	out.PAN, out.ARN, out.RRN, out.Amount, out.Expiry = r.PAN, arn, format.AppendRRN(w.rrn[:0], r.Exchange), r.Amount, r.Expiry
	out.MCC, out.Terminal, out.Acceptor, out.Location = who.mcc, who.terminal, who.acceptor, who.location
	return w.nameInNetwork(r)
}

// nameInNetwork says how far the buyer was authenticated and what the network calls the payment, where there is either.
func (w *writer) nameInNetwork(r *format.Record) (err error) {
	w.record.SecurityLevel, w.record.LifeCycle = nil, nil
	if len(r.Security) > 0 {
		w.record.SecurityLevel = r.Security
	}
	if len(r.Network) > 0 {
		w.record.LifeCycle, err = ipm.AppendLifeCycle(w.trace[:0], r.Network)
	}
	if err != nil {
		return fmt.Errorf("%w: network id: %w", format.ErrRecord, err)
	}
	return nil
}

// arn is the reference data of a record: the day is the one of its birth in the center's zone.
func (f *Format) arn(record int64, born time.Time) ipm.ARN {
	return ipm.NewARN(f.o.BIN, born.In(f.o.Zone), uint64(record%arnSequences))
}

// Messages implements format.Writer.
func (w *writer) Messages() int64 { return w.out.Control().Messages }

// Close implements format.Writer.
func (w *writer) Close() error {
	_, err := w.out.Close()
	return err
}
