package clearing

import (
	"context"
	"errors"
	"fmt"
	"time"

	"settled/fileformats/ipm"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// What every record of ours says about how the card was presented: an electronic order, card and cardholder not present
// (DE 22), at an e-commerce terminal (PDS 0023), settled through the center (PDS 0165).
const (
	posData      = "000250S1900C"
	terminalType = "CT6"
	settledByPC  = 'M'
)

// party is what the records of a merchant at a center have in common, as it stands in the file.
type party struct {
	mcc, terminal, acceptor, location []byte
	err                               error // why it cannot be written
}

// partyOf encodes what a contract says of its merchant. What does not fit the format is an error of each of its records.
func partyOf(c settle.Contract) party {
	m, r := c.Merchant, c.Route
	place := ipm.Location{Name: m.Name, Street: m.Street, City: m.City, PostalCode: m.Postal, Region: m.Region, Country: m.Country}
	location, err := place.Append(nil)
	if err != nil {
		return party{err: fmt.Errorf("%w: merchant %d: name or address does not fit a clearing file: %w", errRecord, m.ID, err)}
	}
	if len(m.MCC) != 4 || len(r.Terminal) > 8 || len(r.Acceptor) > 15 {
		return party{err: fmt.Errorf("%w: merchant %d: MCC %q, terminal %q or acceptor %q does not fit a clearing file", errRecord, m.ID, m.MCC, r.Terminal, r.Acceptor)}
	}
	return party{mcc: []byte(m.MCC), terminal: []byte(r.Terminal), acceptor: []byte(r.Acceptor), location: location}
}

// parties encodes the merchants of a batch, as their records' contracts name them.
func (n *Night) parties(ctx context.Context, q postgres.Querier, b Batch) (map[settle.ContractKey]party, error) {
	contracts, err := n.Directory.ContractsOf(ctx, q, b.ID, b.Center)
	if err != nil {
		return nil, err
	}
	all := make(map[settle.ContractKey]party, len(contracts))
	for key, c := range contracts {
		all[key] = partyOf(c)
	}
	return all, nil
}

// presenter turns rows into presentments, in one buffer that the next row reuses.
type presenter struct {
	s        *station
	vault    *vault.Vault
	parties  map[settle.ContractKey]party
	keys     map[uint16]bool // generations of data keys that the database belongs to
	exponent uint8
	record   ipm.Record
	pan      [64]byte
	binding  [64]byte
	arn      [ipm.ARNSize]byte
	rrn      [12]byte
	trace    [16]byte
}

func (n *Night) newPresenter(ctx context.Context, q postgres.Querier, s *station, b Batch) (*presenter, error) {
	parties, err := n.parties(ctx, q, b)
	if err != nil {
		return nil, err
	}
	keys, err := generations(ctx, q)
	if err != nil {
		return nil, err
	}
	p := &presenter{s: s, vault: n.Vault, parties: parties, keys: keys, exponent: uint8(b.Currency.Exponent())}
	p.record = ipm.Record{
		Currency: uint16(b.Currency), Exponent: p.exponent, POSData: []byte(posData), TerminalType: []byte(terminalType),
		Settlement: settledByPC, Forwarder: []byte(s.Forwarder), Originator: []byte(s.originator()),
	}
	if s.Acquirer != "" {
		p.record.Acquirer = []byte(s.Acquirer)
	}
	return p, nil
}

// generations are the numbers of the data keys that something may be sealed with.
func generations(ctx context.Context, q postgres.Querier) (map[uint16]bool, error) {
	rows, err := q.Query(ctx, `SELECT generation FROM key_checks WHERE generation > 0`)
	if err != nil {
		return nil, fmt.Errorf("read keys of the database: %w", err)
	}
	numbers, err := pgx.CollectRows(rows, pgx.RowTo[int32])
	if err != nil {
		return nil, fmt.Errorf("read keys of the database: %w", err)
	}
	known := make(map[uint16]bool, len(numbers))
	for _, number := range numbers {
		known[uint16(number)] = true
	}
	return known, nil
}

// present returns the presentment of a row; it is valid until the next call. A sale shows the time of its authorization
// and its approval code; a credit its own time and no code, under the reference number of the payment.
func (p *presenter) present(r *row) (*ipm.Record, error) {
	who, ok := p.parties[settle.ContractKey{Merchant: r.merchant, Contract: r.contract}]
	if !ok {
		return nil, fmt.Errorf("%w: %w: merchant %d", errRecord, ErrContract, r.merchant)
	}
	if who.err != nil {
		return nil, who.err
	}
	pan, err := p.vault.AppendUnseal(p.pan[:0], r.card, vault.CardBinding(p.binding[:0], int64(r.merchant), r.order))
	if number, ok := vault.Generation(r.card); ok && errors.Is(err, vault.ErrUnknownKey) && p.keys[number] {
		return nil, fmt.Errorf("%w: %w", ErrKeyMissing, err)
	}
	if err != nil {
		return nil, &cardError{fmt.Errorf("open the card: %w", err)}
	}
	arn, err := p.s.arn(r.record, r.born()).Append(p.arn[:0], p.s.Format.Dialect)
	if err != nil {
		return nil, fmt.Errorf("%w: reference data: %w", errRecord, err)
	}
	out := &p.record
	out.Kind, out.LocalTime, out.ApprovalCode = ipm.Sale, r.authorized().In(p.s.Zone), r.approval
	if settle.RecordKind(r.kind) == settle.Credit {
		out.Kind, out.LocalTime, out.ApprovalCode = ipm.Refund, r.born().In(p.s.Zone), nil
	}
	out.PAN, out.ARN, out.RRN, out.Amount, out.Expiry = pan, arn, appendRRN(p.rrn[:0], r.exchange), r.amount, r.expiry
	if err := p.nameInNetwork(r); err != nil {
		return nil, err
	}
	out.MCC, out.Terminal, out.Acceptor, out.Location = who.mcc, who.terminal, who.acceptor, who.location
	return out, nil
}

// nameInNetwork says how far the buyer was authenticated and what the network calls the payment, where there is either.
func (p *presenter) nameInNetwork(r *row) (err error) {
	p.record.SecurityLevel, p.record.LifeCycle = nil, nil
	if len(r.security) > 0 {
		p.record.SecurityLevel = r.security
	}
	if len(r.network) > 0 {
		p.record.LifeCycle, err = ipm.AppendLifeCycle(p.trace[:0], r.network)
	}
	if err != nil {
		return fmt.Errorf("%w: network id: %w", errRecord, err)
	}
	return nil
}

// arnSequences is how many records the sequence of reference data can tell apart.
const arnSequences = 100_000_000_000

// arn is the reference data of a record: the day is the one of its birth in the center's zone.
func (s *station) arn(record int64, born time.Time) ipm.ARN {
	return ipm.NewARN(s.BIN, born.In(s.Zone), uint64(record%arnSequences))
}

// appendRRN appends the twelve digits of settle.RRN.
func appendRRN(dst []byte, exchange int64) []byte {
	n := exchange % 1_000_000_000_000
	var digits [12]byte
	for i := len(digits) - 1; i >= 0; i-- {
		digits[i] = byte('0' + n%10)
		n /= 10
	}
	return append(dst, digits[:]...)
}
