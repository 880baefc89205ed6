package bench

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// load sends requests over keep-alive connections, each waiting for its answer before the next, and counts the answers
// that carry a mark. It is as cheap as a client can be, because it shares the processor with what it measures.
type load struct {
	address string // host:port
	path    string
	clients int
	body    func(dst []byte, client, n int) []byte
	mark    []byte                  // what an answer must contain to count
	get     func(client int) string // path of a GET request instead; nil: a form is posted
	took    [][]time.Duration       // of each client's requests; nil: not measured
	size    *atomic.Int64
	last    int // requests of each client at most; 0: as many as the time allows
}

// measured is what a load found.
type measured struct {
	rate float64       // answers per second
	p99  time.Duration // of a request
	size int           // bytes of the last answer's body
}

// measure is run with the durations of the requests.
func (l load) measure(ctx context.Context, d time.Duration) (measured, error) {
	l.took = make([][]time.Duration, l.clients)
	l.size = &atomic.Int64{}
	start := time.Now()
	rate, err := l.run(ctx, d)
	if err != nil {
		return measured{}, err
	}
	all := slices.Concat(l.took...)
	slices.Sort(all)
	if len(all) == 0 {
		return measured{}, fmt.Errorf("nothing was answered within %s", time.Since(start))
	}
	return measured{rate, all[len(all)*99/100], int(l.size.Load())}, nil
}

// run lasts d and returns answers per second. An answer without the mark is an error that quotes it.
func (l load) run(ctx context.Context, d time.Duration) (float64, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var answered atomic.Int64
	var first error
	var once sync.Once
	var clients sync.WaitGroup
	end := time.Now().Add(d)
	start := time.Now()
	for c := range l.clients {
		clients.Go(func() {
			if err := l.client(ctx, c, end, &answered); err != nil {
				once.Do(func() { first = err; cancel() })
			}
		})
	}
	clients.Wait()
	return float64(answered.Load()) / time.Since(start).Seconds(), first
}

func (l load) client(ctx context.Context, number int, end time.Time, answered *atomic.Int64) error {
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", l.address)
	if err != nil {
		return err
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	var request, body, answer []byte
	for n := 0; time.Now().Before(end) && ctx.Err() == nil && (l.last == 0 || n < l.last); n++ {
		if l.get == nil {
			body = l.body(body[:0], number, n)
		}
		request = l.appendRequest(request[:0], number, n, body)
		began := time.Now()
		if _, err := conn.Write(request); err != nil {
			return err
		}
		if answer, err = readAnswer(in, answer[:0]); err != nil {
			return err
		}
		if !bytes.Contains(answer, l.mark) {
			return fmt.Errorf("request %q was answered %q", body, answer)
		}
		answered.Add(1)
		if l.took != nil {
			l.took[number] = append(l.took[number], time.Since(began))
			l.size.Store(int64(len(answer)))
		}
	}
	return nil
}

// appendRequest makes a request. One for a page says that it is of a source of its own, as every buyer's is.
func (l load) appendRequest(dst []byte, client, n int, body []byte) []byte {
	if l.get != nil {
		dst = append(append(append(dst, "GET "...), l.get(client)...), " HTTP/1.1\r\nHost: bench\r\nX-Source: "...)
		dst = append(strconv.AppendInt(dst, int64(client), 10), '.')
		return append(strconv.AppendInt(dst, int64(n), 10), "\r\n\r\n"...)
	}
	dst = append(dst, "POST "...)
	dst = append(dst, l.path...)
	dst = append(dst, " HTTP/1.1\r\nHost: bench\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "...)
	dst = strconv.AppendInt(dst, int64(len(body)), 10)
	dst = append(dst, "\r\n\r\n"...)
	return append(dst, body...)
}

var contentLength = []byte("Content-Length: ")

// readAnswer reads one answer with a known length and returns its body.
func readAnswer(in *bufio.Reader, dst []byte) ([]byte, error) {
	size := -1
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		line = bytes.TrimRight(line, "\r\n")
		if len(line) == 0 {
			break
		}
		if text, ok := bytes.CutPrefix(line, contentLength); ok {
			if size, err = strconv.Atoi(string(text)); err != nil {
				return nil, err
			}
		}
	}
	if size < 0 {
		return nil, fmt.Errorf("the answer does not tell its length")
	}
	if cap(dst) < size {
		dst = make([]byte, size)
	}
	dst = dst[:size]
	_, err := io.ReadFull(in, dst)
	return dst, err
}
