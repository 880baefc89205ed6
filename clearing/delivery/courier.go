// Package delivery brings built files to the centers, and proves that they are there: attempts, resends, and what a person may decide of a
// file on its way. What cannot be proven is unknown and never guessed; docs/delivery.md has the steps and what each leaves behind. It
// writes delivery_attempts and file_resends, and the steps of files from their release to their proof.
package delivery

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/clearing/dial"
	"settled/clearing/pages"
	"settled/clearing/remote"
	"settled/clearing/states"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// ErrFenced means that another worker has the file now.
var ErrFenced = errors.New("clearing: another worker has taken over")

// Center is a center that takes our files, and what is agreed with it about them.
type Center struct {
	ID     int16
	Name   string
	Stream string
	SFTP   remote.Config

	Outbox      string        // directory that takes our files
	Directories []string      // others that we work with there: a look lists them too
	InOrder     bool          // a file that cannot be built holds up those after it
	Removes     bool          // the center may take files out of the outbox
	HidesSizes  bool          // the server tells no sizes
	Dedupes     bool          // contract: the center refuses a file id that it has processed
	ReplyAfter  time.Duration // from a delivery to its reply
	WeakAfter   time.Duration // as ReplyAfter, of a delivery whose proof is not of our bytes
}

func (s *Center) server() dial.Server { return dial.Server{Center: s.ID, Name: s.Name, SFTP: s.SFTP} }

// Options of a courier; all are required.
type Options struct {
	Pool    *pgxpool.Pool
	Vault   *vault.Vault
	Log     *slog.Logger
	Now     func() time.Time
	Pager   *pages.Pager
	Dialer  *dial.Dialer
	Centers []*Center
	Uploads *prometheus.CounterVec // by center and result
	Took    prometheus.ObserverVec // seconds of an attempt, by center
	// ToBuild and ToDeliver are called inside the transaction that lets a batch be built, or a file be delivered.
	ToBuild, ToDeliver func(ctx context.Context, tx pgx.Tx, id int64) error
	// Crash is called where the death of the process leaves something half done; tests die there.
	Crash func(point string)
}

// Courier delivers files. Its methods are safe for concurrent use, in this process and in others.
type Courier struct {
	pool               *pgxpool.Pool
	vault              *vault.Vault
	log                *slog.Logger
	now                func() time.Time
	pager              *pages.Pager
	dialer             *dial.Dialer
	centers            []*Center
	uploads            *prometheus.CounterVec
	took               prometheus.ObserverVec
	toBuild, toDeliver func(ctx context.Context, tx pgx.Tx, id int64) error
	crash              func(point string)
}

// New returns a courier.
func New(o Options) *Courier {
	return &Courier{pool: o.Pool, vault: o.Vault, log: o.Log, now: o.Now, pager: o.Pager, dialer: o.Dialer, centers: o.Centers,
		uploads: o.Uploads, took: o.Took, toBuild: o.ToBuild, toDeliver: o.ToDeliver, crash: o.Crash}
}

func (c *Courier) center(id int16) (*Center, error) {
	for _, s := range c.centers {
		if s.ID == id {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: center %d has no profile", states.ErrNotFound, id)
}

// change runs an update of one file that must be in the state that it asks for.
func change(ctx context.Context, tx pgx.Tx, file int64, sql string, args ...any) error {
	tag, err := tx.Exec(ctx, sql, append([]any{file}, args...)...)
	if err == nil && tag.RowsAffected() != 1 {
		err = fmt.Errorf("%w: file %d", states.ErrState, file)
	}
	return err
}
