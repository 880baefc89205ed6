package settle

import (
	"context"
	"fmt"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// IDNames are the names of all identifiers that books of the directory give out.
func IDNames(d *Directory) []string {
	names := []string{ExchangeName(paymentExchange), ExchangeName(adviceExchange), recordName}
	for id := range d.merchants {
		names = append(names, billName(id))
	}
	return names
}

// recordName is the name of the identifiers of clearing records.
const recordName = "record/slice"

// Sizes of the blocks: small where a gap shows (bill numbers), large on the hot path.
const (
	billBlock     = 64
	exchangeBlock = 4096
	recordBlock   = 1024
)

// billNumber makes the order id: the next one of the merchant. ErrNumbersEnd: the counter is at its end, and a number more would be another order's.
func (b *Books) billNumber(ctx context.Context, merchant int32) (int64, error) {
	n, err := b.ids.next(ctx, billName(merchant), billBlock)
	if err != nil {
		return 0, err
	}
	if n >= billCounter {
		return 0, fmt.Errorf("%w: merchant %d needs another id", ErrNumbersEnd, merchant)
	}
	return Bill(merchant, n), nil
}

// lanes of exchange identifiers, apart so that the order of payments does not depend on what else is sent.
const (
	paymentExchange = 0
	adviceExchange  = 1
)

// exchangeID numbers one message to a center; STAN and RRN are derived from it. Payments have even numbers, what follows
// them odd ones.
func (b *Books) exchangeID(ctx context.Context, lane int64) (int64, error) {
	n, err := b.ids.next(ctx, ExchangeName(lane), exchangeBlock)
	return 2*n + lane, err
}

// NextExchange gives a number to a message to a center that is no payment. A message that changes nothing need not be written down.
func (b *Books) NextExchange(ctx context.Context) (int64, error) {
	return b.exchangeID(ctx, adviceExchange)
}

// ExchangeName is the name of the identifiers of a lane of exchanges: 0 of payments, whose numbers are even, 1 of what follows them.
func ExchangeName(lane int64) string { return fmt.Sprintf("exchange/%d", lane) }

// GaveOut tells whether a number is that of a bill of ours: of a form that we make, and from a block that was reserved.
func (b *Books) GaveOut(ctx context.Context, bill int64) (bool, error) {
	merchant, ours := MerchantOf(bill)
	if !ours {
		return false, nil
	}
	var out bool
	err := b.Pool.QueryRow(ctx, `SELECT EXISTS (SELECT FROM id_blocks WHERE name = $1 AND next > $2)`,
		billName(merchant), BillCounter(bill)).Scan(&out)
	if err != nil {
		return false, fmt.Errorf("look for bill number: %w", err)
	}
	return out, nil
}

// BillCounters returns, for each merchant that was ever given bill numbers, the counter that no number has reached yet.
func BillCounters(ctx context.Context, q postgres.Querier) (map[int32]int64, error) {
	rows, err := q.Query(ctx, `SELECT substr(name, 6)::integer, next FROM id_blocks WHERE name LIKE 'bill/%'`)
	if err != nil {
		return nil, fmt.Errorf("read counters of bill numbers: %w", err)
	}
	counters := map[int32]int64{}
	var merchant int32
	var next int64
	_, err = pgx.ForEachRow(rows, []any{&merchant, &next}, func() error {
		counters[merchant] = next
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read counters of bill numbers: %w", err)
	}
	return counters, nil
}
