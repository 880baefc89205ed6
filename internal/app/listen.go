package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"
)

// Limits bound what a client can stretch. Zero values mean the defaults.
type Limits struct {
	Header      time.Duration // from the connection, or the first byte, to the end of the headers. Default 5 s
	Request     time.Duration // to the end of the body. Default 15 s
	Answer      time.Duration // to the end of the answer. Default 90 s
	Idle        time.Duration // between two requests of a connection. Default 2 min
	HeaderBytes int           // of all headers. Default 16 KiB
	PerSource   int           // connections of one address that is no proxy. Default 1024; more are closed at once
}

func (l Limits) filled() Limits {
	return Limits{Header: cmp.Or(l.Header, 5*time.Second), Request: cmp.Or(l.Request, 15*time.Second), Answer: cmp.Or(l.Answer, 90*time.Second),
		Idle: cmp.Or(l.Idle, 2*time.Minute), HeaderBytes: cmp.Or(l.HeaderBytes, 16<<10), PerSource: cmp.Or(l.PerSource, 1024)}
}

// listen serves a handler within the limits.
func (s *Server) listen(address string, h http.Handler) (string, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	limits := s.Limits.filled()
	server := &http.Server{Handler: h, ReadHeaderTimeout: limits.Header, ReadTimeout: limits.Request, WriteTimeout: limits.Answer,
		IdleTimeout: limits.Idle, MaxHeaderBytes: limits.HeaderBytes, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)}
	ended := make(chan error, 1)
	go func() {
		ended <- server.Serve(&fairListener{Listener: l, most: limits.PerSource, proxies: s.Environment.Proxies, open: map[netip.Addr]int{}})
	}()
	s.onStop(func(ctx context.Context) error {
		err := server.Shutdown(ctx)
		if err != nil {
			err = errors.Join(err, server.Close())
		}
		if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
			err = errors.Join(err, served)
		}
		return err
	})
	return l.Addr().String(), nil
}

// fairListener closes connections of an address that has too many, so that none takes the files and the memory of all.
type fairListener struct {
	net.Listener
	most    int
	proxies []netip.Prefix // whose connections are those of many
	mu      sync.Mutex
	open    map[netip.Addr]int
}

// Accept returns the next connection that is not one too many.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(c.RemoteAddr().String())
		if within(l.proxies, from) {
			return c, nil
		}
		if l.count(from, 1) {
			return &countedConn{Conn: c, release: sync.OnceFunc(func() { l.count(from, -1) })}, nil
		}
		_ = c.Close() // there is nobody to tell
	}
}

// count adds to the connections of an address, unless they are as many as may be.
func (l *fairListener) count(from netip.Addr, n int) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n > 0 && l.open[from] >= l.most {
		return false
	}
	if l.open[from] += n; l.open[from] == 0 {
		delete(l.open, from)
	}
	return true
}

type countedConn struct {
	net.Conn
	release func()
}

// Close closes the connection, which then counts no more.
func (c *countedConn) Close() error {
	defer c.release()
	return c.Conn.Close()
}
