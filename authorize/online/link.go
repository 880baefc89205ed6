package online

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"net"
	"time"

	"settled/fileformats/iso8583"
)

// maxEchoes bounds the answers to the center's echo tests that wait to be written. One beyond it is left out: the center
// asks again.
const maxEchoes = 4

// maxBatch is how many bytes one write takes from the queue, give or take a message.
const maxBatch = 32 << 10

var errEchoLost = errors.New("echo test not answered")

// link is one live connection to the center. Its owner goroutine writes, a second one reads.
type link struct {
	client *Client
	conn   net.Conn
	proven bool          // it answered an echo test: requests may use it
	gone   chan struct{} // closed when the reader has ended
	echoes chan []byte   // answers to the center's echo tests, from the reader to the writer
	cause  error         // why it ended; set before gone is closed
}

// keep holds one connection up until ctx ends: the owned goroutine of a connection slot.
func (c *Client) keep(ctx context.Context) {
	wait := backoff{base: c.options.Backoff, limit: c.options.MaxBackoff}
	for ctx.Err() == nil {
		conn, err := c.connect(ctx)
		if err == nil {
			var proven bool
			proven, err = c.serve(ctx, conn)
			if proven {
				wait.reset()
			}
		}
		if ctx.Err() != nil {
			return
		}
		delay := wait.next()
		c.logger.Warn("center connection down", slog.String("center", c.options.Name), slog.Any("error", err), slog.Duration("retry_in", delay))
		sleep(ctx, delay)
	}
}

// connect opens a connection and, where TLS is wanted, proves who is at its other end.
func (c *Client) connect(ctx context.Context) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, c.options.DialTimeout)
	defer cancel()
	conn, err := c.options.Dial(ctx, "tcp", c.options.Address)
	secure := cmp.Or(c.trusted.Load(), c.options.TLS)
	if err != nil || secure == nil {
		return conn, err
	}
	secured, err := secure.client(ctx, conn, c.options.Address, c.options.Now)
	if errors.Is(err, ErrCertificate) {
		c.untrusted(badCertificate, err)
	}
	return secured, err
}

// untrusted counts what a center must never send, and calls a person: somebody else may be at the other end.
func (c *Client) untrusted(why distrust, err error) {
	c.meter.distrusted(why)
	c.logger.Error("a person must look at the link to a center: what came is not believed", slog.String("center", c.options.Name),
		slog.String("why", distrustNames[why]), slog.Any("error", err))
}

// serve runs one connection to its end and settles what it left behind.
func (c *Client) serve(ctx context.Context, conn net.Conn) (proven bool, err error) {
	l := &link{client: c, conn: conn, gone: make(chan struct{}), echoes: make(chan []byte, maxEchoes)}
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	go l.read()
	err = l.write()
	conn.Close()
	<-l.gone
	if l.proven {
		c.linkDown()
	}
	if err == nil {
		err = l.cause
	}
	lost := unknown(fmt.Errorf("%w: %w", ErrConnectionLost, err))
	c.table.abandon(l, func(f *flight) { f.finish(Answer{}, lost) })
	return l.proven, err
}

// write sends what is queued, many messages to a write, and the echo tests. It returns when the connection is of no
// more use: with nil when the reader has ended and knows why.
func (l *link) write() (err error) {
	batch := make([]byte, 0, maxBatch+iso8583.MaxFrame)
	beat := time.NewTimer(0)
	defer beat.Stop()
	var queue <-chan *flight   // nil until the first echo test is answered
	var echoed <-chan struct{} // nil when no echo test is under way
	for err == nil {
		select {
		case <-l.gone:
			return nil
		case f := <-queue:
			batch = l.load(batch[:0], f)
			err = l.flush(batch)
		case answer := <-l.echoes:
			err = l.flush(answer)
		case <-echoed:
			echoed, queue = nil, l.client.queue
			l.prove()
			beat.Reset(l.client.options.EchoInterval)
		case <-beat.C:
			if echoed != nil {
				return errEchoLost
			}
			echoed, err = l.echo(batch[:0])
			beat.Reset(l.client.options.EchoTimeout)
		}
	}
	return err
}

// load takes f and whatever else is queued, up to one write's worth.
func (l *link) load(batch []byte, f *flight) []byte {
	select {
	case <-l.gone:
		l.client.requeue(f)
		return batch
	default:
	}
	for {
		batch = l.client.table.take(f, l, batch)
		if len(batch) >= maxBatch {
			return batch
		}
		select {
		case f = <-l.client.queue:
		default:
			return batch
		}
	}
}

// flush writes the batch and erases it. A batch that fails counts as sent as a whole: nobody knows how much arrived.
func (l *link) flush(batch []byte) error {
	if len(batch) == 0 {
		return nil
	}
	defer clear(batch)
	if err := l.conn.SetWriteDeadline(time.Now().Add(l.client.options.EchoTimeout)); err != nil {
		return err
	}
	_, err := l.conn.Write(batch)
	return err
}

// echo writes an echo test; the channel receives when it is answered.
func (l *link) echo(batch []byte) (<-chan struct{}, error) {
	f := newFlight(l.client.options.MAC)
	if err := l.client.composeEcho(f); err != nil {
		return nil, err
	}
	l.client.table.add(f)
	return f.done, l.flush(l.client.table.take(f, l, batch))
}

// prove opens the connection to requests: the center answers on it.
func (l *link) prove() {
	if !l.proven {
		l.proven = true
		l.client.linkUp()
	}
}

// read delivers answers until the connection ends.
func (l *link) read() {
	defer close(l.gone)
	in := iso8583.NewFrameReader(bufio.NewReaderSize(l.conn, 64<<10))
	message := iso8583.Online.NewMessage("")
	defer message.Reset("")
	for {
		frame, err := in.Next()
		if err == nil {
			err = l.believe(frame)
		}
		if err != nil {
			l.cause = err
			l.conn.Close()
			return
		}
		if !l.answerEcho(message, frame) {
			l.client.deliver(message, frame)
		}
	}
}

// believe checks the code of a message before anything of it is read. Its error ends the connection.
func (l *link) believe(frame []byte) error {
	err := l.client.options.MAC.Check(frame)
	if err != nil {
		l.client.untrusted(badMAC, err)
	}
	return err
}

// answerEcho answers an echo test of the center; false when the frame is anything else.
func (l *link) answerEcho(m *iso8583.Message, frame []byte) bool {
	if !bytes.HasPrefix(frame, []byte(iso8583.MTINetworkRequest)) || m.Decode(frame) != nil || iso8583.CheckOnline(m) != nil ||
		m.Text(24) != iso8583.FunctionEcho {
		return false
	}
	answer := iso8583.Online.NewMessage("")
	answer.Answer(m)
	answer.Set(39, iso8583.ActionApproved)
	if out, err := l.client.options.MAC.AppendFrame(nil, answer); err == nil {
		select {
		case l.echoes <- out:
		default:
		}
	}
	return true
}

// backoff doubles from base to limit, with half of each delay random so that connections do not return in step.
type backoff struct{ base, limit, current time.Duration }

func (b *backoff) reset() { b.current = 0 }

func (b *backoff) next() time.Duration {
	b.current = min(max(2*b.current, b.base), b.limit)
	return b.current/2 + rand.N(b.current/2+1) //nolint:gosec // spreads attempts, no secret
}

// sleep waits for d or the end of ctx.
func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
