package remote_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"runtime"
	"testing"
	"time"

	"settled/clearing/remote"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// endless is a server whose file and whose directory never end; it says that the file has size bytes.
type endless struct{ size int64 }

// Filelist implements sftp.FileLister.
func (e endless) Filelist(r *sftp.Request) (sftp.ListerAt, error) {
	if r.Method == "Stat" {
		return one{e}, nil
	}
	return many{}, nil
}

// Fileread implements sftp.FileReader.
func (e endless) Fileread(*sftp.Request) (io.ReaderAt, error) { return zeros{}, nil }

type zeros struct{}

// ReadAt implements io.ReaderAt.
func (zeros) ReadAt(p []byte, _ int64) (int, error) { clear(p); return len(p), nil }

type one struct{ endless }

// ListAt implements sftp.ListerAt.
func (o one) ListAt(into []os.FileInfo, _ int64) (int, error) {
	into[0] = entryInfo{"f", o.size}
	return 1, io.EOF
}

type many struct{}

// ListAt implements sftp.ListerAt.
func (many) ListAt(into []os.FileInfo, at int64) (int, error) {
	for i := range into {
		into[i] = entryInfo{fmt.Sprintf("RPY_%0180d.ipm", at+int64(i)), 1}
	}
	return len(into), nil
}

type entryInfo struct {
	name string
	size int64
}

func (i entryInfo) Name() string     { return i.name }
func (i entryInfo) Size() int64      { return i.size }
func (entryInfo) Mode() fs.FileMode  { return 0o644 }
func (entryInfo) ModTime() time.Time { return time.Unix(1_700_000_000, 0) }
func (entryInfo) IsDir() bool        { return false }
func (entryInfo) Sys() any           { return nil }

// reach logs in to a server that serves handlers.
func reach(t *testing.T, handlers sftp.Handlers) *remote.Link {
	t.Helper()
	host := signerOf(t, ed(t))
	sc := &ssh.ServerConfig{NoClientAuth: true}
	sc.AddHostKey(host)
	c := remote.Config{User: "acq", Auth: []ssh.AuthMethod{ssh.Password("")}, HostKeys: []ssh.PublicKey{host.PublicKey()}}
	c.Address = listenFor(t, sc, handlers)
	return dial(t, c)
}

// TestEndlessFilesAreLeft: a file that is larger than is taken of it, or than its server said, ends there.
func TestEndlessFilesAreLeft(t *testing.T) {
	const most = 1 << 20
	for _, said := range []int64{0, 100, most, most + 1, 1 << 40} {
		server := endless{said}
		l := reach(t, sftp.Handlers{FileList: server, FileGet: server})
		var taken bytes.Buffer
		_, err := l.Read("/f", remote.AtMost(&taken, most))
		if said > 0 && said <= most {
			if err != nil || int64(taken.Len()) != said { // no more is asked for
				t.Errorf("%d bytes said: %v, %d taken", said, err, taken.Len())
			}
			continue
		}
		if !errors.Is(err, remote.ErrTooLarge) || taken.Len() > most {
			t.Errorf("%d bytes said: %v, %d taken", said, err, taken.Len())
		}
	}
}

// TestEndlessDirectoriesAreLeft: memory does not grow with what a server tells.
func TestEndlessDirectoriesAreLeft(t *testing.T) {
	server := endless{}
	l := reach(t, sftp.Handlers{FileList: server, FileGet: server})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := l.List(t.Context(), "/out"); !errors.Is(err, remote.ErrTooLarge) {
		t.Errorf("got %v", err)
	}
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 512<<20 {
		t.Errorf("the heap grew by %d MiB", grown>>20)
	}
}
