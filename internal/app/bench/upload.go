package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"settled/clearing/remote"

	"golang.org/x/crypto/ssh"
)

const uploadSize = 512 << 20

// upload measures MB per second of the product's upload, login included, over OpenSSH's sftp with its fastest cipher for
// this hardware, both to OpenSSH's server, in turns.
func (b *bench) upload(ctx context.Context, w *world) error {
	dir, err := os.MkdirTemp(w.temp, "upload-")
	if err != nil {
		return err
	}
	server, err := startSSHD(ctx, dir)
	if errors.Is(err, errNoSSHD) {
		fmt.Fprintf(b.out, "  not measured: %v\n", err)
		return nil
	}
	if err != nil {
		return err
	}
	defer server.close()
	source := filepath.Join(dir, "source")
	if err := randomFile(source); err != nil {
		return err
	}
	var product, limit []float64
	for r := range b.Rounds {
		p, err := seconds(func() error { return server.put(ctx, source, filepath.Join(dir, "ours")) })
		if err != nil {
			return err
		}
		l, err := seconds(func() error { return server.sftp(ctx, source, filepath.Join(dir, "theirs")) })
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "  round %d: %.0f MB/s, sftp %.0f MB/s\n", r+1, uploadSize/1e6/p, uploadSize/1e6/l)
		product, limit = append(product, 1/p), append(limit, 1/l)
	}
	printRatio(b.out, "upload", median(ratios(product, limit)), atLeast(1))
	return nil
}

func randomFile(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err := io.CopyN(f, rand.Reader, uploadSize); err != nil {
		return errors.Join(err, f.Close())
	}
	return f.Close()
}

// put uploads as a delivery does: blocks of a megabyte, each acknowledged, then the size looked at.
func (s *sshd) put(ctx context.Context, source, target string) error {
	defer os.Remove(target)
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	link, err := remote.Dial(ctx, remote.Config{Address: s.address, User: s.login, KeyFile: s.keyFile, HostKeys: []ssh.PublicKey{s.hostKey}})
	if err != nil {
		return err
	}
	defer link.Close()
	block := make([]byte, 1<<20)
	_, err = link.Put(target, func() ([]byte, error) {
		n, err := in.Read(block)
		return block[:n], err
	})
	return err
}

// sftp uploads with OpenSSH's client, which is told to have the file flushed to disk (-f) as the product does.
func (s *sshd) sftp(ctx context.Context, source, target string) error {
	defer os.Remove(target)
	host, port, _ := net.SplitHostPort(s.address)
	known := filepath.Join(s.dir, "known")
	line := fmt.Sprintf("[%s]:%s %s", host, port, ssh.MarshalAuthorizedKey(s.hostKey))
	if err := os.WriteFile(known, []byte(line), 0o600); err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, "sftp", "-q", "-b", "-", "-c", "aes128-gcm@openssh.com", "-P", port, "-i", s.keyFile,
		"-o", "UserKnownHostsFile="+known, "-o", "IdentitiesOnly=yes", s.login+"@"+host)
	cmd.Stdin = strings.NewReader(fmt.Sprintf("put -f %s %s\n", source, target))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("sftp: %w\n%s", err, out)
	}
	return nil
}
