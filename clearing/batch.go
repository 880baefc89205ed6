package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/states"
	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle/totals"

	"github.com/jackc/pgx/v5"
)

// Batch is the sealed set of a window in one currency.
type Batch struct {
	ID           int64          `json:"batch"`
	Window       int32          `json:"window"`
	Center       int16          `json:"center"`
	Stream       string         `json:"stream"`
	BusinessDate time.Time      `json:"business_date"`
	DeadlineAt   time.Time      `json:"deadline_at"`
	Currency     money.Currency `json:"-"`
	CurrencyCode string         `json:"currency"` // empty: an empty batch has none
	Part         int16          `json:"part"`
	Parts        int16          `json:"parts"`
	totals.Sum
	State     states.BatchState `json:"state"`
	SealedAt  time.Time         `json:"sealed_at"`
	RepliedAt *time.Time        `json:"replied_at,omitempty"`
	Reply     *int64            `json:"reply,omitempty"`
}

const selectBatch = `
SELECT b.batch_id, b.window_id, b.center_id, b.stream, b.business_date, w.deadline_at, b.currency, b.part, b.parts,
	b.sales_count, b.sales_amount, b.credits_count, b.credits_amount, b.state, b.sealed_at, b.replied_at, b.reply_id
FROM batches b JOIN windows w USING (window_id) `

func scanBatch(row pgx.CollectableRow) (Batch, error) {
	var b Batch
	var currency int16
	err := row.Scan(&b.ID, &b.Window, &b.Center, &b.Stream, &b.BusinessDate, &b.DeadlineAt, &currency, &b.Part, &b.Parts,
		&b.SalesCount, &b.SalesAmount, &b.CreditsCount, &b.CreditsAmount, &b.State, &b.SealedAt, &b.RepliedAt, &b.Reply)
	if b.Currency = money.Currency(currency); currency != 0 {
		b.CurrencyCode = b.Currency.String()
	}
	return b, err
}

func readBatches(ctx context.Context, q postgres.Querier, where string, args ...any) ([]Batch, error) {
	rows, err := q.Query(ctx, selectBatch+where, args...)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, scanBatch)
}

func readBatch(ctx context.Context, q postgres.Querier, id int64) (Batch, error) {
	all, err := readBatches(ctx, q, `WHERE b.batch_id = $1`, id)
	if err == nil && len(all) == 0 {
		err = states.ErrNotFound
	}
	if err != nil {
		return Batch{}, fmt.Errorf("read batch %d: %w", id, err)
	}
	return all[0], nil
}
