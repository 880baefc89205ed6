package vault

import (
	"crypto/cipher"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"settled/internal/secretfile"
)

const keySize = 32 // bytes, AES-256

// state is what a key may do.
type state string

const (
	stateActive      state = "active"      // seals and opens
	stateRetired     state = "retired"     // opens
	stateFingerprint state = "fingerprint" // makes fingerprints; number 0 what the page hands to browsers, too
	stateLinks       state = "links"       // makes what the page hands to browsers
)

// keyFile is the key file as stored, JSON.
type keyFile struct {
	Environment Environment `json:"environment,omitempty"` // what the keys are for; none in old files
	KEK         kekEntry    `json:"kek"`
	Keys        []keyEntry  `json:"keys"`
}

// keyEntry is one data key, wrapped: nonce | ciphertext | tag.
type keyEntry struct {
	Number  uint16    `json:"number"`
	State   state     `json:"state"`
	Check   string    `json:"check"`
	Created time.Time `json:"created"`
	Wrapped []byte    `json:"wrapped"`

	Revoked map[Purpose]Revocation `json:"revoked,omitempty"` // of a key of keyed hashes
}

// wrapper is the key-encrypting key, ready to use.
type wrapper = cipher.AEAD

// Generate is GenerateFor a test installation, with everything in one file.
func Generate(path string) error { return GenerateFor(path, Test, Place{}) }

// GenerateFor writes a new key file to path, readable by its owner only: one active data key and a fingerprint key, random and bound to
// the environment, under a key-encrypting key in its place. It fails if the file exists, or the file of that key.
func GenerateFor(path string, e Environment, at Place) error {
	if !e.Valid() {
		return fmt.Errorf("generate keys: environment %q is neither test nor live", e)
	}
	if _, err := os.Lstat(path); err == nil {
		return fmt.Errorf("generate keys: %w", &fs.PathError{Op: "create", Path: path, Err: fs.ErrExist})
	}
	file := keyFile{Environment: e, KEK: kekEntry{ID: hex.EncodeToString(randomBytes(4)), Place: at}}
	if err := file.KEK.make(path); err != nil {
		return fmt.Errorf("generate keys: %w", err)
	}
	kek, err := file.KEK.open(path, e == Live)
	if err != nil {
		return fmt.Errorf("generate keys: %w", err)
	}
	file.Keys = append(file.Keys,
		newKey(file.bond(), kek, 1, stateActive, time.Now()),
		newKey(file.bond(), kek, 0, stateFingerprint, time.Now()))
	text, err := json.MarshalIndent(file, "", "  ")
	if err == nil {
		err = writeNew(path, text)
	}
	if err != nil {
		return fmt.Errorf("generate keys: %w", err)
	}
	return nil
}

// Rotate retires the active key of the key file at path, which then only opens, adds a new active one and returns its
// description. The file is replaced in one step; running vaults need a Reload to seal under the new key. Nobody else may
// write the file meanwhile.
func Rotate(path string) (KeyInfo, error) {
	file, kek, err := readKeyFile(path)
	if err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	if _, err := readRing(path); err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	number, err := file.next(path)
	if err != nil {
		return KeyInfo{}, err
	}
	for i, entry := range file.Keys {
		if entry.State == stateActive {
			plain, err := entry.unwrap(file.bond(), kek)
			if err != nil {
				return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
			}
			file.Keys[i].State = stateRetired
			file.Keys[i].wrap(file.bond(), kek, plain)
			clear(plain)
		}
	}
	added := newKey(file.bond(), kek, number, stateActive, time.Now())
	file.Keys = append(file.Keys, added)
	if err := replace(path, file); err != nil {
		return KeyInfo{}, fmt.Errorf("rotate keys: %w", err)
	}
	return KeyInfo{added.Number, true, added.Check, added.Created}, nil
}

// readKeyFile reads the file at path and its key-encrypting key.
func readKeyFile(path string) (keyFile, cipher.AEAD, error) {
	var file keyFile
	text, err := secretfile.Read(path, false)
	if err != nil {
		return file, nil, fmt.Errorf("key file: %w", err)
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return file, nil, &KeyError{Path: path, Why: "not a key file"}
	}
	live := file.Environment == Live
	if err := secretfile.Check(path, live); err != nil { // only now is it known what the file is for
		return file, nil, fmt.Errorf("key file: %w", err)
	}
	kek, err := file.KEK.open(path, live)
	return file, kek, err
}

func newKey(bond string, kek wrapper, number uint16, state state, at time.Time) keyEntry {
	plain := randomBytes(keySize)
	entry := keyEntry{Number: number, State: state, Check: checkValue(plain), Created: at.UTC().Truncate(time.Second)}
	entry.wrap(bond, kek, plain)
	clear(plain)
	return entry
}

// identity is authenticated with the wrapped key, so that an entry cannot be changed, and none can take another's place.
func (e *keyEntry) identity(bond string) []byte {
	id := fmt.Appendf(nil, "settled data key/%s/%d/%s/%s/%d", bond, e.Number, e.State, e.Check, e.Created.Unix())
	for _, p := range Purposes {
		if r, is := e.Revoked[p]; is {
			id = fmt.Appendf(id, "/revoked %s/%d/%q", p, r.At.Unix(), r.Reason)
		}
	}
	return id
}

func (e *keyEntry) wrap(bond string, kek wrapper, plain []byte) {
	nonce := randomBytes(nonceSize)
	e.Wrapped = kek.Seal(nonce, nonce, plain, e.identity(bond))
}

func (e *keyEntry) unwrap(bond string, kek wrapper) ([]byte, error) {
	if len(e.Wrapped) < nonceSize {
		return nil, ErrSealed
	}
	return kek.Open(nil, e.Wrapped[:nonceSize], e.Wrapped[nonceSize:], e.identity(bond))
}

// replace writes file beside path and puts it there in one step, durably.
func replace(path string, file keyFile) error {
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".keys-*") // mode 0600
	if err != nil {
		return err
	}
	if err := finish(f, text); err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	return os.Rename(f.Name(), path)
}

// finish writes text to f, makes it durable and closes it.
func finish(f *os.File, text []byte) error {
	_, err := f.Write(append(text, '\n'))
	return errors.Join(err, f.Sync(), f.Close())
}

func randomBytes(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails: it ends the program instead
	return b
}
