package clearing

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"

	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/s2"
)

// chunkSize is the size from which on a chunk is stored. Chunks end with a whole message, so they are a little larger.
const chunkSize = 1 << 20

// chunk is a run of whole messages of a file.
type chunk struct {
	data         []byte
	offset       int64 // in the file
	firstMessage int64
}

// chunker collects what a codec writes into chunks and hands them over. The codec writes whole messages at a time, and
// messages tells how many were written when it does.
type chunker struct {
	ctx      context.Context
	messages func() int64
	out      chan<- *chunk
	free     <-chan *chunk
	current  *chunk
	offset   int64
}

// Write takes bytes that end with a whole message.
func (c *chunker) Write(p []byte) (int, error) {
	if c.current == nil {
		select {
		case c.current = <-c.free:
		case <-c.ctx.Done():
			return 0, c.ctx.Err()
		}
		c.current.data, c.current.offset = c.current.data[:0], c.offset
	}
	c.current.data = append(c.current.data, p...)
	c.offset += int64(len(p))
	if len(c.current.data) >= chunkSize {
		return len(p), c.flush()
	}
	return len(p), nil
}

// flush hands the current chunk over; the following one begins with the next message.
func (c *chunker) flush() error {
	if c.current == nil || len(c.current.data) == 0 {
		return nil
	}
	full := c.current
	select {
	case c.out <- full:
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	select {
	case c.current = <-c.free:
	case <-c.ctx.Done():
		return c.ctx.Err()
	}
	c.current.data, c.current.offset, c.current.firstMessage = c.current.data[:0], c.offset, c.messages()+1
	return nil
}

// chunkStore stores chunks as they come, packed and sealed, by one COPY, and hashes their plain bytes. Packing comes
// before sealing, because sealed bytes cannot be packed; it shortens what a build writes to the database and its log.
type chunkStore struct {
	in    <-chan *chunk
	free  chan<- *chunk
	vault *vault.Vault
	table chunkTable
	owner int64 // file or reply
	hash  hash.Hash
	bytes int64
	count int64
	pack  []byte
	box   []byte
	err   func() error // why in ended
}

// next is a pgx.CopyFromFunc.
func (s *chunkStore) next() ([]any, error) {
	c, ok := <-s.in
	if !ok {
		return nil, s.err()
	}
	s.hash.Write(c.data)
	s.bytes += int64(len(c.data))
	var err error
	s.pack = s2.Encode(s.pack[:cap(s.pack)], c.data)
	s.box, err = s.vault.AppendSeal(s.box[:0], s.pack, s.table.binding(s.owner, s.count))
	if err != nil {
		return nil, err
	}
	values := []any{s.owner, int32(s.count), s.box}
	if s.table.index {
		values = append(values, int32(c.firstMessage), c.offset)
	}
	s.count++
	s.free <- c
	return values, nil
}

// storeChunks runs produce, which writes a whole file, and stores what it writes in table. Producer and store run side by
// side; three chunks are in memory at a time.
func storeChunks(ctx context.Context, tx pgx.Tx, v *vault.Vault, t chunkTable, owner int64, produce func(context.Context, *chunker) error) (size int64, sum [sha256.Size]byte, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	const buffers = 3
	full, free := make(chan *chunk, buffers), make(chan *chunk, buffers)
	for range buffers {
		free <- &chunk{data: make([]byte, 0, chunkSize+chunkSize/2), firstMessage: 1}
	}
	var failure error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(full)
		failure = produce(ctx, &chunker{ctx: ctx, out: full, free: free})
	}()
	store := &chunkStore{in: full, free: free, vault: v, table: t, owner: owner, hash: sha256.New(),
		err: func() error { return failure }}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(store.next))
	cancel()
	<-done
	if failure != nil && !errors.Is(failure, context.Canceled) {
		err = failure // the server gives back its text alone
	}
	if err != nil {
		return 0, sum, fmt.Errorf("store chunks: %w", err)
	}
	return store.bytes, [sha256.Size]byte(store.hash.Sum(nil)), nil
}

// chunkTable is where chunks are kept.
type chunkTable struct {
	name    string
	columns []string
	index   bool // with message and offset
	read    string
	sign    int64 // keeps the bindings of replies apart from those of files
}

func (t chunkTable) binding(owner, no int64) []byte { return vault.ChunkBinding(nil, t.sign*owner, no) }

var (
	fileChunks = chunkTable{
		name: "file_chunks", columns: []string{"file_id", "chunk_no", "bytes", "first_message", "plain_offset"}, index: true,
		read: `SELECT bytes FROM file_chunks WHERE file_id = $1 AND chunk_no = $2`, sign: 1,
	}
	replyChunks = chunkTable{
		name: "reply_chunks", columns: []string{"reply_id", "chunk_no", "bytes"},
		read: `SELECT bytes FROM reply_chunks WHERE reply_id = $1 AND chunk_no = $2`, sign: -1,
	}
)

// errStoredBytes marks an error of our own store, which says nothing about what a center sent.
var errStoredBytes = errors.New("clearing: stored bytes cannot be read")

// chunkReader reads a stored file chunk by chunk, each by its own statement, so that a slow reader holds nothing open.
type chunkReader struct {
	ctx   context.Context
	q     postgres.Querier
	vault *vault.Vault
	table chunkTable
	owner int64
	no    int64
	rest  []byte
	pack  []byte
	plain []byte
}

// next returns the plain bytes of the next chunk, valid until the following call, or io.EOF.
func (r *chunkReader) next() ([]byte, error) {
	plain, err := r.at(r.no)
	if err == nil {
		r.no++
	}
	return plain, err
}

// at returns the plain bytes of a chunk, or io.EOF when there is none. The sealed bytes are opened where the driver has
// them, without a copy.
func (r *chunkReader) at(no int64) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("%w: chunk %d of %s %d: %w", errStoredBytes, no, r.table.name, r.owner, err)
	}
	rows, err := r.q.Query(r.ctx, r.table.read, r.owner, no)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	if !rows.Next() {
		if err := rows.Err(); err != nil {
			return fail(err)
		}
		return nil, io.EOF
	}
	r.pack, err = r.vault.AppendUnseal(r.pack[:0], rows.RawValues()[0], r.table.binding(r.owner, no))
	if err == nil {
		r.plain, err = s2.Decode(r.plain[:cap(r.plain)], r.pack)
	}
	if err != nil {
		return fail(err)
	}
	return r.plain, nil
}

// Read implements io.Reader.
func (r *chunkReader) Read(p []byte) (int, error) {
	for len(r.rest) == 0 {
		var err error
		if r.rest, err = r.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, r.rest)
	r.rest = r.rest[n:]
	return n, nil
}

// readAhead reads a stored file while its user is still at work on the bytes before. The user calls close, and touches
// what the reader reads through only after that.
type readAhead struct {
	full, free chan []byte
	done       chan struct{}
	err        error // why full was closed
	rest, held []byte
}

// readAheadChunks is how many chunks are in memory at a time.
const readAheadChunks = 3

func startReadAhead(r *chunkReader, each func([]byte)) *readAhead {
	a := &readAhead{full: make(chan []byte, readAheadChunks), free: make(chan []byte, readAheadChunks), done: make(chan struct{})}
	for range readAheadChunks {
		a.free <- nil
	}
	go func() {
		defer close(a.done)
		defer close(a.full)
		for buffer := range a.free {
			r.plain = buffer
			var plain []byte
			if plain, a.err = r.next(); a.err != nil {
				return
			}
			each(plain)
			a.full <- plain
		}
	}()
	return a
}

// Read implements io.Reader.
func (a *readAhead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if a.held != nil {
			a.free <- a.held
			a.held = nil
		}
		next, ok := <-a.full
		if !ok {
			return 0, a.err
		}
		a.rest, a.held = next, next
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// close ends the reading and waits for it.
func (a *readAhead) close() {
	close(a.free)
	<-a.done
}
