package pcsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"sync"
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// ErrState says that a center was started twice, or after its end.
var ErrState = errors.New("pcsim: center is running or closed")

// Center is a processing center. Make it with [New], start its listeners with [Center.Start], end it with
// [Center.Close]. Its methods may be called concurrently.
type Center struct {
	opt   Options
	tree  tree
	books *ledger
	clearing
	ssh    *ssh.ServerConfig
	tls    *tls.Config // nil: the online host speaks in the clear
	faults atomic.Pointer[Faults]
	traits atomic.Pointer[Behavior]

	logins, received, malformed atomic.Int64
	asked, echoed               atomic.Int64 // echo tests of the center, and answers to them

	logs logbook

	mu     sync.Mutex
	online net.Listener
	sftp   net.Listener
	conns  map[net.Conn]net.Listener
	down   bool // the online host refuses connections
	ctx    context.Context
	cancel context.CancelFunc
	wg     sync.WaitGroup
}

// New makes a center with empty books and the directories in/ and out/. Errors: [ErrOptions], or what the file system
// says about Options.Root.
func New(opt Options) (*Center, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	c := &Center{opt: opt, books: newLedger(), clearing: newClearing(opt.Replies), conns: map[net.Conn]net.Listener{}}
	c.faults.Store(&opt.Faults)
	c.traits.Store(&opt.Behavior)
	c.ctx, c.cancel = context.WithCancel(context.Background())
	if c.ssh, err = c.sshConfig(); err != nil {
		return nil, fmt.Errorf("%w: host key: %w", ErrOptions, err)
	}
	if c.tls, err = opt.tlsConfig(); err != nil {
		return nil, fmt.Errorf("%w: certificate: %w", ErrOptions, err)
	}
	if c.tree, err = newTree(opt); err != nil {
		return nil, err
	}
	for _, dir := range []string{InDir, OutDir, LogDir} {
		if err := c.tree.mkdir(dir); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, errors.Join(fmt.Errorf("make %s: %w", dir, err), c.Close())
		}
	}
	return c, nil
}

func newTree(opt Options) (tree, error) {
	if opt.Root == "" {
		return newMemTree(opt.Now), nil
	}
	if err := os.MkdirAll(opt.Root, 0o755); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(opt.Root)
	if err != nil {
		return nil, err
	}
	return &dirTree{root: root}, nil
}

// Start listens on both addresses and serves until [Center.Close]. Errors: [ErrState], or what the network says.
func (c *Center) Start() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.online != nil || c.ctx.Err() != nil {
		return ErrState
	}
	online, err := net.Listen("tcp", c.opt.OnlineAddr)
	if err != nil {
		return fmt.Errorf("listen for messages: %w", err)
	}
	sftp, err := net.Listen("tcp", c.opt.SFTPAddr)
	if err != nil {
		online.Close()
		return fmt.Errorf("listen for files: %w", err)
	}
	c.online, c.sftp = online, sftp
	c.goes(func() { c.accept(online, c.serveOnline) })
	c.goes(func() { c.accept(sftp, c.serveSFTP) })
	return nil
}

// goes runs f in a goroutine that Close waits for.
func (c *Center) goes(f func()) { c.wg.Go(f) }

func (c *Center) accept(l net.Listener, serve func(net.Conn)) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		if !c.track(conn, l) {
			conn.Close()
			continue
		}
		c.goes(func() {
			defer c.untrack(conn)
			serve(conn)
		})
	}
}

// track keeps a connection for Close to cut; false refuses it.
func (c *Center) track(conn net.Conn, l net.Listener) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil || c.down && l == c.online {
		return false
	}
	c.conns[conn] = l
	return true
}

func (c *Center) untrack(conn net.Conn) {
	conn.Close()
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.conns, conn)
}

// Close stops listening, cuts every connection and waits until nothing of the center runs. A second call does nothing.
func (c *Center) Close() error {
	c.cancel()
	c.mu.Lock()
	for _, l := range []net.Listener{c.online, c.sftp} {
		if l != nil {
			l.Close()
		}
	}
	for conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.wg.Wait()
	if t, ok := c.tree.(*dirTree); ok {
		return t.root.Close()
	}
	return nil
}

// DropConnections cuts every open connection, as a network does; listeners stay.
func (c *Center) DropConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for conn := range c.conns {
		conn.Close()
	}
}

// SetDown takes the online host off the network, or back: while it is down, its connections are cut and new ones closed
// as soon as they are made. Nothing of the books changes.
func (c *Center) SetDown(down bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.down = down
	for conn, l := range c.conns {
		if down && l == c.online {
			conn.Close()
		}
	}
}

// OnlineAddr is the address of the online host; empty before Start.
func (c *Center) OnlineAddr() string { return c.addr(&c.online) }

// SFTPAddr is the address of the SFTP server; empty before Start.
func (c *Center) SFTPAddr() string { return c.addr(&c.sftp) }

func (c *Center) addr(l *net.Listener) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if *l == nil {
		return ""
	}
	return (*l).Addr().String()
}

// HostKey is the public key that a client must pin.
func (c *Center) HostKey() ssh.PublicKey {
	key, err := ssh.NewPublicKey(c.opt.HostKey.Public())
	if err != nil { // an ed25519 key was accepted by New
		return nil
	}
	return key
}

// SetBehavior changes the seeded shares and delays from now on. Errors: [ErrOptions].
func (c *Center) SetBehavior(b Behavior) error {
	b = b.withDefaults()
	if err := b.check(); err != nil {
		return err
	}
	c.traits.Store(&b)
	return nil
}

// Logins counts the login attempts on the SFTP server, refused ones too.
func (c *Center) Logins() int64 { return c.logins.Load() }

// ReadFile returns a file of the SFTP tree, such as "/out/RPY_….ipm".
func (c *Center) ReadFile(name string) ([]byte, error) { return readFile(c.tree, name) }

// WriteFile puts a file into the SFTP tree, whole or not at all, replacing an earlier one.
func (c *Center) WriteFile(name string, data []byte) error { return writeFile(c.tree, name, data) }

// Remove takes a file out of the SFTP tree, as a center that loses one.
func (c *Center) Remove(name string) error { return c.tree.remove(name) }

// List returns the names in a directory of the SFTP tree, such as [InDir], in order.
func (c *Center) List(dir string) ([]string, error) {
	infos, err := c.tree.list(dir)
	if err != nil {
		return nil, err
	}
	names := make([]string, 0, len(infos))
	for _, info := range infos {
		names = append(names, info.Name())
	}
	return names, nil
}
