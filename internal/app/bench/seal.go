package bench

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
	"settled/settle"

	"github.com/jackc/pgx/v5/pgxpool"
)

const (
	smallBatch = 1000
	sealWait   = 50 * time.Millisecond // what a writer may wait at a seal
	writers    = 4
)

// seal measures the longest time that a payment waits for its commit while the window of its center is shut, with a small
// batch in the window and with a large one.
func (b *bench) seal(ctx context.Context, w *world, f *filler) error {
	var small, large []float64
	for r := range b.Rounds {
		s, err := w.sealUnderLoad(ctx, f, smallBatch)
		if err != nil {
			return err
		}
		l, err := w.sealUnderLoad(ctx, f, b.Records)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "  round %d: longest wait %.1f ms with %d records, %.1f ms with %d\n", r+1, s*1000, smallBatch, l*1000, b.Records)
		small, large = append(small, s), append(large, l)
	}
	printRatio(b.out, "seal-wait-ms", median(large)*1000, atMost(float64(sealWait.Milliseconds())))
	printRatio(b.out, "seal-wait-large-over-small", median(ratios(large, small)), atMost(1.5))
	return nil
}

// sealUnderLoad seals a window of n records while payments are written, and returns the longest wait of one in seconds,
// from before the seal until its first commit has been answered and every writer has committed once more.
func (w *world) sealUnderLoad(ctx context.Context, f *filler, n int) (float64, error) {
	window, err := f.fill(ctx, n)
	if err != nil {
		return 0, err
	}
	pool, err := w.db.pool(ctx, 16)
	if err != nil {
		return 0, err
	}
	defer pool.Close()
	books := settle.New(settle.Options{Pool: pool, Directory: w.dir, Vault: w.keys, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	defer books.Close()
	night, err := w.night(pool, nowhere())
	if err != nil {
		return 0, err
	}
	p := startPayments(ctx, books, w)
	time.Sleep(time.Second) // the payments' own warming up
	p.reset()
	sealing := make(chan error, 1)
	go func() { sealing <- night.SealWindow(ctx, window) }()
	err = untilShut(ctx, pool, window)
	p.lap()
	longest, failed := p.stop()
	return longest, errors.Join(err, failed, <-sealing)
}

// untilShut waits until the window takes no more records.
func untilShut(ctx context.Context, pool *pgxpool.Pool, window int32) error {
	for {
		var state string
		if err := pool.QueryRow(ctx, `SELECT state FROM windows WHERE window_id = $1`, window).Scan(&state); err != nil {
			return err
		}
		if state != "open" {
			return nil
		}
	}
}

// paying writes payments without a wire and notes how long each outcome takes to commit.
type paying struct {
	cancel context.CancelFunc
	tasks  sync.WaitGroup
	mu     sync.Mutex
	max    time.Duration
	laps   [writers]int
	err    error // the first that a writer met; it ends the benchmark
}

func startPayments(ctx context.Context, books *settle.Books, w *world) *paying {
	ctx, cancel := context.WithCancel(ctx)
	p := &paying{cancel: cancel}
	for i := range writers {
		p.tasks.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				if err := p.pay(ctx, books, w, i, n); err != nil && ctx.Err() == nil {
					p.fail(err)
					return
				}
			}
		})
	}
	return p
}

func (p *paying) pay(ctx context.Context, books *settle.Books, w *world, i, n int) error {
	m, _ := w.dir.Merchant(firstMerchant + int32(i))
	pan, err := vault.ParsePAN("4111111111111111")
	if err != nil {
		return err
	}
	begun, _, err := books.Begin(ctx, settle.Intent{Merchant: m, OrderNumber: fmt.Sprintf("seal-%d-%d-%d", time.Now().UnixNano(), i, n),
		Amount: money.Amount{Minor: 1234, Currency: money.BYN}, PAN: pan, CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte("bench")}})
	if err != nil {
		return err
	}
	start := time.Now()
	if err := books.Finish(ctx, begun, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}); err != nil {
		return err
	}
	p.note(i, time.Since(start))
	return nil
}

func (p *paying) fail(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.err = errors.Join(p.err, err)
}

func (p *paying) note(i int, d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.max = max(p.max, d)
	p.laps[i]++
}

// reset forgets what was noted.
func (p *paying) reset() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.max, p.laps = 0, [writers]int{}
}

// lap waits until every writer has committed once more: a payment that waited at the seal has then been noted.
func (p *paying) lap() {
	p.mu.Lock()
	start := p.laps
	p.mu.Unlock()
	for done := false; !done; {
		time.Sleep(time.Millisecond)
		p.mu.Lock()
		done = true
		for i := range p.laps {
			done = done && p.laps[i] > start[i]
		}
		done = done || p.err != nil
		p.mu.Unlock()
	}
}

// stop ends the payments and returns the longest commit in seconds.
func (p *paying) stop() (float64, error) {
	p.mu.Lock()
	longest := p.max
	p.mu.Unlock()
	p.cancel()
	p.tasks.Wait()
	return longest.Seconds(), p.err
}
