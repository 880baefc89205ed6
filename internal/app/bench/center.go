package bench

import (
	"bufio"
	"errors"
	"io"
	"net"
	"sync"

	"settled/fileformats/iso8583"
)

// center is an online host that approves everything at once: what is measured is the product, not a center.
type center struct {
	listener net.Listener
	tasks    sync.WaitGroup
	mu       sync.Mutex
	conns    []net.Conn
}

func startCenter() (*center, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	c := &center{listener: l}
	c.tasks.Go(c.accept)
	return c, nil
}

func (c *center) address() string { return c.listener.Addr().String() }

func (c *center) accept() {
	for {
		conn, err := c.listener.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		c.conns = append(c.conns, conn)
		c.mu.Unlock()
		c.tasks.Go(func() { _ = approveAll(conn) })
	}
}

func (c *center) close() {
	c.listener.Close()
	c.mu.Lock()
	for _, conn := range c.conns {
		conn.Close()
	}
	c.mu.Unlock()
	c.tasks.Wait()
}

// approveAll answers the requests of one connection; it writes when no further request waits.
func approveAll(conn net.Conn) error {
	in, out := bufio.NewReaderSize(conn, 64<<10), bufio.NewWriterSize(conn, 64<<10)
	frames := iso8583.NewFrameReader(in)
	request, answer := iso8583.Online.NewMessage("0000"), iso8583.Online.NewMessage("0000")
	var buf []byte
	for {
		frame, err := frames.Next()
		if errors.Is(err, io.EOF) || err != nil {
			return err
		}
		if err := request.Decode(frame); err != nil {
			return err
		}
		answer.Answer(request)
		answer.Set(39, approvalAction(request.MTI()))
		if request.MTI() == "1100" || request.MTI() == "1200" {
			answer.Set(38, "A1B2C3")
		}
		if buf, err = iso8583.AppendFrame(buf[:0], answer); err != nil {
			return err
		}
		if _, err := out.Write(buf); err != nil {
			return err
		}
		if in.Buffered() == 0 {
			if err := out.Flush(); err != nil {
				return err
			}
		}
	}
}

func approvalAction(mti string) string {
	if mti == "1420" || mti == "1421" {
		return "400"
	}
	return "000"
}
