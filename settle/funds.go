package settle

import (
	"fmt"
	"time"
)

// drawn says from which of a merchant's accounts a refund was taken: what is available (2020), what is pending (2010), and
// what the merchant now owes (1150).
type drawn struct{ available, pending, short int64 }

const (
	fundedAt    = `SELECT funded_at FROM windows WHERE window_id = $1`
	lockFunds   = `SELECT available FROM funds WHERE merchant_id = $1 AND currency = $2 FOR NO KEY UPDATE`
	changeFunds = `
INSERT INTO funds (merchant_id, currency, available) VALUES ($1, $2, greatest($3, 0))
ON CONFLICT (merchant_id, currency) DO UPDATE SET available = funds.available + $3`
)

// draw decides who pays for a refund of k of the slice, under the lock of the merchant's funds. A sale whose money has
// not been made available is paid from pending; one that has, from what is available, and the rest is owed. The funding
// of a single-message purchase is not tracked per sale: what is available is taken first, then pending.
func (w *work) draw(slice *Operation, k int64) (drawn, error) {
	var funded *time.Time
	if slice.Window != nil {
		if err := w.tx.QueryRow(w.ctx, fundedAt, *slice.Window).Scan(&funded); err != nil {
			return drawn{}, fmt.Errorf("read funding of window %d: %w", *slice.Window, err)
		}
		if funded == nil {
			return drawn{pending: k}, nil
		}
	}
	available, err := w.lockAvailable()
	if err != nil {
		return drawn{}, err
	}
	d := drawn{available: min(available, k)}
	if slice.Window != nil {
		d.short = k - d.available
	} else {
		d.pending = k - d.available
	}
	return d, w.addAvailable(-d.available)
}

func (w *work) lockAvailable() (int64, error) {
	var available int64
	err := w.tx.QueryRow(w.ctx, lockFunds, w.order.Merchant, int16(w.order.Amount.Currency)).Scan(&available)
	if err != nil && !isNotFound(err) {
		return 0, fmt.Errorf("lock funds of merchant %d: %w", w.order.Merchant, err)
	}
	return available, nil
}

func (w *work) addAvailable(change int64) error {
	if change == 0 {
		return nil
	}
	if _, err := w.tx.Exec(w.ctx, changeFunds, w.order.Merchant, int16(w.order.Amount.Currency), change); err != nil {
		return fmt.Errorf("change funds of merchant %d: %w", w.order.Merchant, err)
	}
	return nil
}
