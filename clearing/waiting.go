package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/clearing/states"
	"settled/internal/listing"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// WaitingFiles are the files that a person must see to, or should know of, by why.
type WaitingFiles struct {
	Unnumbered listing.Sample // there is no number for them
	Unknown    listing.Sample // nobody can tell whether the center has them
	Frozen     listing.Sample // stopped, and not for that
	Late       listing.Sample // not delivered, past their deadline
	Failing    listing.Sample // failed, and tried again before their deadline
	Refused    listing.Sample // whole, and not built again yet
}

// The files in one of the states for which a further condition holds; $2 is now.
const (
	filesIn       = `SELECT count(*), coalesce(min(name), '') AS example FROM files f WHERE state = ANY ($1::text[]) AND $2::timestamptz IS NOT NULL`
	filesFrozen   = `SELECT count(*), coalesce(min(name), '') AS example FROM files f WHERE frozen AND state <> ALL ($1::text[]) AND $2::timestamptz IS NOT NULL`
	filesLate     = filesIn + ` AND NOT frozen AND deadline_at < $2`
	filesFailing  = filesIn + ` AND NOT frozen AND failures > 0 AND deadline_at >= $2`
	filesNotBuilt = filesIn + ` AND NOT EXISTS (SELECT FROM files g WHERE g.batch_id = f.batch_id AND g.build > f.build)`
)

// FilesThatWait counts the files that wait for a person.
func FilesThatWait(ctx context.Context, q postgres.Querier, now time.Time) (w WaitingFiles, err error) {
	for _, c := range []struct {
		into   *listing.Sample
		sql    string
		states []states.FileState
	}{
		{&w.Unnumbered, filesIn, []states.FileState{states.FileWaiting}},
		{&w.Unknown, filesIn, []states.FileState{states.FileUnknown}},
		{&w.Frozen, filesFrozen, []states.FileState{states.FileUnknown}},
		{&w.Late, filesLate, []states.FileState{states.FilePlanned, states.FileBuilt, states.FileReleased, states.FileSending}},
		{&w.Failing, filesFailing, []states.FileState{states.FilePlanned, states.FileReleased, states.FileSending}},
		{&w.Refused, filesNotBuilt, []states.FileState{states.FileRejected}},
	} {
		if *c.into, err = sample(ctx, q, c.sql, c.states, now); err != nil {
			return w, err
		}
	}
	return w, nil
}

const (
	repliesIn = `SELECT count(*), coalesce(min(name), '') AS example FROM replies WHERE state = $1`
	logsIn    = `SELECT count(*), coalesce(min(log_id::text), '') AS example FROM authorization_logs WHERE state = $1`
)

// QuarantinedReplies counts the replies that could not be applied.
func QuarantinedReplies(ctx context.Context, q postgres.Querier) (listing.Sample, error) {
	return sample(ctx, q, repliesIn, states.ReplyQuarantined)
}

// HeldLogs counts the logs of authorizations that show more than our books may lack without a person's word.
func HeldLogs(ctx context.Context, q postgres.Querier) (listing.Sample, error) {
	return sample(ctx, q, logsIn, states.LogHeld)
}

func sample(ctx context.Context, q postgres.Querier, sql string, args ...any) (listing.Sample, error) {
	rows, err := q.Query(ctx, sql, args...)
	if err != nil {
		return listing.Sample{}, fmt.Errorf("count what waits: %w", err)
	}
	s, err := pgx.CollectExactlyOneRow(rows, pgx.RowToStructByName[listing.Sample])
	if err != nil {
		return s, fmt.Errorf("count what waits: %w", err)
	}
	return s, nil
}
