package online

import (
	"bufio"
	"encoding/binary"
	"io"
	"net"
	"sync/atomic"
	"testing"

	"settled/fileformats/iso8583"
	"settled/internal/vault"
)

// BenchmarkExchange measures whole exchanges over loopback with 256 callers. The center runs in the same process and
// only patches the request into an answer.
func BenchmarkExchange(b *testing.B) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	go patchAnswers(listener)
	c, err := New(Options{Name: "PC0001", Address: listener.Addr().String(), Connections: 2})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	ready(b, c)
	var last atomic.Int64
	b.ReportAllocs()
	b.SetParallelism(128)
	b.RunParallel(func(p *testing.PB) {
		r := payment(1)
		r.Card.CVV = vault.Secret{}
		for p.Next() {
			n := last.Add(1)
			r.STAN, r.RRN = digits(n, 6), digits(n, 12)
			if _, err := c.Exchange(b.Context(), r); err != nil {
				b.Error(err)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "exchanges/s")
}

func digits(n int64, width int) string {
	var text [12]byte
	for i := width - 1; i >= 0; i-- {
		text[i] = byte('0' + n%10)
		n /= 10
	}
	return string(text[:width])
}

// patchAnswers answers payments and echo tests without decoding them: the fields of these requests have fixed places.
func patchAnswers(listener net.Listener) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer conn.Close()
			in := bufio.NewReaderSize(conn, 64<<10)
			out := make([]byte, 0, 64<<10)
			for {
				head, err := in.Peek(2)
				if err != nil {
					return
				}
				frame := make([]byte, 2+binary.BigEndian.Uint16(head))
				if _, err := io.ReadFull(in, frame); err != nil {
					return
				}
				out = patch(out, frame[2:])
				if in.Buffered() < 2 {
					if _, err := conn.Write(out); err != nil {
						return
					}
					out = out[:0]
				}
			}
		}()
	}
}

func patch(out, m []byte) []byte {
	at := len(out)
	out = append(out, 0, 0)
	if string(m[:4]) == iso8583.MTINetworkRequest {
		out = append(out, "1814\x02\x30\x00\x00\x02\x00\x00\x00"...) // 7 11 12 39
		out = append(append(out, m[12:40]...), "000"...)
	} else {
		out = append(out, "1110\x32\x30\x00\x00\x0a\xc0\x80\x00"...) // 3 4 7 11 12 37 39 41 42 49
		out = append(out, m[30:76]...)                               // 3 to 12
		out = append(append(out, m[107:119]...), "000"...)
		out = append(out, m[119:145]...)
	}
	binary.BigEndian.PutUint16(out[at:], uint16(len(out)-at-2))
	return out
}

// BenchmarkCompose measures a request from values to frame.
func BenchmarkCompose(b *testing.B) {
	f, r := newFlight(nil), payment(1)
	b.ReportAllocs()
	for b.Loop() {
		if err := f.compose(&r); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkReadReply measures an answer from frame to values.
func BenchmarkReadReply(b *testing.B) {
	f, r := newFlight(nil), payment(1)
	if err := f.compose(&r); err != nil {
		b.Fatal(err)
	}
	frame := patch(nil, f.frame[2:])
	m := iso8583.Online.NewMessage("")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := readReply(m, frame[2:]); err != nil {
			b.Fatal(err)
		}
	}
}
