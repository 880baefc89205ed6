package store

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

// Cutter collects what a producer writes into chunks and hands them over. It lives within one call of Write, whose end it hears of by
// the closing of over, because an io.Writer takes no context.
type Cutter struct {
	over     <-chan struct{}
	why      func() error // over was closed
	messages func() int64
	out      chan<- *chunk
	free     <-chan *chunk
	current  *chunk
	offset   int64
}

// CutMessages lets chunks tell the number of their first message. The producer writes whole messages at a time, and written tells how
// many there are when it does. Without it every chunk begins with message 1.
func (c *Cutter) CutMessages(written func() int64) { c.messages = written }

// Write takes bytes; those of a file of ours end with a whole message.
func (c *Cutter) Write(p []byte) (int, error) {
	if c.current == nil {
		select {
		case c.current = <-c.free:
		case <-c.over:
			return 0, c.why()
		}
		c.current.data, c.current.offset = c.current.data[:0], c.offset
	}
	c.current.data = append(c.current.data, p...)
	c.offset += int64(len(p))
	if len(c.current.data) >= chunkSize {
		return len(p), c.Flush()
	}
	return len(p), nil
}

// Flush hands the current chunk over; the following one begins with the next message.
func (c *Cutter) Flush() error {
	if c.current == nil || len(c.current.data) == 0 {
		return nil
	}
	full := c.current
	select {
	case c.out <- full:
	case <-c.over:
		return c.why()
	}
	select {
	case c.current = <-c.free:
	case <-c.over:
		return c.why()
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
	table Table
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

// Write runs produce, which writes a whole file or reply and flushes the cutter, and stores what it writes in the table under owner. It
// returns the size and the SHA-256 sum of the plain bytes. Producer and store run side by side; three chunks are in memory at a time.
func Write(ctx context.Context, tx pgx.Tx, v *vault.Vault, t Table, owner int64, produce func(context.Context, *Cutter) error) (size int64, sum [sha256.Size]byte, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var buffers [3]*chunk
	full, free := make(chan *chunk, len(buffers)), make(chan *chunk, len(buffers))
	for i := range buffers {
		buffers[i] = &chunk{data: make([]byte, 0, chunkSize+chunkSize/2), firstMessage: 1}
		free <- buffers[i]
	}
	var failure error
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer close(full)
		failure = produce(ctx, &Cutter{over: ctx.Done(), why: ctx.Err, messages: noMessages, out: full, free: free})
	}()
	store := &chunkStore{in: full, free: free, vault: v, table: t, owner: owner, hash: sha256.New(),
		err: func() error { return failure }}
	_, err = tx.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromFunc(store.next))
	cancel()
	<-done
	for _, b := range buffers { // nobody else holds them now
		clear(b.data[:cap(b.data)])
	}
	clear(store.pack[:cap(store.pack)])
	if failure != nil && !errors.Is(failure, context.Canceled) {
		err = failure // the server gives back its text alone
	}
	if err != nil {
		return 0, sum, fmt.Errorf("store chunks: %w", err)
	}
	return store.bytes, [sha256.Size]byte(store.hash.Sum(nil)), nil
}

func noMessages() int64 { return 0 }

// Table is where chunks are kept.
type Table struct {
	name    string
	columns []string
	index   bool // with message and offset
	read    string
	erased  string // when the bytes of an owner began to be erased
	erase   string // deletes up to $2 chunks of owner $1, and tells how many
	more    string // whether owner $1 has chunks left
	sign    int64  // keeps the bindings of replies apart from those of files
}

func (t Table) binding(owner, no int64) []byte { return vault.ChunkBinding(nil, t.sign*owner, no) }

// The tables: of our files, by file id, and of replies, by reply id.
var (
	Files = Table{
		name: "file_chunks", columns: []string{"file_id", "chunk_no", "bytes", "first_message", "plain_offset"}, index: true,
		read: `SELECT bytes FROM file_chunks WHERE file_id = $1 AND chunk_no = $2`, sign: 1,
		erased: `SELECT erased_at FROM files WHERE file_id = $1`, erase: `SELECT erase_file_chunks($1, $2)`,
		more: `SELECT EXISTS (SELECT FROM file_chunks WHERE file_id = $1)`,
	}
	Replies = Table{
		name: "reply_chunks", columns: []string{"reply_id", "chunk_no", "bytes"},
		read: `SELECT bytes FROM reply_chunks WHERE reply_id = $1 AND chunk_no = $2`, sign: -1,
		erased: `SELECT erased_at FROM replies WHERE reply_id = $1`, erase: `SELECT erase_reply_chunks($1, $2)`,
		more: `SELECT EXISTS (SELECT FROM reply_chunks WHERE reply_id = $1)`,
	}
)

// ErrStoredBytes marks an error of our own store, which says nothing about what a center sent.
var ErrStoredBytes = errors.New("clearing: stored bytes cannot be read")

// Chunks reads a stored file or reply chunk by chunk, each by its own statement, so that a slow reader holds nothing open. It is not safe
// for concurrent use.
type Chunks struct {
	q     postgres.Querier
	vault *vault.Vault
	table Table
	owner int64
	no    int64
	pack  []byte
	plain []byte
}

// Open returns a reader of the chunks of owner in the table, from the first one on.
func Open(q postgres.Querier, v *vault.Vault, t Table, owner int64) *Chunks {
	return &Chunks{q: q, vault: v, table: t, owner: owner}
}

// Next returns the plain bytes of the next chunk, valid until the following call, or io.EOF. Other errors wrap ErrStoredBytes.
func (c *Chunks) Next(ctx context.Context) ([]byte, error) {
	plain, err := c.At(ctx, c.no)
	if err == nil {
		c.no++
	}
	return plain, err
}

// At returns the plain bytes of a chunk, valid until the following call, or io.EOF when there is none. Of an owner whose bytes were erased meanwhile it
// is states.ErrErased, never the end. The sealed bytes are opened where the
// driver has them, without a copy. Other errors wrap ErrStoredBytes.
func (c *Chunks) At(ctx context.Context, no int64) ([]byte, error) {
	fail := func(err error) ([]byte, error) {
		return nil, fmt.Errorf("%w: chunk %d of %s %d: %w", ErrStoredBytes, no, c.table.name, c.owner, err)
	}
	rows, err := c.q.Query(ctx, c.table.read, c.owner, no)
	if err != nil {
		return fail(err)
	}
	defer rows.Close()
	if !rows.Next() {
		rows.Close()
		if err := rows.Err(); err != nil {
			return fail(err)
		}
		c.wipe()
		if err := c.table.there(ctx, c.q, c.owner); err != nil {
			return fail(err)
		}
		return nil, io.EOF
	}
	c.pack, err = c.vault.AppendUnseal(c.pack[:0], rows.RawValues()[0], c.table.binding(c.owner, no))
	if err == nil {
		c.plain, err = s2.Decode(c.plain[:cap(c.plain)], c.pack)
		clear(c.pack)
	}
	if err != nil {
		return fail(err)
	}
	return c.plain, nil
}

// wipe erases the bytes of the last chunk. Who reads to the end leaves none.
func (c *Chunks) wipe() {
	clear(c.plain[:cap(c.plain)])
	clear(c.pack[:cap(c.pack)])
}

// Reader reads the rest as one run of bytes while ctx lives: an io.Reader takes no context.
func (c *Chunks) Reader(ctx context.Context) io.Reader {
	return &reader{next: func() ([]byte, error) { return c.Next(ctx) }}
}

// reader makes one run of bytes of chunks.
type reader struct {
	next func() ([]byte, error)
	rest []byte
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
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

// Ahead reads a stored file while its user is still at work on the bytes before. The user calls Close, and touches what the
// chunks are read through only after that.
type Ahead struct {
	full, free chan []byte
	done       chan struct{}
	err        error // why full was closed
	rest, held []byte
}

// readAheadChunks is how many chunks are in memory at a time.
const readAheadChunks = 3

// Ahead starts to read the rest ahead, and calls each with every chunk, in order.
func (c *Chunks) Ahead(ctx context.Context, each func([]byte)) *Ahead {
	a := &Ahead{full: make(chan []byte, readAheadChunks), free: make(chan []byte, readAheadChunks), done: make(chan struct{})}
	for range readAheadChunks {
		a.free <- nil
	}
	go func() {
		defer close(a.done)
		defer close(a.full)
		for buffer := range a.free {
			c.plain = buffer
			var plain []byte
			if plain, a.err = c.Next(ctx); a.err != nil {
				return
			}
			each(plain)
			a.full <- plain
		}
	}()
	return a
}

// Read implements io.Reader.
func (a *Ahead) Read(p []byte) (int, error) {
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

// Close ends the reading, waits for it and erases what was read.
func (a *Ahead) Close() {
	close(a.free)
	<-a.done
	clear(a.held[:cap(a.held)])
	for _, left := range [...]<-chan []byte{a.full, a.free} {
		for buffer := range left {
			clear(buffer[:cap(buffer)])
		}
	}
}
