package clearing

import (
	"context"
	"encoding/hex"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
)

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
	ID            int64      `json:"file"`
	Batch         int64      `json:"batch"`
	Build         int16      `json:"build"`
	Center        int16      `json:"center"`
	Sequence      int32      `json:"sequence"` // of an unnumbered file: what would follow the last number
	Name          string     `json:"name"`
	LogicalID     string     `json:"file_id"` // empty while unnumbered
	State         FileState  `json:"state"`
	Frozen        bool       `json:"frozen"`
	Bytes         *int64     `json:"bytes,omitempty"`
	Messages      *int32     `json:"messages,omitempty"`
	SHA256        Digest     `json:"sha256,omitempty"`
	Proof         string     `json:"proof,omitempty"`
	Attempts      int32      `json:"attempts"`
	Failures      int32      `json:"failures"`
	Token         string     `json:"-"`
	ErrorClass    string     `json:"error_class,omitempty"`
	LastError     string     `json:"last_error,omitempty"`
	PlannedAt     time.Time  `json:"planned_at"`
	BuiltAt       *time.Time `json:"built_at,omitempty"`
	ReleasedAt    *time.Time `json:"released_at,omitempty"`
	DeliveredAt   *time.Time `json:"delivered_at,omitempty"`
	UnknownSince  *time.Time `json:"unknown_since,omitempty"`
	DeadlineAt    time.Time  `json:"deadline_at"`
	NextAttemptAt time.Time  `json:"next_attempt_at"`
	Resends       int32      `json:"resends"` // how often it was sent again
}

// presented tells that the center may have the file: we tried to deliver it, or a person says that it has it.
func (f File) presented() bool { return f.Attempts > 0 || f.Proof == ProofPerson || f.Resends > 0 }

// delivered tells that the file had reached the center by what we know.
func (f File) delivered() bool {
	return f.State == FileDelivered || f.State == FileReplied || f.State == FileRejected
}

// attemptDue tells that an attempt to deliver the file may be made.
func (f *File) attemptDue(now time.Time) bool {
	return !f.Frozen && (f.State == FileReleased || f.State == FileSending) && !f.NextAttemptAt.After(now)
}

const selectFile = `
SELECT file_id, batch_id, build, center_id, sequence, name, logical_id, state, frozen, bytes, messages, sha256, proof, attempts,
	failures, token, error_class, last_error, planned_at, built_at, released_at, delivered_at, unknown_since, deadline_at, next_attempt_at,
	(SELECT count(*)::integer FROM file_resends r WHERE r.file_id = files.file_id)
FROM files `

func oneFile(ctx context.Context, q postgres.Querier, sql string, args ...any) (File, error) {
	return one[File](ctx, q, sql, args...)
}

var (
	lockFile    = selectFile + `WHERE file_id = $1 FOR NO KEY UPDATE`
	latestBuild = selectFile + `WHERE batch_id = $1 ORDER BY build DESC LIMIT 1`
)

// changeFile runs an update of one file that must be in the state that it asks for.
func changeFile(ctx context.Context, tx pgx.Tx, file int64, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, append([]any{file}, args...)...)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%w: file %d", ErrState, file)
	}
	return err
}

// provenState is where a file stands that is proven to be at the center: one that was sent again after its verdict has it.
var provenState = `CASE (SELECT b.state FROM batches b WHERE b.batch_id = files.batch_id) WHEN ` + quoted(BatchReplied) + ` THEN ` + quoted(FileReplied) + ` ELSE ` + quoted(FileDelivered) + ` END`
