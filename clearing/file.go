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

const selectFile = `
SELECT file_id, batch_id, build, center_id, sequence, name, logical_id, state, frozen, bytes, messages, sha256, proof, attempts,
	failures, token, error_class, last_error, planned_at, built_at, released_at, delivered_at, unknown_since, deadline_at, next_attempt_at,
	(SELECT count(*)::integer FROM file_resends r WHERE r.file_id = files.file_id)
FROM files `

func oneFile(ctx context.Context, q postgres.Querier, sql string, args ...any) (File, error) {
	return one[File](ctx, q, sql, args...)
}

// releaseFile freezes a file of a business date of which the center has a file that the books lack: its records may be in that one.
var releaseFile = `
UPDATE files f SET ` + fileLetGo.set() + `, released_at = $2, next_attempt_at = $2, frozen = f.frozen OR l.name IS NOT NULL,
	last_error = coalesce('the center has ' || l.name || ', which the books lack: what is in this file may be in that one', f.last_error)
FROM batches b LEFT JOIN lost_files l ON (l.center_id, l.stream, l.business_date) = (b.center_id, b.stream, b.business_date)
WHERE f.file_id = $1 AND f.` + fileLetGo.may() + ` AND b.batch_id = f.batch_id RETURNING f.frozen, f.name, f.last_error, f.center_id`

// release lets a built file go.
func (n *Night) release(ctx context.Context, tx pgx.Tx, id int64, now time.Time) error {
	var frozen bool
	var name, why string
	var center int16
	err := tx.QueryRow(ctx, releaseFile, id, now).Scan(&frozen, &name, &why, &center)
	if isNotFound(err) {
		return fmt.Errorf("%w: file %d is not built", ErrState, id)
	}
	if err != nil {
		return fmt.Errorf("release file %d: %w", id, err)
	}
	if s, err := n.station(center); err == nil && frozen {
		n.page(ctx, s, pageDeliveryStopped, "file", name, "error", why)
	}
	return n.Enqueue(ctx, tx, JobDeliver, id)
}

// Release lets a built file go to a center whose files a person releases. A file that is not built is ErrState.
func (n *Night) Release(ctx context.Context, file int64) error {
	return postgres.InTx(ctx, n.Pool, key("file/%d/release", file), func(tx pgx.Tx) error {
		return n.release(ctx, tx, file, n.now())
	})
}

var (
	latestBuild = selectFile + `WHERE batch_id = $1 ORDER BY build DESC LIMIT 1`
	reopenBatch = `UPDATE batches SET ` + batchReopened.set() + ` WHERE batch_id = $1 AND ` + batchReopened.may()
)

// Rebuild plans a new file for a batch whose file the center refused whole, under the number that the profile says. It
// returns the new file. A batch that was not refused is ErrState.
func (n *Night) Rebuild(ctx context.Context, batch int64) (id int64, err error) {
	b, err := readBatch(ctx, n.Pool, batch)
	if err != nil {
		return 0, err
	}
	s, err := n.station(b.Center)
	if err != nil {
		return 0, err
	}
	err = postgres.InTx(ctx, n.Pool, key("batch/%d/rebuild", batch), func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, reopenBatch, batch)
		if err != nil {
			return err
		}
		if tag.RowsAffected() != 1 {
			return fmt.Errorf("%w: batch %d is %s", ErrState, batch, b.State)
		}
		last, err := oneFile(ctx, tx, latestBuild, batch)
		if err != nil {
			return err
		}
		plan := n.planFile
		if s.ReuseNumber {
			plan = n.planAgain
		}
		if id, err = plan(ctx, tx, s, b, last.Build+1, n.now()); err != nil {
			return err
		}
		return n.Enqueue(ctx, tx, JobBuild, batch)
	})
	return id, err
}
