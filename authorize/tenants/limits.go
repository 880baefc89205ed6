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
	// Order bounds the requests, from wherever, for an order number of a merchant that an order with other content has; beyond it
	// those without a proof are refused. Default: 20, then one a minute.
	Order Pace
}

// OrderKey is an order by its merchant and the number that the merchant gave it.
type OrderKey struct {
	Merchant int32
	Number   string
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
	fill(&l.Order, 20, time.Minute)
}

// ErrTooMany refuses what exceeds a pace.
var ErrTooMany = &protocol.Fault{First: protocol.FirstLimits, Second: protocol.OnRate, Status: http.StatusTooManyRequests, Detail: "too many requests, try again later"}

// maxPaced is how many keys a limiter remembers one by one, some 10 MiB of sources; see [Counts].
const maxPaced = 1 << 16

// Limiter lets each key act at a pace. For each it keeps when the key would have used up what it has had, so its memory
// is bounded, and a clock that jumps forgives. It is safe for concurrent use.
type Limiter[K comparable] struct {
	Pace
	now  func() time.Time
	mu   sync.Mutex
	used *Counts[K, time.Time]
}

// NewLimiter makes a limiter that has seen nobody yet.
func NewLimiter[K comparable](p Pace, now func() time.Time) *Limiter[K] {
	over := func(used, now time.Time) bool { return !used.After(now) }
	return &Limiter[K]{Pace: p, now: now, used: NewCounts[K](maxPaced, over)}
}

// Take counts one action of the key, unless it is one too many.
func (l *Limiter[K]) Take(key K) bool { return l.look(key, l.Every) }

// Open tells whether the key could act, without counting.
func (l *Limiter[K]) Open(key K) bool { return l.look(key, 0) }

// GiveBack takes back an action that was counted and turned out to be none.
func (l *Limiter[K]) GiveBack(key K) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if used := l.used.Get(key); used.After(now) {
		l.used.Put(key, used.Add(-l.Every), now)
	}
}

func (l *Limiter[K]) look(key K, cost time.Duration) bool {
	now := l.now()
	l.mu.Lock()
	defer l.mu.Unlock()
	used := l.used.Get(key)
	if used.Before(now) {
		used = now
	}
	if used.Sub(now) > time.Duration(l.Burst-1)*l.Every {
		return false
	}
	if cost > 0 {
		l.used.Put(key, used.Add(cost), now)
	}
	return true
}

// Sources lets each source of requests act at a pace: an address of IPv4, a /64 of IPv6. A /48 may act ten times as often as a source.
// It is safe for concurrent use.
type Sources struct {
	near, wide *Limiter[network]
}

// NewSources makes a limiter that has seen no source yet.
func NewSources(p Pace, now func() time.Time) *Sources {
	return &Sources{NewLimiter[network](p, now), NewLimiter[network](Pace{p.Every / widely, p.Burst * widely}, now)}
}

// Take counts one action of the source at an address, unless it is one too many.
func (s *Sources) Take(source string) bool {
	near, wide := networksOf(source)
	if !wide.none() && !s.wide.Open(wide) || !s.near.Take(near) {
		return false
	}
	return wide.none() || s.wide.Take(wide)
}

// Open tells whether the source could act, without counting.
func (s *Sources) Open(source string) bool {
	near, wide := networksOf(source)
	return s.near.Open(near) && (wide.none() || s.wide.Open(wide))
}

// GiveBack takes back an action that was counted and turned out to be none.
func (s *Sources) GiveBack(source string) {
	near, wide := networksOf(source)
	s.near.GiveBack(near)
	if !wide.none() {
		s.wide.GiveBack(wide)
	}
}
