package clearing

import (
	"context"
	"errors"
	"fmt"

	"settled/clearing/format"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// presenter turns rows into records for the format, in one buffer that the next row reuses.
type presenter struct {
	vault     *vault.Vault
	merchants []format.Merchant
	parties   map[settle.ContractKey]party
	keys      map[uint16]bool // generations of data keys that the database belongs to
	record    format.Record
	pan       [64]byte
	binding   [64]byte
}

// party is where a merchant stands among those of the batch.
type party struct {
	index int
	err   error // why its records cannot be written
}

func (n *Night) newPresenter(ctx context.Context, q postgres.Querier, s *station, b Batch) (*presenter, error) {
	contracts, err := n.Directory.ContractsOf(ctx, q, b.ID, b.Center)
	if err != nil {
		return nil, err
	}
	keys, err := generations(ctx, q)
	if err != nil {
		return nil, err
	}
	p := &presenter{vault: n.Vault, parties: make(map[settle.ContractKey]party, len(contracts)), keys: keys}
	for key, c := range contracts {
		m := merchantOf(c)
		p.parties[key] = party{index: len(p.merchants), err: s.Format.Fits(m)}
		p.merchants = append(p.merchants, m)
	}
	return p, nil
}

// merchantOf is what a center is told of a merchant under a contract.
func merchantOf(c settle.Contract) format.Merchant {
	m, r := c.Merchant, c.Route
	return format.Merchant{ID: m.ID, Name: m.Name, Street: m.Street, City: m.City, Postal: m.Postal, Region: m.Region, Country: m.Country, MCC: m.MCC,
		Terminal: r.Terminal, Acceptor: r.Acceptor}
}

// generations are the numbers of the data keys that something may be sealed with.
func generations(ctx context.Context, q postgres.Querier) (map[uint16]bool, error) {
	rows, err := q.Query(ctx, `SELECT generation FROM key_checks WHERE purpose = 'cards'`)
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

// wipe erases the card number of the last record.
func (p *presenter) wipe() { clear(p.pan[:]) }

// present returns the record of a row; it is valid until the next call.
func (p *presenter) present(r *store.Record) (*format.Record, error) {
	who, ok := p.parties[settle.ContractKey{Merchant: r.Merchant, Contract: r.Contract}]
	if !ok {
		return nil, fmt.Errorf("%w: %w: merchant %d", format.ErrRecord, ErrContract, r.Merchant)
	}
	if who.err != nil {
		return nil, who.err
	}
	pan, err := p.vault.AppendUnseal(p.pan[:0], r.Card, vault.CardBinding(p.binding[:0], int64(r.Merchant), r.Order))
	if number, ok := vault.Generation(r.Card); ok && errors.Is(err, vault.ErrUnknownKey) && p.keys[number] {
		return nil, fmt.Errorf("%w: %w", ErrKeyMissing, err)
	}
	if err != nil {
		return nil, &cardError{fmt.Errorf("open the card: %w", err)}
	}
	p.record = format.Record{
		Kind: format.Kind(r.Kind), Number: r.ID, Exchange: r.Exchange, Amount: r.Amount, Born: r.Born(), Authorized: r.Authorized(),
		PAN: pan, Expiry: r.Expiry, Approval: r.Approval, Security: r.Security, Network: r.Network, Merchant: who.index,
	}
	return &p.record, nil
}
