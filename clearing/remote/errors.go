package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"strings"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// Class is what an error means to whoever must act on it.
type Class string

// The classes, a closed list. Other is an error that nobody has classified: it is never taken for success, and a person
// looks at it.
const (
	Auth        Class = "auth"       // login refused: wrong or expired credentials
	HostKey     Class = "hostkey"    // the server is not the one pinned
	Timeout     Class = "timeout"    // nothing moved for too long
	Connection  Class = "connection" // not reachable, or cut
	DiskFull    Class = "disk_full"  // no space or quota at the server
	Permission  Class = "permission" // not allowed to this account
	NoSuchFile  Class = "no_such_file"
	Exists      Class = "exists"      // the name is taken
	Unsupported Class = "unsupported" // the server cannot do this
	Mismatch    Class = "mismatch"    // what is there is not what was sent
	Other       Class = "other"
)

// Error is an operation on a file server that did not succeed.
type Error struct {
	Op    string // what was attempted
	Class Class
	Err   error
}

func (e *Error) Error() string { return e.Op + ": " + e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// HostKeyError says that a server showed a key that is not pinned for it.
type HostKeyError struct {
	Address string
	Shown   string   // SHA-256 fingerprints
	Pinned  []string //
}

func (e *HostKeyError) Error() string {
	return fmt.Sprintf("remote: host key of %s is %s, pinned is %s: ask the center whether it changed its key", e.Address, e.Shown, strings.Join(e.Pinned, " or "))
}

// ClassOf returns the class of an error, Other when it has none; that of nil is empty.
func ClassOf(err error) Class {
	if err == nil {
		return ""
	}
	var e *Error
	if errors.As(err, &e) {
		return e.Class
	}
	return classify(err)
}

// Ambiguous tells that the operation may have taken effect although it failed: its answer was lost.
func Ambiguous(err error) bool {
	c := ClassOf(err)
	return c == Timeout || c == Connection || c == Other
}

// Lost tells that the connection is of no more use.
func Lost(err error) bool {
	c := ClassOf(err)
	return c == Timeout || c == Connection
}

func fail(op string, err error) error {
	if err == nil {
		return nil
	}
	return &Error{Op: op, Class: classify(err), Err: err}
}

// Status codes of later protocol versions that servers send all the same.
const (
	codeNoSuchPath   = 10
	codeFileExists   = 11
	codeWriteProtect = 12
	codeNoSpace      = 14
	codeQuota        = 15
)

func classify(err error) Class {
	var host *HostKeyError
	var status *sftp.StatusError
	var network net.Error
	switch {
	case errors.As(err, &host):
		return HostKey
	case errors.Is(err, fs.ErrNotExist):
		return NoSuchFile
	case errors.Is(err, fs.ErrPermission):
		return Permission
	case errors.As(err, &status):
		return classifyStatus(status)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, os.ErrDeadlineExceeded), errors.As(err, &network) && network.Timeout():
		return Timeout
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, net.ErrClosed), errors.Is(err, sftp.ErrSSHFxConnectionLost),
		errors.Is(err, context.Canceled), errors.As(err, &network):
		return Connection
	}
	return classifyText(err.Error())
}

func classifyStatus(s *sftp.StatusError) Class {
	switch {
	case s.Code == codeNoSuchPath:
		return NoSuchFile
	case s.Code == codeFileExists:
		return Exists
	case s.Code == codeWriteProtect:
		return Permission
	case s.Code == codeNoSpace || s.Code == codeQuota:
		return DiskFull
	case s.FxCode() == sftp.ErrSSHFxOpUnsupported:
		return Unsupported
	case s.FxCode() == sftp.ErrSSHFxNoConnection || s.FxCode() == sftp.ErrSSHFxConnectionLost:
		return Connection
	}
	return classifyText(s.Error())
}

// classifyText reads what servers and the SSH library say in words only.
func classifyText(text string) Class {
	text = strings.ToLower(text)
	for _, c := range []struct {
		class Class
		words []string
	}{
		{Auth, []string{"unable to authenticate", "no supported methods remain", "no common public key signature algorithm"}},
		{HostKey, []string{"no common algorithm for host key"}},
		{DiskFull, []string{"no space", "quota", "disk full"}},
		{Exists, []string{"file exists", "already exists", "file already exists"}},
		{Permission, []string{"permission denied", "read-only"}},
		{Connection, []string{"connection lost", "connection reset", "broken pipe", "use of closed"}},
	} {
		for _, w := range c.words {
			if strings.Contains(text, w) {
				return c.class
			}
		}
	}
	return Other
}

// loginError classifies what the SSH handshake said.
func loginError(address string, err error) error {
	var missing *ssh.ExitMissingError
	if errors.As(err, &missing) {
		return &Error{Op: "log in to " + address, Class: Connection, Err: err}
	}
	if weak := algorithms(err); weak != nil {
		err = weak
	}
	return fail("log in to "+address, err)
}
