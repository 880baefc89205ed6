package clearing

import (
	"context"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// The names by which resolve.go and verdict.go call what stands in packages states, files, rows and delivery.

// File is the bytes of a batch, or the plan of them.
type File = files.File

// ReplyApplied is where a reply stands that did what it says.
const ReplyApplied = states.ReplyApplied

const selectFile = files.Select

var (
	batchReplied = written[states.BatchState]{states.AnswerBatch}
	fileAnswered = written[states.FileState]{states.AnswerFile}
	replyTaken   = states.TakeReply
)

// written is a step as a statement has it.
type written[S ~string] struct{ step states.Step[S] }

func (w written[S]) set() string { return w.step.Set() }
func (w written[S]) may() string { return w.step.May() }

func oneFile(ctx context.Context, q postgres.Querier, sql string, args ...any) (files.File, error) {
	return files.One(ctx, q, sql, args...)
}

func overdueOf(file int64) string { return delivery.OverdueOf(file) }

func collect[T any](ctx context.Context, q postgres.Querier, sql string, args ...any) ([]T, error) {
	return rows.Collect[T](ctx, q, sql, args...)
}

func key(format string, args ...any) postgres.Key { return rows.Key(format, args...) }

func long(ctx context.Context, tx pgx.Tx) error { return rows.Long(ctx, tx) }

func isNotFound(err error) bool { return rows.Missing(err) }
