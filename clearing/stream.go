package clearing

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"settled/internal/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// row is a clearing record as it leaves the database. Its slices are valid until the next row.
type row struct {
	record, order, amount, exchange int64
	bornAt, authorizedAt            int64 // microseconds since 2000-01-01 UTC, as PostgreSQL keeps them
	merchant, contract              int32
	kind, slice                     int16
	expiry, approval, card          []byte
	security, network               []byte // empty for none
}

const epoch2000 = 946_684_800_000_000 // microseconds from 1970 to 2000

func (r *row) born() time.Time       { return time.UnixMicro(r.bornAt + epoch2000) }
func (r *row) authorized() time.Time { return time.UnixMicro(r.authorizedAt + epoch2000) }

// copyRecords cannot take parameters; its values are integers.
const copyRecords = `
COPY (SELECT record_id, order_id, amount, exchange_id, born_at, authorized_at, merchant_id, kind, slice, card_expiry, approval_code, card,
	security, network_id, contract_id
	FROM records WHERE window_id = %d AND currency = %d ORDER BY record_id) TO STDOUT (FORMAT binary)`

const recordColumns = 15

// change is the amount that is left of a record.
type change struct{ Record, Amount int64 }

// lastChanges are the changes of a window, and its records that were set aside, of which nothing is left.
const lastChanges = `
WITH aside AS (
	SELECT record_id FROM rejects WHERE window_id = $1 AND origin <> 'center'
), last AS (
	SELECT DISTINCT ON (record_id) record_id, amount FROM record_changes WHERE window_id = $1 ORDER BY record_id, version DESC
)
SELECT record_id, CASE WHEN a.record_id IS NULL THEN l.amount ELSE 0 END FROM last l FULL JOIN aside a USING (record_id) ORDER BY record_id`

// streamRecords calls fn for every live record of a sealed window in one currency, in order of record id, with voids and what
// was set aside left out and reductions applied. Memory does not grow with the number of records, only with the number of changes.
func streamRecords(ctx context.Context, pool *pgxpool.Pool, window int32, currency money.Currency, fn func(*row) error) error {
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
	if err := long(ctx, tx); err != nil {
		return fmt.Errorf("stream window %d: %w", window, err)
	}
	changes, err := collect[change](ctx, tx, lastChanges, window)
	if err != nil {
		return fmt.Errorf("read changes of window %d: %w", window, err)
	}
	out := &copyReader{emit: merged(changes, fn)}
	if _, err := tx.Conn().PgConn().CopyTo(ctx, out, fmt.Sprintf(copyRecords, window, currency)); err != nil {
		return fmt.Errorf("stream window %d: %w", window, errors.Join(out.err, err))
	}
	return out.finish()
}

// merged applies changes, which are in order of record id, to rows in the same order.
func merged(changes []change, fn func(*row) error) func(*row) error {
	return func(r *row) error {
		for len(changes) > 0 && changes[0].Record < r.record {
			changes = changes[1:]
		}
		if len(changes) > 0 && changes[0].Record == r.record {
			if r.amount = changes[0].Amount; r.amount == 0 {
				return nil
			}
		}
		return fn(r)
	}
}

// copyReader cuts the stream of a binary COPY into rows, by fixed offsets. It takes writes of any size.
type copyReader struct {
	emit    func(*row) error
	row     row
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

func (r *row) set(f *[recordColumns][]byte) error {
	for i, size := range [...]int{8, 8, 8, 8, 8, 8, 4, 2, 2} {
		if len(f[i]) != size {
			return errCopy
		}
	}
	for i, v := range [...]*int64{&r.record, &r.order, &r.amount, &r.exchange, &r.bornAt, &r.authorizedAt} {
		*v = int64(binary.BigEndian.Uint64(f[i]))
	}
	r.merchant = int32(binary.BigEndian.Uint32(f[6]))
	r.kind = int16(binary.BigEndian.Uint16(f[7]))
	r.slice = int16(binary.BigEndian.Uint16(f[8]))
	r.expiry, r.approval, r.card, r.security, r.network = f[9], f[10], f[11], f[12], f[13]
	if len(f[14]) != 4 {
		return errCopy
	}
	r.contract = int32(binary.BigEndian.Uint32(f[14]))
	return nil
}
