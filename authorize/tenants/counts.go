package tenants

import (
	"hash/maphash"
	"time"
)

// sharedCells is how many values there are for the keys that find no room of their own.
const sharedCells = 1 << 12

// Counts keeps a value for each key in bounded memory, and forgets none that still counts: whoever is counted cannot get rid of it by
// making others come. When Limit keys have values that count, new ones share sharedCells values between them, by a hash that nobody
// outside can compute, and count for each other. It is not safe for concurrent use.
type Counts[K comparable, V any] struct {
	limit  int
	idle   func(v V, now time.Time) bool // v is as good as none
	own    map[K]V
	shared []V
	seed   maphash.Seed
}

// NewCounts makes a Counts of at most limit keys. idle tells that a value does not count any more.
func NewCounts[K comparable, V any](limit int, idle func(v V, now time.Time) bool) *Counts[K, V] {
	return &Counts[K, V]{limit: limit, idle: idle, own: map[K]V{}, seed: maphash.MakeSeed()}
}

// Get returns the value of a key, the zero value when it has none.
func (c *Counts[K, V]) Get(k K) (v V) {
	if v, ok := c.own[k]; ok {
		return v
	}
	if c.shared != nil {
		v = c.shared[c.cell(k)]
	}
	return v
}

// Put keeps the value of a key.
func (c *Counts[K, V]) Put(k K, v V, now time.Time) {
	if _, ok := c.own[k]; ok || len(c.own) < c.limit || c.makeRoom(now) {
		c.own[k] = v
		return
	}
	if c.shared == nil {
		c.shared = make([]V, sharedCells)
	}
	c.shared[c.cell(k)] = v
}

// Forget forgets the value of a key that has one of its own.
func (c *Counts[K, V]) Forget(k K) { delete(c.own, k) }

// looked is how many keys are looked at for one that does not count any more. A map begins to be walked anywhere.
const looked = 8

// makeRoom forgets a key that does not count any more, if it finds one.
func (c *Counts[K, V]) makeRoom(now time.Time) bool {
	n := 0
	for k, v := range c.own {
		if c.idle(v, now) {
			delete(c.own, k)
			return true
		}
		if n++; n == looked {
			break
		}
	}
	return false
}

func (c *Counts[K, V]) cell(k K) uint64 { return maphash.Comparable(c.seed, k) % sharedCells }

// Each visits the keys that have values of their own.
func (c *Counts[K, V]) Each(visit func(K, V)) {
	for k, v := range c.own {
		visit(k, v)
	}
}
