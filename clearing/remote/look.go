package remote

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"

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

// Read copies a file to w. What the server tells of it before and after must not differ, and exactly the size that it
// tells must have been read, or the error is of class Mismatch. Where it tells no size, the file is read to its end. A file
// that the server does not open for us is an error of class Permission, whatever it says.
func (l *Link) Read(name string, w io.Writer) (e Entry, err error) {
	f, err := l.files.Open(name)
	if err != nil && vague(err) {
		return Entry{}, &Error{Op: "open " + name, Class: Permission, Err: err}
	}
	if err != nil {
		return Entry{}, fail("open "+name, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return Entry{}, fail("stat "+name, err)
	}
	before := entry(info)
	size := before.Size
	if size > 0 {
		err = readWindow(w, f, size)
	} else {
		size, err = readToEnd(w, f)
	}
	if err != nil {
		return Entry{}, fail("read "+name, err)
	}
	after, found, err := l.Stat(name)
	if err != nil {
		return Entry{}, err
	}
	if !found || changed(before, after, size) {
		err := fmt.Errorf("remote: file of %d bytes changed while it was read, now %d", size, after.Size)
		return Entry{}, &Error{Op: "read " + name, Class: Mismatch, Err: err}
	}
	after.Size = size
	return after, nil
}

// changed compares what was told before and after size bytes were read. A size of 0 and a time of 0 tell nothing.
func changed(before, after Entry, size int64) bool {
	told := before.Modified.Unix() != 0 && after.Modified.Unix() != 0
	return after.Size != 0 && after.Size != size || told && !after.Modified.Equal(before.Modified)
}

// readToEnd reads a file of unknown size, packet by packet.
func readToEnd(w io.Writer, f io.ReaderAt) (size int64, err error) {
	data := make([]byte, readPacket)
	for {
		n, err := f.ReadAt(data, size)
		if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
			return size, nil
		}
		if n == 0 {
			return size, err
		}
		if _, err := w.Write(data[:n]); err != nil {
			return size, err
		}
		size += int64(n)
	}
}

// lowSpace is how much room a server must have left for a failure not to be its full disk: one write of ours.
const lowSpace = 64 << 10

// full gives an error that says nothing the class DiskFull where the server tells that it has no room. OpenSSH answers
// "failure" to a write on a full disk.
func (l *Link) full(name string, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Class != Other || !vague(err) {
		return err
	}
	if _, can := l.files.HasExtension("statvfs@openssh.com"); !can {
		return err
	}
	room, asked := l.files.StatVFS(path.Dir(name))
	if asked != nil {
		return err
	}
	free := room.Bavail * room.Frsize
	if free >= lowSpace && (room.Files == 0 || room.Favail > 0) {
		return err
	}
	return &Error{Op: e.Op, Class: DiskFull, Err: fmt.Errorf("%w; the server has %d bytes and %d files left", e.Err, free, room.Favail)}
}
