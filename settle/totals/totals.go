package totals

import (
	"context"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/fees"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

// Total is what a batch or an open window holds of one merchant, kind and contract: minor units of Currency. The fees are
// sums over the records, each rounded half up, at the prices of the contract.
type Total struct {
	Currency    money.Currency    `json:"currency"`
	Merchant    int32             `json:"merchant"`
	Kind        settle.RecordKind `json:"kind"`     // 1 sale, 2 credit
	Contract    int32             `json:"contract"` // version that the records were born under; 0 where it is not known
	Count       int64             `json:"count"`
	Amount      int64             `json:"amount"`
	Interchange int64             `json:"interchange"`
	Scheme      int64             `json:"scheme"`
	Processing  int64             `json:"processing"`
	MDR         int64             `json:"mdr"`
	Prices      fees.Prices       `json:"prices"`
}

// Key names a line of totals.
type Key struct {
	settle.ContractKey
	Kind settle.RecordKind
}

// Key is what the line is known by within its batch.
func (t Total) Key() Key {
	return Key{settle.ContractKey{Merchant: t.Merchant, Contract: t.Contract}, t.Kind}
}

// Fees are the fees of the records of the line.
func (t Total) Fees() fees.Fees {
	return fees.Fees{Interchange: t.Interchange, Scheme: t.Scheme, Processing: t.Processing, MDR: t.MDR}
}

// With is the line with one more record of an amount and its fees.
func (t Total) With(amount int64, f fees.Fees) Total {
	return t.plus(1, amount, t.Fees().Plus(f))
}

// Minus is what is left of the line without records of it.
func (t Total) Minus(out Total) Total {
	return t.plus(-out.Count, -out.Amount, t.Fees().Minus(out.Fees()))
}

func (t Total) plus(count, amount int64, f fees.Fees) Total {
	t.Count += count
	t.Amount += amount
	t.Interchange, t.Scheme, t.Processing, t.MDR = f.Interchange, f.Scheme, f.Processing, f.MDR
	return t
}

// The share of a sale is rounded half up per record, and split so that the product cannot overflow. A credit costs neither
// scheme fee nor price: its interchange and MDR are what it gives back of its sale's, decided when it was asked for (ADR 21);
// one that an older process wrote has its own share.
const selectTotals = `
WITH version AS (
	SELECT contract_id, merchant_id, interchange_bps::bigint, scheme_bps::bigint, processing AS processing_each, mdr_bps::bigint, configured_at
	FROM contracts WHERE center_id = $2
), price AS (
	SELECT * FROM version
	UNION ALL
	(SELECT DISTINCT ON (merchant_id) 0, merchant_id, interchange_bps, scheme_bps, processing_each, mdr_bps, configured_at
	FROM version ORDER BY merchant_id, configured_at DESC, contract_id DESC)
), change AS (
	SELECT DISTINCT ON (record_id, merchant_id) record_id, merchant_id, amount
	FROM record_changes WHERE window_id = $1 ORDER BY record_id, merchant_id, version DESC
), live AS (
	SELECT r.merchant_id, r.currency, r.kind, r.contract_id, coalesce(c.amount, r.amount) AS amount, r.interchange_back, r.mdr_back
	FROM records r LEFT JOIN change c ON c.record_id = r.record_id AND c.merchant_id = r.merchant_id
	WHERE r.window_id = $1 AND NOT EXISTS (SELECT FROM rejects j
		WHERE (j.window_id, j.record_id, j.merchant_id) = (r.window_id, r.record_id, r.merchant_id) AND j.origin = $4)
)
SELECT currency, merchant_id, kind, contract_id, count(*), sum(amount)::bigint AS amount,
	coalesce(sum(coalesce(CASE WHEN interchange_bps IS NOT NULL THEN interchange_back END,
		amount / 10000 * interchange_bps + (amount % 10000 * interchange_bps + 5000) / 10000)), -1)::bigint AS interchange,
	coalesce(sum(CASE kind WHEN $3 THEN amount / 10000 * scheme_bps + (amount % 10000 * scheme_bps + 5000) / 10000 ELSE 0 END), 0)::bigint AS scheme,
	coalesce(sum(processing_each), 0)::bigint AS processing,
	coalesce(sum(coalesce(mdr_back, amount / 10000 * mdr_bps + (amount % 10000 * mdr_bps + 5000) / 10000)), 0)::bigint AS mdr,
	coalesce(min(interchange_bps), 0) AS interchange_bps, coalesce(min(scheme_bps), 0) AS scheme_bps,
	coalesce(min(processing_each), 0) AS processing_each, coalesce(min(mdr_bps), 0) AS mdr_bps
FROM live LEFT JOIN price USING (merchant_id, contract_id)
WHERE amount > 0
GROUP BY currency, merchant_id, kind, contract_id
ORDER BY currency, merchant_id, kind, contract_id`

// Of computes what a window of a center holds, set-wise, from its records and their changes, each record at the prices of the
// contract that it was born under, without those that were set aside. The order is currency, merchant, kind, contract. The
// interchange of a merchant that never had a contract is -1.
func Of(ctx context.Context, q postgres.Querier, window int32, center int16) ([]Total, error) {
	all, err := read(ctx, q, selectTotals, window, center, settle.Sale, settle.AsideHeld)
	if err != nil {
		return nil, fmt.Errorf("total window %d: %w", window, err)
	}
	return all, nil
}

// row is a Total as the statements name its columns.
type row struct {
	Currency       int16
	Merchant       int32 `db:"merchant_id"`
	Kind           settle.RecordKind
	Contract       int32 `db:"contract_id"`
	Count          int64
	Amount         int64
	Interchange    int64
	Scheme         int64
	Processing     int64
	MDR            int64
	InterchangeBPS int64 `db:"interchange_bps"`
	SchemeBPS      int64 `db:"scheme_bps"`
	ProcessingEach int64 `db:"processing_each"`
	MDRBPS         int64 `db:"mdr_bps"`
}

func (r row) total() Total {
	return Total{Currency: money.Currency(r.Currency), Merchant: r.Merchant, Kind: r.Kind, Contract: r.Contract, Count: r.Count, Amount: r.Amount,
		Interchange: r.Interchange, Scheme: r.Scheme, Processing: r.Processing, MDR: r.MDR,
		Prices: fees.Prices{InterchangeBPS: r.InterchangeBPS, SchemeBPS: r.SchemeBPS, Processing: r.ProcessingEach, MDRBPS: r.MDRBPS}}
}

func read(ctx context.Context, q postgres.Querier, sql string, args ...any) ([]Total, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, func(r pgx.CollectableRow) (Total, error) {
		found, err := pgx.RowToStructByName[row](r)
		return found.total(), err
	})
}

// ByCurrency splits totals in order of currency.
func ByCurrency(totals []Total) [][]Total {
	var out [][]Total
	for len(totals) > 0 {
		n := slices.IndexFunc(totals, func(t Total) bool { return t.Currency != totals[0].Currency })
		if n < 0 {
			n = len(totals)
		}
		out = append(out, totals[:n])
		totals = totals[n:]
	}
	return out
}

// Sum is the count and the amount of both kinds, in minor units.
type Sum struct {
	SalesCount    int64 `json:"sales_count"`
	SalesAmount   int64 `json:"sales_amount"`
	CreditsCount  int64 `json:"credits_count"`
	CreditsAmount int64 `json:"credits_amount"`
}

// Add counts records of one kind.
func (s *Sum) Add(kind settle.RecordKind, count, amount int64) {
	if kind == settle.Credit {
		s.CreditsCount += count
		s.CreditsAmount += amount
		return
	}
	s.SalesCount += count
	s.SalesAmount += amount
}

// Minus is what is left of s without t.
func (s Sum) Minus(t Sum) Sum {
	return Sum{s.SalesCount - t.SalesCount, s.SalesAmount - t.SalesAmount, s.CreditsCount - t.CreditsCount, s.CreditsAmount - t.CreditsAmount}
}

// Records is the count of both kinds.
func (s Sum) Records() int64 { return s.SalesCount + s.CreditsCount }

// String renders the sums for people.
func (s Sum) String() string {
	return fmt.Sprintf("%d sales of %d and %d credits of %d", s.SalesCount, s.SalesAmount, s.CreditsCount, s.CreditsAmount)
}

// SumOf adds totals up.
func SumOf(totals []Total) Sum {
	var s Sum
	for _, t := range totals {
		s.Add(t.Kind, t.Count, t.Amount)
	}
	return s
}

// Insert keeps the totals of a batch.
func Insert(ctx context.Context, tx pgx.Tx, batch int64, totals []Total) error {
	columns := []string{"batch_id", "merchant_id", "kind", "contract_id", "count", "amount", "interchange", "scheme", "processing", "mdr",
		"interchange_bps", "scheme_bps", "processing_each", "mdr_bps"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"batch_totals"}, columns, pgx.CopyFromSlice(len(totals), func(i int) ([]any, error) {
		t, p := totals[i], totals[i].Prices
		return []any{batch, t.Merchant, int16(t.Kind), t.Contract, t.Count, t.Amount, t.Interchange, t.Scheme, t.Processing, t.MDR,
			p.InterchangeBPS, p.SchemeBPS, p.Processing, p.MDRBPS}, nil
	}))
	if err != nil {
		return fmt.Errorf("insert totals of batch %d: %w", batch, err)
	}
	return nil
}

const batchTotals = `
SELECT b.currency, t.merchant_id, t.kind, t.contract_id, t.count, t.amount, t.interchange, t.scheme, t.processing, t.mdr,
	t.interchange_bps, t.scheme_bps, t.processing_each, t.mdr_bps
FROM batch_totals t JOIN batches b USING (batch_id) WHERE t.batch_id = $1 ORDER BY t.merchant_id, t.kind, t.contract_id`

// Read returns the totals of a batch, in the order of merchant, kind, contract.
func Read(ctx context.Context, q postgres.Querier, batch int64) ([]Total, error) {
	all, err := read(ctx, q, batchTotals, batch)
	if err != nil {
		return nil, fmt.Errorf("read totals of batch %d: %w", batch, err)
	}
	return all, nil
}

// Postings move what a batch holds from captured to submitted, one line per merchant and kind.
func Postings(batch int64, center int16, totals []Total, at time.Time) []ledger.Posting {
	postings := make([]ledger.Posting, 0, len(totals))
	for _, t := range totals {
		rule := ledger.SaleSealed
		if t.Kind == settle.Credit {
			rule = ledger.CreditSealed
		}
		postings = append(postings, ledger.Posting{
			Key:  ledger.Key{Merchant: t.Merchant, Source: ledger.FromBatch, SourceID: batch, Phase: ledger.PhaseDone},
			Rule: rule, Amount: t.Amount, Currency: t.Currency, Center: center, At: at,
		})
	}
	return postings
}
