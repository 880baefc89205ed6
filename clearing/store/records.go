package store

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Record is a clearing record as it leaves the database. Its slices are valid until the next one.
type Record struct {
	ID, Order, Amount, Exchange int64
	bornAt, authorizedAt        int64 // microseconds since 2000-01-01 UTC, as PostgreSQL keeps them
	Merchant, Contract          int32
	Kind, Slice                 int16
	Expiry, Approval, Card      []byte
	Security, Network           []byte // empty for none
}

const epoch2000 = 946_684_800_000_000 // microseconds from 1970 to 2000

// Born is when the record was written into its window.
func (r *Record) Born() time.Time { return time.UnixMicro(r.bornAt + epoch2000) }

// Authorized is when its payment was authorized.
func (r *Record) Authorized() time.Time { return time.UnixMicro(r.authorizedAt + epoch2000) }

// copyRecords cannot take parameters; its values are integers.
const copyRecords = `
COPY (SELECT record_id, order_id, amount, exchange_id, born_at, authorized_at, merchant_id, kind, slice, card_expiry, approval_code, card,
	security, network_id, contract_id
	FROM records WHERE window_id = %d AND currency = %d ORDER BY record_id) TO STDOUT (FORMAT binary)`

const recordColumns = 15

// Change is what is left of a record that was changed before its seal: 0 of one that was withdrawn or set aside.
type Change struct{ Record, Amount int64 }

// lastChanges are the changes of a window, and its records that were set aside, of which nothing is left.
const lastChanges = `
WITH aside AS (
	SELECT record_id FROM rejects WHERE window_id = $1 AND origin <> $2
), last AS (
	SELECT DISTINCT ON (record_id) record_id, amount FROM record_changes WHERE window_id = $1 ORDER BY record_id, version DESC
)
SELECT record_id AS record, CASE WHEN a.record_id IS NULL THEN l.amount ELSE 0 END AS amount FROM last l FULL JOIN aside a USING (record_id) ORDER BY record_id`

// Changes are the changes of a window, in order of record.
func Changes(ctx context.Context, q postgres.Querier, window int32) ([]Change, error) {
	rows, err := q.Query(ctx, lastChanges, window, settle.RefusedByCenter)
	if err != nil {
		return nil, fmt.Errorf("read changes of window %d: %w", window, err)
	}
	changes, err := pgx.CollectRows(rows, pgx.RowToStructByName[Change])
	if err != nil {
		return nil, fmt.Errorf("read changes of window %d: %w", window, err)
	}
	return changes, nil
}

// Records calls fn for every live record of a sealed window in one currency, in order of record id, with voids and what
// was set aside left out and reductions applied. Memory does not grow with the number of records, only with the number of changes.
func Records(ctx context.Context, pool *pgxpool.Pool, window int32, currency money.Currency, fn func(*Record) error) error {
	conn, err := pool.Acquire(ctx)
	if err != nil {
		return fmt.Errorf("stream window %d: %w", window, err)
	}
	defer conn.Release()
	tx, err := conn.BeginTx(ctx, pgx.TxOptions{AccessMode: pgx.ReadOnly, IsoLevel: pgx.RepeatableRead})
	if err != nil {
		return fmt.Errorf("stream window %d: %w", window, err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }()
	if _, err := tx.Exec(ctx, `SET LOCAL statement_timeout = '30min'`); err != nil { // as long as the batch is
		return fmt.Errorf("stream window %d: %w", window, err)
	}
	changes, err := Changes(ctx, tx, window)
	if err != nil {
		return err
	}
	out := &copyReader{emit: merged(changes, fn)}
	if _, err := tx.Conn().PgConn().CopyTo(ctx, out, fmt.Sprintf(copyRecords, window, currency)); err != nil {
		return fmt.Errorf("stream window %d: %w", window, errors.Join(out.err, err))
	}
	return out.finish()
}

// merged applies changes, which are in order of record id, to rows in the same order.
func merged(changes []Change, fn func(*Record) error) func(*Record) error {
	return func(r *Record) error {
		for len(changes) > 0 && changes[0].Record < r.ID {
			changes = changes[1:]
		}
		if len(changes) > 0 && changes[0].Record == r.ID {
			if r.Amount = changes[0].Amount; r.Amount == 0 {
				return nil
			}
		}
		return fn(r)
	}
}

// copyReader cuts the stream of a binary COPY into rows, by fixed offsets. It takes writes of any size.
type copyReader struct {
	emit    func(*Record) error
	row     Record
	pending []byte
	started bool
	ended   bool
	err     error
}

var (
	errCopy   = errors.New("clearing: unexpected bytes in a binary copy")
	signature = []byte("PGCOPY\n\xff\r\n\x00")
)

// Write takes the next bytes of the stream.
func (c *copyReader) Write(p []byte) (int, error) {
	data := p
	if len(c.pending) > 0 {
		c.pending = append(c.pending, p...)
		data = c.pending
	}
	for {
		n, err := c.next(data)
		if err != nil {
			c.err = err
			return 0, err
		}
		if n == 0 {
			break
		}
		data = data[n:]
	}
	c.pending = append(c.pending[:0], data...)
	return len(p), nil
}

// finish reports a stream that ended early.
func (c *copyReader) finish() error {
	if !c.ended || len(c.pending) > 0 {
		return errCopy
	}
	return nil
}

// next consumes the header or one row and returns its size, 0 when it is not whole yet.
func (c *copyReader) next(data []byte) (int, error) {
	switch {
	case !c.started:
		return c.header(data)
	case c.ended && len(data) > 0:
		return 0, errCopy
	case len(data) < 2:
		return 0, nil
	}
	switch binary.BigEndian.Uint16(data) {
	case 0xffff:
		c.ended = true
		return 2, nil
	case recordColumns:
		return c.tuple(data)
	}
	return 0, errCopy
}

func (c *copyReader) header(data []byte) (int, error) {
	const fixed = 19 // signature, flags, length of the extension
	if len(data) < fixed {
		return 0, nil
	}
	size := fixed + int(binary.BigEndian.Uint32(data[15:]))
	if !bytes.HasPrefix(data, signature) || size > 1<<16 {
		return 0, errCopy
	}
	if len(data) < size {
		return 0, nil
	}
	c.started = true
	return size, nil
}

// tuple consumes one row and emits it.
func (c *copyReader) tuple(data []byte) (int, error) {
	var fields [recordColumns][]byte
	at := 2
	for i := range fields {
		if len(data) < at+4 {
			return 0, nil
		}
		size := int(int32(binary.BigEndian.Uint32(data[at:])))
		at += 4
		if size < 0 {
			return 0, errCopy
		}
		if len(data) < at+size {
			return 0, nil
		}
		fields[i] = data[at : at+size]
		at += size
	}
	if err := c.row.set(&fields); err != nil {
		return 0, err
	}
	return at, c.emit(&c.row)
}

func (r *Record) set(f *[recordColumns][]byte) error {
	for i, size := range [...]int{8, 8, 8, 8, 8, 8, 4, 2, 2} {
		if len(f[i]) != size {
			return errCopy
		}
	}
	for i, v := range [...]*int64{&r.ID, &r.Order, &r.Amount, &r.Exchange, &r.bornAt, &r.authorizedAt} {
		*v = int64(binary.BigEndian.Uint64(f[i]))
	}
	r.Merchant = int32(binary.BigEndian.Uint32(f[6]))
	r.Kind = int16(binary.BigEndian.Uint16(f[7]))
	r.Slice = int16(binary.BigEndian.Uint16(f[8]))
	r.Expiry, r.Approval, r.Card, r.Security, r.Network = f[9], f[10], f[11], f[12], f[13]
	if len(f[14]) != 4 {
		return errCopy
	}
	r.Contract = int32(binary.BigEndian.Uint32(f[14]))
	return nil
}
