package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// run talks to the center.
func (a *attempt) run(ctx context.Context) outcome {
	var err error
	if a.link, err = a.courier.dialer.Dial(ctx, a.s.server()); err != nil {
		return outcome{err: err, open: a.open()}
	}
	defer func() { _ = a.link.Close() }()
	out := a.deliver(ctx)
	if out.err != nil {
		a.courier.dialer.Failed(ctx, a.s.server(), out.err)
	}
	return out
}

func (a *attempt) deliver(ctx context.Context) outcome {
	if out, done := a.look(); done {
		return out
	}
	if out := a.clean(ctx); out.err != nil {
		return out
	}
	a.courier.crash("before upload")
	temporary := a.temporary(a.token)
	if err := a.upload(ctx, temporary); err != nil {
		return outcome{err: err}
	}
	a.courier.crash("after upload")
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
		if !there && a.s.Removes {
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
		if _, err := a.courier.pool.Exec(ctx, forgetRename, a.file.ID); err != nil {
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
			a.courier.log.WarnContext(ctx, "temporary file may not be removed", slog.String("center", a.s.Name), slog.String("name", name), slog.Any("error", err))
		}
	}
	_, err = a.courier.pool.Exec(ctx, cleaned, a.file.ID, p.No, state)
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
	case proof == files.ProofHash:
		return outcome{proof: files.ProofPresent}
	case proof == files.ProofSize:
		return outcome{proof: files.ProofPresentSize}
	case a.open() || a.renaming:
		return outcome{proof: proof}
	}
	return outcome{err: a.differs(a.final(), "a file is there that we did not bring, and the server tells nothing of it"), stopped: true}
}

var reachRename = `
UPDATE delivery_attempts SET reached = 'renaming' WHERE file_id = $1 AND attempt = $2
	AND EXISTS (SELECT FROM files WHERE file_id = $1 AND state = ` + states.Quoted(states.FileSending) + ` AND token = $3)`

// reach notes durably that the rename is about to happen; a worker whose file was taken over is stopped here.
func (a *attempt) reach(ctx context.Context) error {
	a.renaming = true
	return postgres.InTx(ctx, a.courier.pool, rows.Key("file/%d/rename", a.file.ID), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, reachRename, a.file.ID, a.no, a.token)
		if err == nil && tag.RowsAffected() != 1 {
			err = ErrFenced
		}
		if err == nil {
			err = files.Free(ctx, tx, a.s.ID, a.s.Name)
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
	a.courier.crash("before rename")
	err := a.link.Rename(temporary, a.final())
	a.courier.crash("after rename")
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
	case a.s.Removes:
		return outcome{proof: files.ProofTaken}
	}
	return outcome{err: lie("the file is gone")}
}
