package remote

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/pkg/sftp"
)

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
