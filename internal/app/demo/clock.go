package demo

import (
	"sync"
	"time"
)

// Clock is the time of the demo. It stands still until it is moved, and only goes forward. It is safe for concurrent use.
type Clock struct {
	mu       sync.Mutex
	now      time.Time
	released time.Time // real instant from which the clock runs; zero while it stands
}

// NewClock returns a clock that stands at an instant.
func NewClock(at time.Time) *Clock { return &Clock{now: at} }

// Now returns the instant that the clock shows.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.released.IsZero() {
		return c.now
	}
	return c.now.Add(time.Since(c.released))
}

// Set moves a standing clock forward to an instant; an earlier one changes nothing.
func (c *Clock) Set(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if at.After(c.now) {
		c.now = at
	}
}

// Release lets the clock run: from the real time if that is later, else on from where it stands.
func (c *Clock) Release() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.released = time.Now()
	if c.released.After(c.now) {
		c.now = c.released
	}
}
