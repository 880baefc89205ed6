package clearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/files"
	"settled/clearing/format"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/totals"

	"github.com/jackc/pgx/v5"
)

// A build turns a sealed batch into the bytes of its file, stored and proven, in one transaction.

var (
	filesToBuild = `
SELECT batch_id FROM files WHERE center_id = $1 AND stream = $2 AND state = ` + states.Quoted(states.FilePlanned) + ` AND NOT frozen AND next_attempt_at <= $3
ORDER BY file_id`
	fileToBuild = files.Select + `
WHERE batch_id = $1 AND state = ` + states.Quoted(states.FilePlanned) + ` ORDER BY build DESC LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED`
	fileBuilt = `
UPDATE files SET ` + states.MakeFile.Set() + `, bytes = $2, sha256 = $3, messages = $4, built_at = $5, next_attempt_at = $5, failures = 0,
	last_error = '', error_class = '' WHERE file_id = $1 AND ` + states.MakeFile.May()
	failedBuild = `
UPDATE files SET failures = failures + 1, last_error = $2, error_class = $3, next_attempt_at = $4
WHERE batch_id = $1 AND state = ` + states.Quoted(states.FilePlanned) + ` RETURNING failures`
)

// BuildDue builds every file that is planned, and releases what is released by itself. It returns how many it built.
func (n *Night) BuildDue(ctx context.Context, now time.Time) (int, error) {
	return n.each(ctx, now, n.buildCenter)
}

func (n *Night) buildCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	due, err := n.batchesDue(ctx, s, now)
	if err != nil {
		return 0, err
	}
	built := 0
	var all []error
	for _, batch := range due {
		if err := n.BuildBatch(ctx, batch); err != nil {
			all = append(all, err)
			continue
		}
		built++
	}
	return built, errors.Join(all...)
}

// batchesDue are those with a file to build, in order.
func (n *Night) batchesDue(ctx context.Context, s *station, now time.Time) ([]int64, error) {
	due, err := rows.Column[int64](ctx, n.Pool, filesToBuild, s.ID, s.Stream, now)
	if err != nil {
		return nil, fmt.Errorf("read files to build: %w", err)
	}
	return due, nil
}

// BuildBatch writes the bytes of the planned file of a batch: it streams the records once through the codec into sealed
// chunks, reads them back with an independent reader and compares them with the batch, all in one transaction. A record that
// cannot be written is set aside and paged, and the file goes without it. A build
// that was interrupted leaves nothing and starts from the beginning. A batch whose file is built stays as it is. The same
// batch gives the same bytes. Errors: files.ErrTotals, ErrUnwritten, ErrKeyMissing; with states.ErrRecorded where the file's row says when the next attempt is.
func (n *Night) BuildBatch(ctx context.Context, id int64) error {
	started := n.now()
	batch, err := readBatch(ctx, n.Pool, id)
	if err != nil {
		return err
	}
	s, err := n.station(batch.Center)
	if err != nil {
		return fmt.Errorf("build batch %d: %w", id, err)
	}
	var f files.File
	var left *unwritten
	err = postgres.InTx(ctx, n.Pool, rows.Key("batch/%d/build", id), func(tx pgx.Tx) error {
		left = &unwritten{}
		if err := rows.Long(ctx, tx); err != nil {
			return err
		}
		f, err = files.One(ctx, tx, fileToBuild, id)
		if rows.Missing(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return n.build(ctx, tx, s, batch, f, left)
	})
	if err != nil {
		err = fmt.Errorf("build batch %d of %s: %w", id, s.Name, err)
		if unnoted := n.buildFailed(ctx, s, id, err); unnoted != nil {
			return errors.Join(err, unnoted)
		}
		return fmt.Errorf("%w: %w", states.ErrRecorded, err)
	}
	n.reportAside(ctx, s, f, left)
	n.metrics.phase(s.Name, "build", n.now().Sub(started))
	return nil
}

// buildFailed notes why, and when to try again: a build fails for what a person must repair.
func (n *Night) buildFailed(ctx context.Context, s *station, batch int64, cause error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	class := "build"
	switch {
	case errors.Is(cause, files.ErrTotals):
		class = "totals"
	case errors.Is(cause, ErrUnwritten):
		class = "unwritten"
	case errors.Is(cause, ErrKeyMissing):
		class = "keys"
	}
	return n.noteFailure(ctx, s, batch, class, cause)
}

// noteFailure writes why a file was not built, and pages the first time and once an hour: what a person must repair.
func (n *Night) noteFailure(ctx context.Context, s *station, batch int64, class string, cause error) error {
	var failures int32
	err := postgres.InTx(ctx, n.Pool, rows.Key("batch/%d/not built", batch), func(tx pgx.Tx) error {
		return tx.QueryRow(ctx, failedBuild, batch, vault.Words(cause.Error()), class, n.now().Add(time.Minute)).Scan(&failures)
	})
	if rows.Missing(err) {
		return nil
	}
	if err == nil && failures%60 == 1 {
		waits := "the files after it go"
		if s.InOrder {
			waits = "the files after it wait, because the center takes them in order"
		}
		n.page(ctx, s, pageFileNotBuilt, "batch", batch, "failures", failures, "others", waits, "error", cause)
	}
	return err
}

func (n *Night) build(ctx context.Context, tx pgx.Tx, s *station, b Batch, f files.File, left *unwritten) error {
	var messages int64
	size, sum, err := store.Write(ctx, tx, n.Vault, store.Files, f.ID, func(ctx context.Context, out *store.Cutter) (err error) {
		messages, err = n.encode(ctx, s, b, f, out, left)
		return err
	})
	if err != nil {
		return err
	}
	held, err := b.without(ctx, tx, f.ID)
	if err != nil {
		return err
	}
	held.Sum = held.Minus(left.sum)
	if err := n.verify(ctx, tx, s, held, f, sum[:]); err != nil {
		return err
	}
	now := n.now()
	if err := n.setAside(ctx, tx, s, b, f, left, now); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, fileBuilt, f.ID, size, sum[:], messages, now); err != nil {
		return err
	}
	n.Log.InfoContext(ctx, "file built", slog.String("center", s.Name), slog.String("file", f.Name), slog.Int64("bytes", size), slog.Int64("messages", messages))
	if s.Release == AutoRelease {
		return n.Delivery.LetGo(ctx, tx, f.ID, now)
	}
	return nil
}

// encode writes the file of a batch, and notes in left what cannot be written. It returns how many messages the file has.
func (n *Night) encode(ctx context.Context, s *station, b Batch, f files.File, out *store.Cutter, left *unwritten) (messages int64, err error) {
	p, err := n.newPresenter(ctx, n.Pool, s, b)
	if err != nil {
		return 0, err
	}
	defer p.wipe()
	w, err := s.Format.NewWriter(out, format.Batch{ID: f.LogicalID, Currency: b.Currency, Merchants: p.merchants})
	if err != nil {
		return 0, err
	}
	out.CutMessages(w.Messages)
	err = store.Records(ctx, n.Pool, b.Window, b.Currency, func(r *store.Record) error {
		record, err := p.present(r)
		if err == nil {
			err = w.Write(record)
		}
		if err != nil {
			return left.leave(r, err)
		}
		left.written++
		return nil
	})
	if err != nil {
		return 0, err
	}
	if left.written == 0 && left.cards > 0 {
		return 0, fmt.Errorf("%w: %s", ErrUnwritten, left.reasons[0])
	}
	if err := w.Close(); err != nil {
		return 0, err
	}
	return w.Messages(), out.Flush()
}

// verify reads the stored bytes back and compares what they say with what the file is to hold of its batch.
func (n *Night) verify(ctx context.Context, q postgres.Querier, s *station, b Batch, f files.File, sum []byte) error {
	hash := sha256.New()
	stored := store.Open(q, n.Vault, store.Files, f.ID).Ahead(ctx, func(plain []byte) { hash.Write(plain) })
	contents, err := s.Format.Verify(stored)
	stored.Close()
	if err != nil {
		return fmt.Errorf("%w: %w", files.ErrTotals, err)
	}
	if !bytes.Equal(hash.Sum(nil), sum) {
		return fmt.Errorf("%w: sha256 of file %s", files.ErrTotals, f.Name)
	}
	return s.compareContents(contents, b, f)
}

// compareContents checks that a file is the one named and holds exactly what it is to hold of its batch: detail, trailer and batch
// agree per kind.
func (s *station) compareContents(c format.Contents, b Batch, f files.File) error {
	if c.File != f.LogicalID {
		return fmt.Errorf("%w: file id is %s, not %s", files.ErrTotals, c.File, f.LogicalID)
	}
	if want := b.Records() + s.Format.Limits().Envelope; c.Messages != want {
		return fmt.Errorf("%w: %d messages, not %d", files.ErrTotals, c.Messages, want)
	}
	var held totals.Sum
	for _, t := range c.Currencies {
		if t.Currency != b.Currency || t.Others != 0 {
			return fmt.Errorf("%w: records of currency %d, or reversals", files.ErrTotals, t.Currency)
		}
		held = totals.Sum{SalesCount: t.Sales.Count, SalesAmount: t.Sales.Amount, CreditsCount: t.Credits.Count, CreditsAmount: t.Credits.Amount}
	}
	if held != b.Sum {
		return fmt.Errorf("%w: file holds %v, batch %v", files.ErrTotals, held, b.Sum)
	}
	return nil
}

// Rebuild plans a new file for a batch whose file the center refused whole, under the number that the profile says. It
// returns the new file. A batch that was not refused is states.ErrState.
func (n *Night) Rebuild(ctx context.Context, batch int64) (id int64, err error) {
	b, err := readBatch(ctx, n.Pool, batch)
	if err != nil {
		return 0, err
	}
	s, err := n.station(b.Center)
	if err != nil {
		return 0, err
	}
	err = postgres.InTx(ctx, n.Pool, rows.Key("batch/%d/rebuild", batch), func(tx pgx.Tx) error {
		reopened, err := files.ReopenBatch(ctx, tx, batch)
		if err != nil {
			return err
		}
		if !reopened {
			return fmt.Errorf("%w: batch %d is %s", states.ErrState, batch, b.State)
		}
		last, err := files.One(ctx, tx, files.LatestBuild, batch)
		if err != nil {
			return err
		}
		plan := n.planFile
		if s.ReuseNumber {
			plan = planAgain
		}
		if id, err = plan(ctx, tx, s, b, last.Build+1, n.now()); err != nil {
			return err
		}
		return n.Enqueue(ctx, tx, JobBuild, batch)
	})
	return id, err
}
