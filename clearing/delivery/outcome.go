package delivery

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

// retryAfter is the pause before the next attempt, by the number of failures in a row.
var retryAfter = [...]time.Duration{15 * time.Second, 30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute}

// fullPause is the pause after a full disk: somebody has to make room, and each attempt takes what there is.
const fullPause = 10 * time.Minute

func pause(failures int32, class remote.Class) time.Duration {
	if class == remote.DiskFull {
		return fullPause
	}
	return retryAfter[min(int(failures), len(retryAfter)-1)]
}

var (
	endDelivered = `
UPDATE files SET state = ` + files.ProvenState + `, delivered_at = $3, proof = $4, failures = 0, last_error = '', error_class = '', unknown_since = NULL
WHERE file_id = $1 AND ` + states.ProveFile.May() + ` AND token = $2`
	endFailed = `
UPDATE files SET state = $3, frozen = $4, failures = failures + 1, last_error = $5, error_class = $6, next_attempt_at = $7,
	unknown_since = CASE WHEN $3 = ` + states.Quoted(states.FileUnknown) + ` THEN $8::timestamptz END
WHERE file_id = $1 AND ` + states.FailFile.May() + ` AND token = $2`
	endAttempt = `
UPDATE delivery_attempts SET ended_at = $3, reached = $4, outcome = $5, error_class = $6, error = $7, left_over = $8 WHERE file_id = $1 AND attempt = $2`
)

// end commits the outcome, if the file is still ours.
func (a *attempt) end(ctx context.Context, out outcome) error {
	if ctx.Err() != nil { // the process is ending: the next one finds the attempt interrupted
		return errors.Join(out.err, ctx.Err())
	}
	now := a.courier.now()
	class, text, result, metric := "", "", "delivered", "ok"
	if out.err != nil {
		class, text, result, metric = string(remote.ClassOf(out.err)), vault.Words(out.err.Error()), "retry", "retry"
	}
	reached := "ended"
	switch {
	case out.unknown:
		result, metric = "unknown", "failed"
	case out.stopped:
		result, metric = "stopped", "failed"
	case out.open && a.renaming:
		reached = "renaming"
	}
	left := "unknown"
	if !a.wrote || out.proof != "" && a.renaming {
		left = "none"
	}
	err := postgres.InTx(ctx, a.courier.pool, rows.Key("file/%d/end %s", a.file.ID, a.token), func(tx pgx.Tx) error {
		changed, err := a.endFile(ctx, tx, out, now, class, text)
		if err != nil {
			return err
		}
		if !changed {
			return ErrFenced
		}
		_, err = tx.Exec(ctx, endAttempt, a.file.ID, a.no, now, reached, result, class, text, left)
		return err
	})
	if err != nil {
		return errors.Join(out.err, err)
	}
	a.report(ctx, out, metric, now)
	return nil
}

func (a *attempt) endFile(ctx context.Context, tx pgx.Tx, out outcome, now time.Time, class, text string) (bool, error) {
	if out.err == nil {
		tag, err := tx.Exec(ctx, endDelivered, a.file.ID, a.token, now, out.proof)
		return tag.RowsAffected() == 1, err
	}
	state := states.FileReleased
	switch {
	case out.unknown:
		state = states.FileUnknown
	case out.open:
		state = states.FileSending
	}
	wait := pause(a.file.Failures, remote.Class(class))
	tag, err := tx.Exec(ctx, endFailed, a.file.ID, a.token, state, out.stopped, text, class, now.Add(wait), now)
	return tag.RowsAffected() == 1, err
}

// report logs and counts the outcome; classes that time does not heal are paged at their first occurrence.
func (a *attempt) report(ctx context.Context, out outcome, metric string, now time.Time) {
	c := a.courier
	c.uploads.WithLabelValues(a.s.Name, metric).Inc()
	if out.err == nil {
		c.log.InfoContext(ctx, "file delivered", slog.String("center", a.s.Name), slog.String("file", a.file.Name), slog.String("proof", out.proof), slog.Bool("late", now.After(a.file.DeadlineAt)))
		return
	}
	c.log.WarnContext(ctx, "file not delivered", slog.String("center", a.s.Name), slog.String("file", a.file.Name), slog.Any("error", out.err), slog.Bool("unknown", out.unknown))
	switch class := remote.ClassOf(out.err); {
	case out.unknown:
		c.pager.Page(ctx, a.s.Name, pageUnknownDelivery, "file", a.file.Name)
	case out.stopped:
		c.pager.Page(ctx, a.s.Name, pageDeliveryStopped, "file", a.file.Name, "error", out.err)
	case now.After(a.file.DeadlineAt):
		c.pager.Page(ctx, a.s.Name, pageDeadlinePassed, "file", a.file.Name, "error", out.err)
	case class != remote.Connection && class != remote.Timeout && string(class) != a.file.ErrorClass:
		c.pager.Page(ctx, a.s.Name, pageOfDelivery[class], "file", a.file.Name, "error", out.err)
	}
}
