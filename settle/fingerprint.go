package settle

import (
	"bytes"

	"settled/internal/vault"
)

// Fingerprint tells an identical request from another one with the same order number. It is a keyed hash of what is asked for, without the
// card verification code, and its key has generations (ADR 40).
type Fingerprint struct {
	Kept []byte // under the newest generation, as vault.Vault.Print makes it; stored with the order
	// Under makes it under another generation, for orders that were stored before a rotation. Its result is nil when that generation is
	// revoked or unknown; without the function there is none but that of Kept.
	Under func(generation uint16) []byte
}

// likeness is what a fingerprint says of an order that is stored.
type likeness uint8

const (
	different likeness = iota
	same
	unclear // the generation that the order's fingerprint was made under is gone
)

// likens compares the fingerprint with a stored one.
func (f Fingerprint) likens(stored []byte) likeness {
	if bytes.Equal(stored, f.Kept) {
		return same
	}
	generation := vault.PrintGeneration(stored)
	if f.Under == nil || generation == vault.PrintGeneration(f.Kept) {
		return different
	}
	switch again := f.Under(generation); {
	case again == nil:
		return unclear
	case bytes.Equal(stored, again):
		return same
	}
	return different
}
