package bench

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"

	"github.com/jackc/pgx/v5/pgxpool"
)

// The world of the benchmarks: one center that clears by file, and merchants that all pay in one currency.
const (
	centerID      int16 = 1
	firstMerchant int32 = 100001
	merchants           = 50
)

// world is what is measured against a database: the directory, the keys, and a pool as the product opens it.
type world struct {
	db   *database
	dir  *settle.Directory
	keys *vault.Vault
	temp string
}

func newWorld(db *database) (*world, error) {
	temp, err := os.MkdirTemp("", "settled-bench-")
	if err != nil {
		return nil, err
	}
	w := &world{db: db, temp: temp}
	if err := vault.Generate(w.keyFile()); err != nil {
		return nil, err
	}
	if w.keys, err = vault.Open(w.keyFile()); err != nil {
		return nil, err
	}
	w.dir, err = directory()
	return w, err
}

// register stores the contracts of the directory, as a process does when it starts: records are counted at their prices.
func (w *world) register(ctx context.Context, pool *pgxpool.Pool) error {
	books := settle.New(settle.Options{Pool: pool, Directory: w.dir, Vault: w.keys, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	defer books.Close()
	return books.RegisterContracts(ctx)
}

// start registers the contracts in the world's database.
func (w *world) start(ctx context.Context) error {
	pool, err := w.db.pool(ctx, 2)
	if err != nil {
		return err
	}
	defer pool.Close()
	return w.register(ctx, pool)
}

// keyFile holds the keys that cards and files are sealed with.
func (w *world) keyFile() string { return filepath.Join(w.temp, "keys.json") }

func (w *world) close() error { return os.RemoveAll(w.temp) }

func directory() (*settle.Directory, error) {
	center := &settle.Center{ID: centerID, Name: "BENCH", Zone: time.UTC, Stream: "ipm",
		Costs: settle.Costs{InterchangeBPS: 120, SchemeBPS: 10, Processing: 5},
		Capabilities: order.Capabilities{FinancialRecord: true, TwoStage: true, PartialConfirm: true, MultiConfirm: true,
			ReversalPartial: true, Refund: order.RefundByFile}}
	var all []*settle.Merchant
	for i := range int32(merchants) {
		all = append(all, &settle.Merchant{ID: firstMerchant + i, Name: fmt.Sprintf("SHOP %d", i), Street: "1 HIGH STREET",
			City: "MINSK", Postal: "220030", Country: "BLR", MCC: "5942", Default: money.BYN,
			Routes: []settle.Route{{Center: center, Currencies: []money.Currency{money.BYN}, Terminal: fmt.Sprintf("T%07d", i),
				Acceptor: fmt.Sprintf("M%014d", i), MDRBPS: 250}}})
	}
	return settle.NewDirectory([]*settle.Center{center}, all)
}

// planWindows makes a window a day for the next days, the first cut off tomorrow.
func (w *world) planWindows(ctx context.Context) error {
	owner, err := w.db.owner(ctx)
	if err != nil {
		return err
	}
	defer owner.Close()
	_, err = owner.Exec(ctx, `INSERT INTO centers (center_id, name) VALUES ($1, 'BENCH') ON CONFLICT DO NOTHING`, centerID)
	if err != nil {
		return err
	}
	_, err = owner.Exec(ctx, `INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at)
		SELECT $1, 1, 'ipm', d, d + interval '1 day', d + interval '25 hours' FROM generate_series(current_date, current_date + 13, '1 day') d
		ON CONFLICT DO NOTHING`, centerID)
	return err
}
