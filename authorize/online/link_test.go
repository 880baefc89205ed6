package online

import (
	"context"
	"errors"
	"net"
	"runtime"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"settled/fileformats/iso8583"
)

func TestConnectionRefusedIsNotSent(t *testing.T) {
	host := newCenter(t, approve)
	host.close()
	c, _ := dial(t, host, nil)
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrNotSent, ErrNoConnection)
	wantError(t, c.Echo(t.Context()), ErrNotSent, ErrNoConnection)
}

func TestReconnectsWhenTheCenterReturns(t *testing.T) {
	host := newCenter(t, approve)
	c, _ := connect(t, host, nil)
	if _, err := c.Exchange(t.Context(), payment(1)); err != nil {
		t.Fatal(err)
	}
	host.close()
	untilDown(t, c)
	_, err := c.Exchange(t.Context(), payment(2))
	wantError(t, err, ErrNotSent, ErrNoConnection)

	host.open()
	ready(t, c)
	if _, err := c.Exchange(t.Context(), payment(2)); err != nil {
		t.Fatal(err)
	}
}

// A center may test the line, too, and keep it alive with frames that hold nothing.
func TestCentersEchoIsAnswered(t *testing.T) {
	answers := make(chan string, 2)
	ask := func(v *visitor, stan, function string) {
		m := iso8583.Online.NewMessage(iso8583.MTINetworkRequest)
		m.Set(7, "1121153012")
		m.Set(11, stan)
		m.Set(12, "261121183012")
		m.Set(24, function)
		v.send(iso8583.AppendKeepAlive(frameOfMessage(m)))
	}
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		if m.MTI() == iso8583.MTINetworkAnswer {
			answers <- m.Text(11) + " " + m.Text(39) + " " + m.Text(12)
			return
		}
		ask(v, "000001", iso8583.FunctionEcho)
		ask(v, "000002", "802") // a sign-off: nothing that we know
		ask(v, "000003", iso8583.FunctionEcho)
		approve(v, m)
	})
	c, late := connect(t, host, nil)
	if _, err := c.Exchange(t.Context(), payment(1)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"000001 000 261121183012", "000003 000 261121183012"} {
		if got := <-answers; got != want {
			t.Errorf("answered %q, want %q", got, want)
		}
	}
	if got := late.next(t); got.Reason != Unmatched || got.STAN != "000002" {
		t.Errorf("what is no echo was reported as %+v", got)
	}
	if c.Connected() != 1 || host.accepted.Load() != 1 {
		t.Error("the connection did not stay")
	}
}

func frameOfMessage(m *iso8583.Message) []byte {
	frame, err := iso8583.AppendFrame(nil, m)
	if err != nil {
		panic(err)
	}
	return frame
}

// untilDown waits until the client has noticed that its last connection is gone.
func untilDown(t *testing.T, c *Client) {
	t.Helper()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for range 5000 {
		if c.Connected() == 0 {
			return
		}
		<-tick.C
	}
	t.Fatal("the client does not notice the lost connection")
}

func TestCutAfterTheRequestArrivedIsUnknown(t *testing.T) {
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		if m.Text(11) == "000001" {
			v.conn.Close()
			return
		}
		approve(v, m)
	})
	c, _ := connect(t, host, nil)
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrUnknown, ErrConnectionLost)

	ready(t, c)
	if _, err := c.Exchange(t.Context(), payment(2)); err != nil {
		t.Errorf("after reconnecting: %v", err)
	}
}

func TestCutLeavesTheOtherConnectionAlone(t *testing.T) {
	var mu sync.Mutex
	held := map[*visitor][]*iso8583.Message{}
	host := newCenter(t, nil)
	host.answer = func(v *visitor, m *iso8583.Message) {
		mu.Lock()
		defer mu.Unlock()
		held[v] = append(held[v], m)
		if host.received.Load() < 20 {
			return
		}
		v.conn.Close() // of the last request's connection only
		for other, messages := range held {
			for _, m := range messages {
				if other != v {
					approve(other, m)
				}
			}
		}
	}
	c, _ := connect(t, host, func(o *Options) { o.Connections = 2 })
	var all sync.WaitGroup
	for i := 1; i <= 20; i++ {
		all.Go(func() {
			got, err := c.Exchange(t.Context(), payment(i))
			if err != nil {
				wantError(t, err, ErrUnknown, ErrConnectionLost)
			} else if !got.Approved() {
				t.Errorf("request %d: %+v", i, got)
			}
		})
	}
	all.Wait()
}

func TestRequestNotTakenByADyingLinkStaysQueued(t *testing.T) {
	c := &Client{table: newTable(shards), queue: make(chan *flight, 1)}
	f := composed(t, 1)
	c.table.add(f)
	l := &link{client: c, gone: make(chan struct{})}
	close(l.gone)
	if batch := l.load(nil, f); len(batch) != 0 {
		t.Fatalf("a link whose reader has ended took %d bytes", len(batch))
	}
	if got := <-c.queue; got != f || len(f.frame) == 0 {
		t.Error("the request is not queued whole for another link")
	}
}

func TestNoConnectionEndsQueuedRequests(t *testing.T) {
	c := &Client{table: newTable(shards), queue: make(chan *flight, 2)}
	f := composed(t, 1)
	if err := c.enqueue(f); err != nil {
		t.Fatal(err)
	}
	<-f.done
	wantError(t, f.err, ErrNotSent, ErrNoConnection)
}

func TestCenterThatDoesNotAnswerEchoGetsNoRequests(t *testing.T) {
	host := newCenter(t, approve)
	host.deaf.Store(true)
	c, _ := dial(t, host, func(o *Options) { o.EchoTimeout = 10 * time.Millisecond })
	for host.accepted.Load() < 3 { // dialed, gave up on the echo, dialed again
		_, err := c.Exchange(t.Context(), payment(1))
		wantError(t, err, ErrNotSent)
	}
	if n := host.received.Load(); n != 0 {
		t.Errorf("%d requests went to a connection that answers no echo test", n)
	}
}

func TestConnectionWhoseEchoFailsIsReplaced(t *testing.T) {
	host := newCenter(t, approve)
	c, _ := connect(t, host, func(o *Options) {
		o.EchoInterval, o.EchoTimeout = 10*time.Millisecond, 20*time.Millisecond
	})
	host.deaf.Store(true)
	untilDown(t, c)
	host.deaf.Store(false)
	ready(t, c)
	if n := host.accepted.Load(); n < 2 {
		t.Errorf("center was dialed %d times, want a second connection", n)
	}
	if err := c.Echo(t.Context()); err != nil {
		t.Errorf("echo on the new connection: %v", err)
	}
}

func TestUnansweredEchoIsUnknown(t *testing.T) {
	host := newCenter(t, approve)
	c, _ := connect(t, host, func(o *Options) { o.EchoTimeout = 30 * time.Millisecond })
	host.deaf.Store(true)
	wantError(t, c.Echo(t.Context()), ErrUnknown, ErrTimeout)
}

func TestCloseWaitsForRequestsInFlight(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		close(arrived)
		<-release
		approve(v, m)
	})
	c, _ := connect(t, host, nil)
	var all sync.WaitGroup
	all.Go(func() {
		if got, err := c.Exchange(t.Context(), payment(1)); err != nil || !got.Approved() {
			t.Errorf("request in flight at Close: %+v, %v", got, err)
		}
	})
	<-arrived
	closed := make(chan struct{})
	for range 2 {
		all.Go(func() { c.Close() })
	}
	go func() { all.Wait(); close(closed) }()
	for !c.closing.Load() {
		runtime.Gosched()
	}
	_, err := c.Exchange(t.Context(), payment(2))
	wantError(t, err, ErrNotSent, ErrClosed)
	select {
	case <-closed:
		t.Fatal("Close returned with a request in flight")
	default:
	}
	close(release)
	<-closed
}

func TestCloseGivesUpAtTheDeadline(t *testing.T) {
	arrived := make(chan struct{})
	c, _ := connect(t, newCenter(t, func(*visitor, *iso8583.Message) { close(arrived) }), func(o *Options) {
		o.Timeout = 50 * time.Millisecond
	})
	result := make(chan error, 1)
	go func() {
		_, err := c.Exchange(context.Background(), payment(1))
		result <- err
	}()
	<-arrived
	c.Close()
	wantError(t, <-result, ErrUnknown, ErrTimeout)
}

func TestLimitsOfInFlight(t *testing.T) {
	arrived, release := make(chan struct{}), make(chan struct{})
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		close(arrived)
		<-release
		approve(v, m)
	})
	c, _ := connect(t, host, func(o *Options) { o.MaxInFlight = 2 })
	var all sync.WaitGroup
	all.Go(func() {
		if _, err := c.Exchange(t.Context(), payment(1)); err != nil {
			t.Error(err)
		}
	})
	<-arrived
	_, err := c.Exchange(t.Context(), payment(1))
	wantError(t, err, ErrNotSent, ErrInFlight)
	if err := c.enter(); err != nil {
		t.Fatal(err)
	}
	_, err = c.Exchange(t.Context(), payment(2))
	wantError(t, err, ErrNotSent, ErrBusy)
	c.leave()
	close(release)
	all.Wait()
}

func TestDialErrorsDoNotStopTrying(t *testing.T) {
	host := newCenter(t, approve)
	refuse := 3
	c, _ := connect(t, host, func(o *Options) {
		o.Dial = func(ctx context.Context, network, address string) (net.Conn, error) {
			if refuse--; refuse >= 0 {
				return nil, errors.New("no route")
			}
			return new(net.Dialer).DialContext(ctx, network, address)
		}
	})
	if _, err := c.Exchange(t.Context(), payment(1)); err != nil {
		t.Fatal(err)
	}
}

func TestBackoffGrowsToItsLimit(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		b := backoff{
			base:  time.Duration(rapid.Int64Range(1, int64(time.Second)).Draw(t, "base")),
			limit: time.Duration(rapid.Int64Range(int64(time.Second), int64(time.Minute)).Draw(t, "limit")),
		}
		full := b.base
		for range rapid.IntRange(1, 40).Draw(t, "tries") {
			if got := b.next(); got < full/2 || got > full {
				t.Fatalf("pause %v, want between half and all of %v", got, full)
			}
			full = min(2*full, b.limit)
		}
		b.reset()
		if got := b.next(); got > b.base {
			t.Fatalf("pause after a reset %v, want at most %v", got, b.base)
		}
	})
}

// composed returns payment(n) as a flight.
func composed(t *testing.T, n int) *flight {
	t.Helper()
	f, r := newFlight(nil), payment(n)
	if err := f.compose(&r); err != nil {
		t.Fatal(err)
	}
	return f
}
