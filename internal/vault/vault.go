package vault

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"sync"
	"sync/atomic"
)

var (
	// ErrSealed says that sealed bytes do not open: damaged, moved to another row, or made with another key.
	ErrSealed = errors.New("vault: sealed bytes do not open here")
	// ErrUnknownKey says that sealed bytes name a key that is not in the key file.
	ErrUnknownKey = errors.New("vault: no such data key")
)

const (
	keyNumberSize = 2
	nonceSize     = 12
	tagSize       = 16
)

// Overhead is how many bytes sealing adds.
const Overhead = keyNumberSize + nonceSize + tagSize

// Vault seals and opens under the keys of one key file. Its methods may be called from many goroutines, also while keys
// are rotated and reloaded.
type Vault struct {
	path   string
	ring   atomic.Pointer[ring]
	reload sync.Mutex
}

// Open reads the key file at path. The errors are those of the file system, ErrNoKEK and *KeyError.
func Open(path string) (*Vault, error) {
	v := &Vault{path: path}
	if err := v.Reload(); err != nil {
		return nil, err
	}
	return v, nil
}

// Changed reports whether the key file is another one than the vault has read.
func (v *Vault) Changed() bool { return changed(v.path, v.ring.Load().stamp) }

// Reload takes up the keys that the key file holds now. On error the vault keeps the keys it has.
func (v *Vault) Reload() error {
	v.reload.Lock()
	defer v.reload.Unlock() // the file is read within it: what was read later is taken up later
	ring, err := readRing(v.path)
	if err != nil {
		return fmt.Errorf("open vault: %w", err)
	}
	if used := v.ring.Load(); used != nil {
		for number, mark := range used.marks {
			if ring.marks[number] != mark {
				return &KeyError{Path: v.path, Key: number, Why: "other keys than those in use; a rotation keeps these"}
			}
		}
	}
	v.ring.Store(ring)
	return nil
}

// Keys describes the data keys, oldest first.
func (v *Vault) Keys() []KeyInfo { return v.ring.Load().info() }

// Marks tells the keys, of data and of keyed hashes, by number, from all others, and gives nothing of them away.
func (v *Vault) Marks() map[uint16][sha256.Size]byte { return maps.Clone(v.ring.Load().marks) }

// Seal returns pan sealed and bound to binding, in a slice of its own.
func (v *Vault) Seal(pan PAN, binding []byte) ([]byte, error) {
	var digits [maxPAN]byte
	plain := pan.AppendReveal(digits[:0])
	defer clear(plain)
	return v.AppendSeal(make([]byte, 0, Overhead+len(plain)), plain, binding)
}

// Unseal returns the card number that Seal sealed with the same binding. The errors are ErrSealed, ErrUnknownKey and, for
// something else than a card number, ErrPAN.
func (v *Vault) Unseal(sealed, binding []byte) (PAN, error) {
	var digits [2 * maxPAN]byte
	plain, err := v.AppendUnseal(digits[:0], sealed, binding)
	if err != nil {
		return PAN{}, err
	}
	pan, err := ParsePAN(plain)
	clear(plain)
	return pan, err
}

// AppendSeal appends plain, sealed and bound to binding, to dst. It does not allocate when dst has room for
// len(plain)+Overhead more bytes.
func (v *Vault) AppendSeal(dst, plain, binding []byte) ([]byte, error) {
	key := v.ring.Load().active
	start := len(dst)
	dst = binary.BigEndian.AppendUint16(dst, key.Number)
	dst = append(dst, make([]byte, nonceSize)...)
	nonce := dst[start+keyNumberSize:]
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("seal: %w", err)
	}
	bound := bind(binding, key.Number)
	defer scratch.Put(bound)
	return key.aead.Seal(dst, nonce, plain, *bound), nil
}

// AppendUnseal appends what AppendSeal sealed with the same binding to dst. It does not allocate when dst has room for
// len(sealed)-Overhead more bytes. The errors are ErrSealed and ErrUnknownKey.
func (v *Vault) AppendUnseal(dst, sealed, binding []byte) ([]byte, error) {
	if len(sealed) < Overhead {
		return nil, ErrSealed
	}
	key, err := v.key(binary.BigEndian.Uint16(sealed))
	if err != nil {
		return nil, err
	}
	bound := bind(binding, key.Number)
	defer scratch.Put(bound)
	nonce := sealed[keyNumberSize : keyNumberSize+nonceSize]
	plain, err := key.aead.Open(dst, nonce, sealed[keyNumberSize+nonceSize:], *bound)
	if err != nil {
		return nil, ErrSealed
	}
	return plain, nil
}

// Generation is the number of the data key that bytes say they were sealed with; false for bytes that are too short to be sealed.
// Damage can change it.
func Generation(sealed []byte) (number uint16, ok bool) {
	if len(sealed) < Overhead {
		return 0, false
	}
	return binary.BigEndian.Uint16(sealed), true
}

// key finds the data key of that number. One that is not known may have been added by a rotation since, so the file is
// read again, once per key file.
func (v *Vault) key(number uint16) (*dataKey, error) {
	known := v.ring.Load()
	if key := known.keys[number]; key != nil {
		return key, nil
	}
	if changed(v.path, known.stamp) {
		if err := v.Reload(); err != nil {
			return nil, fmt.Errorf("%w: number %d: %w", ErrUnknownKey, number, err)
		}
	}
	if key := v.ring.Load().keys[number]; key != nil {
		return key, nil
	}
	return nil, fmt.Errorf("%w: number %d", ErrUnknownKey, number)
}

var scratch = sync.Pool{New: func() any { return new([]byte) }}

// bind makes the authenticated data: the binding, then the key number.
func bind(binding []byte, number uint16) *[]byte {
	bound := scratch.Get().(*[]byte)
	*bound = binary.BigEndian.AppendUint16(append((*bound)[:0], binding...), number)
	return bound
}

// CardBinding appends the binding of an order's card number to dst: "card/merchant/order".
func CardBinding(dst []byte, merchant, order int64) []byte {
	return appendBinding(append(dst, "card/"...), merchant, order)
}

// CredentialForm is what a sealed card or consent of a buyer is bound to. The numbers are stored.
type CredentialForm int16

// The forms. What was sealed in one opens in no other.
const (
	BoundToID    CredentialForm = 1 // its merchant and its id alone; nothing is sealed so any more
	BoundToBuyer CredentialForm = 2 // its means and its buyer, too
)

// CredentialBinding appends the binding of a stored card or consent to dst. That of form 1 is "card/merchant/0", then its id: no order has the
// number 0, so no card of an order opens there. That of form 2 is "stored/merchant/means/", then its id, then the merchant's number of the buyer.
func CredentialBinding(dst []byte, form CredentialForm, merchant int64, id [16]byte, means int64, buyer string) []byte {
	if form == BoundToID {
		return append(CardBinding(dst, merchant, 0), id[:]...)
	}
	dst = append(appendBinding(append(dst, "stored/"...), merchant, means), '/')
	return append(append(dst, id[:]...), buyer...)
}

// ChunkBinding appends the binding of a chunk of a stored file to dst: "file/file/chunk". Chunks cannot be exchanged,
// reordered or moved between files.
func ChunkBinding(dst []byte, file, chunk int64) []byte {
	return appendBinding(append(dst, "file/"...), file, chunk)
}

func appendBinding(dst []byte, a, b int64) []byte {
	dst = strconv.AppendInt(dst, a, 10)
	return strconv.AppendInt(append(dst, '/'), b, 10)
}
