package tenants

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var someday = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// Whatever other keys come, a key that was counted keeps its count for as long as it counts, and the memory is bounded.
func TestCountsForgetNobodyWhoCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit, lasting = 8, time.Hour
		now := someday
		c := NewCounts[int](limit, func(until, now time.Time) bool { return !until.After(now) })
		counted := map[int]time.Time{}
		for range rapid.IntRange(1, 200).Draw(t, "steps") {
			now = now.Add(time.Duration(rapid.IntRange(0, 10).Draw(t, "minutes")) * time.Minute)
			k := rapid.IntRange(0, 40).Draw(t, "key")
			counted[k] = now.Add(lasting)
			c.Put(k, counted[k], now)
			for k, until := range counted {
				if now.Before(until) && c.Get(k).Before(until) {
					t.Fatalf("%d was forgotten: %v, not %v", k, c.Get(k), until)
				}
			}
			if len(c.own) > limit || len(c.shared) > sharedCells {
				t.Fatalf("%d keys, %d shared", len(c.own), len(c.shared))
			}
		}
	})
}

// A flood of other sources does not clear one that used up its pace, nor one that came when there was no room any more.
func TestFloodOfSourcesClearsNobody(t *testing.T) {
	now := someday
	for _, late := range []bool{false, true} {
		l := NewLimiter[int](Pace{time.Minute, 3}, func() time.Time { return now })
		flood := func(from int) {
			for i := range maxPaced + 1000 {
				l.Take(from + i)
			}
		}
		if late {
			flood(1 << 20)
		}
		for l.Take(-1) {
		}
		flood(1)
		if l.Take(-1) || l.Open(-1) {
			t.Errorf("late %v: the flood cleared the source", late)
		}
		now = now.Add(2 * time.Hour)
		if !l.Take(-1) {
			t.Errorf("late %v: the source may not act when its time is over", late)
		}
	}
}

// Addresses of one /64 are one source, those of one /48 together may do ten times as much, and addresses of IPv4 are each for
// themselves.
func TestSourcesByNetwork(t *testing.T) {
	for _, c := range []struct {
		name    string
		address func(i int) string
		most    int
	}{
		{"one address of IPv4", func(int) string { return "192.0.2.7" }, 3},
		{"many addresses of IPv4", func(i int) string { return fmt.Sprintf("192.0.2.%d", i) }, 200},
		{"IPv4 in IPv6", func(i int) string { return []string{"::ffff:192.0.2.7", "192.0.2.7"}[i%2] }, 3},
		{"one /64", func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x", i) }, 3},
		{"one /64, with zones", func(i int) string { return fmt.Sprintf("2001:db8:1:2::%x%%eth%d", i, i) }, 3},
		{"one /48", func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) }, 30},
		{"many /48", func(i int) string { return fmt.Sprintf("2001:db8:%x::1", i) }, 200},
		{"what is no address", func(int) string { return "a socket" }, 3},
	} {
		s, got := NewSources(Pace{time.Minute, 3}, func() time.Time { return someday }), 0
		for i := range 200 {
			open := s.Open(c.address(i))
			if took := s.Take(c.address(i)); took != open {
				t.Errorf("%s: open %v, taken %v", c.name, open, took)
			} else if took {
				got++
			}
		}
		if got != c.most {
			t.Errorf("%s: %d, not %d", c.name, got, c.most)
		}
	}
}

// What is given back was never taken.
func TestGiveBack(t *testing.T) {
	s := NewSources(Pace{time.Minute, 3}, func() time.Time { return someday })
	for range 50 {
		if !s.Take("2001:db8::1") {
			t.Fatal("used up")
		}
		s.GiveBack("2001:db8::1")
	}
	s.GiveBack("2001:db8::1") // nothing was taken: no credit
	for n := range 4 {
		if got := s.Take("2001:db8::1"); got != (n < 3) {
			t.Errorf("%d: %v", n, got)
		}
	}
}
