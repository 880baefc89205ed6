package clearing_test

import (
	"fmt"
	"time"

	"settled/internal/vault"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// bulkBase is the first id of records that bulk makes, far from those of the books.
const bulkBase = 50_000_000

// bulk writes n sales of 1.00, 1.01, 1.02 … BYN into the open window, without payments: what a day would have left.
func (w *world) bulk(n int) {
	w.t.Helper()
	ctx := w.t.Context()
	window := query[int32](w, `SELECT window_id FROM windows WHERE center_id = $1 AND state = 'open' ORDER BY cutoff_at LIMIT 1`, settletest.FileCenter)
	pan, err := vault.ParsePAN(settletest.Card)
	check(w.t, err)
	now := w.Clock.Now()
	columns := []string{"record_id", "order_id", "amount", "exchange_id", "born_at", "authorized_at", "window_id", "merchant_id",
		"currency", "operation", "kind", "slice", "sequence", "final", "card_expiry", "approval_code", "card"}
	_, err = w.Pool.CopyFrom(ctx, pgx.Identifier{"records"}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) {
		order := int64(600_000_000_000_000 + i)
		card, err := w.Vault.Seal(pan, vault.CardBinding(nil, int64(settletest.Merchant), order))
		return []any{int64(bulkBase + i), order, int64(100 + i), int64(700_000 + i), now, now.Add(-time.Minute), window, settletest.Merchant,
			int16(933), int16(1), int16(1), int16(1), int16(1), true, "2812", fmt.Sprintf("%06d", i%1_000_000), card}, err
	}))
	check(w.t, err)
}

// buildAll seals what is due and builds it.
func (w *world) buildAll() {
	w.t.Helper()
	_, err := w.night.SealDue(w.t.Context(), w.Clock.Now())
	check(w.t, err)
	_, err = w.night.BuildDue(w.t.Context(), w.Clock.Now())
	check(w.t, err)
}
