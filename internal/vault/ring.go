package vault

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"time"
)

// KeyError says what is wrong with a key file. It never contains key material.
type KeyError struct {
	Path string // of the key file
	Key  uint16 // number of the data key, 0 for the file as a whole
	Why  string
}

// Error names the file, the key and the reason.
func (e *KeyError) Error() string {
	if e.Key == 0 {
		return fmt.Sprintf("vault: key file %s: %s", e.Path, e.Why)
	}
	return fmt.Sprintf("vault: key file %s: key %d: %s", e.Path, e.Key, e.Why)
}

// KeyInfo describes a data key without giving it away.
type KeyInfo struct {
	Number  uint16    // as in the first two bytes of what it sealed
	Active  bool      // seals; otherwise it only opens
	Check   string    // key check value: six hexadecimal digits that differ for a different key
	Created time.Time // UTC
}

// dataKey is one unwrapped key, ready to use.
type dataKey struct {
	KeyInfo
	aead cipher.AEAD
}

// ring is what a key file holds, unwrapped. It never changes; a reload makes a new one.
type ring struct {
	keys        map[uint16]*dataKey
	order       []*dataKey
	active      *dataKey
	hashes      map[uint16]*hashKey
	hashOrder   []*hashKey
	good        map[Purpose][]uint16 // the generations that serve, the newest first
	marks       map[uint16][sha256.Size]byte
	environment Environment
	apart       bool // the key-encrypting key is outside of the file
	stamp       stamp
}

func (r *ring) info() []KeyInfo {
	infos := make([]KeyInfo, len(r.order))
	for i, key := range r.order {
		infos[i] = key.KeyInfo
	}
	return infos
}

// stamp tells two versions of a file apart.
type stamp struct {
	size    int64
	written time.Time
}

func stampOf(path string) (stamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}, err
	}
	return stamp{info.Size(), info.ModTime()}, nil
}

func changed(path string, since stamp) bool {
	now, err := stampOf(path)
	return err == nil && now != since
}

// readRing reads and unwraps a key file.
func readRing(path string) (*ring, error) {
	stamp, err := stampOf(path) // before reading, so that a change in between is noticed later
	if err != nil {
		return nil, err
	}
	file, kek, err := readKeyFile(path)
	if err != nil {
		return nil, err
	}
	r := &ring{keys: make(map[uint16]*dataKey), hashes: make(map[uint16]*hashKey), good: make(map[Purpose][]uint16),
		marks: make(map[uint16][sha256.Size]byte), apart: file.KEK.apart(), stamp: stamp}
	if r.environment, err = file.environment(path); err != nil {
		return nil, err
	}
	for _, entry := range file.Keys {
		if err := r.add(path, file.bond(), kek, entry); err != nil {
			return nil, err
		}
	}
	if r.active == nil {
		return nil, &KeyError{Path: path, Why: "no active key"}
	}
	for _, p := range Purposes {
		if r.good[p] = r.accepted(p); len(r.good[p]) == 0 {
			return nil, &KeyError{Path: path, Why: fmt.Sprintf("no key of %s", p)}
		}
	}
	return r, nil
}

// add unwraps entry into r.
func (r *ring) add(path, bond string, kek cipher.AEAD, entry keyEntry) error {
	refuse := func(why string) error { return &KeyError{path, entry.Number, why} }
	plain, err := entry.unwrap(bond, kek)
	if err != nil {
		return refuse("does not unwrap: wrong key-encrypting key, or the entry was changed")
	}
	if checkValue(plain) != entry.Check {
		return refuse("check value differs")
	}
	if _, taken := r.marks[entry.Number]; taken {
		return refuse("number is not unique")
	}
	info := KeyInfo{entry.Number, entry.State == stateActive, entry.Check, entry.Created}
	r.marks[entry.Number] = mark(bond, entry.Number, plain)
	if serves := entry.serving(); serves != nil {
		k := &hashKey{info, plain, entry.Revoked, serves}
		r.hashes[entry.Number], r.hashOrder = k, append(r.hashOrder, k)
		return nil
	}
	defer clear(plain)
	aead, err := newGCM(plain)
	switch {
	case err != nil:
		return refuse(err.Error())
	case entry.Number == 0:
		return refuse("number is zero")
	case entry.State == stateActive && r.active != nil:
		return refuse("second active key")
	}
	key := &dataKey{info, aead}
	r.keys[key.Number] = key
	r.order = append(r.order, key)
	if key.Active {
		r.active = key
	}
	return nil
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// checkValue identifies a key without giving anything of it away.
func checkValue(key []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte("settled key check value"))
	return hex.EncodeToString(mac.Sum(nil)[:3])
}

// mark is a keyed hash that tells a key, its number and its environment for sure, and does not lead back to it.
func mark(bond string, number uint16, key []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, key)
	fmt.Fprintf(mac, "settled key belongs/%s/%d", bond, number)
	mac.Sum(sum[:0])
	return sum
}
