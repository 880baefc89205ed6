package vault

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"time"
)

// Purpose is what a key of keyed hashes is for. Each has its own generations, and they are revoked one by one.
type Purpose string

// The purposes. The words are stored.
const (
	// Links is for what the payment page hands to browsers: addresses of orders, forms, ways through 3-D Secure.
	Links Purpose = "links"
	// Prints is for what is stored and looked up without keeping it: fingerprints of requests, of stored cards.
	Prints Purpose = "fingerprints"
)

// Purposes are all purposes.
var Purposes = []Purpose{Links, Prints}

// Revocation says when and why a generation is not good for a purpose any more.
type Revocation struct {
	At     time.Time `json:"at"` // UTC, to the second
	Reason string    `json:"reason"`
}

// HashInfo describes a key of keyed hashes for one of its purposes, without giving it away. Number 0 is the first key of both purposes.
type HashInfo struct {
	Purpose Purpose
	Number  uint16
	Check   string    // key check value, as of [KeyInfo]
	Created time.Time // UTC
	Newest  bool      // new hashes are made under it
	Revoked *Revocation
}

// hashKey is one unwrapped key of keyed hashes.
type hashKey struct {
	KeyInfo
	key     []byte
	revoked map[Purpose]Revocation
	serves  []Purpose
}

// serving are the purposes of an entry; none of a data key.
func (e *keyEntry) serving() []Purpose {
	switch {
	case e.State == stateFingerprint && e.Number == 0:
		return Purposes // the only key, before there were generations
	case e.State == stateFingerprint:
		return []Purpose{Prints}
	case e.State == stateLinks:
		return []Purpose{Links}
	}
	return nil
}

// good reports whether the key still serves a purpose.
func (k *hashKey) good(p Purpose) bool {
	_, revoked := k.revoked[p]
	return slices.Contains(k.serves, p) && !revoked
}

// accepted are the generations that serve a purpose, the newest first. Numbers only grow.
func (r *ring) accepted(p Purpose) (numbers []uint16) {
	for number, k := range r.hashes {
		if k.good(p) {
			numbers = append(numbers, number)
		}
	}
	slices.SortFunc(numbers, func(a, b uint16) int { return int(b) - int(a) })
	return numbers
}

// Accepted are the generations whose hashes are good for a purpose, the newest first, which new ones are made under.
func (v *Vault) Accepted(p Purpose) []uint16 { return slices.Clone(v.ring.Load().good[p]) }

// Newest is the generation that new hashes for a purpose are made under.
func (v *Vault) Newest(p Purpose) uint16 { return v.ring.Load().good[p][0] }

// Sum returns a keyed hash of data for a purpose, under a generation. domain separates uses: hashes of two domains cannot be compared. It
// is not ok under a generation that is revoked, or that is unknown even after a look whether the key file was changed.
func (v *Vault) Sum(p Purpose, generation uint16, domain string, data []byte) (sum [sha256.Size]byte, ok bool) {
	known := v.ring.Load()
	if known.hashes[generation] == nil && changed(v.path, known.stamp) && v.Reload() == nil {
		known = v.ring.Load()
	}
	k := known.hashes[generation]
	if k == nil || !k.good(p) {
		return sum, false
	}
	return k.sum(domain, data), true
}

func (k *hashKey) sum(domain string, data []byte) (sum [sha256.Size]byte) {
	mac := hmac.New(sha256.New, k.key)
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(domain)))
	mac.Write(length[:])
	mac.Write([]byte(domain))
	mac.Write(data)
	mac.Sum(sum[:0])
	return sum
}

// Make is Sum under the newest generation, which it returns.
func (v *Vault) Make(p Purpose, domain string, data []byte) (generation uint16, sum [sha256.Size]byte) {
	known := v.ring.Load()
	generation = known.good[p][0]
	return generation, known.hashes[generation].sum(domain, data)
}

// Revoked tells that a generation once served a purpose and is not good for it any more.
func (v *Vault) Revoked(p Purpose, generation uint16) bool {
	k := v.ring.Load().hashes[generation]
	return k != nil && slices.Contains(k.serves, p) && !k.good(p)
}

// Print returns a fingerprint as it is stored: the number of its generation (2, big-endian) unless that is 0, and the keyed hash (32). It is nil
// where Sum is not ok.
func (v *Vault) Print(generation uint16, domain string, data []byte) []byte {
	sum, ok := v.Sum(Prints, generation, domain, data)
	switch {
	case !ok:
		return nil
	case generation == 0:
		return sum[:]
	}
	return append(binary.BigEndian.AppendUint16(nil, generation), sum[:]...)
}

// PrintGeneration is the generation of a stored fingerprint.
func PrintGeneration(print []byte) uint16 {
	if len(print) != keyNumberSize+sha256.Size {
		return 0
	}
	return binary.BigEndian.Uint16(print)
}

// HashKeys describes the keys of keyed hashes by purpose, the oldest first.
func (v *Vault) HashKeys() (all []HashInfo) {
	r := v.ring.Load()
	for _, p := range Purposes {
		for _, k := range r.hashOrder {
			if !slices.Contains(k.serves, p) {
				continue
			}
			g := HashInfo{Purpose: p, Number: k.Number, Check: k.Check, Created: k.Created, Newest: r.good[p][0] == k.Number}
			if revoked, is := k.revoked[p]; is {
				g.Revoked = &revoked
			}
			all = append(all, g)
		}
	}
	return all
}

// RotateHashes adds a key to the key file at path under which new hashes for a purpose are made from now on; those of the others stay good.
// As Rotate in everything else.
func RotateHashes(path string, p Purpose) (KeyInfo, error) {
	file, kek, err := readKeyFile(path)
	if err == nil {
		_, err = readRing(path)
	}
	if err != nil {
		return KeyInfo{}, fmt.Errorf("rotate %s: %w", p, err)
	}
	added, err := file.addHashes(path, kek, p)
	if err == nil {
		err = replace(path, file)
	}
	if err != nil {
		return KeyInfo{}, fmt.Errorf("rotate %s: %w", p, err)
	}
	return added, nil
}

// Revoke makes the hashes of a generation good for nothing: what bears them is refused. When new hashes were made under it, another key is
// added, and described. The entry stays, so that the key file still says what it was. Errors: *KeyError for a generation that does not serve the
// purpose, or is revoked already; as Rotate else.
func Revoke(path string, p Purpose, generation uint16, r Revocation) (added *KeyInfo, err error) {
	refuse := func(err error) (*KeyInfo, error) { return nil, fmt.Errorf("revoke %s: %w", p, err) }
	file, kek, err := readKeyFile(path)
	if err != nil {
		return refuse(err)
	}
	ring, err := readRing(path)
	if err != nil {
		return refuse(err)
	}
	if k := ring.hashes[generation]; k == nil || !k.good(p) {
		return refuse(&KeyError{path, generation, fmt.Sprintf("is no key of %s, or is revoked already", p)})
	}
	if err := file.revoke(kek, p, generation, r); err != nil {
		return refuse(err)
	}
	if ring.good[p][0] == generation {
		key, err := file.addHashes(path, kek, p)
		if err != nil {
			return refuse(err)
		}
		added = &key
	}
	if err := replace(path, file); err != nil {
		return refuse(err)
	}
	return added, nil
}

// revoke writes the revocation into the entry, which is wrapped anew: it is authenticated with the key.
func (f *keyFile) revoke(kek wrapper, p Purpose, generation uint16, r Revocation) error {
	for i := range f.Keys {
		e := &f.Keys[i]
		if e.Number != generation || !slices.Contains(e.serving(), p) {
			continue
		}
		plain, err := e.unwrap(f.bond(), kek)
		if err != nil {
			return err
		}
		if e.Revoked == nil {
			e.Revoked = map[Purpose]Revocation{}
		}
		e.Revoked[p] = Revocation{r.At.UTC().Truncate(time.Second), r.Reason}
		e.wrap(f.bond(), kek, plain)
		clear(plain)
	}
	return nil
}

// addHashes adds a key for a purpose, and describes it.
func (f *keyFile) addHashes(path string, kek wrapper, p Purpose) (KeyInfo, error) {
	number, err := f.next(path)
	if err != nil {
		return KeyInfo{}, err
	}
	state := stateLinks
	if p == Prints {
		state = stateFingerprint
	}
	added := newKey(f.bond(), kek, number, state, time.Now())
	f.Keys = append(f.Keys, added)
	return KeyInfo{added.Number, true, added.Check, added.Created}, nil
}

// next is the number of the next key; no number is given twice, whatever the keys are for.
func (f *keyFile) next(path string) (uint16, error) {
	last := uint16(0)
	for _, entry := range f.Keys {
		last = max(last, entry.Number)
	}
	if last == ^uint16(0) {
		return 0, &KeyError{Path: path, Why: "key numbers are used up"}
	}
	return last + 1, nil
}
