package bench

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"time"

	"golang.org/x/crypto/ssh"
)

// sshd is OpenSSH's server on a free port, with keys of its own and one login: the user who runs the benchmark.
type sshd struct {
	cmd     *exec.Cmd
	dir     string
	address string
	hostKey ssh.PublicKey
	login   string // user
	keyFile string // private key of the login
}

var errNoSSHD = errors.New("OpenSSH's server and client are not installed (Debian: openssh-server openssh-client)")

func startSSHD(ctx context.Context, dir string) (*sshd, error) {
	program, err := exec.LookPath("/usr/sbin/sshd")
	if _, missing := exec.LookPath("sftp"); err != nil || missing != nil {
		return nil, errNoSSHD
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	s := &sshd{dir: dir, login: me.Username, keyFile: filepath.Join(dir, "login")}
	if s.hostKey, err = writeKey(filepath.Join(dir, "host")); err != nil {
		return nil, err
	}
	login, err := writeKey(s.keyFile)
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(dir, "authorized"), ssh.MarshalAuthorizedKey(login), 0o600); err != nil {
		return nil, err
	}
	return s, s.run(ctx, program)
}

func (s *sshd) run(ctx context.Context, program string) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	s.address = l.Addr().String()
	l.Close()
	if err := os.MkdirAll("/run/sshd", 0o755); err != nil && os.Getuid() == 0 {
		return err
	}
	_, port, _ := net.SplitHostPort(s.address)
	s.cmd = exec.CommandContext(ctx, program, "-D", "-e", "-f", "/dev/null", "-p", port, "-h", filepath.Join(s.dir, "host"),
		"-o", "ListenAddress=127.0.0.1", "-o", "AuthorizedKeysFile="+filepath.Join(s.dir, "authorized"), "-o", "StrictModes=no",
		"-o", "UsePAM=no", "-o", "PermitRootLogin=prohibit-password", "-o", "PidFile=none", "-o", "Subsystem=sftp internal-sftp")
	if err := s.cmd.Start(); err != nil {
		return err
	}
	for range 100 {
		if conn, err := net.Dial("tcp", s.address); err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return fmt.Errorf("sshd does not answer at %s", s.address)
}

func (s *sshd) close() {
	_ = s.cmd.Process.Kill()
	_ = s.cmd.Wait()
}

// writeKey makes an ed25519 key, writes the private half to path, and returns the public one.
func writeKey(path string) (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "settled bench")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}
