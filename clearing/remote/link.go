package remote

import (
	"context"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Link is one connection to a file server. It is for one delivery or one look into the inbox, and not safe for concurrent
// use.
type Link struct {
	ssh    *ssh.Client
	files  *sftp.Client
	conn   *watchedConn
	cancel context.CancelFunc
}

// Dial connects and logs in. The connection ends with ctx, with its budget, or when nothing moves on it for too long.
// Every error is an *Error.
func Dial(ctx context.Context, c Config) (*Link, error) {
	if err := c.Check(); err != nil {
		return nil, &Error{Op: "connect", Class: Other, Err: err}
	}
	c = c.withDefaults()
	config, err := c.client()
	if err != nil {
		return nil, err
	}
	dialer := net.Dialer{Timeout: c.ConnectTimeout}
	raw, err := dialer.DialContext(ctx, "tcp", c.Address)
	if err != nil {
		return nil, fail("connect to "+c.Address, err)
	}
	conn := &watchedConn{Conn: raw}
	conn.free()
	conn.limit.Store(int64(min(c.ConnectTimeout, c.IdleTimeout)))
	ctx, cancel := context.WithTimeout(ctx, c.Budget)
	context.AfterFunc(ctx, func() { _ = raw.Close() })
	link, err := login(conn, c, config)
	if err != nil {
		cancel()
		return nil, err
	}
	link.cancel = cancel
	conn.limit.Store(int64(c.IdleTimeout))
	return link, nil
}

func login(conn *watchedConn, c Config, config *ssh.ClientConfig) (*Link, error) {
	sshConn, channels, requests, err := ssh.NewClientConn(conn, c.Address, config)
	if err != nil {
		return nil, loginError(c.Address, err)
	}
	client := ssh.NewClient(sshConn, channels, requests)
	files, err := sftp.NewClient(client, sftp.UseConcurrentWrites(true), sftp.UseConcurrentReads(false))
	if err != nil {
		_ = client.Close()
		return nil, fail("open file transfer at "+c.Address, err)
	}
	return &Link{ssh: client, files: files, conn: conn}, nil
}

// Close ends the connection, without asking the server: one that answers nothing must not hold us.
func (l *Link) Close() error {
	defer l.cancel()
	err := errors.Join(l.ssh.Close(), l.files.Close())
	if err != nil && (errors.Is(err, io.EOF) || errors.Is(err, net.ErrClosed)) {
		return nil
	}
	return err
}

// watchedConn ends a connection on which nothing arrives for longer than the limit after the last byte either way. There
// are no keep-alives: a server that only answers those would look alive.
//
// What an answer of many packets may have in all is bounded, too: the library collects a directory in memory.
type watchedConn struct {
	net.Conn
	limit atomic.Int64
	left  atomic.Int64 // bytes that may still come; below zero: no bound
	spent atomic.Bool  // more came
}

// bound lets so many bytes come until free is called.
func (c *watchedConn) bound(most int64) { c.left.Store(most) }

// free takes the bound away, and tells whether it held something up.
func (c *watchedConn) free() (held bool) {
	c.left.Store(-1)
	return c.spent.Load()
}

func (c *watchedConn) patience() time.Duration { return time.Duration(c.limit.Load()) }

// Read implements net.Conn.
func (c *watchedConn) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.patience()))
	n, err := c.Conn.Read(p)
	if left := c.left.Load(); left >= 0 {
		rest := max(0, left-int64(n))
		if c.left.CompareAndSwap(left, rest) && rest == 0 { // or the bound was taken away meanwhile
			c.spent.Store(true)
			return n, errors.Join(ErrTooLarge, c.Close())
		}
	}
	return n, err
}

// Write implements net.Conn. What is written is to be answered, so the wait for that begins anew.
func (c *watchedConn) Write(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(c.patience()))
	return c.Conn.Write(p)
}
