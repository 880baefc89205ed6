package app

import (
	"context"

	"settled/settle"
	"settled/settle/retention"
)

// keep makes what knows for how long things are kept.
func (c *Core) keep() {
	c.Retention = retention.New(retention.Options{Pool: c.Pool, Now: c.Now, Periods: c.Config.Retention,
		Sweeps: append(retention.Sweeps(), c.Night.Sweeps()...), Log: c.Log})
}

// retain is the job of retention.
func (c *Core) retain(ctx context.Context) error {
	_, err := c.Erase(ctx)
	return err
}

// Erase erases everything that is kept longer than its time. While the books are held it erases nothing (settle.ErrHeld): what a restored database holds
// may be needed once more.
func (c *Core) Erase(ctx context.Context) ([]retention.Run, error) {
	if c.epochs.Held() {
		return nil, settle.ErrHeld
	}
	return c.Retention.Run(ctx)
}
