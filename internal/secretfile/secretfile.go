// Package secretfile judges who may read a file that holds a secret: keys, passwords, tokens, words. It is the one place that does, for
// every file that the configuration or the environment names, and the mask is the same for all of them.
package secretfile

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
)

// ErrOpen is wrapped when others may read or write a file of a secret that must not.
var ErrOpen = errors.New("the file is open to others")

const (
	othersOfAll  fs.FileMode = 0o007 // in any installation
	othersOfLive fs.FileMode = 0o077 // in a live one, the group too
)

// Check refuses a file of a secret that others may read, write or execute: in a live installation anybody but its owner, in one for tests
// who is neither its owner nor in its group. Errors: [ErrOpen], those of the file system.
func Check(path string, live bool) error {
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	return judge(path, info.Mode().Perm(), live)
}

// Read reads a file of a secret that [Check] does not refuse; what is judged is what is read. Errors: as of Check.
func Read(path string, live bool) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if err := judge(path, info.Mode().Perm(), live); err != nil {
		return nil, err
	}
	return io.ReadAll(f)
}

func judge(path string, mode fs.FileMode, live bool) error {
	mask, who := othersOfAll, "everybody on this machine"
	if live {
		mask, who = othersOfLive, "others than its owner"
	}
	if mode&mask == 0 {
		return nil
	}
	return &openError{fmt.Sprintf("%s has mode %04o: %s may read or change it; chmod 600 it", path, mode, who)}
}

// openError says which file is open to whom.
type openError struct{ why string }

func (e *openError) Error() string { return e.why }
func (e *openError) Unwrap() error { return ErrOpen }
