package clearing

import (
	"context"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/internal/postgres"
)

// The names by which a verdict on a file calls what stands in packages states, files and delivery.

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
