package read

import (
	"context"
	"fmt"

	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// Order reads an order by its bill number alone, with everything that belongs to it. The names of center and merchant come from the
// directory. settle.ErrNotFound and settle.ErrBillNumber tell that there is none.
func (b *Books) Order(ctx context.Context, bill int64) (e *Order, err error) {
	merchant, ok := settle.MerchantOf(bill)
	if !ok {
		return nil, fmt.Errorf("%w: %d", settle.ErrBillNumber, bill)
	}
	err = b.look(ctx, func(tx pgx.Tx) error {
		o, err := settle.WholeOrder(ctx, tx, merchant, bill)
		if err != nil {
			return err
		}
		e = orderOf(o, b.directory)
		return e.fill(ctx, tx, o)
	})
	if err != nil {
		return nil, err
	}
	return e, nil
}

// fill adds what stands in tables of its own.
func (e *Order) fill(ctx context.Context, tx pgx.Tx, o *settle.Order) (err error) {
	if err := e.readMeans(ctx, tx, o); err != nil {
		return err
	}
	if e.Records, err = recordsOf(ctx, tx, o); err != nil {
		return err
	}
	ids := make([]int64, 0, len(e.Records))
	for _, r := range e.Records {
		ids = append(ids, r.ID)
	}
	e.Journals, err = journalsOf(ctx, tx, o, ids)
	return err
}
