package tenants

import (
	"net/http"
	"settled/authorize/protocol"
	"sync"
	"time"
)

// Pace is how often something may happen: Burst times at once, then once in Every.
type Pace struct {
	Every time.Duration
	Burst int
}

// PageLimits slow down who tries cards or floods the page. Zero values mean the defaults.
type PageLimits struct {
	// Source bounds the forms that one source posts. Default: 120, then two a second.
	Source Pace
	// Declines bounds the declined payments of one source; beyond it, its payments are refused. Default: 30, then two a
	// minute.
	Declines Pace
	// Server bounds the orders that one source asks for by payrequest. Default: 250, then fifty a second.
	Server Pace
	// Reads bounds the pages of orders that one source reads. Default: 600, then twenty a second.
	Reads Pace
	// Forged bounds the notifications of one source that no bank signed; beyond it, none of its is read. Default: 20, then
	// one a second.
	Forged Pace
	// Merchant bounds the orders that are opened for one merchant. Default: 500, then a hundred a second.
	Merchant Pace
}

// Fill gives the limits that are zero their defaults.
func (l *PageLimits) Fill() {
	fill := func(p *Pace, burst int, every time.Duration) {
		if p.Burst == 0 {
			*p = Pace{every, burst}
		}
	}
	fill(&l.Source, 120, 500*time.Millisecond)
	fill(&l.Declines, 30, 30*time.Second)
	fill(&l.Server, 250, 20*time.Millisecond)
	fill(&l.Reads, 600, 50*time.Millisecond)
	fill(&l.Forged, 20, time.Second)
	fill(&l.Merchant, 500, 10*time.Millisecond)
}

// ErrTooMany refuses what exceeds a pace.
var ErrTooMany = &protocol.Fault{First: protocol.FirstLimits, Second: protocol.OnRate, Status: http.StatusTooManyRequests, Detail: "too many requests, try again later"}

// maxPaced is how many keys a limiter remembers; older ones start anew.
const maxPaced = 1 << 16

// Limiter lets each key act at a pace. For each it keeps when the key would have used up what it has had, so its memory
// is bounded, and a clock that jumps forgives.
type Limiter[K comparable] struct {
	Pace
	now  func() time.Time
	mu   sync.Mutex
	used Generations[K, time.Time]
}

// NewLimiter makes a limiter that has seen nobody yet.
func NewLimiter[K comparable](p Pace, now func() time.Time) *Limiter[K] {
	return &Limiter[K]{Pace: p, now: now, used: Generations[K, time.Time]{Limit: maxPaced}}
}

// Take counts one action of the key, unless it is one too many.
func (l *Limiter[K]) Take(key K) bool { return l.look(key, true) }

// Open tells whether the key could act, without counting.
func (l *Limiter[K]) Open(key K) bool { return l.look(key, false) }

func (l *Limiter[K]) look(key K, count bool) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	used, _ := l.used.Get(key)
	if used.Before(now) {
		used = now
	}
	if used.Sub(now) > time.Duration(l.Burst-1)*l.Every {
		return false
	}
	if count {
		l.used.Put(key, used.Add(l.Every))
	}
	return true
}
