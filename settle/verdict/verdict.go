package verdict

import (
	"context"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/fees"
	"settled/settle/funds"
	"settled/settle/ledger"
	"settled/settle/totals"

	"github.com/jackc/pgx/v5"
)

// Record is a record of a batch that is not accepted: the center refused it, or it was set aside before its file was built.
type Record struct {
	ID       int64 `db:"record_id"`
	Order    int64 `db:"order_id"`
	Merchant int32 `db:"merchant_id"`
	Contract int32 `db:"contract_id"` // version that it was born under; 0 where it is not known
	Kind     settle.RecordKind
	Slice    int16
	Amount   int64 // as it was sent, minor units
	// Interchange and MDR are what a credit gives back of the fees of its sale. A credit of an older version has none.
	Interchange *int64 `db:"interchange_back"`
	MDR         *int64 `db:"mdr_back"`
	Line        int32  `db:"-"` // of the reply that refuses it
	Class, Code string `db:"-"` // why, in a word that all centers share, and in the center's own
}

func (r *Record) key() totals.Key {
	return totals.Key{ContractKey: settle.ContractKey{Merchant: r.Merchant, Contract: r.Contract}, Kind: r.Kind}
}

// fees of the record as the seal summed them.
func (r *Record) fees(p fees.Prices) (fees.Fees, error) {
	switch {
	case r.Kind == settle.Sale:
		return p.OfSale(r.Amount)
	case r.Interchange != nil && r.MDR != nil:
		return p.OfCredit(r.Amount, &fees.Back{Interchange: *r.Interchange, MDR: *r.MDR})
	}
	return p.OfCredit(r.Amount, nil)
}

// Batch is the sealed set that a word is about.
type Batch struct {
	ID       int64
	Window   int32
	Center   int16
	Currency money.Currency
}

// Unknown is a refusal of a message that we never sent.
type Unknown struct {
	Line int32  // of the reply
	Note string // in words
}

// Verdict is a center's word on a batch: everything that was sent and is not refused is accepted.
type Verdict struct {
	Batch     Batch
	Reply     int64 // that brought it
	Sent      []totals.Total
	Refused   []Record
	Unknown   []Unknown
	Contracts map[settle.ContractKey]settle.Contract // that what was sent was born under
}

// leftOut are the records of a batch that were set aside before its file was built.
const leftOut = `
SELECT j.record_id, j.order_id, j.amount, j.merchant_id, r.contract_id, j.kind, j.slice, r.interchange_back, r.mdr_back
FROM rejects j JOIN records r USING (window_id, record_id, merchant_id)
WHERE j.window_id = $1 AND j.currency = $2 AND j.origin = $4 AND j.file_id <= $3`

// Sent reads what was sent with a file: the totals of the batch without the records that were set aside by then. out is the sum of
// these.
func Sent(ctx context.Context, q postgres.Querier, b Batch, file int64) (sent []totals.Total, out totals.Sum, err error) {
	if sent, err = totals.Read(ctx, q, b.ID); err != nil {
		return nil, out, err
	}
	rows, err := q.Query(ctx, leftOut, b.Window, int16(b.Currency), file, settle.AsideBuilding)
	if err != nil {
		return nil, out, fmt.Errorf("read what was left out of file %d: %w", file, err)
	}
	aside, err := pgx.CollectRows(rows, pgx.RowToStructByName[Record])
	if err != nil {
		return nil, out, fmt.Errorf("read what was left out of file %d: %w", file, err)
	}
	lines, err := linesOf(sent, aside)
	if err != nil {
		return nil, out, err
	}
	for i, t := range sent {
		sent[i] = t.Minus(lines[t.Key()])
	}
	return sent, SumOf(aside), nil
}

// SumOf adds records up.
func SumOf(records []Record) totals.Sum {
	var sum totals.Sum
	for _, r := range records {
		sum.Add(r.Kind, 1, r.Amount)
	}
	return sum
}

// linesOf adds records up by the line of what was sent that each is in, with the fees that the seal counted for each.
func linesOf(sent []totals.Total, records []Record) (map[totals.Key]totals.Total, error) {
	prices := make(map[totals.Key]fees.Prices, len(sent))
	for _, t := range sent {
		prices[t.Key()] = t.Prices
	}
	lines := map[totals.Key]totals.Total{}
	for i := range records {
		r := &records[i]
		f, err := r.fees(prices[r.key()])
		if err != nil {
			return nil, fmt.Errorf("record %d: %w", r.ID, err)
		}
		lines[r.key()] = lines[r.key()].With(r.Amount, f)
	}
	return lines, nil
}

// Apply writes the verdict within the caller's transaction. The center's lock is taken after the rejects and postings: every
// cancel that decided without the rejects has committed, and its credits are found; every later one sees them. The funds rows
// come after it, as in every other transaction.
func (v *Verdict) Apply(ctx context.Context, tx pgx.Tx, book ledger.Book, at time.Time) error {
	if err := v.insertRejects(ctx, tx, at); err != nil {
		return err
	}
	postings, returned, err := v.postings(at)
	if err != nil {
		return err
	}
	if err := book.Post(ctx, tx, postings); err != nil {
		return err
	}
	if err := v.openUnknown(ctx, tx, at); err != nil {
		return err
	}
	if len(v.Refused) > 0 {
		if err := settle.LockCenter(ctx, tx, v.Batch.Center); err != nil {
			return err
		}
		if err := BreakCredits(ctx, tx, v.Batch.Center, v.Batch.Window, v.Reply, at); err != nil {
			return err
		}
	}
	return funds.AddEach(ctx, tx, v.Batch.Currency, returned)
}

// rejectColumns are the columns of a reject that a verdict writes, in the order of rejectRows.
var rejectColumns = []string{"reply_id", "rejected_at", "window_id", "currency", "record_id", "order_id", "amount", "merchant_id", "line",
	"kind", "class", "code", "slice"}

func (v *Verdict) insertRejects(ctx context.Context, tx pgx.Tx, at time.Time) error {
	if _, err := tx.CopyFrom(ctx, pgx.Identifier{"rejects"}, rejectColumns, v.rejectRows(at)); err != nil {
		return fmt.Errorf("insert %d rejects: %w", len(v.Refused), err)
	}
	return nil
}

// rejectRows gives one row after the other in the same slice: there may be as many as a file has records.
func (v *Verdict) rejectRows(at time.Time) pgx.CopyFromSource {
	shared := []any{v.Reply, at, v.Batch.Window, int16(v.Batch.Currency)}
	row, next := make([]any, 0, len(rejectColumns)), 0
	return pgx.CopyFromFunc(func() ([]any, error) {
		if next == len(v.Refused) {
			return nil, nil
		}
		r := &v.Refused[next]
		next++
		row = append(append(row[:0], shared...), r.ID, r.Order, r.Amount, r.Merchant, r.Line, int16(r.Kind), r.Class, r.Code, r.Slice)
		return row, nil
	})
}

// postings are the books' side of a verdict, one journal per merchant, under the contracts of the records. returned is the MDR
// that goes back to merchants' available funds.
func (v *Verdict) postings(at time.Time) (postings []ledger.Posting, returned map[int32]int64, err error) {
	lost, err := linesOf(v.Sent, v.Refused)
	if err != nil {
		return nil, nil, err
	}
	returned = map[int32]int64{}
	for _, t := range v.Sent {
		contract, ok := v.Contracts[t.Key().ContractKey]
		if !ok {
			return nil, nil, fmt.Errorf("verdict on batch %d: merchant %d has no contract", v.Batch.ID, t.Merchant)
		}
		like := ledger.Posting{Key: ledger.Key{Merchant: t.Merchant, Source: ledger.FromReply, SourceID: v.Reply, Phase: ledger.PhaseVerdict},
			Currency: t.Currency, Center: v.Batch.Center, At: at}
		out, terms := lost[t.Key()], contract.Route.Terms()
		taken := t.Minus(out)
		if t.Kind == settle.Sale {
			postings = append(postings, like.With(ledger.SaleAccepted, taken.Amount), like.With(ledger.SaleRejected, out.Amount))
			postings = append(postings, terms.OfSale(like, taken.Fees())...)
			continue
		}
		postings = append(postings, like.With(ledger.CreditAccepted, taken.Amount), like.With(ledger.CreditRejected, out.Amount))
		postings = append(postings, terms.OfCredit(like, taken.Fees())...)
		if terms.ReturnMDR {
			returned[t.Merchant] += taken.MDR
		}
	}
	return postings, returned, nil
}

// openUnknown opens a break for each refusal of a message that we never sent.
func (v *Verdict) openUnknown(ctx context.Context, tx pgx.Tx, at time.Time) error {
	all := make([]breaks.Break, len(v.Unknown))
	for i, u := range v.Unknown {
		all[i] = breaks.Break{Category: breaks.NotInBooks, Fingerprint: fmt.Sprintf("%s/reply/%d/%d", breaks.NotInBooks, v.Reply, u.Line),
			Center: v.Batch.Center, Note: u.Note}
	}
	_, err := breaks.Open(ctx, tx, at, all...)
	return err
}
