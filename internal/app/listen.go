package app

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"settled/internal/app/edge"
	"settled/internal/config"
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

// listen serves a handler within the limits, over TLS where the listener has a certificate. Errors have the form of the listener.
func (s *Server) listen(on config.Listener, h http.Handler, form edge.Form) (string, error) {
	over, err := s.certify(on)
	if err != nil {
		return "", err
	}
	l, err := net.Listen("tcp", on.Address)
	if err != nil {
		return "", err
	}
	limits, answers := s.Limits.filled(), &edge.Answers{Log: s.Log, Secure: secureBehind(s.Environment.Proxies), Form: form}
	server := &http.Server{Handler: answers.Around(h), ReadHeaderTimeout: limits.Header, ReadTimeout: limits.Request, WriteTimeout: limits.Answer,
		IdleTimeout: limits.Idle, MaxHeaderBytes: limits.HeaderBytes, DisableGeneralOptionsHandler: true, ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)}
	guard := &edge.Guard{Handshake: limits.Header, Refused: s.edge.refused(s.Log, on), Answer: func(status int, from net.Addr) []byte {
		return answers.Unread(status, from, over != nil)
	}}
	fair := &fairListener{Listener: l, most: limits.PerSource, proxies: s.Environment.Proxies, from: on.From, open: map[netip.Addr]int{},
		refused: s.edge.closed(on)}
	s.serve(server, &guardedListener{fair, guard, over})
	return l.Addr().String(), nil
}

// serve serves until the stop, which waits for what is in process.
func (s *Server) serve(server *http.Server, l net.Listener) {
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
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
}

// guardedListener lets its connections through the guard.
type guardedListener struct {
	net.Listener
	guard *edge.Guard
	over  *tls.Config // nil: plain HTTP
}

// Accept returns the next connection, guarded.
func (l *guardedListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return l.guard.Over(c, l.over), nil
}

// fairListener closes connections of an address that may not connect, and of one that has too many, so that none takes the files and the
// memory of all.
type fairListener struct {
	net.Listener
	most    int
	proxies []netip.Prefix // whose connections are those of many
	from    []netip.Prefix // who may connect besides this host; empty: everybody
	refused func(why string)
	mu      sync.Mutex
	open    map[netip.Addr]int
}

// Accept returns the next connection that may be and is not one too many.
func (l *fairListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		from := addressOf(c.RemoteAddr().String())
		switch {
		case !l.admits(from):
			l.refused(whyNetwork)
		case within(l.proxies, from):
			return c, nil
		case l.count(from, 1):
			return &countedConn{Conn: c, release: sync.OnceFunc(func() { l.count(from, -1) })}, nil
		default:
			l.refused(whyConnections)
		}
		_ = c.Close() // there is nobody to tell
	}
}

func (l *fairListener) admits(from netip.Addr) bool {
	return len(l.from) == 0 || from.IsLoopback() || within(l.from, from)
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
