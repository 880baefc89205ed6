package postgres_test

import (
	"bytes"
	"encoding/binary"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
)

// cut is what the proxy does to a connection that sends COMMIT.
type cut int

const (
	pass        cut = iota
	beforeSent      // COMMIT never reaches the server
	whileSent       // it reaches the server, nobody waits for it
	afterAnswer     // the server has committed and answered; the answer is thrown away
	cuts
	held // the COMMIT waits until it is released, and the line is cut then
)

// proxy stands between client and server, understands frames, and cuts the line at COMMIT as choose says.
type proxy struct {
	listener net.Listener
	server   atomic.Pointer[pgxpool.Pool] // that it leads to
	commit   []byte                       // what a Query frame must contain to count as COMMIT
	choose   func() cut
	done     [held + 1]atomic.Int64
	holding  chan chan struct{} // told of each COMMIT that is held; closing what is sent releases it
	lines    sync.WaitGroup
}

// lead has new lines go to the server of pool.
func (p *proxy) lead(pool *pgxpool.Pool) { p.server.Store(pool) }

// through starts a proxy before the server of pool and returns it with a connection string that leads through it.
func through(t *testing.T, pool *pgxpool.Pool, commit string, choose func() cut) (*proxy, string) {
	t.Helper()
	cfg := pool.Config().ConnConfig
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{listener: listener, commit: []byte(commit), choose: choose, holding: make(chan chan struct{})}
	p.lead(pool)
	go p.accept()
	t.Cleanup(func() {
		_ = listener.Close()
		p.lines.Wait()
	})
	port := strconv.Itoa(listener.Addr().(*net.TCPAddr).Port)
	return p, "host=127.0.0.1 port=" + port + " sslmode=disable user=" + cfg.User + " password='" + cfg.Password + "' dbname=" + cfg.Database
}

func (p *proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.lines.Go(func() { p.line(client) })
	}
}

// line carries one connection until either side ends or it is cut.
func (p *proxy) line(client net.Conn) {
	cfg := p.server.Load().Config().ConnConfig
	network, address := pgconn.NetworkAddress(cfg.Host, cfg.Port)
	server, err := net.Dial(network, address)
	if err != nil {
		_ = client.Close()
		return
	}
	var swallow atomic.Bool // answers of the server from now on end the line
	var down sync.WaitGroup
	down.Go(func() {
		buffer := make([]byte, 16<<10)
		for {
			n, err := server.Read(buffer)
			if err != nil || swallow.Load() {
				break
			}
			if _, err := client.Write(buffer[:n]); err != nil {
				break
			}
		}
		_ = client.Close()
		_ = server.Close()
	})
	p.up(client, server, &swallow)
	down.Wait()
	_ = client.Close()
	_ = server.Close()
}

// up carries frames to the server. The first has no type byte.
func (p *proxy) up(client, server net.Conn, swallow *atomic.Bool) {
	head := make([]byte, 5)
	for first := true; ; first = false {
		prefix := head
		if first {
			prefix = head[1:]
		}
		if _, err := io.ReadFull(client, prefix); err != nil {
			_ = server.Close()
			return
		}
		body := make([]byte, binary.BigEndian.Uint32(head[1:])-4)
		if _, err := io.ReadFull(client, body); err != nil {
			_ = server.Close()
			return
		}
		fate := pass
		if !first && head[0] == 'Q' && bytes.Contains(body, p.commit) {
			fate = p.choose()
			p.done[fate].Add(1)
		}
		if fate == held {
			release := make(chan struct{})
			p.holding <- release
			<-release
			fate = beforeSent
		}
		if fate == beforeSent {
			_, _ = client.Close(), server.Close()
			return
		}
		swallow.Store(fate == afterAnswer)
		_, _ = server.Write(append(bytes.Clone(prefix), body...))
		if fate == whileSent {
			_, _ = client.Close(), server.Close()
			return
		}
	}
}

// anyCut passes a quarter and cuts the others in all three ways.
func anyCut() cut { return cut(rand.IntN(int(cuts))) }

// quiet says nothing about servers that are thrown away.
var quiet = slog.New(slog.DiscardHandler)

// openThrough opens a pool through the proxy with the rights of the owner.
func openThrough(t *testing.T, url string) *pgxpool.Pool {
	t.Helper()
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: url, Owner: true, ThrowAway: true, Log: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return pool
}

// ledger makes a table on which nothing stops a duplicate, so that only the commit rule can.
func ledger(t *testing.T) *pgxpool.Pool {
	t.Helper()
	owner := pgtest.Owner(t, pgtest.DB(t))
	if _, err := owner.Exec(t.Context(), "CREATE TABLE paid (seq bigserial PRIMARY KEY, id int NOT NULL)"); err != nil {
		t.Fatal(err)
	}
	return owner
}
