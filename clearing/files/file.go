// Package files is what the rooms of the night that build, deliver and close files have in common: what a file is, what a delivery of it
// is proven by, and how its row is read and locked. Of the tables it writes one step, that of a refused batch which waits again.
package files

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"settled/clearing/rows"
	"settled/clearing/states"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

// ErrTotals means that the bytes of a file are not what its batch says.
var ErrTotals = errors.New("clearing: the bytes of a file disagree with its batch")

// The proofs of a delivery: what was seen, and no more (docs/delivery.md). ProofHash, ProofPresent and ProofReply are of
// our bytes; the others are weak: their replies are waited for only as long as the profile's WeakTimeout.
const (
	ProofHash        = "hash"         // read back under the temporary name, then the right size under the final one
	ProofSize        = "size"         // the right size; the account may not read
	ProofWritten     = "written"      // every write was answered; the server tells no size and does not let us read
	ProofPresent     = "present"      // an earlier attempt's file, read back under the final name
	ProofPresentSize = "present_size" // as ProofPresent, by size alone
	ProofTaken       = "taken"        // the rename was answered, then the file was gone: taken, or lost
	ProofReply       = "reply"        // the center answered the file
	ProofPerson      = "person"       // a person's word
)

// Digest is a SHA-256 sum; people read it as hexadecimal digits.
type Digest []byte

// String returns the hexadecimal digits.
func (d Digest) String() string { return hex.EncodeToString(d) }

// MarshalText writes the form of String.
func (d Digest) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// File is the bytes of a batch, or the plan of them.
type File struct {
	ID            int64            `json:"file"`
	Batch         int64            `json:"batch"`
	Build         int16            `json:"build"`
	Center        int16            `json:"center"`
	Sequence      int32            `json:"sequence"` // of an unnumbered file: what would follow the last number
	Name          string           `json:"name"`
	LogicalID     string           `json:"file_id"` // empty while unnumbered
	State         states.FileState `json:"state"`
	Frozen        bool             `json:"frozen"`
	Bytes         *int64           `json:"bytes,omitempty"`
	Messages      *int32           `json:"messages,omitempty"`
	SHA256        Digest           `json:"sha256,omitempty"`
	Proof         string           `json:"proof,omitempty"`
	Attempts      int32            `json:"attempts"`
	Failures      int32            `json:"failures"`
	Token         string           `json:"-"`
	ErrorClass    string           `json:"error_class,omitempty"`
	LastError     string           `json:"last_error,omitempty"`
	PlannedAt     time.Time        `json:"planned_at"`
	BuiltAt       *time.Time       `json:"built_at,omitempty"`
	ReleasedAt    *time.Time       `json:"released_at,omitempty"`
	DeliveredAt   *time.Time       `json:"delivered_at,omitempty"`
	UnknownSince  *time.Time       `json:"unknown_since,omitempty"`
	DeadlineAt    time.Time        `json:"deadline_at"`
	NextAttemptAt time.Time        `json:"next_attempt_at"`
	ErasedAt      *time.Time       `json:"erased_at,omitempty"` // when its bytes were, or began to be
	Resends       int32            `json:"resends"`             // how often it was sent again
}

// Presented tells that the center may have the file: we tried to deliver it, or a person says that it has it.
func (f File) Presented() bool {
	return f.Attempts > 0 || f.Proof == ProofPerson || f.Resends > 0
}

// Delivered tells that the file had reached the center by what we know.
func (f File) Delivered() bool {
	return f.State == states.FileDelivered || f.State == states.FileReplied || f.State == states.FileRejected
}

// AttemptDue tells that an attempt to deliver the file may be made.
func (f *File) AttemptDue(now time.Time) bool {
	return !f.Frozen && (f.State == states.FileReleased || f.State == states.FileSending) && !f.NextAttemptAt.After(now)
}

// Select reads files; a condition follows.
const Select = `
SELECT file_id, batch_id, build, center_id, sequence, name, logical_id, state, frozen, bytes, messages, sha256, proof, attempts,
	failures, token, error_class, last_error, planned_at, built_at, released_at, delivered_at, unknown_since, deadline_at, next_attempt_at,
	erased_at, (SELECT count(*)::integer FROM file_resends r WHERE r.file_id = files.file_id)
FROM files `

// One reads exactly one file, or fails with states.ErrNotFound.
func One(ctx context.Context, q postgres.Querier, sql string, args ...any) (File, error) {
	return rows.One[File](ctx, q, sql, args...)
}

// Statements of [One]: a file by its number, the same until the end of the transaction, and the newest build of a batch.
const (
	ByID        = Select + `WHERE file_id = $1`
	Lock        = ByID + ` FOR NO KEY UPDATE`
	LatestBuild = Select + `WHERE batch_id = $1 ORDER BY build DESC LIMIT 1`
)

// Built reads a file whose bytes are stored. Errors: states.ErrNotFound, states.ErrState for one that is not built.
func Built(ctx context.Context, q postgres.Querier, id int64) (File, error) {
	f, err := One(ctx, q, ByID, id)
	if err != nil {
		return f, fmt.Errorf("read file %d: %w", id, err)
	}
	if f.SHA256 == nil {
		return f, fmt.Errorf("%w: file %s is not built", states.ErrState, f.Name)
	}
	return f, nil
}

// There fails with states.ErrErased where the bytes of a file are erased, or being erased.
func (f File) There() error {
	if f.ErasedAt != nil {
		return fmt.Errorf("%w: file %s, on %s", states.ErrErased, f.Name, f.ErasedAt.UTC().Format(time.DateOnly))
	}
	return nil
}

// ProvenState is, in a statement, where a file stands that is proven to be at the center: one that was sent again after its verdict has it.
var ProvenState = `CASE (SELECT b.state FROM batches b WHERE b.batch_id = files.batch_id) WHEN ` + states.Quoted(states.BatchReplied) + ` THEN ` + states.Quoted(states.FileReplied) + ` ELSE ` + states.Quoted(states.FileDelivered) + ` END`

var reopenBatch = `UPDATE batches SET ` + states.ReopenBatch.Set() + ` WHERE batch_id = $1 AND ` + states.ReopenBatch.May()

// ReopenBatch lets a batch wait for a verdict again whose file was refused whole. It returns false where none was.
func ReopenBatch(ctx context.Context, tx pgx.Tx, batch int64) (reopened bool, err error) {
	tag, err := tx.Exec(ctx, reopenBatch, batch)
	return tag.RowsAffected() == 1, err
}
