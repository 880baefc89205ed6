package online

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sony/gobreaker/v2"

	"settled/fileformats/iso8583"
)

// Options configure a Client. Name and Address are required; a zero value elsewhere means the default.
type Options struct {
	Name    string // of the center, in logs and metrics
	Address string // host:port of its online host

	Connections int           // kept up at the same time; default 2
	Timeout     time.Duration // from Exchange to giving up (t_auth); default 30 s; has to exceed the center's own
	MaxInFlight int           // requests at a time, beyond which ErrBusy; default 4096
	Memory      int           // answered, and given-up, requests remembered for late answers; default 32768 of each

	EchoInterval time.Duration // between echo tests of a connection; default 30 s
	EchoTimeout  time.Duration // for an echo's answer, and for one write; default 10 s
	DialTimeout  time.Duration // default 5 s
	Backoff      time.Duration // first pause before dialing again, doubled each time; default 100 ms
	MaxBackoff   time.Duration // longest pause before dialing again; default 15 s

	BreakerFailures uint32        // consecutive failures that open the circuit breaker; default 20
	BreakerPause    time.Duration // from open to the first probe, and between probes; default 5 s

	// OnLate is called for every answer that no request was waiting for. It runs on a connection's reader and must
	// return quickly.
	OnLate func(LateAnswer)
	// Dial opens a connection; default: TCP with keep-alive.
	Dial func(ctx context.Context, network, address string) (net.Conn, error)
	// TLS secures what Dial opened; nil: it stays as it is.
	TLS *TLS
	// MAC authenticates every message of both sides; nil: none is.
	MAC *iso8583.MAC

	Now     func() time.Time // default time.Now
	Logger  *slog.Logger     // default slog.Default
	Metrics *Metrics         // nil measures nothing
}

func (o Options) withDefaults() Options {
	o.Connections = or(o.Connections, 2)
	o.Timeout = or(o.Timeout, standardTimeout)
	o.MaxInFlight = or(o.MaxInFlight, 4096)
	o.Memory = or(o.Memory, 32768)
	o.EchoInterval = or(o.EchoInterval, standardEcho)
	o.EchoTimeout = or(o.EchoTimeout, 10*time.Second)
	o.DialTimeout = or(o.DialTimeout, 5*time.Second)
	o.Backoff = or(o.Backoff, 100*time.Millisecond)
	o.MaxBackoff = or(o.MaxBackoff, 15*time.Second)
	o.BreakerFailures = or(o.BreakerFailures, 20)
	o.BreakerPause = or(o.BreakerPause, 5*time.Second)
	if o.Dial == nil {
		o.Dial = (&net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true}}).DialContext
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// or returns v, or otherwise when v is not positive.
func or[T int | uint32 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Client is a Host over persistent TCP connections. It is safe for concurrent use and has to be closed.
type Client struct {
	options Options
	trusted atomic.Pointer[TLS] // of the next connection; nil: Options.TLS
	logger  *slog.Logger
	meter   *meter
	breaker *breaker
	table   *table
	queue   chan *flight  // requests that no link has taken
	links   atomic.Int64  // connections that take requests
	up      chan struct{} // receives when a connection has come up

	inFlight atomic.Int64
	closing  atomic.Bool
	idle     chan struct{} // receives when the last request of a closing client is over
	stop     context.CancelFunc
	owned    sync.WaitGroup
	flights  sync.Pool
	echoes   atomic.Uint32 // STAN of the last echo test
}

var _ Host = (*Client)(nil)

// New starts a client; it connects in the background, and until then Exchange fails with ErrNoConnection.
func New(o Options) (*Client, error) {
	if o.Name == "" || o.Address == "" {
		return nil, errors.New("online: center without a name or an address")
	}
	o = o.withDefaults()
	ctx, stop := context.WithCancel(context.Background())
	c := &Client{
		options: o, logger: o.Logger, meter: o.Metrics.meter(o.Name), table: newTable(o.Memory),
		queue: make(chan *flight, 2*o.MaxInFlight), up: make(chan struct{}, 1), idle: make(chan struct{}, 1), stop: stop,
	}
	c.breaker = newBreaker(&c.options, c.breakerChanged)
	c.owned.Go(func() { c.revive(ctx) })
	for range o.Connections {
		c.owned.Go(func() { c.keep(ctx) })
	}
	return c, nil
}

// Trust secures connections from now on by other settings than Options.TLS; those that are up stay. nil: by Options.TLS.
func (c *Client) Trust(t *TLS) { c.trusted.Store(t) }

// Close refuses new requests, waits until those in flight have their answer or their deadline, and ends every
// connection and goroutine. It takes at most Options.Timeout and may be called more than once.
func (c *Client) Close() {
	c.closing.Store(true)
	for c.inFlight.Load() > 0 {
		<-c.idle
	}
	signal(c.idle) // for another caller
	c.stop()
	c.owned.Wait()
}

// Connected returns how many connections are up: the center answered an echo test on them.
func (c *Client) Connected() int { return int(c.links.Load()) }

// Ready waits until a connection is up, and returns the error of ctx when that ends first.
func (c *Client) Ready(ctx context.Context) error {
	for c.links.Load() == 0 {
		select {
		case <-c.up:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	signal(c.up) // for another caller
	return nil
}

// Exchange implements Host. It returns at the latest after Options.Timeout. The card verification code and the
// authentication value of the request are wiped, unless the error wraps ErrNotSent: then the caller may send the request
// again, or wipes them itself.
func (c *Client) Exchange(ctx context.Context, r Request) (Answer, error) {
	began := c.options.Now()
	answer, err := c.guarded(ctx, &r)
	c.meter.exchanged(r.Kind, outcomeOf(answer, err), c.options.Now().Sub(began))
	return answer, err
}

// guarded exchanges when the breaker allows.
func (c *Client) guarded(ctx context.Context, r *Request) (Answer, error) {
	if ctx.Err() != nil {
		return Answer{}, notSent(context.Cause(ctx))
	}
	done, err := c.breaker.admit(r.Kind)
	if err != nil {
		return Answer{}, err
	}
	answer, err := c.exchange(ctx, func(f *flight) error { return f.compose(r) })
	done(err)
	if !errors.Is(err, ErrNotSent) {
		r.Card.CVV.Wipe()
		r.Authentication.Value.Wipe()
	}
	return answer, err
}

// Echo implements Host. It goes out even when the circuit breaker is open, and does not count for it.
func (c *Client) Echo(ctx context.Context) error {
	began := c.options.Now()
	err := c.ping(ctx)
	c.meter.exchanged(echo, outcomeOf(Answer{ActionCode: actionApproved}, err), c.options.Now().Sub(began))
	return err
}

// ping exchanges an echo test within Options.EchoTimeout.
func (c *Client) ping(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.EchoTimeout, ErrTimeout)
	defer cancel()
	_, err := c.exchange(ctx, c.composeEcho)
	return err
}

// exchange takes one request from composition to outcome.
func (c *Client) exchange(ctx context.Context, compose func(*flight) error) (Answer, error) {
	defer c.leave()
	if err := c.enter(); err != nil {
		return Answer{}, err
	}
	f := c.flight()
	if err := compose(f); err != nil {
		f.wipe()
		return Answer{}, err
	}
	if err := c.enqueue(f); err != nil {
		f.wipe()
		return Answer{}, err
	}
	return c.await(ctx, f)
}

// enter counts a request in; leave has to follow even when it is refused.
func (c *Client) enter() error {
	switch n := c.inFlight.Add(1); {
	case c.closing.Load():
		return errClosed
	case n > int64(c.options.MaxInFlight):
		return errBusy
	}
	return nil
}

func (c *Client) leave() {
	if c.inFlight.Add(-1) == 0 && c.closing.Load() {
		signal(c.idle)
	}
}

// signal leaves a token in a channel of one place.
func signal(place chan<- struct{}) {
	select {
	case place <- struct{}{}:
	default:
	}
}

// flight returns a flight to compose into.
func (c *Client) flight() *flight {
	if f, ok := c.flights.Get().(*flight); ok {
		f.timer.Reset(c.options.Timeout)
		return f
	}
	f := newFlight(c.options.MAC)
	f.timer = time.NewTimer(c.options.Timeout)
	return f
}

// recycle takes back a flight that a link took: nobody else holds it any more.
func (c *Client) recycle(f *flight) {
	f.timer.Stop()
	*f = flight{message: f.message, frame: f.frame, mac: f.mac, done: f.done, timer: f.timer}
	c.flights.Put(f)
}

// enqueue hands the request to the links.
func (c *Client) enqueue(f *flight) error {
	if !c.table.add(f) {
		return errInFlight
	}
	select {
	case c.queue <- f:
	default:
		c.table.refuse(f)
		return errBusy
	}
	if c.links.Load() == 0 {
		c.refuseQueued()
	}
	return nil
}

// requeue returns a request that no byte was written of to the queue, for another link.
func (c *Client) requeue(f *flight) {
	select {
	case c.queue <- f:
	default:
		c.refuse(f)
	}
}

// refuseQueued ends what waits for a connection when there is none.
func (c *Client) refuseQueued() {
	for {
		select {
		case f := <-c.queue:
			c.refuse(f)
		default:
			return
		}
	}
}

func (c *Client) refuse(f *flight) {
	if c.table.refuse(f) {
		f.finish(Answer{}, errNoConnection)
	}
}

// await waits for the outcome and gives up when the time is over.
func (c *Client) await(ctx context.Context, f *flight) (Answer, error) {
	var cause error
	select {
	case <-f.done:
		return c.land(f)
	case <-f.timer.C:
		cause = ErrTimeout
	case <-ctx.Done():
		cause = context.Cause(ctx)
	}
	switch c.table.giveUp(f) {
	case queued:
		f.wipe()
		return Answer{}, notSent(cause)
	case sent:
		c.recycle(f)
		return Answer{}, unknown(cause)
	default:
		<-f.done
		return c.land(f)
	}
}

// land returns the outcome of a finished request.
func (c *Client) land(f *flight) (Answer, error) {
	answer, err := f.answer, f.err
	if f.link != nil {
		c.recycle(f)
	} else {
		f.wipe()
	}
	return answer, err
}

// deliver gives one message from the center to the request that it answers.
func (c *Client) deliver(m *iso8583.Message, frame []byte) {
	r, err := readReply(m, frame)
	if err != nil && r.mti == "" {
		c.late(Unreadable, &r)
		return
	}
	f, reason := c.table.match(&r)
	switch {
	case f == nil:
		c.late(reason, &r)
	case err != nil || !f.expect.fits(&r):
		f.finish(Answer{}, errUntrusted)
		c.late(Mismatched, &r)
	default:
		f.finish(r.answer(), nil)
	}
}

// late reports an answer that nobody waits for.
func (c *Client) late(reason LateReason, r *reply) {
	c.meter.tooLate(reason)
	if c.options.OnLate != nil {
		c.options.OnLate(r.lateAnswer(reason))
	}
}

func (c *Client) linkUp() {
	c.links.Add(1)
	signal(c.up)
	c.meter.linked(1)
	c.logger.Info("center connection up", slog.String("center", c.options.Name))
}

// linkDown ends what waits in the queue when the last connection is gone.
func (c *Client) linkDown() {
	c.meter.linked(-1)
	if c.links.Add(-1) == 0 {
		c.refuseQueued()
	}
}

func (c *Client) breakerChanged(to gobreaker.State) {
	c.meter.broke(to)
	c.logger.Warn("center circuit breaker", slog.String("center", c.options.Name), slog.String("state", to.String()))
}
