package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
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

func login(conn net.Conn, c Config, config *ssh.ClientConfig) (*Link, error) {
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
	return &Link{ssh: client, files: files}, nil
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
type watchedConn struct {
	net.Conn
	limit atomic.Int64
}

func (c *watchedConn) patience() time.Duration { return time.Duration(c.limit.Load()) }

// Read implements net.Conn.
func (c *watchedConn) Read(p []byte) (int, error) {
	_ = c.SetReadDeadline(time.Now().Add(c.patience()))
	return c.Conn.Read(p)
}

// Write implements net.Conn. What is written is to be answered, so the wait for that begins anew.
func (c *watchedConn) Write(p []byte) (int, error) {
	_ = c.SetDeadline(time.Now().Add(c.patience()))
	return c.Conn.Write(p)
}

// Entry is a file at the server.
type Entry struct {
	Name     string
	Size     int64
	Modified time.Time
	Regular  bool
}

func entry(info fs.FileInfo) Entry {
	return Entry{Name: info.Name(), Size: info.Size(), Modified: info.ModTime().UTC(), Regular: info.Mode().IsRegular()}
}

// List returns what is in a directory, in no particular order.
func (l *Link) List(ctx context.Context, dir string) ([]Entry, error) {
	infos, err := l.files.ReadDirContext(ctx, dir)
	if err != nil {
		return nil, fail("list "+dir, err)
	}
	entries := make([]Entry, len(infos))
	for i, info := range infos {
		entries[i] = entry(info)
	}
	return entries, nil
}

// Put writes a new file from the blocks that next returns until io.EOF. The file must not exist. A block of a megabyte
// travels as many packets at once; every packet's answer is waited for. A server that fails without saying why is asked
// whether its disk is full.
func (l *Link) Put(name string, next func() ([]byte, error)) (size int64, err error) {
	f, err := l.files.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL)
	if err != nil {
		return 0, l.full(name, fail("create "+name, err))
	}
	size, err = write(f, name, next)
	if err == nil {
		if _, can := l.files.HasExtension("fsync@openssh.com"); can {
			err = fail("sync "+name, f.Sync())
		}
	}
	if closed := fail("close "+name, f.Close()); err == nil {
		err = closed
	}
	return size, l.full(name, err)
}

func write(f *sftp.File, name string, next func() ([]byte, error)) (size int64, err error) {
	for {
		block, err := next()
		if errors.Is(err, io.EOF) {
			return size, nil
		}
		if err != nil {
			return size, err
		}
		n, err := f.Write(block)
		size += int64(n)
		if err != nil {
			return size, fail(fmt.Sprintf("write %s at %d", name, size), err)
		}
	}
}

const (
	readPacket = 32 << 10 // what every server answers at once
	readAhead  = 32       // packets asked for at a time
)

// piece is one packet of a file being read.
type piece struct {
	data []byte
	err  error
}

// readWindow reads size bytes in order, with several packets on their way. Each is asked for by itself and must be whole:
// the library's own reading ahead takes a short answer for the end of the file.
func readWindow(w io.Writer, f io.ReaderAt, size int64) error {
	var ahead [readAhead]chan piece
	ask := func(no int64) {
		at := no * readPacket
		if at >= size {
			return
		}
		answer := make(chan piece, 1)
		ahead[no%readAhead] = answer
		go func() {
			data := make([]byte, min(readPacket, size-at))
			answer <- piece{data, readFull(f, data, at)}
		}()
	}
	for no := range int64(readAhead) {
		ask(no)
	}
	for no := int64(0); no*readPacket < size; no++ {
		p := <-ahead[no%readAhead]
		if p.err != nil {
			return p.err
		}
		if _, err := w.Write(p.data); err != nil {
			return err
		}
		ask(no + readAhead)
	}
	return nil
}

// readFull reads all of data, however little the server gives at a time.
func readFull(f io.ReaderAt, data []byte, at int64) error {
	for len(data) > 0 {
		n, err := f.ReadAt(data, at)
		if n > 0 {
			data, at = data[n:], at+int64(n)
			continue
		}
		if err == nil || errors.Is(err, io.EOF) {
			return io.ErrUnexpectedEOF
		}
		return err
	}
	return nil
}

// Rename moves a file by the plain request, which must fail when the target exists. See Ambiguous for its errors.
func (l *Link) Rename(from, to string) error {
	return fail(fmt.Sprintf("rename %s to %s", from, to), l.files.Rename(from, to))
}

// Remove deletes a file; one that is not there is no error, whatever the server says of it.
func (l *Link) Remove(name string) error {
	err := l.files.Remove(name)
	if err == nil || missing(err) {
		return nil
	}
	if vague(err) {
		if _, found, looked := l.Stat(name); looked == nil && !found {
			return nil
		}
	}
	return fail("remove "+name, err)
}
