package delivery

import (
	"context"
	"fmt"
	"path"
	"time"

	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// attempt is one try to deliver a file. Its steps and what each leaves behind are in docs/delivery.md.
type attempt struct {
	courier *Courier
	s       *Center
	file    files.File
	token   string
	no      int32
	prior   []priorAttempt
	link    *remote.Link
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
	earlierFiles = `SELECT count(*) FROM files WHERE center_id = $1 AND stream = $2 AND file_id < $3 AND state IN ` + states.Undelivered + `
	AND ($4 OR state <> ` + states.Quoted(states.FilePlanned) + ` OR failures = 0)`
	priorAttempts  = `SELECT attempt, token, reached = 'renaming', left_over FROM delivery_attempts WHERE file_id = $1 AND (left_over <> 'none' OR reached = 'renaming') ORDER BY attempt`
	endInterrupted = `UPDATE delivery_attempts SET outcome = 'retry', error = 'interrupted', ended_at = $2 WHERE file_id = $1 AND outcome = ''`
	beginAttempt   = `UPDATE files SET ` + states.TryFile.Set() + `, token = $2, attempts = attempts + 1 WHERE file_id = $1 RETURNING attempts`
	insertAttempt  = `INSERT INTO delivery_attempts (file_id, attempt, token, started_at) VALUES ($1, $2, $3, $4)`
)

// begin makes the file ours, in its own commit.
func (a *attempt) begin(ctx context.Context, id int64) error {
	return postgres.InTx(ctx, a.courier.pool, rows.Key("file/%d/attempt %s", id, a.token), func(tx pgx.Tx) error {
		var err error
		if a.file, err = files.One(ctx, tx, files.Lock, id); err != nil {
			return err
		}
		if err := files.Free(ctx, tx, a.s.ID, a.s.Name); err != nil {
			return err
		}
		if a.file.Frozen || a.file.State != states.FileReleased && a.file.State != states.FileSending {
			return fmt.Errorf("%w: file is %s, frozen: %t", states.ErrState, a.file.State, a.file.Frozen)
		}
		now := a.courier.now()
		if a.file.NextAttemptAt.After(now) {
			return fmt.Errorf("%w: the next attempt is at %s", states.ErrNotDue, a.file.NextAttemptAt.Format(time.RFC3339))
		}
		var earlier int
		if err := tx.QueryRow(ctx, earlierFiles, a.s.ID, a.s.Stream, id, a.s.InOrder).Scan(&earlier); err != nil {
			return err
		}
		if earlier > 0 {
			return fmt.Errorf("%w: %d earlier files are not delivered", states.ErrOrder, earlier)
		}
		if a.prior, err = rows.Collect[priorAttempt](ctx, tx, priorAttempts, id); err != nil {
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

// open tells that an earlier attempt may have moved the file.
func (a *attempt) open() bool {
	for _, p := range a.prior {
		if p.Renaming {
			return true
		}
	}
	return false
}
