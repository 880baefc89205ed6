package settle

import (
	"context"
	"fmt"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/fees"
	"settled/settle/ledger"
)

// giveBack decides what a refund of a slice gives back of the fees of its sale, and adds it to what the slice has given. The
// refund counts among those of the slice already. Only a clearing record brings interchange back: no center says that a refund by
// a message does, and nothing is posted.
func (w *work) giveBack(ctx context.Context, slice *Operation, byRecord bool) (fees.Back, error) {
	s, err := w.soldBy(ctx, slice)
	if err != nil {
		return fees.Back{}, fmt.Errorf("fees of slice %d.%d: %w", w.order.ID, slice.Number, err)
	}
	if !byRecord {
		s.Interchange = 0
	}
	upTo := s.Amount - (slice.Amount - slice.Refunded)
	var back fees.Back
	if back.Interchange, err = fees.GiveBack(s.Interchange, s.Amount, upTo, slice.InterchangeBack); err != nil {
		return fees.Back{}, err
	}
	if back.MDR, err = fees.GiveBack(s.MDR, s.Amount, upTo, slice.MDRBack); err != nil {
		return fees.Back{}, err
	}
	slice.InterchangeBack += back.Interchange
	slice.MDRBack += back.MDR
	return back, w.saveOperation(ctx, slice)
}

// sold is the sale of a slice: the amount that stands, and its fees.
type sold struct{ Amount, Interchange, MDR int64 }

// A sale that is not counted yet, because its seal is late, is counted at the prices of now. An empty price is none.
var saleOfRecord = spelled(`
SELECT coalesce(j.amount - j.abandoned, c.amount, r.amount), coalesce(t.interchange_bps, $4::bigint), coalesce(t.mdr_bps, $5::bigint)
FROM records r
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
	LEFT JOIN LATERAL (SELECT amount FROM record_changes x
		WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id) ORDER BY version DESC LIMIT 1) c ON true
	LEFT JOIN batches b ON b.window_id = r.window_id AND b.currency = r.currency
	LEFT JOIN batch_totals t ON t.batch_id = b.batch_id AND t.merchant_id = r.merchant_id AND t.kind = @Sale
WHERE r.window_id = $1 AND r.record_id = $2 AND r.merchant_id = $3`)

// soldBy reads the fees of a slice's sale: as the seal counted them, or as they were posted with a single message.
func (w *work) soldBy(ctx context.Context, slice *Operation) (s sold, err error) {
	if slice.Record == nil {
		return w.soldAtOnce(ctx, slice)
	}
	var interchange, mdr int64
	err = w.tx.QueryRow(ctx, saleOfRecord, *slice.Window, *slice.Record, w.order.Merchant,
		w.route.Center.Costs.InterchangeBPS, w.route.MDRBPS).Scan(&s.Amount, &interchange, &mdr)
	if err != nil {
		return s, fmt.Errorf("read its record: %w", err)
	}
	if s.Interchange, err = money.BasisPoints(s.Amount, interchange); err != nil {
		return s, err
	}
	s.MDR, err = money.BasisPoints(s.Amount, mdr)
	return s, err
}

// soldAtOnce reads the price that was posted with a single message, whose refunds are messages, too.
func (w *work) soldAtOnce(ctx context.Context, slice *Operation) (sold, error) {
	s := sold{Amount: slice.Amount}
	lines, err := w.purchaseFees(ctx, slice.Number)
	for _, f := range lines {
		if ledger.Rule(f.Rule).Spec().Credit == ledger.MDRIncome {
			s.MDR += f.Amount
		}
	}
	return s, err
}

var feesOfPurchase = spelled(`
SELECT rule, amount FROM postings
WHERE merchant_id = $1 AND source = @FromOrder AND source_id = $2 AND seq = $3 AND phase = $4 ORDER BY line`)

// postedLine is an amount that was posted by a rule: what a refund drew, or a fee.
type postedLine struct {
	Rule   int16
	Amount int64
}

// purchaseFees reads the fees that were posted with a single message.
func (w *work) purchaseFees(ctx context.Context, operation int16) ([]postedLine, error) {
	return postgres.Collect[postedLine](ctx, w.tx, feesOfPurchase, w.order.Merchant, w.order.ID, operation, ledger.PhaseVerdict)
}
