package clearing

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/files"
	"settled/clearing/format"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// One transaction of a stream at a time gives files their numbers. Where none is left, a file waits for one.

// waitingName stands for the name of a file that has no number yet.
func waitingName(c *settle.Center, businessDate time.Time, count int32) string {
	return fmt.Sprintf("unnumbered_%s_%s_%s_%d", c.Name, c.Stream, businessDate.Format("20060102"), count)
}

// fileName is the name of a build of a batch at the center.
func (s *station) fileName(businessDate time.Time, sequence int32, part, parts, build int16) string {
	return s.Format.FileName(format.Name{Center: s.Name, Stream: s.Stream, BusinessDate: businessDate, Sequence: sequence, Part: part, Parts: parts, Build: build})
}

var (
	nextNumber = `
INSERT INTO file_sequences (center_id, stream, scope, last) VALUES ($1, $2, $3, 1)
ON CONFLICT (center_id, stream, scope) DO UPDATE SET last = file_sequences.last + 1 RETURNING last, base`
	insertFile = `
INSERT INTO files (batch_id, build, center_id, stream, scope, base, sequence, name, logical_id, state, planned_at, next_attempt_at, deadline_at)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', ` + states.Quoted(states.FileWaiting) + `, $9, $9, $10) RETURNING file_id`
	insertAgain = `
INSERT INTO files (batch_id, build, center_id, stream, scope, base, sequence, name, logical_id, planned_at, next_attempt_at, deadline_at)
SELECT batch_id, $2, center_id, stream, scope, base, sequence, $3, logical_id, $4, $4, $5 FROM files WHERE file_id = $1 RETURNING file_id`
)

// planFile gives a build of a batch the next number and its name. Where the center's numbers are at their end, the file
// waits for one.
func (n *Night) planFile(ctx context.Context, tx pgx.Tx, s *station, b Batch, build int16, now time.Time) (id int64, err error) {
	if err := lockNumbers(ctx, tx, s); err != nil {
		return 0, err
	}
	scope := s.scope(b.BusinessDate)
	var count, base int32
	if err := tx.QueryRow(ctx, nextNumber, s.ID, s.Stream, scope).Scan(&count, &base); err != nil {
		return 0, fmt.Errorf("count a file: %w", err)
	}
	err = tx.QueryRow(ctx, insertFile, b.ID, build, s.ID, s.Stream, scope, base, count-base, waitingName(s.Center, b.BusinessDate, count),
		now, b.DeadlineAt).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("insert file %d of %s: %w", count, s.Name, err)
	}
	_, err = n.numberScope(ctx, tx, s, scope, now)
	return id, err
}

// planAgain gives a build of a batch the number of the one before it.
func planAgain(ctx context.Context, tx pgx.Tx, s *station, b Batch, build int16, now time.Time) (id int64, err error) {
	if err := lockNumbers(ctx, tx, s); err != nil {
		return 0, err
	}
	before, err := files.One(ctx, tx, files.LatestBuild, b.ID)
	if err != nil {
		return 0, err
	}
	name := s.fileName(b.BusinessDate, before.Sequence, b.Part, b.Parts, build)
	if err := tx.QueryRow(ctx, insertAgain, before.ID, build, name, now, b.DeadlineAt).Scan(&id); err != nil {
		return 0, fmt.Errorf("insert file %s: %w", name, err)
	}
	return id, nil
}

// sealLock is the class of the advisory locks of center and stream, under which windows are counted and numbered.
const sealLock = 0x5e7714

const lockStream = `SELECT pg_advisory_xact_lock($1, hashtext($2))`

// lockNumbers lets one transaction at a time number files of a stream. states.ErrHeld: none may.
func lockNumbers(ctx context.Context, tx pgx.Tx, s *station) error {
	if _, err := tx.Exec(ctx, lockStream, sealLock, s.Name+"/"+s.Stream); err != nil {
		return err
	}
	return files.Free(ctx, tx, s.ID, s.Name)
}

// unnumbered is a file that waits for a number.
type unnumbered struct {
	File, Batch  int64
	Build        int16
	Scope        string
	Count        int32 // of the scope's files, from 1
	BusinessDate time.Time
	Part, Parts  int16
}

var (
	waitingFiles = `
SELECT file_id, batch_id, build, scope, base + sequence, business_date, part, parts FROM files f JOIN batches b USING (batch_id)
WHERE f.center_id = $1 AND f.stream = $2 AND f.scope = $3 AND f.state = ` + states.Quoted(states.FileWaiting) + ` ORDER BY f.base + f.sequence`
	roundOf = `SELECT base FROM file_sequences WHERE center_id = $1 AND stream = $2 AND scope = $3`
	// numberFile finds no file where another batch has the id or the name already: its number was used on that day.
	numberFile = `
UPDATE files f SET base = $2, sequence = $3, name = $4, logical_id = $5, ` + states.NumberFile.Set() + `, next_attempt_at = $6, last_error = '', error_class = ''
WHERE file_id = $1 AND NOT EXISTS (SELECT FROM files o WHERE o.center_id = f.center_id AND o.logical_id = $5 AND o.batch_id <> f.batch_id)
	AND NOT EXISTS (SELECT FROM files o WHERE o.center_id = f.center_id AND o.name = $4)`
	beginRound = `UPDATE file_sequences SET base = $4 WHERE center_id = $1 AND stream = $2 AND scope = $3 AND base <> $4`
	noNumber   = `
UPDATE files SET error_class = 'number', last_error = $4 WHERE center_id = $1 AND stream = $2 AND scope = $3 AND state = ` + states.Quoted(states.FileWaiting) + ` AND last_error <> $4`
)

// numberScope gives the files of a scope that wait for a number theirs, in order, until none is left. It returns how many
// got one.
func (n *Night) numberScope(ctx context.Context, tx pgx.Tx, s *station, scope string, now time.Time) (int, error) {
	waiting, err := rows.Collect[unnumbered](ctx, tx, waitingFiles, s.ID, s.Stream, scope)
	if err != nil {
		return 0, fmt.Errorf("read files without a number: %w", err)
	}
	for i, f := range waiting {
		why, err := giveNumber(ctx, tx, s, f, now)
		if err == nil && why != "" {
			_, err = tx.Exec(ctx, noNumber, s.ID, s.Stream, scope, why)
		}
		if err != nil || why != "" {
			return i, err
		}
	}
	return len(waiting), nil
}

// giveNumber gives one file its number, or tells why it must wait.
func giveNumber(ctx context.Context, tx pgx.Tx, s *station, f unnumbered, now time.Time) (why string, err error) {
	var base int32
	if err := tx.QueryRow(ctx, roundOf, s.ID, s.Stream, f.Scope).Scan(&base); err != nil {
		return "", fmt.Errorf("read the round of file %d: %w", f.File, err)
	}
	begin, sequence, ok := s.place(f.Count, base)
	if !ok {
		return fmt.Sprintf("the numbers of the center's files end at %d", s.highest()), nil
	}
	name, id := s.fileName(f.BusinessDate, sequence, f.Part, f.Parts, f.Build), s.Format.FileID(f.BusinessDate, sequence)
	tag, err := tx.Exec(ctx, numberFile, f.File, begin, sequence, name, id, now)
	if err != nil {
		return "", fmt.Errorf("number file %s: %w", name, err)
	}
	if tag.RowsAffected() != 1 {
		return fmt.Sprintf("number %d of %s was used by another file", sequence, f.BusinessDate.Format(time.DateOnly)), nil
	}
	if _, err := tx.Exec(ctx, beginRound, s.ID, s.Stream, f.Scope, begin); err != nil {
		return "", fmt.Errorf("begin a round of numbers: %w", err)
	}
	return "", breaks.Close(ctx, tx, now, breaks.Where{Fingerprint: waitingBreak(f.File)}, "")
}

// waitingBreak is the fingerprint of the break of a file that waits for a number.
func waitingBreak(file int64) string { return fmt.Sprintf("%s/file/%d", breaks.FileNumbers, file) }

// numberCenter numbers the files that wait, where the profile has room for them now, and watches how many numbers are left.
func (n *Night) numberCenter(ctx context.Context, s *station, now time.Time) (int, error) {
	scopes, err := rows.Column[string](ctx, n.Pool, `
SELECT DISTINCT scope FROM files WHERE center_id = $1 AND stream = $2 AND state = `+states.Quoted(states.FileWaiting)+` ORDER BY scope`, s.ID, s.Stream)
	if err != nil {
		return 0, fmt.Errorf("look for files without a number: %w", err)
	}
	given := 0
	for _, scope := range scopes {
		count, err := n.numberWaiting(ctx, s, scope, now)
		if errors.Is(err, states.ErrHeld) {
			return given, nil
		}
		if err != nil {
			return given, err
		}
		given += count
	}
	return given, n.watchNumbers(ctx, s, now)
}

func (n *Night) numberWaiting(ctx context.Context, s *station, scope string, now time.Time) (given int, err error) {
	err = postgres.InTx(ctx, n.Pool, rows.Key("center/%d/number files of %s", s.ID, scope), func(tx pgx.Tx) error {
		if err := lockNumbers(ctx, tx, s); err != nil {
			return err
		}
		given, err = n.numberScope(ctx, tx, s, scope, now)
		return err
	})
	if given > 0 && err == nil {
		n.Log.InfoContext(ctx, "files numbered that waited", slog.String("center", s.Name), slog.Int("files", given))
	}
	return given, err
}

var (
	// Breaks are opened for what these find: $1 is the category.
	unnumberedFiles = `
SELECT $1::text || '/file/' || file_id AS fingerprint, center_id, ` + breaks.OfNoMerchant + `,
	'the file of batch ' || batch_id || ' has no number: ' || last_error AS note
FROM files WHERE center_id = $2 AND stream = $3 AND state = ` + states.Quoted(states.FileWaiting) + ``
	// fewNumbers looks at the newest counter of the kind that the profile uses; $5 is the last number, NULL where numbers
	// begin again, and $6 how many are few.
	fewNumbers = `
SELECT format('%s/numbers/%s/%s/%s/%s/%s', $1::text, center_id, stream, scope, base, $5::int) AS fingerprint, center_id, ` + breaks.OfNoMerchant + `,
	format('%s numbers are left for files before the last, %s', greatest($5::int - (last - base), 0), $5::int) AS note
FROM (SELECT * FROM file_sequences WHERE center_id = $2 AND stream = $3 AND (scope = '') = $4 ORDER BY scope DESC LIMIT 1) s
WHERE $5::int - (last - base) < $6`
)

// few is what fewer numbers must be left than for a person to look: a hundred, or a tenth of all where that is less.
func (p Profile) few() int32 { return min(100, max(2, p.highest()/10)) }

// watchNumbers opens a break, and pages, for each file without a number, and once before the last number is given.
func (n *Night) watchNumbers(ctx context.Context, s *station, now time.Time) error {
	waiting, err := breaks.OpenEach(ctx, n.Pool, breaks.FileNumbers, now, unnumberedFiles, s.ID, s.Stream)
	if err != nil {
		return fmt.Errorf("watch for files without a number: %w", err)
	}
	if len(waiting) > 0 {
		n.page(ctx, s, pageFileUnnumbered, "files", len(waiting), "first", waiting[0].Note)
	}
	few, err := n.watchCounter(ctx, s, now)
	if err != nil {
		return fmt.Errorf("watch numbers: %w", err)
	}
	if len(few) > 0 {
		n.page(ctx, s, pageNumbersLow, "note", few[0].Note)
	}
	return nil
}

// watchCounter opens the break of a center's counter that has few numbers left, if it was not open, and closes those of others.
func (n *Night) watchCounter(ctx context.Context, s *station, now time.Time) ([]breaks.Opened, error) {
	args := []any{s.ID, s.Stream, s.Sequence == Forever, s.end(), s.few()}
	low, err := rows.Column[string](ctx, n.Pool, `SELECT fingerprint FROM (`+fewNumbers+`) f`, append([]any{breaks.FileNumbers}, args...)...)
	if err != nil {
		return nil, err
	}
	others := breaks.Where{Category: breaks.FileNumbers, Center: s.ID, Under: fmt.Sprintf("%s/numbers/%d/%s", breaks.FileNumbers, s.ID, s.Stream)}
	if len(low) > 0 {
		others.Except = low[0]
	}
	if err := breaks.Close(ctx, n.Pool, now, others, ""); err != nil {
		return nil, err
	}
	return breaks.ReopenEach(ctx, n.Pool, breaks.FileNumbers, now, fewNumbers, args...)
}
