package pcsim_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"io"
	"io/fs"
	"net"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"settled/internal/pcsim"
)

var operator = pcsim.User{Name: "acquirer", Password: "secret"}

func login(t *testing.T, c *pcsim.Center, auth ssh.AuthMethod, options ...sftp.ClientOption) (*sftp.Client, error) {
	t.Helper()
	conn, err := ssh.Dial("tcp", c.SFTPAddr(), &ssh.ClientConfig{
		User: operator.Name, Auth: []ssh.AuthMethod{auth}, HostKeyCallback: ssh.FixedHostKey(c.HostKey()),
	})
	if err != nil {
		return nil, err
	}
	t.Cleanup(func() { conn.Close() })
	client, err := sftp.NewClient(conn, options...)
	if err == nil {
		t.Cleanup(func() { client.Close() })
	}
	return client, err
}

func mustLogin(t *testing.T, c *pcsim.Center, options ...sftp.ClientOption) *sftp.Client {
	t.Helper()
	client, err := login(t, c, ssh.Password(operator.Password), options...)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func upload(client *sftp.Client, name string, data []byte) error {
	f, err := client.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	_, err = f.ReadFrom(bytes.NewReader(data))
	return errors.Join(err, f.Close())
}

func download(client *sftp.Client, name string) ([]byte, error) {
	f, err := client.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(f)
}

// trees runs a test on the tree in memory and on a directory.
func trees(t *testing.T, test func(*testing.T, pcsim.Options)) {
	t.Run("memory", func(t *testing.T) { test(t, pcsim.Options{Users: []pcsim.User{operator}}) })
	t.Run("directory", func(t *testing.T) {
		test(t, pcsim.Options{Users: []pcsim.User{operator}, Root: t.TempDir()})
	})
}

func TestSFTPServesWhatClientsNeed(t *testing.T) {
	trees(t, func(t *testing.T, opt pcsim.Options) {
		c := mustLogin(t, start(t, opt))
		data := bytes.Repeat([]byte("0123456789abcdef"), 20_000)
		check := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		check(upload(c, "/in/.a.part", data))
		check(c.Rename("/in/.a.part", "/in/a"))
		if _, err := c.Lstat("/in/.a.part"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("stat of the old name: %v", err)
		}
		info, err := c.Stat("/in/a")
		check(err)
		if info.Size() != int64(len(data)) || info.IsDir() {
			t.Errorf("size %d, want %d", info.Size(), len(data))
		}
		got, err := download(c, "/in/a")
		check(err)
		if !bytes.Equal(got, data) {
			t.Error("downloaded bytes differ")
		}
		check(upload(c, "/in/b", []byte("b")))
		if err := c.Rename("/in/b", "/in/a"); err == nil {
			t.Error("plain rename replaced a file")
		}
		check(c.PosixRename("/in/b", "/in/a"))
		got, err = download(c, "/in/a")
		check(err)
		if string(got) != "b" {
			t.Errorf("after posix rename: %q", got)
		}
		check(c.Mkdir("/in/archive"))
		if err := c.Mkdir("/in/archive"); err == nil {
			t.Error("made a directory twice")
		}
		infos, err := c.ReadDir("/in")
		check(err)
		var names []string
		for _, info := range infos {
			names = append(names, info.Name())
		}
		if diff := cmp.Diff([]string{"a", "archive"}, names); diff != "" {
			t.Error(diff)
		}
		check(c.RemoveDirectory("/in/archive"))
		check(c.Remove("/in/a"))
		if err := c.Remove("/in/a"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("second removal: %v", err)
		}
		if _, err := c.Open("/in/../../etc/passwd"); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("open outside: %v", err)
		}
		if err := upload(c, "/nowhere/a", nil); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("upload without directory: %v", err)
		}
	})
}

func TestLogin(t *testing.T) {
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	withKey := operator
	withKey.Password, withKey.Key = "", signer.PublicKey()
	center := start(t, pcsim.Options{Users: []pcsim.User{withKey}})
	if _, err := login(t, center, ssh.PublicKeys(signer)); err != nil {
		t.Errorf("with the key: %v", err)
	}
	for _, password := range []string{"", "secret"} {
		if _, err := login(t, center, ssh.Password(password)); err == nil {
			t.Errorf("logged in with password %q", password)
		}
	}
	center.SetFaults(pcsim.Faults{RefuseLogin: true})
	if _, err := login(t, center, ssh.PublicKeys(signer)); err == nil {
		t.Error("logged in while logins are refused")
	}
}

func TestHostKeyIsPinnedBySeed(t *testing.T) {
	key := func(name string, seed uint64) string {
		c, err := pcsim.New(pcsim.Options{Name: name, MemberID: member, Seed: seed})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		return string(c.HostKey().Marshal())
	}
	if first, again := key("a", 1), key("a", 1); first != again {
		t.Error("one name and seed, two host keys")
	}
	if key("a", 1) == key("a", 2) || key("a", 1) == key("b", 1) {
		t.Error("another seed or name has the same host key")
	}
}

var content = bytes.Repeat([]byte("x"), 100_000)

type faultCase struct {
	fault  pcsim.Faults
	before func(*sftp.Client) error
	do     func(*sftp.Client) error
	fails  bool
	want   map[string]int64 // sizes in /in afterwards
}

var faultCases = map[string]faultCase{
	"disk full": {
		fault: pcsim.Faults{DiskFullAt: 90_000},
		do:    func(c *sftp.Client) error { return upload(c, "/in/a", content) },
		fails: true, want: map[string]int64{"a": 65536},
	},
	"read only": {
		fault: pcsim.Faults{ReadOnly: true},
		do:    func(c *sftp.Client) error { return upload(c, "/in/a", content) },
		fails: true, want: map[string]int64{},
	},
	"close loses a byte": {
		fault: pcsim.Faults{CloseTruncates: true},
		do:    func(c *sftp.Client) error { return upload(c, "/in/a", content) },
		want:  map[string]int64{"a": 99_999},
	},
	"rename lies": {
		fault: pcsim.Faults{RenameLies: true}, before: put("/in/a", content),
		do:   func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		want: map[string]int64{"a": 100_000},
	},
	"rename refused": {
		fault: pcsim.Faults{RenameRefused: true}, before: put("/in/a", content),
		do:    func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		fails: true, want: map[string]int64{"a": 100_000},
	},
	"rename truncates": {
		fault: pcsim.Faults{RenameTruncates: true}, before: put("/in/a", content),
		do:   func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		want: map[string]int64{"b": 99_999},
	},
	"rename overwrites": {
		fault: pcsim.Faults{RenameOverwrites: true},
		before: func(c *sftp.Client) error {
			return errors.Join(upload(c, "/in/a", content), upload(c, "/in/b", []byte("older")))
		},
		do:   func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		want: map[string]int64{"b": 100_000},
	},
	"cut before rename": {
		fault: pcsim.Faults{CutBeforeRename: true}, before: put("/in/a", content),
		do:    func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		fails: true, want: map[string]int64{"a": 100_000},
	},
	"cut after rename": {
		fault: pcsim.Faults{CutAfterRename: true}, before: put("/in/a", content),
		do:    func(c *sftp.Client) error { return c.Rename("/in/a", "/in/b") },
		fails: true, want: map[string]int64{"b": 100_000},
	},
}

func TestFaults(t *testing.T) {
	for name, tc := range faultCases {
		t.Run(name, func(t *testing.T) {
			center := start(t, pcsim.Options{Users: []pcsim.User{operator}})
			c := mustLogin(t, center)
			if tc.before != nil {
				if err := tc.before(c); err != nil {
					t.Fatal(err)
				}
			}
			center.SetFaults(tc.fault)
			if err := tc.do(c); (err != nil) != tc.fails {
				t.Fatalf("error %v, want one: %v", err, tc.fails)
			}
			if diff := cmp.Diff(tc.want, sizes(t, center)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func put(name string, data []byte) func(*sftp.Client) error {
	return func(c *sftp.Client) error { return upload(c, name, data) }
}

func sizes(t *testing.T, center *pcsim.Center) map[string]int64 {
	t.Helper()
	names, err := center.List(pcsim.InDir)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int64{}
	for _, name := range names {
		data, err := center.ReadFile(pcsim.InDir + "/" + name)
		if err != nil {
			t.Fatal(err)
		}
		sizes[name] = int64(len(data))
	}
	return sizes
}

func TestCutDuringUploadLeavesAPart(t *testing.T) {
	center := start(t, pcsim.Options{Users: []pcsim.User{operator}, Faults: pcsim.Faults{CutAfter: 70_000}})
	c := mustLogin(t, center)
	if err := upload(c, "/in/.a.part", bytes.Repeat([]byte("x"), 200_000)); err == nil {
		t.Fatal("upload survived the cut")
	}
	if size := sizes(t, center)[".a.part"]; size == 0 || size >= 200_000 {
		t.Errorf("%d bytes arrived", size)
	}
	if n, err := center.Process(context.Background(), noon); n != 0 || err != nil {
		t.Errorf("processed %d, %v: a part is no file", n, err)
	}
}

// TestShortReads shows why the fault exists: a client that reads concurrently takes a short read for the end of the file.
func TestShortReads(t *testing.T) {
	center := start(t, pcsim.Options{Users: []pcsim.User{operator}, Faults: pcsim.Faults{ShortReads: 8192}})
	data := bytes.Repeat([]byte("0123456789"), 30_000)
	if err := center.WriteFile("/out/r", data); err != nil {
		t.Fatal(err)
	}
	if got, err := download(mustLogin(t, center), "/out/r"); len(got) == len(data) {
		t.Errorf("concurrent reads got all %d bytes, %v: the fault has no effect", len(got), err)
	}
	got, err := download(mustLogin(t, center, sftp.UseConcurrentReads(false)), "/out/r")
	if err != nil || !bytes.Equal(got, data) {
		t.Errorf("sequential reads: %d bytes, %v", len(got), err)
	}
}

func TestRestartWithAnotherHostKeyIsNoticed(t *testing.T) {
	first := start(t, pcsim.Options{Seed: 1, Users: []pcsim.User{operator}})
	pinned, addr := first.HostKey(), first.SFTPAddr()
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	start(t, pcsim.Options{Seed: 2, Users: []pcsim.User{operator}, SFTPAddr: addr})
	_, err := ssh.Dial("tcp", addr, &ssh.ClientConfig{
		User: operator.Name, Auth: []ssh.AuthMethod{ssh.Password(operator.Password)},
		HostKeyCallback: ssh.FixedHostKey(pinned),
	})
	if err == nil {
		t.Fatal("a client that pinned the first key connected to the second")
	}
}

func TestCutDuringDownload(t *testing.T) {
	center := start(t, pcsim.Options{Users: []pcsim.User{operator}, Faults: pcsim.Faults{CutAfter: 50_000}})
	if err := center.WriteFile("/out/r", content); err != nil {
		t.Fatal(err)
	}
	if got, err := download(mustLogin(t, center), "/out/r"); err == nil {
		t.Errorf("download of %d bytes survived the cut", len(got))
	}
}

// TestHang wants a server that neither answers nor hangs up, until it is closed.
func TestHang(t *testing.T) {
	center := start(t, pcsim.Options{Users: []pcsim.User{operator}})
	c := mustLogin(t, center)
	center.SetFaults(pcsim.Faults{Hang: true})
	uploaded := make(chan error, 1)
	go func() { uploaded <- upload(c, "/in/a", content) }()
	conn, err := net.Dial("tcp", center.SFTPAddr())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetReadDeadline(time.Now().Add(50 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("read %d bytes, %v from a server that hangs", n, err)
	}
	select {
	case err := <-uploaded:
		t.Errorf("upload ended: %v", err)
	default:
	}
	if err := center.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-uploaded; err == nil {
		t.Error("upload survived the end of the center")
	}
}
