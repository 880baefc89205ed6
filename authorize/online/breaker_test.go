package online

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sony/gobreaker/v2"

	"settled/fileformats/iso8583"
)

func TestBreakerOpensOnSilenceAndClosesByEcho(t *testing.T) {
	var answering atomic.Bool
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		if answering.Load() {
			approve(v, m)
		}
	})
	c, _ := connect(t, host, func(o *Options) {
		o.Timeout, o.BreakerFailures, o.BreakerPause = 200*time.Millisecond, 3, 300*time.Millisecond
	})
	var all sync.WaitGroup
	for i := 1; i <= 3; i++ {
		all.Go(func() {
			_, err := c.Exchange(t.Context(), payment(i))
			wantError(t, err, ErrUnknown, ErrTimeout)
		})
	}
	all.Wait()
	_, err := c.Exchange(t.Context(), payment(4))
	wantError(t, err, ErrNotSent, ErrBreakerOpen)
	_, err = c.Exchange(t.Context(), reversal(1))
	wantError(t, err, ErrNotSent, ErrBreakerOpen)
	if n := host.received.Load(); n != 3 {
		t.Errorf("center received %d requests, want those before the breaker opened: 3", n)
	}
	if err := c.Echo(t.Context()); err != nil {
		t.Errorf("an operator's echo with the breaker open: %v", err)
	}
	answering.Store(true)
	untilClosed(t, c)
	if _, err := c.Exchange(t.Context(), payment(5)); err != nil {
		t.Errorf("after the breaker closed: %v", err)
	}
}

func untilClosed(t *testing.T, c *Client) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if c.breaker.closed() {
			return
		}
		<-tick.C
	}
	t.Fatal("the breaker does not close")
}

func TestDeclinesDoNotOpenTheBreaker(t *testing.T) {
	c, _ := connect(t, newCenter(t, func(v *visitor, m *iso8583.Message) { v.reply(m, "116") }), func(o *Options) {
		o.BreakerFailures = 1
	})
	for i := 1; i <= 10; i++ {
		if _, err := c.Exchange(t.Context(), payment(i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestCallersFaultsDoNotOpenTheBreaker(t *testing.T) {
	c, _ := connect(t, newCenter(t, approve), func(o *Options) { o.BreakerFailures = 1 })
	bad := payment(1)
	bad.STAN = "12"
	_, err := c.Exchange(t.Context(), bad)
	wantError(t, err, ErrNotSent, ErrInvalidRequest)
	if !c.breaker.closed() {
		t.Error("an invalid request opened the breaker")
	}
	if !blameless(notSent(context.Canceled)) || blameless(errNoConnection) || blameless(unknown(ErrTimeout)) {
		t.Error("blame is not where it belongs")
	}
}

func TestHalfOpenBreakerLetsOneProbeThrough(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var states []gobreaker.State
		o := Options{BreakerFailures: 2, BreakerPause: time.Minute}
		b := newBreaker(&o, func(s gobreaker.State) { states = append(states, s) })
		fail(t, b, Authorization)
		fail(t, b, Authorization)
		refused(t, b, Authorization, Reversal, echo)
		<-b.tripped

		time.Sleep(time.Minute + 1)
		refused(t, b, Authorization, Purchase, Refund, Inquiry)
		fail(t, b, Reversal)
		refused(t, b, Authorization, Reversal, echo)

		time.Sleep(time.Minute + 1)
		done, err := b.admit(Reversal)
		if err != nil {
			t.Fatalf("reversal as the probe: %v", err)
		}
		refused(t, b, Reversal, echo)
		done(nil)
		if !b.closed() {
			t.Error("a probe that succeeds does not close the breaker")
		}
		want := []gobreaker.State{
			gobreaker.StateOpen, gobreaker.StateHalfOpen, gobreaker.StateOpen, gobreaker.StateHalfOpen, gobreaker.StateClosed,
		}
		if len(states) != len(want) {
			t.Fatalf("states %v, want %v", states, want)
		}
		for i := range want {
			if states[i] != want[i] {
				t.Fatalf("states %v, want %v", states, want)
			}
		}
	})
}

func fail(t *testing.T, b *breaker, k Kind) {
	t.Helper()
	done, err := b.admit(k)
	if err != nil {
		t.Fatalf("%v: %v", k, err)
	}
	done(unknown(ErrTimeout))
}

func refused(t *testing.T, b *breaker, kinds ...Kind) {
	t.Helper()
	for _, k := range kinds {
		if _, err := b.admit(k); !errors.Is(err, ErrNotSent) || !errors.Is(err, ErrBreakerOpen) {
			t.Errorf("%v admitted (%v)", k, err)
		}
	}
}
