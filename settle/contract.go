package settle

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// Contract is a stored version of a merchant's contract with a center: what the records that were born under it say of the
// merchant, and at which prices. The Center of its Route has the costs of that version.
type Contract struct {
	Merchant Merchant
	Route    Route
}

// storedContract is a contract as its row has it. Its JSON is what a version is known by.
type storedContract struct {
	Merchant         int32   `json:"merchant_id"`
	Center           int16   `json:"center_id"`
	ConfirmWithin    int64   `json:"confirm_within"` // microseconds
	MITConfirmWithin int64   `json:"mit_confirm_within"`
	InterchangeBPS   int64   `json:"interchange_bps"`
	SchemeBPS        int64   `json:"scheme_bps"`
	Processing       int64   `json:"processing"`
	Invoiced         bool    `json:"invoiced"`
	MDRBPS           int64   `json:"mdr_bps"`
	MDRInvoiced      bool    `json:"mdr_invoiced"`
	ReturnMDR        bool    `json:"return_mdr"`
	Default          int16   `json:"default_currency"`
	Currencies       []int16 `json:"currencies"`
	Name             string  `json:"name"`
	Street           string  `json:"street"`
	City             string  `json:"city"`
	Postal           string  `json:"postal"`
	Region           string  `json:"region"`
	Country          string  `json:"country"`
	MCC              string  `json:"mcc"`
	Terminal         string  `json:"terminal"`
	Acceptor         string  `json:"acceptor"`
	Digest           string  `json:"digest"` // hexadecimal; empty while it is computed
}

func storedOf(m *Merchant, r *Route) (storedContract, error) {
	costs := r.Center.Costs
	c := storedContract{Merchant: m.ID, Center: r.Center.ID, ConfirmWithin: r.ConfirmWithin.Microseconds(),
		MITConfirmWithin: r.MITConfirmWithin.Microseconds(), InterchangeBPS: costs.InterchangeBPS, SchemeBPS: costs.SchemeBPS,
		Processing: costs.Processing, Invoiced: costs.Invoiced, MDRBPS: r.MDRBPS, MDRInvoiced: r.MDRInvoiced, ReturnMDR: r.ReturnMDR,
		Default: int16(m.Default), Name: m.RecordName(), Street: m.Street, City: m.City, Postal: m.Postal, Region: m.Region,
		Country: m.Country, MCC: m.MCC, Terminal: r.Terminal, Acceptor: r.Acceptor, Currencies: []int16{}}
	for _, currency := range r.Currencies {
		c.Currencies = append(c.Currencies, int16(currency))
	}
	slices.Sort(c.Currencies)
	text, err := json.Marshal(c)
	c.Digest = fmt.Sprintf("%x", sha256.Sum256(text))
	return c, err
}

const givenContracts = `
WITH given AS (
	SELECT merchant_id, center_id, confirm_within * interval '1 microsecond' AS confirm_within,
		mit_confirm_within * interval '1 microsecond' AS mit_confirm_within, processing, interchange_bps, scheme_bps, mdr_bps,
		default_currency, invoiced, mdr_invoiced, return_mdr, currencies, name, street, city, postal, region, country, mcc, terminal,
		acceptor, decode(digest, 'hex') AS digest
	FROM jsonb_to_recordset($1::jsonb) AS g (merchant_id integer, center_id smallint, confirm_within bigint, mit_confirm_within bigint,
		processing bigint, interchange_bps integer, scheme_bps integer, mdr_bps integer, default_currency smallint, invoiced boolean,
		mdr_invoiced boolean, return_mdr boolean, currencies smallint[], name text, street text, city text, postal text, region text,
		country text, mcc text, terminal text, acceptor text, digest text)
) `

const (
	insertContracts = givenContracts + `
INSERT INTO contracts (merchant_id, center_id, confirm_within, mit_confirm_within, processing, interchange_bps, scheme_bps, mdr_bps,
	default_currency, invoiced, mdr_invoiced, return_mdr, currencies, name, street, city, postal, region, country, mcc, terminal,
	acceptor, digest, configured_at)
SELECT g.*, $2 FROM given g
WHERE NOT EXISTS (SELECT FROM contracts c WHERE (c.merchant_id, c.center_id, c.digest) = (g.merchant_id, g.center_id, g.digest))
ON CONFLICT DO NOTHING`
	// A version that is configured again after another is the newest again.
	renewContracts = givenContracts + `
UPDATE contracts c SET configured_at = $2 FROM given g
WHERE (c.merchant_id, c.center_id, c.digest) = (g.merchant_id, g.center_id, g.digest) AND c.configured_at < $2
	AND EXISTS (SELECT FROM contracts o WHERE (o.merchant_id, o.center_id) = (c.merchant_id, c.center_id) AND o.configured_at > c.configured_at)`
	selectContract = `
SELECT c.contract_id, c.merchant_id, c.center_id, c.confirm_within, c.mit_confirm_within, c.processing, c.interchange_bps, c.scheme_bps,
	c.mdr_bps, c.default_currency, c.invoiced, c.mdr_invoiced, c.return_mdr, c.currencies, c.name, c.street, c.city, c.postal, c.region,
	c.country, c.mcc, c.terminal, c.acceptor, encode(c.digest, 'hex')`
	newestContracts = selectContract + `, currency
FROM (SELECT DISTINCT ON (merchant_id, center_id, currency) *
	FROM contracts, unnest(currencies) AS currency ORDER BY merchant_id, center_id, currency, configured_at DESC, contract_id DESC) c
ORDER BY merchant_id, center_id, currency`
	contractIDs = givenContracts + `
SELECT c.contract_id, c.merchant_id, c.center_id, encode(c.digest, 'hex') FROM contracts c JOIN given g USING (merchant_id, center_id, digest)`
)

// RegisterContracts stores the configured contracts that are new, and makes the directory know their ids and every contract
// that is not configured any more: what was sold under one is served under it (Merchant.Serves). It is called before the
// directory is used, and again only where nothing else runs.
func (b *Books) RegisterContracts(ctx context.Context) error {
	return postgres.InTx(ctx, b.Pool, postgres.Key{Name: "store contracts"}, func(tx pgx.Tx) error { return b.registerContracts(ctx, tx) })
}

func (b *Books) registerContracts(ctx context.Context, tx pgx.Tx) error {
	given, err := b.configuredContracts()
	if err != nil {
		return fmt.Errorf("store contracts: %w", err)
	}
	for _, sql := range [...]string{insertContracts, renewContracts} {
		if _, err := tx.Exec(ctx, sql, given, b.Now()); err != nil {
			return fmt.Errorf("store contracts: %w", err)
		}
	}
	return b.readContracts(ctx, tx, given)
}

// configuredContracts are the contracts of the directory, as the statements take them.
func (b *Books) configuredContracts() (string, error) {
	all := []storedContract{} // never null, which is no list
	for _, m := range b.Directory.Merchants() {
		for i := range m.Routes {
			c, err := storedOf(m, &m.Routes[i])
			if err != nil {
				return "", fmt.Errorf("merchant %d: %w", m.ID, err)
			}
			all = append(all, c)
		}
	}
	given, err := json.Marshal(all)
	return string(given), err
}

// versionKey is what a version is found by.
type versionKey struct {
	Merchant int32
	Center   int16
	Digest   string
}

// readContracts puts the ids of the configured contracts, and the contracts that have ended, into the directory.
func (b *Books) readContracts(ctx context.Context, q postgres.Querier, given string) error {
	rows, err := q.Query(ctx, contractIDs, given)
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	ids, byKey := map[versionKey]int32{}, versionKey{}
	var id int32
	_, err = pgx.ForEachRow(rows, []any{&id, &byKey.Merchant, &byKey.Center, &byKey.Digest}, func() error {
		ids[byKey] = id
		return nil
	})
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	if err := b.Directory.numberContracts(ids); err != nil {
		return err
	}
	ended, err := b.newestContracts(ctx, q)
	if err != nil {
		return fmt.Errorf("read contracts: %w", err)
	}
	b.Directory.addEnded(ended)
	return nil
}

// newestContracts reads the newest contract of each merchant, center and currency, as a contract for that currency alone.
func (b *Books) newestContracts(ctx context.Context, q postgres.Querier) ([]Contract, error) {
	rows, err := q.Query(ctx, newestContracts)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(row pgx.CollectableRow) (Contract, error) {
		var currency money.Currency
		c, err := b.Directory.scanContract(row, &currency)
		c.Route.Currencies = []money.Currency{currency}
		return c, err
	})
}

// scanContract reads a row of selectContract and what more was asked for. The contract of a center that is not configured
// has a route without a center.
func (d *Directory) scanContract(row pgx.CollectableRow, more ...any) (Contract, error) {
	var c Contract
	var s storedContract
	var within, mit time.Duration
	err := row.Scan(append([]any{&c.Route.Contract, &s.Merchant, &s.Center, &within, &mit, &s.Processing, &s.InterchangeBPS, &s.SchemeBPS,
		&s.MDRBPS, &s.Default, &s.Invoiced, &s.MDRInvoiced, &s.ReturnMDR, &s.Currencies, &s.Name, &s.Street, &s.City, &s.Postal, &s.Region,
		&s.Country, &s.MCC, &s.Terminal, &s.Acceptor, &s.Digest}, more...)...)
	c.Merchant = Merchant{ID: s.Merchant, Name: s.Name, Street: s.Street, City: s.City, Postal: s.Postal, Region: s.Region,
		Country: s.Country, MCC: s.MCC, Default: money.Currency(s.Default)}
	r := &c.Route
	r.Terminal, r.Acceptor, r.ConfirmWithin, r.MITConfirmWithin = s.Terminal, s.Acceptor, within, mit
	r.MDRBPS, r.MDRInvoiced, r.ReturnMDR = s.MDRBPS, s.MDRInvoiced, s.ReturnMDR
	for _, currency := range s.Currencies {
		r.Currencies = append(r.Currencies, money.Currency(currency))
	}
	if now, ok := d.centers[s.Center]; ok {
		center := *now
		center.Costs = Costs{InterchangeBPS: s.InterchangeBPS, SchemeBPS: s.SchemeBPS, Processing: s.Processing, Invoiced: s.Invoiced}
		r.Center = &center
	}
	return c, err
}

// A record or total that names no contract, from before contracts were kept, has the newest of its merchant with the center.
const contractsOfBatch = selectContract + `, t.contract_id
FROM (SELECT DISTINCT merchant_id, contract_id FROM batch_totals WHERE batch_id = $1) t, LATERAL (
	SELECT * FROM contracts x WHERE x.merchant_id = t.merchant_id
		AND (x.contract_id = t.contract_id OR t.contract_id = 0 AND x.center_id = $2)
	ORDER BY x.configured_at DESC, x.contract_id DESC LIMIT 1) c`

// ContractKey names a contract as a record or total does.
type ContractKey struct {
	Merchant int32
	Contract int32 // 0: from before contracts were kept
}

// ContractsOf reads the contracts that the records of a batch were born under.
func (d *Directory) ContractsOf(ctx context.Context, q postgres.Querier, batch int64, center int16) (map[ContractKey]Contract, error) {
	rows, err := q.Query(ctx, contractsOfBatch, batch, center)
	if err != nil {
		return nil, fmt.Errorf("read contracts of batch %d: %w", batch, err)
	}
	all := map[ContractKey]Contract{}
	_, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (Contract, error) {
		var named int32
		c, err := d.scanContract(row, &named)
		all[ContractKey{c.Merchant.ID, named}] = c
		return c, err
	})
	if err != nil {
		return nil, fmt.Errorf("read contracts of batch %d: %w", batch, err)
	}
	return all, nil
}

// numberContracts gives the configured contracts the ids of their stored versions.
func (d *Directory) numberContracts(ids map[versionKey]int32) error {
	for _, m := range d.merchants {
		for i := range m.Routes {
			c, err := storedOf(m, &m.Routes[i])
			if err != nil {
				return err
			}
			if m.Routes[i].Contract = ids[versionKey{c.Merchant, c.Center, c.Digest}]; m.Routes[i].Contract == 0 {
				return fmt.Errorf("%w: the contract of merchant %d with %s was not stored", ErrDirectory, m.ID, m.Routes[i].Center.Name)
			}
		}
	}
	return nil
}

// addEnded adds the contracts of which the configuration has none for the same center and currency.
func (d *Directory) addEnded(newest []Contract) {
	clear(d.gone)
	for _, m := range d.merchants {
		m.ended = nil
	}
	for _, c := range newest {
		if c.Route.Center == nil {
			continue
		}
		m, ok := d.Merchant(c.Merchant.ID)
		if !ok {
			m = &c.Merchant
			d.gone[m.ID] = m
		}
		configured := func(r Route) bool {
			return r.Center.ID == c.Route.Center.ID && slices.Contains(r.Currencies, c.Route.Currencies[0])
		}
		if !slices.ContainsFunc(m.Routes, configured) {
			m.ended = append(m.ended, c.Route)
		}
	}
}
