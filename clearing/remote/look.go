package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"io/fs"
	"path"
	"time"

	"github.com/pkg/sftp"
)

// Servers differ in what they say of a file. Some answer "failure" or "permission denied" where a file is missing, some
// tell a size of 0 for every file. What a plain question does not tell is asked in another way, and what nothing tells is
// an error or a size of 0, never a guess.

// missing tells that the server says that a file is not there.
func missing(err error) bool {
	var status *sftp.StatusError
	return errors.Is(err, fs.ErrNotExist) || errors.As(err, &status) && status.Code == codeNoSuchPath
}

// vague tells that the error may be this server's way to say that a file is not there.
func vague(err error) bool {
	var status *sftp.StatusError
	return errors.Is(err, fs.ErrPermission) || errors.As(err, &status) && status.FxCode() == sftp.ErrSSHFxFailure
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

// maxListing is how many bytes the listing of a directory may have: names and their long forms, some 200 bytes each.
const maxListing = 64 << 20

// List returns what is in a directory, in no particular order. One with more names than anybody needs ends the connection with
// ErrTooLarge.
func (l *Link) List(ctx context.Context, dir string) ([]Entry, error) {
	l.conn.bound(maxListing)
	infos, err := l.files.ReadDirContext(ctx, dir)
	if l.conn.free() {
		err = ErrTooLarge
	}
	if err != nil {
		return nil, fail("list "+dir, err)
	}
	entries := make([]Entry, len(infos))
	for i, info := range infos {
		entries[i] = entry(info)
	}
	return entries, nil
}

// Stat looks for a file; found is false when it is known not to be there. A size of 0 may mean that the server tells none.
func (l *Link) Stat(name string) (e Entry, found bool, err error) {
	info, err := l.files.Stat(name)
	switch {
	case err == nil:
		return l.sized(name, entry(info)), true, nil
	case missing(err):
		return Entry{}, false, nil
	case vague(err):
		return l.lookAround(name, err)
	}
	return Entry{}, false, fail("stat "+name, err)
}

// sized asks the directory for the size of a file of which the server told none.
func (l *Link) sized(name string, e Entry) Entry {
	if e.Size > 0 || !e.Regular {
		return e
	}
	if listed, found, err := l.listed(name); err == nil && found {
		e.Size = listed.Size
	}
	return e
}

func (l *Link) listed(name string) (e Entry, found bool, err error) {
	entries, err := l.List(context.Background(), path.Dir(name)) // the link has a budget of its own
	for _, e := range entries {
		if e.Name == path.Base(name) {
			return e, true, err
		}
	}
	return Entry{}, false, err
}

// lookAround finds out what a vague answer to a stat means: from the directory, or, where that may not be read, by asking
// for a name that cannot be there. A server that says the same of it says it of files that are missing.
func (l *Link) lookAround(name string, cause error) (Entry, bool, error) {
	e, found, err := l.listed(name)
	if err == nil {
		return e, found, nil
	}
	if !vague(err) {
		return Entry{}, false, err
	}
	_, probe := l.files.Stat(path.Join(path.Dir(name), impossibleName()))
	if vague(probe) && classify(probe) == classify(cause) {
		return Entry{}, false, nil
	}
	return Entry{}, false, fail("stat "+name, cause)
}

func impossibleName() string {
	var b [16]byte
	_, _ = rand.Read(b[:])
	return ".none." + hex.EncodeToString(b[:])
}
