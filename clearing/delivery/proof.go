package delivery

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"settled/clearing/files"
	"settled/clearing/remote"
	"settled/clearing/store"
)

// upload writes the stored bytes under a temporary name.
func (a *attempt) upload(ctx context.Context, name string) error {
	stored := store.Open(a.courier.pool, a.courier.vault, store.Files, a.file.ID)
	hash := sha256.New()
	a.wrote = true
	size, err := a.link.Put(name, func() ([]byte, error) {
		block, err := stored.Next(ctx)
		hash.Write(block)
		return block, err
	})
	if err != nil {
		return err
	}
	if size != *a.file.Bytes || !bytes.Equal(hash.Sum(nil), a.file.SHA256) {
		return &remote.Error{Op: "read stored bytes", Class: remote.Mismatch, Err: files.ErrTotals}
	}
	return nil
}

func (a *attempt) differs(name, what string, args ...any) error {
	return &remote.Error{Op: "verify " + name, Class: remote.Mismatch, Err: fmt.Errorf(what, args...)}
}

// compare proves that a file at the center has our bytes, as well as the account may look. It returns the grade of the
// proof: ProofHash, ProofSize, or ProofWritten.
func (a *attempt) compare(name string) (proof string, err error) {
	e, found, err := a.link.Stat(name)
	switch {
	case err != nil:
		return "", err
	case !found:
		return "", a.differs(name, "the server has no such file")
	case e.Size != 0 && e.Size != *a.file.Bytes:
		return "", a.differs(name, "%d bytes at the server, %d are ours", e.Size, *a.file.Bytes)
	}
	hash := sha256.New()
	read, err := a.link.Read(name, remote.AtMost(hash, *a.file.Bytes))
	switch {
	case errors.Is(err, remote.ErrTooLarge):
		return "", a.differs(name, "more than our %d bytes at the server", *a.file.Bytes)
	case err != nil && remote.ClassOf(err) == remote.Permission:
		return a.unread(name, e)
	case err != nil:
		return "", err
	case read.Size != *a.file.Bytes || !bytes.Equal(hash.Sum(nil), a.file.SHA256):
		return "", a.differs(name, "other bytes at the server")
	}
	return files.ProofHash, nil
}

// unread is the proof of a file that the account may not read.
func (a *attempt) unread(name string, e remote.Entry) (proof string, err error) {
	switch {
	case e.Size > 0:
		return files.ProofSize, nil
	case a.s.HidesSizes:
		return files.ProofWritten, nil
	}
	return "", a.differs(name, "the server tells 0 bytes and does not let us read: nothing is proven")
}
