package app

import (
	"context"

	"settled/internal/vault"
	"settled/settle"
)

// billsAhead is how many bill numbers of a merchant may be given out while a process runs and its logs still show them whole.
const billsAhead = 10_000_000

// knowBills tells the logger, and who keeps the words of others, which numbers are bills of ours: those of merchants that have, or are configured and will have, some.
func (c *Core) knowBills(ctx context.Context) error {
	counters, err := settle.BillCounters(ctx, c.Pool)
	if err != nil {
		return err
	}
	for id := range c.Config.Directory.Merchants() {
		counters[id] += 0
	}
	vault.KnowBills(func(bill int64) bool {
		merchant, ours := settle.MerchantOf(bill)
		next, known := counters[merchant]
		return ours && known && settle.BillCounter(bill) < next+billsAhead
	})
	return nil
}
