package edge

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// Guard makes the connections of a listener such that only requests are read whose ends are where every server sees them.
type Guard struct {
	// Refused is told why a request, or a handshake, was refused, and from where.
	Refused func(why error, from net.Addr)
	// Answer makes what is sent for a request that net/http refuses before any handler: status and body with the headers of every answer.
	Answer func(status int, from net.Addr) []byte
	// Handshake bounds the handshake of TLS.
	Handshake time.Duration
}

// Over makes a connection guarded, over TLS where there is a configuration.
func (g *Guard) Over(c net.Conn, over *tls.Config) net.Conn {
	if over == nil {
		return &guarded{Conn: c, guard: g}
	}
	secure := tls.Server(c, over)
	return &secured{guarded{Conn: secure, guard: g}, secure}
}

// guarded is a connection whose requests are followed. What is refused is read as an error, after all that came before it was read.
type guarded struct {
	net.Conn
	guard   *Guard
	heads   scanner
	refused error
	late    bool        // a head took too long, and was answered so
	woken   atomic.Bool // the deadline of reads lies in the past: net/http ends a read that way which it needs no more
}

// SetReadDeadline implements net.Conn.
func (c *guarded) SetReadDeadline(t time.Time) error {
	c.woken.Store(!t.IsZero() && t.Before(time.Now()))
	return c.Conn.SetReadDeadline(t)
}

// Read reads up to the first byte that makes a request ambiguous. Reads come one after the other: net/http does so.
func (c *guarded) Read(p []byte) (int, error) {
	if c.refused != nil {
		return 0, c.refused
	}
	n, err := c.Conn.Read(p)
	if errors.Is(err, os.ErrDeadlineExceeded) && c.heads.within() && !c.woken.Load() {
		c.tooLate()
	}
	good, refused := c.heads.take(p[:n])
	if refused == nil {
		return n, err
	}
	c.refuse(refused)
	if good == 0 {
		return 0, refused
	}
	return good, nil
}

// lastWord bounds how long it may take to tell a client that it was too slow.
const lastWord = time.Second

// tooLate answers a head that did not come to its end in time, which net/http drops without a word.
func (c *guarded) tooLate() {
	c.late = true
	if c.Conn.SetWriteDeadline(time.Now().Add(lastWord)) == nil {
		_, _ = c.Conn.Write(c.guard.Answer(http.StatusRequestTimeout, c.RemoteAddr()))
	}
}

func (c *guarded) refuse(why error) {
	c.refused = why
	c.guard.Refused(why, c.RemoteAddr())
}

// serversOwn is how net/http answers by itself a request that it does not give to a handler. A handler's answer has more headers.
var serversOwn = []byte("\r\nContent-Type: text/plain; charset=utf-8\r\nConnection: close\r\n\r\n")

// Write writes, and an answer of net/http's own as one of ours. After the answer to a head that was too slow nothing follows.
func (c *guarded) Write(p []byte) (int, error) {
	if c.late {
		return len(p), nil
	}
	line, _, _ := bytes.Cut(p, []byte("\r\n"))
	if !bytes.HasPrefix(p[len(line):], serversOwn) {
		return c.Conn.Write(p)
	}
	if _, err := c.Conn.Write(c.guard.Answer(statusOf(line), c.RemoteAddr())); err != nil {
		return 0, err
	}
	return len(p), nil
}

// statusOf reads the status of a status line; it is 400 where there is none.
func statusOf(line []byte) int {
	parts := bytes.Fields(line)
	if len(parts) > 1 {
		if status, err := strconv.Atoi(string(parts[1])); err == nil && http.StatusText(status) != "" {
			return status
		}
	}
	return http.StatusBadRequest
}

// secured is a guarded connection over TLS.
type secured struct {
	guarded
	secure *tls.Conn
}

// ConnectionState shakes hands and tells what was agreed on; net/http asks for it before it reads. A connection whose handshake
// fails reads as ended.
func (c *secured) ConnectionState() tls.ConnectionState {
	ctx, cancel := context.WithTimeout(context.Background(), c.guard.Handshake)
	defer cancel()
	if err := c.secure.HandshakeContext(ctx); err != nil {
		c.refuse(err)
		c.refused = io.EOF
	}
	return c.secure.ConnectionState()
}
