package clearing_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/remote"
	"settled/fileformats/ipm"

	"golang.org/x/crypto/ssh"
)

// findSSHD returns the path of an OpenSSH server. Without one the test is skipped, or fails where everything is required.
func findSSHD(t *testing.T) string {
	t.Helper()
	for _, name := range []string{os.Getenv("SETTLED_SSHD"), "sshd", "/usr/sbin/sshd"} {
		if path, err := exec.LookPath(name); err == nil && name != "" {
			path, err = filepath.Abs(path)
			check(t, err)
			return path
		}
	}
	if os.Getenv("SETTLED_REQUIRE_ALL") == "1" {
		t.Fatal("no OpenSSH server found, and SETTLED_REQUIRE_ALL=1")
	}
	t.Skip("no OpenSSH server found; name one with SETTLED_SSHD")
	return ""
}

// sshd is an OpenSSH server with a directory of its own.
type sshd struct {
	root    string
	address string
	hostKey ssh.PublicKey
	keyFile string // of the client
}

// startSSHD starts a server; more are lines of its configuration, before the others: sshd takes the first of each.
func startSSHD(t *testing.T, more ...string) *sshd {
	t.Helper()
	program := findSSHD(t)
	dir := t.TempDir()
	s := &sshd{root: filepath.Join(dir, "files"), keyFile: filepath.Join(dir, "client")}
	for _, d := range []string{"files", "files/in", "files/out"} {
		check(t, os.Mkdir(filepath.Join(dir, d), 0o755))
	}
	s.hostKey = writeKey(t, filepath.Join(dir, "host"))
	client := writeKey(t, s.keyFile)
	check(t, os.WriteFile(filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(client), 0o600))
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	s.address = l.Addr().String()
	_, port, _ := net.SplitHostPort(s.address)
	check(t, l.Close())
	config := strings.Join(append(more, ""), "\n") + fmt.Sprintf("ListenAddress 127.0.0.1\nPort %s\nHostKey %s/host\nAuthorizedKeysFile %s/authorized\nPidFile none\nStrictModes no\nUsePAM no\n"+
		"PermitRootLogin yes\nPasswordAuthentication no\nSubsystem sftp internal-sftp\n", port, dir, dir)
	check(t, os.WriteFile(filepath.Join(dir, "config"), []byte(config), 0o600))
	if os.Getuid() == 0 { // root's sshd wants a directory that the service makes when it starts
		check(t, os.MkdirAll("/run/sshd", 0o755))
	}
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, program, "-D", "-e", "-f", filepath.Join(dir, "config"))
	var log bytes.Buffer
	cmd.Stderr = &log
	check(t, cmd.Start())
	t.Cleanup(func() {
		cancel()
		_ = cmd.Wait()
		if t.Failed() {
			t.Log(log.String())
		}
	})
	s.wait(t)
	return s
}

// wait until the server listens.
func (s *sshd) wait(t *testing.T) {
	t.Helper()
	for range 200 {
		conn, err := net.Dial("tcp", s.address)
		if err == nil {
			_ = conn.Close()
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("sshd does not listen")
}

func writeKey(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	public, private, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	check(t, err)
	check(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	key, err := ssh.NewPublicKey(public)
	check(t, err)
	return key
}

// TestOpenSSH delivers to, and fetches from, the server that most centers have.
func TestOpenSSH(t *testing.T) {
	server := startSSHD(t)
	me, err := user.Current()
	check(t, err)
	w := newWorld(t, nil)
	w.reconfigure(func(p *clearing.Profile) {
		p.SFTP = remote.Config{Address: server.address, User: me.Username, KeyFile: server.keyFile, HostKeys: []ssh.PublicKey{server.hostKey}}
		p.Outbox, p.Inbox, p.RemoveReplies = server.root+"/in", server.root+"/out", true
	})
	w.bulk(8000)
	w.cutoff()
	w.buildAll()
	f := w.file()
	check(t, w.night.Delivery.Deliver(t.Context(), f.ID))
	sent, err := os.ReadFile(filepath.Join(server.root, "in", f.Name))
	check(t, err)
	if !bytes.Equal(sent, w.bytesOf(f)) || w.file().Proof != "hash" {
		t.Errorf("%d bytes arrived of %d, proof %q", len(sent), *f.Bytes, w.file().Proof)
	}
	left, err := filepath.Glob(filepath.Join(server.root, "in", ".*"))
	check(t, err)
	if len(left) != 0 {
		t.Errorf("left behind: %v", left)
	}
	reply := answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 8000, 8000*100+8000*7999/2)})
	}}.bytes(t, ipm.Profile{})
	name := filepath.Join(server.root, "out", "RPY_"+strings.TrimSuffix(f.Name, ".ipm")+"_1.ipm")
	check(t, os.WriteFile(name, reply, 0o644))
	w.take()
	w.acceptedBooks(8000, 0)
	w.take()
	if _, err := os.Stat(name); !os.IsNotExist(err) {
		t.Errorf("reply was not removed: %v", err)
	}
}

// TestOpenSSHRefuses: what OpenSSH says in its own words has the right class.
// TestWeakOpenSSHIsRefused: servers whose operators turned back to weak algorithms are not logged in to.
func TestWeakOpenSSHIsRefused(t *testing.T) {
	me, err := user.Current()
	check(t, err)
	rsaHost := filepath.Join(t.TempDir(), "rsa")
	pinned := writeRSAKey(t, rsaHost)
	for _, tt := range []struct {
		name, line, want string
		rsa              bool
	}{
		{"as it comes", "LogLevel INFO", "", false},
		{"RSA with SHA-2", "HostKey " + rsaHost, "", true},
		{"key exchange", "KexAlgorithms diffie-hellman-group14-sha1,diffie-hellman-group-exchange-sha1", "weak algorithms for key exchange: diffie-hellman-group14-sha1, diffie-hellman-group-exchange-sha1", false},
		{"host key", "HostKeyAlgorithms ssh-rsa\nHostKey " + rsaHost, "weak algorithms for host key: ssh-rsa", true},
		{"cipher", "Ciphers aes128-cbc,3des-cbc", "cipher: aes128-cbc, 3des-cbc", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			server := startSSHD(t, tt.line)
			c := remote.Config{Address: server.address, User: me.Username, KeyFile: server.keyFile, HostKeys: []ssh.PublicKey{server.hostKey}}
			if tt.rsa {
				c.HostKeys = []ssh.PublicKey{pinned}
			}
			link, err := remote.Dial(t.Context(), c)
			switch {
			case tt.want == "":
				check(t, err)
				check(t, link.Close())
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func writeRSAKey(t *testing.T, path string) ssh.PublicKey {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 3072)
	check(t, err)
	block, err := ssh.MarshalPrivateKey(private, "")
	check(t, err)
	check(t, os.WriteFile(path, pem.EncodeToMemory(block), 0o600))
	public, err := ssh.NewPublicKey(&private.PublicKey)
	check(t, err)
	return public
}

func TestOpenSSHRefuses(t *testing.T) {
	server := startSSHD(t)
	me, err := user.Current()
	check(t, err)
	good := remote.Config{Address: server.address, User: me.Username, KeyFile: server.keyFile, HostKeys: []ssh.PublicKey{server.hostKey}}
	link, err := remote.Dial(t.Context(), good)
	check(t, err)
	defer link.Close()
	block := func() func() ([]byte, error) { r := bytes.NewReader([]byte("hello")); return once(r) }
	if _, err := link.Put(server.root+"/nowhere/x", block()); remote.ClassOf(err) != remote.NoSuchFile {
		t.Errorf("missing directory: %v", err)
	}
	for _, name := range []string{"/in/a", "/in/b"} {
		_, err := link.Put(server.root+name, block())
		check(t, err)
	}
	if err := link.Rename(server.root+"/in/a", server.root+"/in/b"); err == nil || remote.Ambiguous(err) && remote.ClassOf(err) != remote.Other {
		t.Errorf("rename onto a file: %v (%s)", err, remote.ClassOf(err))
	}
	if data, _ := os.ReadFile(server.root + "/in/b"); string(data) != "hello" {
		t.Error("the file was replaced")
	}
	bad := good
	bad.HostKeys = []ssh.PublicKey{writeKey(t, filepath.Join(t.TempDir(), "other"))}
	if _, err := remote.Dial(t.Context(), bad); remote.ClassOf(err) != remote.HostKey {
		t.Errorf("other host key: %v", err)
	}
	bad = good
	bad.KeyFile = filepath.Join(t.TempDir(), "client")
	writeKey(t, bad.KeyFile)
	if _, err := remote.Dial(t.Context(), bad); remote.ClassOf(err) != remote.Auth {
		t.Errorf("other client key: %v", err)
	}
}

// once returns the bytes of r as one block.
func once(r *bytes.Reader) func() ([]byte, error) {
	return func() ([]byte, error) {
		b := make([]byte, 1<<20)
		n, err := r.Read(b)
		return b[:n], err
	}
}
