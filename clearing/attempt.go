package clearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
	"path"
	"time"

	"settled/clearing/remote"
	"settled/clearing/store"
	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
)

// attempt is one try to deliver a file. Its steps and what each leaves behind are in docs/delivery.md.
type attempt struct {
	night *Night
	s     *station
	file  File
	token string
	no    int32
	prior []priorAttempt
	link  *remote.Link
	// renaming: this attempt has noted that it is about to rename.
	renaming bool
	// wrote: something may stand under this attempt's temporary name.
	wrote bool
}

// priorAttempt is an earlier attempt of the file that may have left its temporary name, or have moved it to the final name.
type priorAttempt struct {
	No       int32
	Token    string
	Renaming bool
	LeftOver string // unknown, none, kept
}

// outcome is how an attempt ended. Exactly one of proof and err is set.
type outcome struct {
	proof string
	err   error
	// unknown: the file may be at the center, and cannot be looked for.
	unknown bool
	// stopped: something at the center must be put right by a person first.
	stopped bool
	// open: the rename may have happened; the next attempt looks.
	open bool
}

var (
	earlierFiles = `SELECT count(*) FROM files WHERE center_id = $1 AND stream = $2 AND file_id < $3 AND state IN ` + undelivered + `
	AND ($4 OR state <> ` + quoted(FilePlanned) + ` OR failures = 0)`
	priorAttempts  = `SELECT attempt, token, reached = 'renaming', left_over FROM delivery_attempts WHERE file_id = $1 AND (left_over <> 'none' OR reached = 'renaming') ORDER BY attempt`
	endInterrupted = `UPDATE delivery_attempts SET outcome = 'retry', error = 'interrupted', ended_at = $2 WHERE file_id = $1 AND outcome = ''`
	beginAttempt   = `UPDATE files SET ` + fileTried.set() + `, token = $2, attempts = attempts + 1 WHERE file_id = $1 RETURNING attempts`
	insertAttempt  = `INSERT INTO delivery_attempts (file_id, attempt, token, started_at) VALUES ($1, $2, $3, $4)`
)

// begin makes the file ours, in its own commit.
func (a *attempt) begin(ctx context.Context, id int64) error {
	return postgres.InTx(ctx, a.night.Pool, key("file/%d/attempt %s", id, a.token), func(tx pgx.Tx) error {
		var err error
		if a.file, err = oneFile(ctx, tx, lockFile, id); err != nil {
			return err
		}
		if err := free(ctx, tx, a.s); err != nil {
			return err
		}
		if a.file.Frozen || a.file.State != FileReleased && a.file.State != FileSending {
			return fmt.Errorf("%w: file is %s, frozen: %t", ErrState, a.file.State, a.file.Frozen)
		}
		now := a.night.now()
		if a.file.NextAttemptAt.After(now) {
			return fmt.Errorf("%w: the next attempt is at %s", ErrNotDue, a.file.NextAttemptAt.Format(time.RFC3339))
		}
		var earlier int
		if err := tx.QueryRow(ctx, earlierFiles, a.s.ID, a.s.Stream, id, a.s.InOrder).Scan(&earlier); err != nil {
			return err
		}
		if earlier > 0 {
			return fmt.Errorf("%w: %d earlier files are not delivered", ErrOrder, earlier)
		}
		if a.prior, err = collect[priorAttempt](ctx, tx, priorAttempts, id); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, endInterrupted, id, now); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, beginAttempt, id, a.token).Scan(&a.no); err != nil {
			return err
		}
		_, err = tx.Exec(ctx, insertAttempt, id, a.no, a.token, now)
		return err
	})
}

func (a *attempt) final() string { return path.Join(a.s.Outbox, a.file.Name) }

// temporarySuffix ends the names of files that are being written.
const temporarySuffix = ".part"

// temporary is a hidden name in the same directory that only this attempt uses.
func (a *attempt) temporary(token string) string {
	return path.Join(a.s.Outbox, "."+a.file.Name+"."+token+temporarySuffix)
}

// run talks to the center.
func (a *attempt) run(ctx context.Context) outcome {
	var err error
	if a.link, err = a.night.dial(ctx, a.s); err != nil {
		return outcome{err: err, open: a.open()}
	}
	defer func() { _ = a.link.Close() }()
	out := a.deliver(ctx)
	if out.err != nil {
		a.night.linkError(ctx, a.s, out.err)
	}
	return out
}

// open tells that an earlier attempt may have moved the file.
func (a *attempt) open() bool {
	for _, p := range a.prior {
		if p.Renaming {
			return true
		}
	}
	return false
}

func (a *attempt) deliver(ctx context.Context) outcome {
	if out, done := a.look(); done {
		return out
	}
	if out := a.clean(ctx); out.err != nil {
		return out
	}
	a.night.crash("before upload")
	temporary := a.temporary(a.token)
	if err := a.upload(ctx, temporary); err != nil {
		return outcome{err: err}
	}
	a.night.crash("after upload")
	proof, err := a.compare(temporary)
	if err != nil {
		return outcome{err: err}
	}
	return a.move(ctx, temporary, proof)
}

// look is the restart table: what is at the center from earlier attempts.
func (a *attempt) look() (out outcome, done bool) {
	_, found, err := a.link.Stat(a.final())
	switch {
	case err != nil:
		return outcome{err: err, open: a.open()}, true
	case found:
		return a.present(), true
	}
	for _, p := range a.prior {
		if !p.Renaming {
			continue
		}
		_, there, err := a.link.Stat(a.temporary(p.Token))
		if err != nil {
			return outcome{err: err, open: true}, true
		}
		if !there && a.s.RemovesFiles {
			err := errors.New("clearing: the file may have been taken: its rename was not answered, and the center removes files")
			return outcome{err: err, unknown: true}, true
		}
	}
	return outcome{}, false
}

// maxLeftOver bounds the temporary names of one file that stay at a center because we may not remove them: each is as large
// as the file. After that many a person has them removed there, and lets the file go on.
const maxLeftOver = 5

const (
	cleaned      = `UPDATE delivery_attempts SET left_over = $3 WHERE file_id = $1 AND attempt = $2`
	forgetRename = `UPDATE delivery_attempts SET reached = 'ended' WHERE file_id = $1`
)

// clean forgets renames that are now known not to have happened, and then removes what earlier attempts left. What it may
// not remove stays and is noted: this attempt has a name of its own.
func (a *attempt) clean(ctx context.Context) outcome {
	if a.open() {
		if _, err := a.night.Pool.Exec(ctx, forgetRename, a.file.ID); err != nil {
			return outcome{err: err}
		}
	}
	kept := 0
	for _, p := range a.prior {
		if p.LeftOver == "none" {
			continue
		}
		left, err := a.remove(ctx, p)
		if err != nil {
			return outcome{err: err}
		}
		kept += left
	}
	if kept >= maxLeftOver && a.file.Failures > 0 {
		err := &remote.Error{Op: "clean up", Class: remote.Permission, Err: fmt.Errorf("%d temporary files of %s may not be removed: have the center remove them", kept, a.file.Name)}
		return outcome{err: err, stopped: true}
	}
	return outcome{}
}

// remove takes one temporary name away, or notes that it must stay; left is then 1.
func (a *attempt) remove(ctx context.Context, p priorAttempt) (left int, err error) {
	name, state := a.temporary(p.Token), "none"
	if err := a.link.Remove(name); err != nil {
		if remote.Lost(err) {
			return 0, err
		}
		state, left = "kept", 1
		if p.LeftOver != state {
			a.night.Log.WarnContext(ctx, "temporary file may not be removed", slog.String("center", a.s.Name), slog.String("name", name), slog.Any("error", err))
		}
	}
	_, err = a.night.Pool.Exec(ctx, cleaned, a.file.ID, p.No, state)
	return left, err
}

// present judges a file that is there under the final name: it is ours, or a person must look.
func (a *attempt) present() outcome {
	proof, err := a.compare(a.final())
	if err != nil {
		class := remote.ClassOf(err)
		return outcome{err: err, stopped: class == remote.Mismatch, open: class != remote.Mismatch}
	}
	switch {
	case proof == ProofHash:
		return outcome{proof: ProofPresent}
	case proof == ProofSize:
		return outcome{proof: ProofPresentSize}
	case a.open() || a.renaming:
		return outcome{proof: proof}
	}
	return outcome{err: a.differs(a.final(), "a file is there that we did not bring, and the server tells nothing of it"), stopped: true}
}

// upload writes the stored bytes under a temporary name.
func (a *attempt) upload(ctx context.Context, name string) error {
	stored := store.Open(a.night.Pool, a.night.Vault, store.Files, a.file.ID)
	hash := sha256.New()
	a.wrote = true
	size, err := a.link.Put(name, func() ([]byte, error) {
		block, err := stored.Next(ctx)
		hash.Write(block)
		return block, err
	})
	if err != nil {
		return err
	}
	if size != *a.file.Bytes || !bytes.Equal(hash.Sum(nil), a.file.SHA256) {
		return &remote.Error{Op: "read stored bytes", Class: remote.Mismatch, Err: ErrTotals}
	}
	return nil
}

func (a *attempt) differs(name, what string, args ...any) error {
	return &remote.Error{Op: "verify " + name, Class: remote.Mismatch, Err: fmt.Errorf(what, args...)}
}

// compare proves that a file at the center has our bytes, as well as the account may look. It returns the grade of the
// proof: ProofHash, ProofSize, or ProofWritten.
func (a *attempt) compare(name string) (proof string, err error) {
	e, found, err := a.link.Stat(name)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", a.differs(name, "the server has no such file")
	case e.Size != 0 && e.Size != *a.file.Bytes:
		return "", a.differs(name, "%d bytes at the server, %d are ours", e.Size, *a.file.Bytes)
	}
	hash := sha256.New()
	read, err := a.link.Read(name, hash)
	switch {
	case err != nil && remote.ClassOf(err) == remote.Permission:
		return a.unread(name, e)
	case err != nil:
		return "", err
	case read.Size != *a.file.Bytes || !bytes.Equal(hash.Sum(nil), a.file.SHA256):
		return "", a.differs(name, "other bytes at the server")
	}
	return ProofHash, nil
}

// unread is the proof of a file that the account may not read.
func (a *attempt) unread(name string, e remote.Entry) (proof string, err error) {
	switch {
	case e.Size > 0:
		return ProofSize, nil
	case a.s.HidesSizes:
		return ProofWritten, nil
	}
	return "", a.differs(name, "the server tells 0 bytes and does not let us read: nothing is proven")
}

var reachRename = `
UPDATE delivery_attempts SET reached = 'renaming' WHERE file_id = $1 AND attempt = $2
	AND EXISTS (SELECT FROM files WHERE file_id = $1 AND state = ` + quoted(FileSending) + ` AND token = $3)`

// reach notes durably that the rename is about to happen; a worker whose file was taken over is stopped here.
func (a *attempt) reach(ctx context.Context) error {
	a.renaming = true
	return postgres.InTx(ctx, a.night.Pool, key("file/%d/rename", a.file.ID), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, reachRename, a.file.ID, a.no, a.token)
		if err == nil && tag.RowsAffected() != 1 {
			err = ErrFenced
		}
		if err == nil {
			err = free(ctx, tx, a.s)
		}
		return err
	})
}

// move gives the proven bytes their final name and proves it again.
func (a *attempt) move(ctx context.Context, temporary, proof string) outcome {
	if _, found, err := a.link.Stat(a.final()); err != nil || found {
		if found {
			return a.present()
		}
		return outcome{err: err}
	}
	if err := a.reach(ctx); err != nil {
		return outcome{err: err}
	}
	a.night.crash("before rename")
	err := a.link.Rename(temporary, a.final())
	a.night.crash("after rename")
	if err != nil {
		return a.notMoved(temporary, err)
	}
	return a.moved(temporary, proof)
}

// notMoved judges a rename that failed. When the answer was lost, the next attempt looks.
func (a *attempt) notMoved(temporary string, cause error) outcome {
	if remote.Ambiguous(cause) {
		return outcome{err: cause, open: true}
	}
	_, there, err := a.link.Stat(temporary)
	if err != nil || !there {
		return outcome{err: errors.Join(cause, err), open: true}
	}
	if _, found, err := a.link.Stat(a.final()); err != nil || found {
		return outcome{err: errors.Join(cause, err), open: true}
	}
	return outcome{err: cause}
}

// moved judges a rename that the server says it did: servers have been seen to lie.
func (a *attempt) moved(temporary, proof string) outcome {
	final, found, err := a.link.Stat(a.final())
	if err != nil {
		return outcome{err: err, open: true}
	}
	_, left, err := a.link.Stat(temporary)
	if err != nil {
		return outcome{err: err, open: true}
	}
	lie := func(what string, args ...any) error {
		return &remote.Error{Op: "rename " + temporary, Class: remote.Mismatch, Err: fmt.Errorf("the server said yes, but "+what, args...)}
	}
	switch {
	case found && final.Size == 0:
		again, err := a.compare(a.final())
		return outcome{proof: again, err: err, stopped: remote.ClassOf(err) == remote.Mismatch, open: true}
	case found && final.Size != *a.file.Bytes:
		return outcome{err: lie("the file has %d of %d bytes", final.Size, *a.file.Bytes), stopped: true}
	case left:
		return outcome{err: lie("the temporary name is still there"), open: found}
	case found:
		return outcome{proof: proof}
	case a.s.RemovesFiles:
		return outcome{proof: ProofTaken}
	}
	return outcome{err: lie("the file is gone")}
}

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
UPDATE files SET state = ` + provenState + `, delivered_at = $3, proof = $4, failures = 0, last_error = '', error_class = '', unknown_since = NULL
WHERE file_id = $1 AND ` + fileProven.may() + ` AND token = $2`
	endFailed = `
UPDATE files SET state = $3, frozen = $4, failures = failures + 1, last_error = $5, error_class = $6, next_attempt_at = $7,
	unknown_since = CASE WHEN $3 = ` + quoted(FileUnknown) + ` THEN $8::timestamptz END
WHERE file_id = $1 AND ` + fileFailed.may() + ` AND token = $2`
	endAttempt = `
UPDATE delivery_attempts SET ended_at = $3, reached = $4, outcome = $5, error_class = $6, error = $7, left_over = $8 WHERE file_id = $1 AND attempt = $2`
)

// end commits the outcome, if the file is still ours.
func (a *attempt) end(ctx context.Context, out outcome) error {
	if ctx.Err() != nil { // the process is ending: the next one finds the attempt interrupted
		return errors.Join(out.err, ctx.Err())
	}
	now := a.night.now()
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
	err := postgres.InTx(ctx, a.night.Pool, key("file/%d/end %s", a.file.ID, a.token), func(tx pgx.Tx) error {
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
	state := FileReleased
	switch {
	case out.unknown:
		state = FileUnknown
	case out.open:
		state = FileSending
	}
	wait := pause(a.file.Failures, remote.Class(class))
	tag, err := tx.Exec(ctx, endFailed, a.file.ID, a.token, state, out.stopped, text, class, now.Add(wait), now)
	return tag.RowsAffected() == 1, err
}

// report logs and counts the outcome; classes that time does not heal are paged at their first occurrence.
func (a *attempt) report(ctx context.Context, out outcome, metric string, now time.Time) {
	n := a.night
	n.metrics.uploads.WithLabelValues(a.s.Name, metric).Inc()
	if out.err == nil {
		n.Log.InfoContext(ctx, "file delivered", slog.String("center", a.s.Name), slog.String("file", a.file.Name), slog.String("proof", out.proof), slog.Bool("late", now.After(a.file.DeadlineAt)))
		return
	}
	n.Log.WarnContext(ctx, "file not delivered", slog.String("center", a.s.Name), slog.String("file", a.file.Name), slog.Any("error", out.err), slog.Bool("unknown", out.unknown))
	switch class := remote.ClassOf(out.err); {
	case out.unknown:
		n.page(ctx, a.s, pageUnknownDelivery, "file", a.file.Name)
	case out.stopped:
		n.page(ctx, a.s, pageDeliveryStopped, "file", a.file.Name, "error", out.err)
	case now.After(a.file.DeadlineAt):
		n.page(ctx, a.s, pageDeadlinePassed, "file", a.file.Name, "error", out.err)
	case class != remote.Connection && class != remote.Timeout && string(class) != a.file.ErrorClass:
		n.page(ctx, a.s, pageOfDelivery[class], "file", a.file.Name, "error", out.err)
	}
}
