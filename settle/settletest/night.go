package settletest

import (
	"context"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/fees"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

// The night of the world seals windows and applies verdicts with the rules and fees of the books and nothing else: no
// bytes, no delivery. It lets tests of the books reach the states that only a night brings.

// heldRecord is a record of a window with the amount that counts.
type heldRecord struct {
	ID       int64
	Merchant int32
	Order    int64
	Slice    int16
	Currency int16
	Kind     settle.RecordKind
	Amount   int64
	Back     fees.Back
	Contract int32
}

const heldRecords = `
SELECT r.record_id, r.merchant_id, r.order_id, r.slice, r.currency, r.kind, coalesce(c.amount, r.amount), coalesce(r.interchange_back, 0),
	coalesce(r.mdr_back, 0), r.contract_id
FROM records r LEFT JOIN LATERAL (SELECT amount FROM record_changes x
	WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
WHERE r.window_id = $1 AND coalesce(c.amount, r.amount) > 0 ORDER BY r.record_id`

func scanHeld(row pgx.CollectableRow) (r heldRecord, err error) {
	err = row.Scan(&r.ID, &r.Merchant, &r.Order, &r.Slice, &r.Currency, &r.Kind, &r.Amount, &r.Back.Interchange, &r.Back.MDR, &r.Contract)
	return r, err
}

// total sums the records of one merchant, kind, currency and contract.
type total struct {
	merchant int32
	contract int32
	kind     settle.RecordKind
	currency int16
	count    int
	amount   int64
	fees     fees.Fees
}

// Night seals the earliest open window of the center: it moves the clock to its cut-off and returns the batches, one for
// each currency.
func (w *World) Night(t testing.TB, center int16) []int64 {
	t.Helper()
	var window int32
	var cutoff time.Time
	check(t, w.Pool.QueryRow(t.Context(), `SELECT window_id, cutoff_at FROM windows WHERE center_id = $1 AND state = 'open'
		ORDER BY cutoff_at LIMIT 1`, center).Scan(&window, &cutoff))
	if w.Clock.Now().Before(cutoff) {
		w.Clock.Set(cutoff)
	}
	batches, err := w.seal(t.Context(), center, window)
	check(t, err)
	return batches
}

// seal shuts writers out and seals in one transaction; the real night takes two.
func (w *World) seal(ctx context.Context, center int16, window int32) (batches []int64, err error) {
	err = postgres.InTx(ctx, w.Pool, postgres.Key{Name: "test seal"}, func(tx pgx.Tx) error {
		if err := settle.LockCenter(ctx, tx, center); err != nil {
			return err
		}
		at := w.Clock.Now()
		totals, err := w.totals(ctx, tx, center, window)
		if err != nil {
			return err
		}
		batches = batches[:0]
		for currency, held := range totals {
			id, err := w.insertBatch(ctx, tx, window, center, currency, held, at)
			if err != nil {
				return err
			}
			batches = append(batches, id)
		}
		state := "sealed"
		if len(totals) == 0 {
			state = "empty"
		}
		_, err = tx.Exec(ctx, `UPDATE windows SET state = $2, sealing_at = $3, sealed_at = $3 WHERE window_id = $1`, window, state, at)
		return err
	})
	return batches, err
}

func (w *World) totals(ctx context.Context, tx pgx.Tx, center int16, window int32) (map[int16][]*total, error) {
	rows, err := tx.Query(ctx, heldRecords, window)
	if err != nil {
		return nil, err
	}
	records, err := pgx.CollectRows(rows, scanHeld)
	if err != nil {
		return nil, err
	}
	out := map[int16][]*total{}
	for _, r := range records {
		if err := w.addRecord(out, center, r); err != nil {
			return nil, err
		}
	}
	return out, nil
}

func (w *World) addRecord(out map[int16][]*total, center int16, r heldRecord) error {
	var sum *total
	for _, have := range out[r.Currency] {
		if have.merchant == r.Merchant && have.kind == r.Kind && have.contract == r.Contract {
			sum = have
		}
	}
	if sum == nil {
		sum = &total{merchant: r.Merchant, contract: r.Contract, kind: r.Kind, currency: r.Currency}
		out[r.Currency] = append(out[r.Currency], sum)
	}
	m, _ := w.Dir.Merchant(r.Merchant)
	prices := m.Serves(center, money.Currency(r.Currency)).Terms().Prices
	f, err := prices.OfSale(r.Amount)
	if r.Kind == settle.Credit {
		f, err = prices.OfCredit(r.Amount, &r.Back)
	}
	if err != nil {
		return err
	}
	sum.count++
	sum.amount += r.Amount
	sum.fees = sum.fees.Plus(f)
	return nil
}

func (w *World) insertBatch(ctx context.Context, tx pgx.Tx, window int32, center, currency int16, totals []*total, at time.Time) (id int64, err error) {
	var count, amount [3]int64
	var postings []ledger.Posting
	for _, sum := range totals {
		count[sum.kind] += int64(sum.count)
		amount[sum.kind] += sum.amount
	}
	err = tx.QueryRow(ctx, `INSERT INTO batches (window_id, center_id, stream, business_date, currency, part, parts, sales_count,
			sales_amount, credits_count, credits_amount, sealed_at)
		SELECT window_id, center_id, stream, business_date, $2, 1, 1, $3, $4, $5, $6, $7 FROM windows WHERE window_id = $1 RETURNING batch_id`,
		window, currency, count[settle.Sale], amount[settle.Sale], count[settle.Credit], amount[settle.Credit], at).Scan(&id)
	if err != nil {
		return 0, err
	}
	for _, sum := range totals {
		m, _ := w.Dir.Merchant(sum.merchant)
		price := m.Serves(center, money.Currency(currency))
		_, err := tx.Exec(ctx, `INSERT INTO batch_totals (batch_id, merchant_id, kind, count, amount, interchange, scheme, processing, mdr,
			interchange_bps, scheme_bps, processing_each, mdr_bps, contract_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
			id, sum.merchant, int16(sum.kind), sum.count, sum.amount, sum.fees.Interchange, sum.fees.Scheme, sum.fees.Processing, sum.fees.MDR,
			price.Center.Costs.InterchangeBPS, price.Center.Costs.SchemeBPS, price.Center.Costs.Processing, price.MDRBPS, sum.contract)
		if err != nil {
			return 0, err
		}
		postings = append(postings, batchPosting(ledger.FromBatch, id, center, at, sum, sum.amount, ledger.SaleSealed, ledger.CreditSealed))
	}
	return id, w.Books.Ledger().Post(ctx, tx, postings)
}

// batchPosting posts one rule for sales and another for credits.
func batchPosting(source ledger.Source, id int64, center int16, at time.Time, sum *total, amount int64, sale, credit ledger.Rule) ledger.Posting {
	p := ledger.Posting{Key: ledger.Key{Merchant: sum.merchant, Source: source, SourceID: id}, Rule: sale, Amount: amount,
		Currency: money.Currency(sum.currency), Center: center, At: at}
	if sum.kind == settle.Credit {
		p.Rule = credit
	}
	return p
}

// Rejected names a refused record by the order and the slice that it presents, or gives back.
type Rejected struct {
	Order int64
	Slice int16
	Kind  settle.RecordKind
}

// Reply applies the verdict of a center on a batch: everything is accepted but the records named, which are rejected for
// their reference. It returns them in the order given.
func (w *World) Reply(t testing.TB, batch int64, refused ...Rejected) []settle.RejectedRecord {
	t.Helper()
	var out []settle.RejectedRecord
	err := postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "test reply"}, func(tx pgx.Tx) (err error) {
		out, err = w.reply(t.Context(), tx, batch, refused)
		return err
	})
	check(t, err)
	return out
}

func (w *World) reply(ctx context.Context, tx pgx.Tx, batch int64, refused []Rejected) ([]settle.RejectedRecord, error) {
	var window int32
	var center, currency int16
	err := tx.QueryRow(ctx, `SELECT window_id, center_id, currency FROM batches WHERE batch_id = $1`, batch).Scan(&window, &center, &currency)
	if err != nil {
		return nil, err
	}
	at := w.Clock.Now()
	var reply int64
	err = tx.QueryRow(ctx, `INSERT INTO replies (bytes, fetched_at, decided_at, center_id, name, state, sha256)
		VALUES (1, $1, $1, $2, 'reply', 'applied', sha256(int8send($3))) RETURNING reply_id`, at, center, batch).Scan(&reply)
	if err != nil {
		return nil, err
	}
	rows, err := tx.Query(ctx, heldRecords, window)
	if err != nil {
		return nil, err
	}
	records, err := pgx.CollectRows(rows, scanHeld)
	if err != nil {
		return nil, err
	}
	accepted, rejected := map[int16][]*total{}, map[int16][]*total{}
	out := make([]settle.RejectedRecord, len(refused))
	for _, r := range records {
		n := indexOf(refused, r)
		switch {
		case r.Currency != currency:
		case n < 0:
			err = w.addRecord(accepted, center, r)
		default:
			out[n] = settle.RejectedRecord{Merchant: r.Merchant, Order: r.Order, Window: window, Record: r.ID}
			if err = w.addRecord(rejected, center, r); err == nil {
				_, err = tx.Exec(ctx, `INSERT INTO rejects (window_id, record_id, merchant_id, order_id, reply_id, amount, rejected_at, line, currency, kind, class, code, slice)
					VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 'reference', '2003', $11)`,
					window, r.ID, r.Merchant, r.Order, reply, r.Amount, at, n+2, r.Currency, int16(r.Kind), r.Slice)
			}
		}
		if err != nil {
			return nil, err
		}
	}
	_, err = tx.Exec(ctx, `UPDATE batches SET state = 'replied', replied_at = $2, reply_id = $3 WHERE batch_id = $1`, batch, at, reply)
	if err != nil {
		return nil, err
	}
	return out, w.Books.Ledger().Post(ctx, tx, w.verdictPostings(reply, center, at, accepted[currency], rejected[currency]))
}

func indexOf(refused []Rejected, r heldRecord) int {
	for i, x := range refused {
		if x.Order == r.Order && x.Slice == r.Slice && x.Kind == r.Kind {
			return i
		}
	}
	return -1
}

func (w *World) verdictPostings(reply int64, center int16, at time.Time, accepted, rejected []*total) []ledger.Posting {
	var out []ledger.Posting
	for _, sum := range rejected {
		out = append(out, batchPosting(ledger.FromReply, reply, center, at, sum, sum.amount, ledger.SaleRejected, ledger.CreditRejected))
	}
	for _, sum := range accepted {
		p := batchPosting(ledger.FromReply, reply, center, at, sum, sum.amount, ledger.SaleAccepted, ledger.CreditAccepted)
		out = append(out, p)
		m, _ := w.Dir.Merchant(sum.merchant)
		if sum.kind == settle.Sale {
			out = append(out, m.Serves(center, money.Currency(sum.currency)).Terms().OfSale(p, sum.fees)...)
			continue
		}
		back, cost := p, p
		back.Rule, back.Amount = ledger.InterchangeReturned, sum.fees.Interchange
		cost.Rule, cost.Amount = ledger.ProcessingFeeNetted, sum.fees.Processing
		out = append(out, back, cost)
	}
	return out
}
