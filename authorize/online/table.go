package online

import (
	"sync"
	"time"

	"settled/fileformats/iso8583"
)

// flight is a request on its way. Its fields belong to the goroutine that composed it until table.add, then to the
// shard's lock, then to whoever removed it from the table.
type flight struct {
	key     key
	expect  expectation
	message *iso8583.Message // empty except while composing
	frame   []byte           // the message with its length, until a link takes it
	mac     *iso8583.MAC     // ends the message; nil: nothing does
	link    *link            // the connection that took it; nil while queued
	answer  Answer
	err     error
	done    chan struct{} // receives once, when answer or err is set by another goroutine
	timer   *time.Timer
}

func newFlight(mac *iso8583.MAC) *flight {
	return &flight{
		mac:     mac,
		message: iso8583.Online.NewMessage(""),
		frame:   make([]byte, 0, 512),
		done:    make(chan struct{}, 1),
	}
}

// finish hands the outcome to the waiting request.
func (f *flight) finish(a Answer, err error) {
	f.answer, f.err = a, err
	f.done <- struct{}{}
}

// wipe erases the message, which holds card data.
func (f *flight) wipe() {
	clear(f.frame[:cap(f.frame)])
	f.frame = f.frame[:0]
}

// stage is how far a request got when it was looked at.
type stage uint8

const (
	finished stage = iota // somebody else has removed it and will finish it
	queued                // no link has taken it
	sent                  // bytes may have left
)

const shards = 64

// table holds the requests in flight and remembers, within bounds, those that are over. Whoever removes a request
// from it decides the outcome, so an answer and a deadline cannot both win.
type table [shards]shard

type shard struct {
	mu     sync.Mutex
	live   map[key]*flight
	over   map[key]grave
	graves [2]ring // of requests that gave up, of answered requests
}

// grave marks a request that is over; plot is its place in the ring, which tells it from an older grave of the same key.
type grave struct {
	reason LateReason
	plot   uint64
}

type ring struct {
	keys []key
	next uint64
}

// newTable remembers at least memory requests of each kind: answered and given up.
func newTable(memory int) *table {
	var t table
	size := (memory + shards - 1) / shards
	for i := range t {
		s := &t[i]
		s.live, s.over = make(map[key]*flight), make(map[key]grave)
		s.graves[0].keys, s.graves[1].keys = make([]key, size), make([]key, size)
	}
	return &t
}

// shard picks by the low digits of the STAN, which runs through all values.
func (t *table) shard(k *key) *shard {
	return &t[(uint(k.Trace[5])+10*uint(k.Trace[4])+100*uint(k.Trace[3]))%shards]
}

// add registers a request; false when one with its key is in flight.
func (t *table) add(f *flight) bool {
	s := t.shard(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[f.key] != nil {
		return false
	}
	s.live[f.key] = f
	return true
}

// take marks a queued request as sent by l and appends its message to batch, erasing the original. A request that has
// given up is skipped. The caller must not touch f afterwards.
func (t *table) take(f *flight, l *link, batch []byte) []byte {
	s := t.shard(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[f.key] != f {
		return batch
	}
	batch = append(batch, f.frame...)
	f.wipe()
	f.link = l
	return batch
}

// giveUp removes a request whose deadline has passed, unless it is finished.
func (t *table) giveUp(f *flight) stage {
	s := t.shard(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[f.key] != f {
		return finished
	}
	delete(s.live, f.key)
	if f.link == nil {
		return queued
	}
	s.bury(f.key, Late)
	return sent
}

// refuse removes a request that is still queued; false when it is not.
func (t *table) refuse(f *flight) bool {
	s := t.shard(&f.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live[f.key] != f || f.link != nil {
		return false
	}
	delete(s.live, f.key)
	return true
}

// match removes the request that an answer belongs to. Without one it returns the reason why not.
func (t *table) match(r *reply) (*flight, LateReason) {
	s := t.shard(&r.key)
	s.mu.Lock()
	defer s.mu.Unlock()
	f := s.live[r.key]
	switch {
	case f == nil || f.link == nil:
		return nil, s.epitaph(r.key)
	case f.expect.mti != r.mti:
		return nil, Mismatched
	}
	delete(s.live, r.key)
	s.bury(r.key, Duplicate)
	return f, 0
}

// epitaph tells why an answer with this key is not expected.
func (s *shard) epitaph(k key) LateReason {
	if g, ok := s.over[k]; ok {
		return g.reason
	}
	return Unmatched
}

// bury remembers what a further answer to this key would be, and forgets the oldest of its kind.
func (s *shard) bury(k key, reason LateReason) {
	r := &s.graves[reason-Late]
	size := uint64(len(r.keys))
	oldest := &r.keys[r.next%size]
	if r.next >= size && s.over[*oldest] == (grave{reason, r.next - size}) {
		delete(s.over, *oldest)
	}
	s.over[k] = grave{reason, r.next}
	*oldest = k
	r.next++
}

// abandon removes every request that l took.
func (t *table) abandon(l *link, finish func(*flight)) {
	for i := range t {
		s := &t[i]
		s.mu.Lock()
		for k, f := range s.live {
			if f.link == l {
				delete(s.live, k)
				s.bury(k, Late)
				finish(f)
			}
		}
		s.mu.Unlock()
	}
}
