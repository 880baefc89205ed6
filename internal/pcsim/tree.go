package pcsim

import (
	"cmp"
	"errors"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// tree is the file system behind the SFTP server. Names are clean absolute slash paths.
type tree interface {
	open(name string, flag int) (file, error)
	stat(name string) (fs.FileInfo, error)
	list(name string) ([]fs.FileInfo, error)
	// rename fails with fs.ErrExist when the target exists, unless replace is set.
	rename(from, to string, replace bool) error
	remove(name string) error
	mkdir(name string) error
}

// file is an open file of a tree.
type file interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
}

const maxFileSize = 1 << 31

var errTooLarge = errors.New("pcsim: file too large")

// memTree keeps files in memory; their times come from the center's clock.
type memTree struct {
	mu    sync.Mutex
	now   func() time.Time
	nodes map[string]*memNode
}

type memNode struct {
	tree  *memTree
	dir   bool
	data  []byte
	mtime time.Time
}

func newMemTree(now func() time.Time) *memTree {
	t := &memTree{now: now, nodes: map[string]*memNode{}}
	t.nodes["/"] = &memNode{tree: t, dir: true, mtime: now()}
	return t
}

func pathError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &fs.PathError{Op: op, Path: name, Err: err}
}

func (t *memTree) find(name string) (*memNode, error) {
	if n := t.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fs.ErrNotExist
}

// parent reports whether name can be made: its directory exists.
func (t *memTree) parent(name string) error {
	n, err := t.find(path.Dir(name))
	if err == nil && !n.dir {
		err = fs.ErrInvalid
	}
	return err
}

func (t *memTree) open(name string, flag int) (file, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.openLocked(name, flag)
	if err != nil {
		return nil, pathError("open", name, err)
	}
	return n, nil
}

func (t *memTree) openLocked(name string, flag int) (*memNode, error) {
	n := t.nodes[name]
	switch {
	case n == nil && flag&os.O_CREATE == 0:
		return nil, fs.ErrNotExist
	case n == nil:
		if err := t.parent(name); err != nil {
			return nil, err
		}
		n = &memNode{tree: t, mtime: t.now()}
		t.nodes[name] = n
	case n.dir:
		return nil, fs.ErrInvalid
	case flag&os.O_EXCL != 0:
		return nil, fs.ErrExist
	case flag&os.O_TRUNC != 0:
		n.data, n.mtime = nil, t.now()
	}
	return n, nil
}

func (t *memTree) stat(name string) (fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(name)
	if err != nil {
		return nil, pathError("stat", name, err)
	}
	return n.info(path.Base(name)), nil
}

func (t *memTree) list(dir string) ([]fs.FileInfo, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(dir)
	if err == nil && !n.dir {
		err = fs.ErrInvalid
	}
	if err != nil {
		return nil, pathError("list", dir, err)
	}
	var infos []fs.FileInfo
	for name, n := range t.nodes {
		if name != "/" && path.Dir(name) == dir {
			infos = append(infos, n.info(path.Base(name)))
		}
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return cmp.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func (t *memTree) rename(from, to string, replace bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	n, err := t.find(from)
	if err != nil {
		return pathError("rename", from, err)
	}
	if err := t.parent(to); err != nil {
		return pathError("rename", to, err)
	}
	if old := t.nodes[to]; old != nil && (!replace || old.dir) {
		return pathError("rename", to, fs.ErrExist)
	}
	if n.dir {
		return pathError("rename", from, fs.ErrInvalid)
	}
	delete(t.nodes, from)
	t.nodes[to] = n
	return nil
}

func (t *memTree) remove(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.find(name); err != nil {
		return pathError("remove", name, err)
	}
	for other := range t.nodes {
		if name == "/" || strings.HasPrefix(other, name+"/") {
			return pathError("remove", name, fs.ErrInvalid)
		}
	}
	delete(t.nodes, name)
	return nil
}

func (t *memTree) mkdir(name string) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.nodes[name] != nil {
		return pathError("mkdir", name, fs.ErrExist)
	}
	if err := t.parent(name); err != nil {
		return pathError("mkdir", name, err)
	}
	t.nodes[name] = &memNode{tree: t, dir: true, mtime: t.now()}
	return nil
}

// ReadAt implements io.ReaderAt.
func (n *memNode) ReadAt(p []byte, off int64) (int, error) {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	if off < 0 || off >= int64(len(n.data)) {
		return 0, io.EOF
	}
	c := copy(p, n.data[off:])
	if c < len(p) {
		return c, io.EOF
	}
	return c, nil
}

// WriteAt implements io.WriterAt; a gap is filled with zero bytes.
func (n *memNode) WriteAt(p []byte, off int64) (int, error) {
	n.tree.mu.Lock()
	defer n.tree.mu.Unlock()
	if off < 0 || off > maxFileSize-int64(len(p)) {
		return 0, errTooLarge
	}
	end := int(off) + len(p)
	if end > len(n.data) {
		n.data = slices.Grow(n.data, end-len(n.data))
		clear(n.data[len(n.data):end])
		n.data = n.data[:end]
	}
	n.mtime = n.tree.now()
	return copy(n.data[off:], p), nil
}

// Close implements io.Closer.
func (n *memNode) Close() error { return nil }

func (n *memNode) info(name string) fs.FileInfo {
	return memInfo{name: name, size: int64(len(n.data)), dir: n.dir, mtime: n.mtime}
}

type memInfo struct {
	name  string
	size  int64
	dir   bool
	mtime time.Time
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) ModTime() time.Time { return i.mtime }
func (i memInfo) IsDir() bool        { return i.dir }
func (i memInfo) Sys() any           { return nil }
func (i memInfo) Mode() fs.FileMode {
	if i.dir {
		return fs.ModeDir | 0o755
	}
	return 0o644
}

// dirTree serves a directory of the disk; names cannot leave it.
type dirTree struct {
	mu   sync.Mutex // makes the existence check of rename atomic
	root *os.Root
}

func local(name string) string {
	if name = strings.TrimPrefix(name, "/"); name == "" {
		return "."
	}
	return name
}

func (t *dirTree) open(name string, flag int) (file, error) {
	f, err := t.root.OpenFile(local(name), flag, 0o644)
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (t *dirTree) stat(name string) (fs.FileInfo, error) { return t.root.Stat(local(name)) }

func (t *dirTree) list(name string) ([]fs.FileInfo, error) {
	entries, err := fs.ReadDir(t.root.FS(), local(name))
	if err != nil {
		return nil, err
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		if info, err := e.Info(); err == nil { // gone since the listing
			infos = append(infos, info)
		}
	}
	return infos, nil
}

func (t *dirTree) rename(from, to string, replace bool) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if _, err := t.root.Lstat(local(to)); err == nil && !replace {
		return pathError("rename", to, fs.ErrExist)
	}
	return t.root.Rename(local(from), local(to))
}

func (t *dirTree) remove(name string) error { return t.root.Remove(local(name)) }
func (t *dirTree) mkdir(name string) error  { return t.root.Mkdir(local(name), 0o755) }

// readFile returns the whole content of a file.
func readFile(t tree, name string) ([]byte, error) {
	info, err := t.stat(name)
	if err != nil {
		return nil, err
	}
	f, err := t.open(name, os.O_RDONLY)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return io.ReadAll(io.NewSectionReader(f, 0, info.Size()))
}

// writeFile writes data beside name and moves it there, so that readers see all of it or nothing.
func writeFile(t tree, name string, data []byte) error {
	temp := path.Join(path.Dir(name), "."+path.Base(name)+".part")
	f, err := t.open(temp, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err != nil {
		return err
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		f.Close()
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return t.rename(temp, name, true)
}
