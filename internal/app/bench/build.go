package bench

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"
)

// maxRSS is what a step of the night may use of memory, whatever the size of the batch.
const maxRSS = 128 << 20

const forgetBuild = `
WITH f AS (UPDATE files SET state = 'planned', bytes = NULL, sha256 = NULL, messages = NULL, built_at = NULL, released_at = NULL
	WHERE batch_id = $1 RETURNING file_id)
DELETE FROM file_chunks c USING f WHERE c.file_id = f.file_id`

// sealedBatch fills a window, seals it and returns its batch.
func (b *bench) sealedBatch(ctx context.Context, w *world, f *filler, n int) (window int32, batch int64, err error) {
	if window, err = f.fill(ctx, n); err != nil {
		return 0, 0, err
	}
	pool, err := w.db.pool(ctx, 4)
	if err != nil {
		return 0, 0, err
	}
	defer pool.Close()
	night, err := w.night(pool, nowhere())
	if err != nil {
		return 0, 0, err
	}
	batch, err = sealed(ctx, night, pool, window)
	return window, batch, err
}

// build measures records per second of a build over a raw COPY TO, in turns, and the memory that a build takes.
func (b *bench) build(ctx context.Context, w *world, f *filler) error {
	window, batch, err := b.sealedBatch(ctx, w, f, b.Records)
	if err != nil {
		return err
	}
	var product, limit []float64
	var rss int64
	for r := range b.Rounds {
		took, used, err := w.buildOnce(ctx, f.owner, batch)
		if err != nil {
			return err
		}
		raw, err := seconds(func() error { return copyOut(ctx, f.owner, fmt.Sprintf(copyLimit, window)) })
		if err != nil {
			return err
		}
		rss = max(rss, used)
		fmt.Fprintf(b.out, "  round %d: built %.0f records/s, %d MiB; COPY TO %.0f/s\n", r+1, float64(b.Records)/took, used>>20, float64(b.Records)/raw)
		product, limit = append(product, 1/took), append(limit, 1/raw)
	}
	printRatio(b.out, "build", median(ratios(product, limit)), atLeast(0.6))
	printRatio(b.out, "build-rss-mib", float64(rss)/(1<<20), atMost(maxRSS>>20))
	return nil
}

// buildOnce builds a batch that may have been built before.
func (w *world) buildOnce(ctx context.Context, owner *pgxpool.Pool, batch int64) (took float64, rss int64, err error) {
	if _, err := owner.Exec(ctx, forgetBuild, batch); err != nil {
		return 0, 0, fmt.Errorf("forget the build of batch %d: %w", batch, err)
	}
	return w.inChild(ctx, step{"build", batch})
}
