package read

import (
	"context"
	"time"

	"settled/settle"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

const recordsOfOrder = `
SELECT r.record_id AS id, r.kind, r.operation, r.slice, r.amount, coalesce(c.amount, r.amount) AS counts, r.window_id AS "window",
	to_char(w.business_date, 'YYYY-MM-DD') AS business_date, w.cutoff_at, r.born_at, w.state AS window_state, coalesce(j.state, '') AS reject,
	coalesce(j.class || ' ' || j.code, '') AS why, coalesce(r.supersedes, 0) AS supersedes
FROM records r JOIN windows w USING (window_id)
	LEFT JOIN LATERAL (SELECT amount FROM record_changes x WHERE (x.window_id, x.record_id, x.merchant_id) = (r.window_id, r.record_id, r.merchant_id)
		ORDER BY version DESC LIMIT 1) c ON true
	LEFT JOIN rejects j USING (window_id, record_id, merchant_id)
WHERE r.merchant_id = $1 AND r.order_id = $2 AND r.window_id = ANY ($3) ORDER BY r.record_id`

// orderRecord is a row of recordsOfOrder.
type orderRecord struct {
	ID                       int64
	Kind                     settle.RecordKind
	Operation, Slice         int16
	Amount, Counts           int64
	Window                   int32
	BusinessDate             string
	CutoffAt, BornAt         time.Time
	WindowState, Reject, Why string
	Supersedes               int64
}

// state is what became of the record: what became of its reject, if it has one, else what its changes and its window say.
func (r orderRecord) state() string {
	switch {
	case r.Reject != "":
		return r.Reject
	case r.Counts == 0:
		return "withdrawn"
	case r.WindowState == settle.WindowOpen:
		return settle.WindowOpen
	}
	return "sealed"
}

// recordsOf reads the records of the windows that the order's operations and rejects name.
func recordsOf(ctx context.Context, tx pgx.Tx, o *settle.Order) ([]OrderRecord, error) {
	windows, err := windowsOf(ctx, tx, o)
	if err != nil {
		return nil, err
	}
	rows, err := rowsOf[orderRecord](ctx, tx, recordsOfOrder, o.Merchant, o.ID, windows)
	if err != nil {
		return nil, err
	}
	out := make([]OrderRecord, 0, len(rows))
	for _, r := range rows {
		out = append(out, OrderRecord{r.ID, r.Kind.String(), r.Operation, r.Slice, decimal(o, r.Amount), decimal(o, r.Counts), r.Window,
			r.BusinessDate, r.CutoffAt.UTC(), r.BornAt.UTC(), r.state(), r.Why, r.Supersedes})
	}
	return out, nil
}

const windowsOfRejects = `SELECT DISTINCT window_id AS "window" FROM rejects WHERE merchant_id = $1 AND order_id = $2`

// windowsOf lists the windows that can hold records of the order; records have no index by order.
func windowsOf(ctx context.Context, tx pgx.Tx, o *settle.Order) ([]int32, error) {
	var windows []int32
	for _, op := range o.Operations {
		if op.Window != nil {
			windows = append(windows, *op.Window)
		}
	}
	rejected, err := rowsOf[struct{ Window int32 }](ctx, tx, windowsOfRejects, o.Merchant, o.ID)
	for _, r := range rejected {
		windows = append(windows, r.Window)
	}
	return windows, err
}

const journalsOfOrder = `
SELECT seq AS operation, phase, rule, debit, credit, amount, undo, at, to_char(accounting_date, 'YYYY-MM-DD') AS date FROM postings
WHERE merchant_id = $1 AND (source = $2 AND source_id = $3 OR source = $4 AND source_id = ANY ($5)) ORDER BY at, seq, phase, source_id, line`

// posted is a row of journalsOfOrder.
type posted struct {
	Operation     int16
	Phase         ledger.Phase
	Rule          ledger.Rule
	Debit, Credit ledger.Code
	Amount        int64
	Undo          bool
	At            time.Time
	Date          string
}

// journalsOf reads what was posted of the order and of its records.
func journalsOf(ctx context.Context, tx pgx.Tx, o *settle.Order, records []int64) ([]Journal, error) {
	rows, err := rowsOf[posted](ctx, tx, journalsOfOrder, o.Merchant, ledger.FromOrder, o.ID, ledger.FromRecord, records)
	if err != nil {
		return nil, err
	}
	out := make([]Journal, 0, len(rows))
	for i, r := range rows {
		if i == 0 || r.Operation != rows[i-1].Operation || r.Phase != rows[i-1].Phase {
			out = append(out, Journal{Operation: r.Operation, Event: r.Phase.String(), At: r.At.UTC(), AccountingDate: r.Date})
		}
		j := &out[len(out)-1]
		j.Lines = append(j.Lines, Line{r.Rule.String(), r.Rule.Spec().Event, r.Debit, r.Credit, decimal(o, r.Amount), r.Undo})
	}
	return out, nil
}
