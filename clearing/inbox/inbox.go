// Package inbox fetches what centers leave for us: a reply is stored, as it came, before anybody reads it. It writes inbox_files, and the
// replies that are new.
package inbox

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"settled/clearing/dial"
	"settled/clearing/format"
	"settled/clearing/states"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Site is where a center leaves its replies, and what is agreed with it about them.
type Site struct {
	Server    dial.Server
	Directory string
	Pattern   *regexp.Regexp // of the names of replies: others are reported once and left alone
	Reader    func(io.Reader) format.ReplyReader
	MaxBytes  int64         // of a reply
	Remove    bool          // we remove a reply once it is stored and applied
	Every     time.Duration // how often FetchDue looks

	mu     sync.Mutex
	polled time.Time // when FetchDue last looked
}

// due tells that it is time to look, and then takes now for the last time that somebody did.
func (s *Site) due(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.polled.IsZero() && now.Sub(s.polled).Abs() < s.Every {
		return false
	}
	s.polled = now
	return true
}

// Options of the inboxes; all are required.
type Options struct {
	Pool      *pgxpool.Pool
	Vault     *vault.Vault
	Log       *slog.Logger
	Now       func() time.Time
	Dialer    *dial.Dialer
	Sites     []*Site
	Replies   *prometheus.CounterVec // by center and result
	Strangers *prometheus.CounterVec // names that no reply has, by center
	// ToApply is called inside the transaction that stores a reply.
	ToApply func(ctx context.Context, tx pgx.Tx, reply int64) error
	// Crash is called where the death of the process leaves something half done; tests die there.
	Crash func(point string)
}

// Inbox is where all centers leave their replies. Its methods are safe for concurrent use, in this process and in others.
type Inbox struct {
	pool      *pgxpool.Pool
	vault     *vault.Vault
	log       *slog.Logger
	now       func() time.Time
	dialer    *dial.Dialer
	sites     []*Site
	replies   *prometheus.CounterVec
	strangers *prometheus.CounterVec
	toApply   func(ctx context.Context, tx pgx.Tx, reply int64) error
	crash     func(point string)
}

// New returns the inboxes.
func New(o Options) *Inbox {
	return &Inbox{pool: o.Pool, vault: o.Vault, log: o.Log, now: o.Now, dialer: o.Dialer, sites: o.Sites, replies: o.Replies,
		strangers: o.Strangers, toApply: o.ToApply, crash: o.Crash}
}

func (i *Inbox) site(center int16) (*Site, error) {
	for _, s := range i.sites {
		if s.Server.Center == center {
			return s, nil
		}
	}
	return nil, fmt.Errorf("%w: center %d has no profile", states.ErrNotFound, center)
}
