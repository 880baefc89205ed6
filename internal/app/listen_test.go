package app

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
)

// small are limits that a test can wait for.
var small = Limits{Header: 300 * time.Millisecond, Request: 600 * time.Millisecond, Idle: 400 * time.Millisecond, PerSource: 40}

// serve starts the merchants' API with limits.
func serve(t *testing.T, l Limits) *Server {
	t.Helper()
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	if err != nil {
		t.Fatal(err)
	}
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { center.Close() })
	o := options(t, pgtest.URL(t), center.OnlineAddr())
	o.Limits = l
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(core.Close)
	s, err := Start(t.Context(), core, Roles{Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(t.Context()) })
	return s
}

// connect dials from an address of the loopback network.
func connect(t *testing.T, s *Server, from string) net.Conn {
	t.Helper()
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
	c, err := d.DialContext(t.Context(), "tcp", s.APIAddr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// healthy checks that somebody else is served at once.
func healthy(t *testing.T, s *Server) {
	t.Helper()
	c := connect(t, s, "127.0.0.9")
	defer c.Close()
	began := time.Now()
	fmt.Fprint(c, "GET /charge/charge.wsdl HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
	if status := answered(t, c); status != http.StatusOK || time.Since(began) > 2*time.Second {
		t.Errorf("another client: %d after %v", status, time.Since(began))
	}
}

// answered reads the status of an answer; 0 when the connection was closed without one.
func answered(t *testing.T, c net.Conn) int {
	t.Helper()
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			t.Error("the connection is still open")
		}
		return 0
	}
	_, _ = io.Copy(io.Discard, r.Body)
	return r.StatusCode
}

const post = "POST /pay/silentpay.cfm HTTP/1.1\r\nHost: shop\r\nContent-Type: application/x-www-form-urlencoded\r\n"

// Requests that are too large in any way, or packed, are refused with the status for it, whatever else the client does.
func TestTooLarge(t *testing.T) {
	s := serve(t, Limits{})
	for what, c := range map[string]struct {
		head, part string // part is repeated until the server has enough
		repeat     int
		status     int
	}{
		"a gigabyte by its word":  {post + "Content-Length: 1073741824\r\n\r\n", "Login=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 100, 413},
		"a body without end":      {post + "Transfer-Encoding: chunked\r\n\r\n", "40\r\n" + strings.Repeat("a", 64) + "\r\n", 100_000, 413},
		"a million headers":       {post, "X: y\r\n", 1_000_000, 431},
		"one header without end":  {post + "X: ", "yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy", 100_000, 431},
		"an address without end":  {"POST /", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 100_000, 431},
		"a body packed badly":     {post + "Content-Encoding: gzip\r\nContent-Length: 4\r\n\r\n", "\x1f\x8b\x08\x00", 1, 400},
		"a body packed twice":     {post + "Content-Encoding: deflate, br\r\nContent-Length: 4\r\n\r\n", "abcd", 1, 415},
		"unknown transfer coding": {post + "Transfer-Encoding: gzip, chunked\r\n\r\n", "0\r\n\r\n", 1, 501},
		"two lengths":             {post + "Content-Length: 3\r\nContent-Length: 4\r\n\r\n", "abcd", 1, 400},
		"no protocol":             {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\r\n\r\n", "", 1, 400},
	} {
		conn := connect(t, s, "127.0.0.1")
		var sent sync.WaitGroup
		sent.Go(func() {
			if _, err := io.WriteString(conn, c.head); err != nil {
				return
			}
			for range c.repeat {
				if _, err := io.WriteString(conn, c.part); err != nil {
					return // it has enough
				}
			}
		})
		if got := answered(t, conn); got != c.status && !(got == 0 && c.repeat >= 100_000) { // a reset can overtake the answer
			t.Errorf("%s: %d, not %d", what, got, c.status)
		}
		conn.Close()
		sent.Wait()
		healthy(t, s)
	}
}

// Clients that send slowly, or nothing, or that stay, are ended within the limits, and others are served meanwhile.
func TestSlowClients(t *testing.T) {
	s := serve(t, small)
	drip := func(c net.Conn, text string) {
		for i := range text {
			if _, err := io.WriteString(c, text[i:i+1]); err != nil {
				return
			}
			time.Sleep(20 * time.Millisecond)
		}
	}
	for what, c := range map[string]struct {
		at     once
		status int
		within time.Duration
	}{
		"nothing":                   {once{}, 0, small.Header},
		"headers that drip":         {once{slowly: post + strings.Repeat("X: y\r\n", 1000)}, 408, small.Header},
		"a request line that drips": {once{slowly: "POST /" + strings.Repeat("x", 1000)}, 408, small.Header},
		"a body that drips":         {once{post + "Content-Length: 5000\r\n\r\n", strings.Repeat("a", 5000)}, 408, small.Request},
		"a body that does not":      {once{post + "Content-Length: 5000\r\n\r\nLogin=", ""}, 408, small.Request},
		"chunks that drip":          {once{post + "Transfer-Encoding: chunked\r\n\r\n", strings.Repeat("1\r\na\r\n", 5000)}, 408, small.Request},
	} {
		conn, began := connect(t, s, "127.0.0.1"), time.Now()
		fmt.Fprint(conn, c.at.first)
		var sent sync.WaitGroup
		sent.Go(func() { drip(conn, c.at.slowly) })
		healthy(t, s)
		if got := answered(t, conn); got != c.status {
			t.Errorf("%s: %d, not %d", what, got, c.status)
		}
		if took := time.Since(began); took < c.within/2 || took > c.within+5*time.Second {
			t.Errorf("%s took %v, with a limit of %v", what, took, c.within)
		}
		conn.Close()
		sent.Wait()
	}
	idle, began := connect(t, s, "127.0.0.1"), time.Now()
	fmt.Fprint(idle, "GET /charge/charge.wsdl HTTP/1.1\r\nHost: shop\r\n\r\n")
	reader := bufio.NewReader(idle)
	if r, err := http.ReadResponse(reader, nil); err != nil {
		t.Fatal(err)
	} else if _, err := io.Copy(io.Discard, r.Body); err != nil {
		t.Fatal(err)
	}
	if _, err := reader.ReadByte(); !errors.Is(err, io.EOF) || time.Since(began) > small.Idle+5*time.Second {
		t.Errorf("idle connection: %v after %v", err, time.Since(began))
	}
}

// once is what a client sends at once, and what it sends slowly after it.
type once struct{ first, slowly string }

// One address holds no more connections than it may, with little memory; another address is served, and so is the same
// one once its connections are over.
func TestManyConnections(t *testing.T) {
	limits := small
	limits.Header = 3 * time.Second
	s := serve(t, limits)
	var before, during runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var open []net.Conn
	for range 1000 {
		c := connect(t, s, "127.0.0.1")
		_, _ = io.WriteString(c, "POST /pay/silentpay.cfm HTTP/1.1\r\nHost: ")
		open = append(open, c)
	}
	healthy(t, s)
	runtime.GC()
	runtime.ReadMemStats(&during)
	if grown := int64(during.HeapInuse+during.StackInuse) - int64(before.HeapInuse+before.StackInuse); grown > 32<<20 {
		t.Errorf("a thousand connections take %d bytes", grown)
	}
	closed := 0
	for _, c := range open {
		_ = c.SetReadDeadline(time.Now().Add(2 * time.Millisecond))
		if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
			closed++
		}
	}
	if closed < len(open)-limits.PerSource {
		t.Errorf("%d of %d connections are closed", closed, len(open))
	}
	for _, c := range open {
		c.Close()
	}
	deadline := time.Now().Add(5 * time.Second)
	for status := 0; status != http.StatusOK; {
		c := connect(t, s, "127.0.0.1")
		fmt.Fprint(c, "GET /charge/charge.wsdl HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n")
		status = answered(t, c)
		c.Close()
		if time.Now().After(deadline) {
			t.Fatal("the address is not served any more")
		}
	}
}

// Only what a proxy of ours says counts, and only the last of it that is none of ours.
func TestSourceBehindProxies(t *testing.T) {
	proxies := []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("2001:db8::1/128")}
	for what, c := range map[string]struct {
		peer string
		says []string
		want string
	}{
		"a client":                    {"198.51.100.7:4000", nil, "198.51.100.7"},
		"a client that lies":          {"198.51.100.7:4000", []string{"203.0.113.9"}, "198.51.100.7"},
		"through a proxy":             {"10.1.2.3:4000", []string{"203.0.113.9"}, "203.0.113.9"},
		"through two proxies":         {"10.1.2.3:4000", []string{"203.0.113.9, 10.9.9.9"}, "203.0.113.9"},
		"in two headers":              {"10.1.2.3:4000", []string{"1.1.1.1", "203.0.113.9"}, "203.0.113.9"},
		"with a port":                 {"10.1.2.3:4000", []string{"203.0.113.9:77"}, "203.0.113.9"},
		"lies before the truth":       {"10.1.2.3:4000", []string{"10.0.0.1, 1.1.1.1, 203.0.113.9"}, "203.0.113.9"},
		"a proxy that says nothing":   {"10.1.2.3:4000", nil, "10.1.2.3"},
		"a proxy that says nonsense":  {"10.1.2.3:4000", []string{"203.0.113.9, x"}, "10.1.2.3"},
		"IPv4 in IPv6":                {"[::ffff:10.1.2.3]:4000", []string{"::ffff:203.0.113.9"}, "203.0.113.9"},
		"IPv6":                        {"[2001:db8::1]:4000", []string{"2001:db8:5::9"}, "2001:db8:5::9"},
		"something that has no port":  {"@", []string{"203.0.113.9"}, "@"},
		"only proxies all the way":    {"10.1.2.3:4000", []string{"10.7.7.7"}, "10.7.7.7"},
		"an empty header of a proxy":  {"10.1.2.3:4000", []string{""}, "10.1.2.3"},
		"a proxy that is none of us ": {"11.1.2.3:4000", []string{"203.0.113.9"}, "11.1.2.3"},
	} {
		r := httptest.NewRequest(http.MethodPost, "/", &bytes.Buffer{})
		r.RemoteAddr = c.peer
		r.Header["X-Forwarded-For"] = c.says
		if got := sourceBehind(proxies)(r); got != c.want {
			t.Errorf("%s: %s, not %s", what, got, c.want)
		}
	}
}
