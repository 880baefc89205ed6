package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"time"

	"settled/clearing"
	"settled/clearing/format/ipmfile"
	"settled/clearing/remote"
	"settled/fileformats/ipm"
	"settled/schedules"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// night is the product's night against the benchmark's database. Only what sftp says is ever dialed.
func (w *world) night(pool *pgxpool.Pool, sftp remote.Config) (*clearing.Night, error) {
	calendar, err := schedules.NewCalendar(schedules.CalendarData{Name: "bench", Horizon: schedules.NewDate(2040, 12, 31)})
	if err != nil {
		return nil, err
	}
	form, err := ipmfile.New(ipmfile.Options{Profile: fileProfile, Member: "123456", BIN: 512345, Zone: w.dir.Centers()[0].Zone})
	if err != nil {
		return nil, err
	}
	cutoff, deadline := schedules.NewTimeOfDay(20, 0), schedules.NewTimeOfDay(21, 0)
	profile := clearing.Profile{
		Plan:   schedules.Plan{Zone: time.UTC, Calendar: calendar, Windows: []schedules.Window{{No: 1, Cutoff: cutoff, Deadline: deadline, Days: schedules.AllDays}}},
		Format: form, SFTP: sftp, Outbox: "in", Inbox: "out",
		ReplyName: regexp.MustCompile(`^RPY_(?P<file>.+)_\d+\.ipm$`),
	}
	return clearing.New(clearing.Options{Pool: pool, Directory: w.dir, Vault: w.keys, Ledger: ledger.Book{Zone: time.UTC},
		Profiles: map[int16]clearing.Profile{centerID: profile}, Now: time.Now, Log: slog.New(slog.DiscardHandler)})
}

// sealed seals the windows that are due and returns the batch of one of them.
func sealed(ctx context.Context, n *clearing.Night, pool *pgxpool.Pool, window int32) (batch int64, err error) {
	if _, err := n.SealDue(ctx, time.Now()); err != nil {
		return 0, err
	}
	err = pool.QueryRow(ctx, `SELECT batch_id FROM batches WHERE window_id = $1`, window).Scan(&batch)
	if err != nil {
		return 0, fmt.Errorf("batch of window %d: %w", window, err)
	}
	return batch, nil
}

// copyLimit is the raw copy of the columns that a build reads.
const copyLimit = `
COPY (SELECT record_id, order_id, amount, exchange_id, born_at, authorized_at, merchant_id, kind, slice, card_expiry, approval_code, card, security, network_id
	FROM records WHERE window_id = %d AND currency = 933 ORDER BY record_id) TO STDOUT (FORMAT binary)`

// copyOut runs COPY TO and throws the bytes away.
func copyOut(ctx context.Context, pool *pgxpool.Pool, sql string) error {
	return pool.AcquireFunc(ctx, func(c *pgxpool.Conn) error {
		_, err := c.Conn().PgConn().CopyTo(ctx, io.Discard, sql)
		return err
	})
}

// copyIn runs COPY FROM and takes it back.
func copyIn(ctx context.Context, pool *pgxpool.Pool, sql string, r io.Reader) error {
	return pgx.BeginFunc(ctx, pool, func(tx pgx.Tx) error {
		_, err := tx.Conn().PgConn().CopyFrom(ctx, r, sql)
		return err
	})
}

// seconds times fn.
func seconds(fn func() error) (float64, error) {
	start := time.Now()
	err := fn()
	return time.Since(start).Seconds(), err
}

// fileProfile is the form of the benchmark's files.
var fileProfile = ipm.Profile{Blocked: true}
