package pcsim

import (
	"errors"
	"io/fs"
	"net"
	"sync/atomic"

	"github.com/pkg/sftp"
)

// Faults are misbehaviors of the SFTP server. The zero value behaves well.
type Faults struct {
	// DiskFullAt makes writes fail that reach beyond this offset of a file. 0: never.
	DiskFullAt int64
	// CutAfter closes the connection once this many bytes of file content went over it, either way. 0: never.
	CutAfter int64
	// CutBeforeRename and CutAfterRename close the connection instead of answering a rename, before or after doing it.
	CutBeforeRename, CutAfterRename bool
	// RenameLies answers a rename with success and moves nothing.
	RenameLies bool
	// RenameLoses answers a rename with success and loses the file.
	RenameLoses bool
	// RenameTruncates moves the file and drops its last byte.
	RenameTruncates bool
	// RenameRefused answers a rename with "permission denied".
	RenameRefused bool
	// RenameOverwrites lets a plain rename replace an existing file.
	RenameOverwrites bool
	// CloseTruncates answers every write and the close with success and drops the last byte of the file.
	CloseTruncates bool
	// ShortReads limits one read to this many bytes. 0: no limit.
	ShortReads int
	// ReadOnly refuses writes, renames and removals with "permission denied".
	ReadOnly bool
	// ListDenied, ReadDenied and RemoveDenied refuse to list directories, to read files and to remove them, as drop boxes do.
	ListDenied, ReadDenied, RemoveDenied bool
	// MissingFails and MissingDenied answer a question for a file that is not there with "failure" or "permission denied".
	MissingFails, MissingDenied bool
	// HidesSizes tells a size of 0 for every file that it is asked for.
	HidesSizes bool
	// ListHidesSizes does so in listings, too.
	ListHidesSizes bool
	// SaysFailure answers "failure" where the disk is full, as OpenSSH does, and tells the room left when it is asked.
	SaysFailure bool
	// RefuseLogin refuses every login.
	RefuseLogin bool
	// Hang accepts connections and never answers; on connections that stand, reads and writes of files never end.
	Hang bool
}

var errDiskFull = errors.New("no space left on device")

// SetFaults changes the misbehaviors of the SFTP server; open connections see them too.
func (c *Center) SetFaults(f Faults) { c.faults.Store(&f) }

// session is one SFTP connection with what its faults need to know.
type session struct {
	center *Center
	conn   net.Conn
	moved  atomic.Int64
}

func (s *session) faults() *Faults { return s.center.faults.Load() }

// move accounts for n bytes of content: it hangs or cuts the connection when a fault says so.
func (s *session) move(n int) error {
	f := s.faults()
	if f.Hang {
		<-s.center.ctx.Done()
		return s.cut()
	}
	if moved := s.moved.Add(int64(n)); f.CutAfter > 0 && moved >= f.CutAfter {
		return s.cut()
	}
	return nil
}

var errCut = errors.New("pcsim: connection cut by a fault")

func (s *session) cut() error {
	s.conn.Close()
	return errCut
}

// faultyFile is an open file behind the faults of its session.
type faultyFile struct {
	file
	s       *session
	name    string
	written bool
}

// ReadAt implements io.ReaderAt.
func (f *faultyFile) ReadAt(p []byte, off int64) (int, error) {
	if n := f.s.faults().ShortReads; n > 0 && len(p) > n {
		p = p[:n]
	}
	n, err := f.file.ReadAt(p, off)
	if fault := f.s.move(n); fault != nil {
		return 0, fault
	}
	return n, err
}

// WriteAt implements io.WriterAt.
func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	faults := f.s.faults()
	if faults.DiskFullAt > 0 && off+int64(len(p)) > faults.DiskFullAt {
		return 0, faults.diskFull()
	}
	n, err := f.file.WriteAt(p, off)
	if err == nil {
		err = f.s.move(n)
	}
	return n, err
}

// Close implements io.Closer.
func (f *faultyFile) Close() error {
	err := f.file.Close()
	if err == nil && f.written && f.s.faults().CloseTruncates {
		err = dropLastByte(f.s.center.tree, f.name)
	}
	return err
}

func (f *Faults) diskFull() error {
	if f.SaysFailure {
		return sftp.ErrSSHFxFailure
	}
	return errDiskFull
}

// missing is what is said of a file that is not there.
func (f *Faults) missing(err error) error {
	switch {
	case !errors.Is(err, fs.ErrNotExist):
		return err
	case f.MissingFails:
		return sftp.ErrSSHFxFailure
	case f.MissingDenied:
		return sftp.ErrSSHFxPermissionDenied
	}
	return err
}

// sizeless is a file whose size is not told.
type sizeless struct{ fs.FileInfo }

// Size implements fs.FileInfo.
func (sizeless) Size() int64 { return 0 }

// roomUnit is the unit in which the room left is told.
const roomUnit = 4096

// StatVFS implements sftp.StatVFSFileCmder. There is room for a terabyte, or none while the disk is full.
func (s *session) StatVFS(*sftp.Request) (*sftp.StatVFS, error) {
	room := &sftp.StatVFS{Bsize: roomUnit, Frsize: blockSize, Blocks: 1 << 28, Bfree: 1 << 28, Bavail: 1 << 28, Files: 1 << 20, Ffree: 1 << 20, Favail: 1 << 20}
	if s.faults().DiskFullAt > 0 {
		room.Bfree, room.Bavail = 0, 0
	}
	return room, nil
}

func dropLastByte(t tree, name string) error {
	data, err := readFile(t, name)
	if err != nil || len(data) == 0 {
		return err
	}
	return writeFile(t, name, data[:len(data)-1])
}
