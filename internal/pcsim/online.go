package pcsim

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"time"

	"settled/fileformats/iso8583"
)

// answer is what the center decided and how it lets the other side know.
type answer struct {
	action   string
	approval string
	network  string // transaction id
	data     string // of a log
	silent   bool
	copies   int // extra ones
	garbage  bool
	extra    int64 // added to the echoed amount
	delay    time.Duration
}

func plain(action string) answer { return answer{action: action} }

// link is one connection of the online host.
type link struct {
	center *Center
	ctx    context.Context
	out    chan []byte
}

// serveOnline reads requests until the connection ends. Requests are decided in the order they came; delayed answers
// leave later than those behind them.
func (c *Center) serveOnline(conn net.Conn) {
	if c.tls != nil {
		conn = tls.Server(conn, c.tls)
	}
	ctx, cancel := context.WithCancel(c.ctx)
	defer cancel()
	l := &link{center: c, ctx: ctx, out: make(chan []byte, 256)}
	c.goes(func() {
		l.write(conn)
		cancel()
		conn.Close()
	})
	c.goes(func() { l.tick(c.opt.EchoEvery, c.echoFrame) })
	c.goes(func() { l.tick(c.opt.KeepAliveEvery, func() []byte { return iso8583.AppendKeepAlive(nil) }) })
	frames := iso8583.NewFrameReader(bufio.NewReaderSize(conn, 1<<16))
	request, reply := iso8583.Online.NewMessage(""), iso8583.Online.NewMessage("")
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		if c.opt.MAC.Check(frame) != nil {
			c.malformed.Add(1)
			return // who it is, the center does not know
		}
		if err := request.Decode(frame); err != nil {
			c.malformed.Add(1)
			continue
		}
		l.send(c.handle(request), request, reply)
	}
}

// write sends frames until the connection fails or ends, as many at a time as are ready.
func (l *link) write(conn net.Conn) {
	w := bufio.NewWriterSize(conn, 1<<16)
	for {
		select {
		case <-l.ctx.Done():
			return
		case frame := <-l.out:
			if _, err := w.Write(frame); err != nil {
				return
			}
		}
		if len(l.out) == 0 && w.Flush() != nil {
			return
		}
	}
}

// send encodes the answer to request and puts it on the link, now or later, once or twice or not at all.
func (l *link) send(a answer, request, reply *iso8583.Message) {
	if a.silent {
		return
	}
	reply.Answer(request)
	reply.Set(39, a.action)
	if a.approval != "" {
		reply.Set(38, a.approval)
	}
	if a.network != "" {
		reply.Set(48, fmt.Sprintf("%04d%03d%s", iso8583.PDSNetworkID, len(a.network), a.network))
	}
	if a.data != "" {
		reply.Set(72, a.data)
	}
	if amount, ok := request.Int(4); ok && a.extra != 0 {
		reply.SetInt(4, amount+a.extra)
	}
	frame, err := l.center.opt.MAC.AppendFrame(nil, reply)
	if err != nil {
		l.center.malformed.Add(1)
		return
	}
	if a.garbage {
		frame = []byte("\x00\x0dnot a message")
	}
	for range 1 + a.copies {
		l.put(frame, a.delay)
	}
}

// tick sends a frame of its own again and again while the connection lasts; never when the pause is zero.
func (l *link) tick(pause time.Duration, frame func() []byte) {
	if pause == 0 {
		return
	}
	ticker := time.NewTicker(pause)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			l.put(frame(), 0)
		case <-l.ctx.Done():
			return
		}
	}
}

// echoFrame is an echo test of the center.
func (c *Center) echoFrame() []byte {
	m, now := iso8583.Online.NewMessage(iso8583.MTINetworkRequest), c.opt.Now().UTC()
	m.Set(7, now.Format("0102150405"))
	m.SetInt(11, c.asked.Add(1)%1_000_000)
	m.Set(12, now.In(c.opt.Location).Format("060102150405"))
	m.Set(24, iso8583.FunctionEcho)
	frame, err := c.opt.MAC.AppendFrame(nil, m)
	if err != nil {
		c.malformed.Add(1)
	}
	return frame
}

func (l *link) put(frame []byte, delay time.Duration) {
	if delay == 0 {
		select {
		case l.out <- frame:
		case <-l.ctx.Done():
		}
		return
	}
	l.center.goes(func() {
		timer := time.NewTimer(delay)
		defer timer.Stop()
		select {
		case <-timer.C:
			l.put(frame, 0)
		case <-l.ctx.Done():
		}
	})
}

// handle decides one request.
func (c *Center) handle(m *iso8583.Message) answer {
	if err := iso8583.CheckOnline(m); err != nil {
		c.malformed.Add(1)
		return plain(iso8583.ActionSystemMalfunction)
	}
	c.received.Add(1)
	switch m.MTI() {
	case iso8583.MTIAuthorizationRequest:
		return c.pay(m, authorization)
	case iso8583.MTIFinancialRequest:
		if m.Text(3) == iso8583.ProcessingRefund {
			return c.refund(m)
		}
		return c.pay(m, purchase)
	case iso8583.MTIReversalAdvice, iso8583.MTIReversalRepeat:
		return c.reverse(m)
	case iso8583.MTIInquiryRequest:
		return c.inquire(m)
	case iso8583.MTILogRequest:
		return c.tellLog(m)
	case iso8583.MTINetworkRequest:
		return plain(iso8583.ActionApproved)
	}
	if m.MTI() == iso8583.MTINetworkAnswer {
		c.echoed.Add(1)
	}
	return answer{silent: true} // an answer where a request belongs
}
