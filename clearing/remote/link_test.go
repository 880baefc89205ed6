package remote_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"errors"
	"io"
	"net"
	"testing"
	"time"

	"settled/clearing/remote"
	"settled/internal/pcsim"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// server starts a center's file server and returns how to reach it.
func server(t *testing.T) (*pcsim.Center, remote.Config) {
	t.Helper()
	c, err := pcsim.New(pcsim.Options{Name: "PC-A", MemberID: "00000012345", Users: []pcsim.User{{Name: "acq", Password: "secret"}}})
	check(t, err)
	check(t, c.Start())
	t.Cleanup(func() { check(t, c.Close()) })
	return c, remote.Config{Address: c.SFTPAddr(), User: "acq", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeys: []ssh.PublicKey{c.HostKey()}}
}

func dial(t *testing.T, c remote.Config) *remote.Link {
	t.Helper()
	l, err := remote.Dial(t.Context(), c)
	check(t, err)
	t.Cleanup(func() { _ = l.Close() })
	return l
}

// blocks returns data in blocks of the given size.
func blocks(data []byte, size int) func() ([]byte, error) {
	return func() ([]byte, error) {
		if len(data) == 0 {
			return nil, io.EOF
		}
		n := min(size, len(data))
		block := data[:n]
		data = data[n:]
		return block, nil
	}
}

// sizes are around the packet of 32 KiB, where the library has lost data.
var sizes = []int{0, 1, 1000, 32<<10 - 1, 32 << 10, 32<<10 + 1, 100_000, 300_000, 32 * 32 << 10, 3<<20 + 7}

func TestPutAndRead(t *testing.T) {
	c, config := server(t)
	for _, short := range []int{0, 1000, 8192} {
		c.SetFaults(pcsim.Faults{ShortReads: short})
		l := dial(t, config)
		for _, size := range sizes {
			data := make([]byte, size)
			_, _ = rand.Read(data)
			n, err := l.Put("/in/f", blocks(data, 1<<20))
			if err != nil || n != int64(size) {
				t.Fatalf("put %d: %d, %v", size, n, err)
			}
			var got bytes.Buffer
			e, err := l.Read("/in/f", &got)
			if err != nil || !bytes.Equal(got.Bytes(), data) || e.Size != int64(size) {
				t.Errorf("read %d in answers of %d: %d bytes, %v", size, short, got.Len(), err)
			}
			check(t, l.Remove("/in/f"))
		}
	}
}

// TestFullDiskIsAlwaysSeen: the error of no packet is lost, the last one's neither.
func TestFullDiskIsAlwaysSeen(t *testing.T) {
	c, config := server(t)
	for _, size := range sizes[1:] {
		for _, block := range []int{1 << 20, 32 << 10, 1000} {
			c.SetFaults(pcsim.Faults{DiskFullAt: int64(size - 1)})
			if size == 1 {
				continue
			}
			l := dial(t, config)
			_, err := l.Put("/in/f", blocks(make([]byte, size), block))
			if remote.ClassOf(err) != remote.DiskFull {
				t.Errorf("%d bytes in blocks of %d: %v", size, block, err)
			}
			c.SetFaults(pcsim.Faults{})
			check(t, l.Remove("/in/f"))
		}
	}
}

func TestPutNeverReplaces(t *testing.T) {
	c, config := server(t)
	check(t, c.WriteFile("/in/f", []byte("first")))
	l := dial(t, config)
	if _, err := l.Put("/in/f", blocks([]byte("second"), 10)); err == nil {
		t.Error("put onto a file succeeded")
	}
	check(t, c.WriteFile("/in/g", []byte("second")))
	if err := l.Rename("/in/g", "/in/f"); err == nil {
		t.Error("rename onto a file succeeded")
	}
	if data, _ := c.ReadFile("/in/f"); string(data) != "first" {
		t.Errorf("replaced by %q", data)
	}
}

func TestSilenceEnds(t *testing.T) {
	c, config := server(t)
	config.ConnectTimeout, config.IdleTimeout = 300*time.Millisecond, 300*time.Millisecond
	c.SetFaults(pcsim.Faults{Hang: true})
	started := time.Now()
	if _, err := remote.Dial(t.Context(), config); remote.ClassOf(err) != remote.Timeout {
		t.Errorf("got %v of class %s", err, remote.ClassOf(err))
	}
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// stuck is a file server whose SSH side is alive and whose answers never come.
type stuck struct{ release chan struct{} }

func (s stuck) Filelist(*sftp.Request) (sftp.ListerAt, error) {
	<-s.release
	return nil, sftp.ErrSSHFxFailure
}

// TestStuckServerIsLeft: a server that answers on the level of SSH only does not hold us, neither in an operation nor at
// the end.
func TestStuckServerIsLeft(t *testing.T) {
	_, config := server(t)
	s := stuck{make(chan struct{})}
	t.Cleanup(func() { close(s.release) })
	config.Address = s.listen(t, &config)
	config.IdleTimeout = 300 * time.Millisecond
	l := dial(t, config)
	started := time.Now()
	if _, _, err := l.Stat("/in/f"); remote.ClassOf(err) != remote.Timeout && remote.ClassOf(err) != remote.Connection {
		t.Errorf("got %v of class %s", err, remote.ClassOf(err))
	}
	second := dial(t, config)
	go func() { _, _, _ = second.Stat("/in/f") }()
	_ = second.Close()
	if took := time.Since(started); took > 5*time.Second {
		t.Errorf("took %v", took)
	}
}

// listen serves with a host key of its own, which it pins in config.
func (s stuck) listen(t *testing.T, config *remote.Config) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	signer, err := ssh.NewSignerFromKey(private)
	check(t, err)
	config.HostKeys = []ssh.PublicKey{signer.PublicKey()}
	sc := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil }}
	sc.AddHostKey(signer)
	return listenFor(t, sc, sftp.Handlers{FileList: s})
}

// listenFor serves handlers over SSH, and returns where.
func listenFor(t *testing.T, sc *ssh.ServerConfig, handlers sftp.Handlers) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go serve(conn, sc, handlers)
		}
	}()
	return listener.Addr().String()
}

func serve(conn net.Conn, sc *ssh.ServerConfig, handlers sftp.Handlers) {
	_, channels, requests, err := ssh.NewServerConn(conn, sc)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for c := range channels {
		channel, requests, err := c.Accept()
		if err != nil {
			return
		}
		go func() {
			for r := range requests {
				_ = r.Reply(r.Type == "subsystem", nil)
			}
		}()
		go func() { _ = sftp.NewRequestServer(channel, handlers).Serve() }()
	}
}

func TestBudgetEnds(t *testing.T) {
	_, config := server(t)
	config.Budget = 200 * time.Millisecond
	l := dial(t, config)
	_, err := l.Put("/in/f", func() ([]byte, error) { return make([]byte, 1<<10), nil })
	if c := remote.ClassOf(err); c != remote.Connection && c != remote.Timeout {
		t.Errorf("got %v of class %s", err, c)
	}
}

func TestConfigurations(t *testing.T) {
	_, good := server(t)
	check(t, good.Check())
	weak, err := rsa.GenerateKey(rand.Reader, 2048)
	check(t, err)
	weakKey, err := ssh.NewPublicKey(&weak.PublicKey)
	check(t, err)
	for name, change := range map[string]func(*remote.Config){
		"no address":      func(c *remote.Config) { c.Address = "host" },
		"no user":         func(c *remote.Config) { c.User = "" },
		"no credentials":  func(c *remote.Config) { c.Auth = nil },
		"no host key":     func(c *remote.Config) { c.HostKeys = nil },
		"three host keys": func(c *remote.Config) { c.HostKeys = append(c.HostKeys, c.HostKeys[0], c.HostKeys[0]) },
		"weak host key":   func(c *remote.Config) { c.HostKeys = []ssh.PublicKey{weakKey} },
	} {
		c := good
		change(&c)
		if err := c.Check(); !errors.Is(err, remote.ErrConfig) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := remote.Dial(t.Context(), c); err == nil {
			t.Errorf("%s: connected", name)
		}
	}
}

func TestRotationOfHostKeys(t *testing.T) {
	c, config := server(t)
	other, err := pcsim.New(pcsim.Options{Name: "PC-B", MemberID: "00000012345"})
	check(t, err)
	config.HostKeys = []ssh.PublicKey{other.HostKey(), c.HostKey()}
	dial(t, config)
	config.HostKeys = config.HostKeys[:1]
	_, err = remote.Dial(t.Context(), config)
	var shown *remote.HostKeyError
	if remote.ClassOf(err) != remote.HostKey || !errors.As(err, &shown) || shown.Shown != ssh.FingerprintSHA256(c.HostKey()) {
		t.Errorf("got %v", err)
	}
}
