package online

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/internal/vault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// center is a processing center's host on a real socket, which answers as the test says.
type center struct {
	t        testing.TB
	address  string
	listener net.Listener
	answer   func(*visitor, *iso8583.Message) // for everything but echo tests
	deaf     atomic.Bool                      // does not answer echo tests
	tls      *tls.Config                      // nil: in the clear
	mac      *iso8583.MAC                     // nil: none
	accepted atomic.Int64
	received atomic.Int64 // messages other than echo tests

	mu       sync.Mutex
	visitors []*visitor
	done     sync.WaitGroup
}

// visitor is one connection to the center.
type visitor struct {
	conn net.Conn
	mac  *iso8583.MAC
	mu   sync.Mutex
}

func newCenter(t testing.TB, answer func(*visitor, *iso8583.Message), change ...func(*center)) *center {
	c := &center{t: t, answer: answer, address: "127.0.0.1:0"}
	for _, f := range change {
		f(c)
	}
	c.open()
	t.Cleanup(c.close)
	return c
}

func (c *center) open() {
	var err error
	if c.listener, err = net.Listen("tcp", c.address); err != nil {
		c.t.Fatal(err)
	}
	c.address = c.listener.Addr().String()
	c.done.Add(1)
	go c.accept(c.listener)
}

func (c *center) accept(from net.Listener) {
	defer c.done.Done()
	for {
		conn, err := from.Accept()
		if err != nil {
			return
		}
		if c.tls != nil {
			conn = tls.Server(conn, c.tls)
		}
		v := &visitor{conn: conn, mac: c.mac}
		c.mu.Lock()
		c.visitors = append(c.visitors, v)
		c.mu.Unlock()
		c.accepted.Add(1)
		c.done.Add(1)
		go c.serve(v)
	}
}

func (c *center) serve(v *visitor) {
	defer c.done.Done()
	defer v.conn.Close()
	in := iso8583.NewFrameReader(v.conn)
	for {
		frame, err := in.Next()
		if err != nil {
			return
		}
		m := iso8583.Online.NewMessage("")
		if err := c.mac.Check(frame); err != nil {
			c.t.Errorf("center does not believe the request: %v", err)
			return
		}
		if err := m.Decode(frame); err != nil {
			c.t.Errorf("center cannot read the request: %v", err)
			return
		}
		if m.MTI() != iso8583.MTINetworkRequest {
			c.received.Add(1)
			c.answer(v, m)
		} else if !c.deaf.Load() {
			v.reply(m, "000")
		}
	}
}

// close stops listening and cuts every connection.
func (c *center) close() {
	c.listener.Close()
	c.cut()
	c.done.Wait()
}

func (c *center) cut() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, v := range c.visitors {
		v.conn.Close()
	}
	c.visitors = nil
}

// reply answers a request with an action code, after changes.
func (v *visitor) reply(request *iso8583.Message, action string, changes ...func(*iso8583.Message)) {
	m := iso8583.Online.NewMessage("")
	m.Answer(request)
	m.Set(39, action)
	if action == "000" && request.MTI() != iso8583.MTINetworkRequest {
		m.Set(38, request.Text(11))
	}
	for _, change := range changes {
		change(m)
	}
	frame, err := v.mac.AppendFrame(nil, m)
	if err != nil {
		panic(err)
	}
	v.send(frame)
}

func (v *visitor) send(raw []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	_, _ = v.conn.Write(raw) // a client that has gone away is a case of its own
}

func approve(v *visitor, m *iso8583.Message) { v.reply(m, "000") }

// lates collects late answers.
type lates chan LateAnswer

func (l lates) next(t *testing.T) LateAnswer {
	t.Helper()
	select {
	case a := <-l:
		return a
	case <-time.After(5 * time.Second):
		t.Fatal("no late answer was reported")
		return LateAnswer{}
	}
}

// connect returns a client of the center that is ready; the options may be changed first.
func connect(t testing.TB, c *center, change func(*Options)) (*Client, lates) {
	client, late := dial(t, c, change)
	ready(t, client)
	return client, late
}

func dial(t testing.TB, c *center, change func(*Options)) (*Client, lates) {
	t.Helper()
	late := make(lates, 100)
	o := Options{
		Name: "PC0001", Address: c.address, Connections: 1, Timeout: 5 * time.Second, Backoff: time.Millisecond,
		MaxBackoff: 10 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
		OnLate: func(a LateAnswer) { late <- a },
	}
	if change != nil {
		change(&o)
	}
	client, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(client.Close)
	return client, late
}

func ready(t testing.TB, c *Client) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	if err := c.Ready(ctx); err != nil {
		t.Fatalf("client is not ready: %v", err)
	}
}

const (
	testPAN = "4111111111111111"
	testCVV = "x9Q" // not digits, so that a log's time never looks like it
)

var testTime = time.Date(2026, 11, 20, 12, 30, 45, 0, time.UTC)

func card(pan string) Card {
	number, err := vault.ParsePAN(pan)
	if err != nil {
		panic(err)
	}
	return Card{PAN: number, Expiry: "2811", CVV: vault.NewSecret([]byte(testCVV))}
}

// payment is an authorization of 12.34 BYN that differs by n from others.
func payment(n int) Request {
	return Request{
		Kind: Authorization, Amount: money.Amount{Minor: 1234, Currency: money.BYN},
		STAN: fmt.Sprintf("%06d", n), RRN: fmt.Sprintf("%012d", n),
		TransmittedAt: testTime, LocalTime: testTime.In(time.FixedZone("+03", 3*3600)),
		Terminal: "TERM0001", Acceptor: "MERCHANT0000001", MCC: "5999", Acquirer: "123456",
		Card: card(testPAN),
	}
}

// reversal undoes payment(n).
func reversal(n int) Request {
	r := payment(n)
	r.Kind, r.Card = Reversal, Card{}
	r.Original = Original{Kind: Authorization, STAN: r.STAN, LocalTime: r.LocalTime}
	r.STAN = fmt.Sprintf("%06d", n+500_000)
	return r
}

// syncBuffer is a log that goroutines may share.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func showsCard(s string) bool {
	return strings.Contains(s, testPAN) || strings.Contains(s, testCVV) || strings.Contains(s, testPAN[4:14])
}

// memoryConn keeps what is written.
type memoryConn struct {
	net.Conn
	written []byte
}

func (c *memoryConn) Write(p []byte) (int, error) {
	c.written = append(c.written, p...)
	return len(p), nil
}

func (c *memoryConn) SetWriteDeadline(time.Time) error { return nil }
