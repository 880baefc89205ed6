package clearing

import (
	"context"
	"fmt"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// NameLost finds the center that a file of ours with the name, or the id inside of it, is for, by that alone, for a person who says that the
// center has it. states.ErrNotFound: no center's files are named so, or those of several.
func (n *Night) NameLost(name, evidence string) (center int16, l LostFile, err error) {
	for _, s := range n.centers {
		found, ok := s.lostFile(name, evidence)
		switch {
		case ok && center != 0:
			return 0, l, fmt.Errorf("%w: files of several centers are named like %q: give the name at the center", states.ErrNotFound, name)
		case ok:
			center, l = s.ID, found
		}
	}
	if center == 0 {
		return 0, l, fmt.Errorf("%w: no center's files are named like %q", states.ErrNotFound, name)
	}
	return center, l, nil
}

// knownFile tells that the books have a file of a center.
func knownFile(ctx context.Context, tx pgx.Tx, s *station, name string) (known bool, err error) {
	err = tx.QueryRow(ctx, `SELECT EXISTS (SELECT FROM files WHERE center_id = $1 AND $2 IN (name, logical_id))`, s.ID, name).Scan(&known)
	return known, err
}

var (
	sequenceOfScope = `SELECT last, base FROM file_sequences WHERE center_id = $1 AND stream = $2 AND scope = $3`
	insertLost      = `
INSERT INTO lost_files (epoch, base, sequence, business_date, center_id, stream, scope, name, evidence)
SELECT max(epoch), $1, $2, $3, $4, $5, $6, $7, $8 FROM epochs HAVING max(epoch) IS NOT NULL ON CONFLICT DO NOTHING`
	fillLost = `
INSERT INTO lost_files (epoch, base, sequence, center_id, stream, scope, name, evidence)
SELECT e.epoch, CASE WHEN n > $5 THEN $5 ELSE $4 END, CASE WHEN n > $5 THEN n - $5 ELSE n - $4 END, $1, $2, $3, '', 'its number is below one that was seen'
FROM (SELECT max(epoch) AS epoch FROM epochs) e, generate_series($6::int + 1, $7::int) n
WHERE NOT EXISTS (SELECT FROM lost_files l WHERE l.center_id = $1 AND l.stream = $2 AND l.scope = $3 AND l.base + l.sequence = n)`
	raiseSequence = `
INSERT INTO file_sequences (center_id, stream, scope, last, base) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (center_id, stream, scope) DO UPDATE SET last = excluded.last, base = excluded.base`
	// doubtFiles: what was on its way may have arrived in the time that the books lack, and a center that shows nothing cannot tell.
	doubtFiles = `
UPDATE files SET state = CASE WHEN ` + states.DoubtFile.May() + ` THEN ` + states.Quoted(states.FileUnknown) + ` ELSE state END,
	unknown_since = CASE WHEN ` + states.DoubtFile.May() + ` THEN $2::timestamptz ELSE unknown_since END, token = '',
	frozen = frozen OR state IN ` + states.In(states.FilePlanned, states.FileBuilt) + `, last_error = 'it may have been sent in the time that the books lack'
WHERE center_id = $1 AND state IN ` + states.In(states.FilePlanned, states.FileBuilt, states.FileReleased, states.FileSending) + ` AND planned_at <= $2`
	// freezeDates stops what waits of the business dates of lost files, see releaseFile.
	freezeDates = `
UPDATE files f SET frozen = true, last_error = 'the center has ' || l.name || ', which the books lack: what is in this file may be in that one'
FROM batches b, lost_files l
WHERE f.center_id = $1 AND f.state IN ` + states.OnItsWay + ` AND b.batch_id = f.batch_id
	AND (l.center_id, l.stream, l.business_date) = (b.center_id, b.stream, b.business_date)`
)

// AfterRestore lets a center's night go on, in a transaction of the caller who has locked the epochs: the numbers of lost files, and all
// below them, are never given again, what goes of their business dates waits for a person, and so does what was on its way to a center
// that cannot be looked at. lost are the files of which a person knows.
func (n *Night) AfterRestore(ctx context.Context, tx pgx.Tx, v Survey, lost []LostFile) error {
	s, err := n.station(v.Center)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, lockStream, sealLock, s.Name+"/"+s.Stream); err != nil {
		return err
	}
	for _, l := range lost {
		if err := n.passOver(ctx, tx, s, l); err != nil {
			return fmt.Errorf("pass over the number of %s: %w", l.Name, err)
		}
	}
	return n.goOnAfter(ctx, tx, s, v)
}

// passOver notes a lost file, and raises the counter of its numbers above it.
func (n *Night) passOver(ctx context.Context, tx pgx.Tx, s *station, l LostFile) error {
	if known, err := knownFile(ctx, tx, s, l.Name); known || err != nil {
		return err
	}
	scope := s.scope(l.BusinessDate)
	var last, base int32
	if err := tx.QueryRow(ctx, sequenceOfScope, s.ID, s.Stream, scope).Scan(&last, &base); err != nil && !rows.Missing(err) {
		return err
	}
	begin := s.roundOf(l.Sequence, last, base)
	if _, err := tx.Exec(ctx, insertLost, begin, l.Sequence, l.BusinessDate, s.ID, s.Stream, scope, l.Name, l.Evidence); err != nil {
		return err
	}
	if begin+l.Sequence <= last {
		return nil
	}
	if _, err := tx.Exec(ctx, fillLost, s.ID, s.Stream, scope, base, begin, last, begin+l.Sequence); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, raiseSequence, s.ID, s.Stream, scope, begin+l.Sequence, begin)
	return err
}

// roundOf is how many numbers were given before the round that a number is of: the one that is open, or, where numbers begin again and
// it is far below the last one, the next.
func (p Profile) roundOf(sequence, last, base int32) int32 {
	if half := p.highest() / 2; p.AfterLast == WrapAfterLast && last-base > half && sequence < half {
		return base + p.highest()
	}
	return base
}

func (n *Night) goOnAfter(ctx context.Context, tx pgx.Tx, s *station, v Survey) error {
	now := n.now()
	if v.Blind != "" && v.Missed {
		if _, err := tx.Exec(ctx, doubtFiles, s.ID, now); err != nil {
			return fmt.Errorf("doubt files on their way: %w", err)
		}
	}
	if _, err := tx.Exec(ctx, freezeDates, s.ID); err != nil {
		return fmt.Errorf("freeze files: %w", err)
	}
	if _, err := tx.Exec(ctx, noteLook, s.ID, now, states.LookClear, v.words()); err != nil {
		return fmt.Errorf("note the look: %w", err)
	}
	return breaks.Close(ctx, tx, now, breaks.Where{Category: breaks.BooksLackFiles, Center: s.ID}, "")
}
