package authorize

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	"settled/authorize/checkout"
	"settled/authorize/notify"
	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/credential"
	"settled/settle/notification"
	"settled/settle/turns"

	"github.com/prometheus/client_golang/prometheus"
)

// Options of the online side. An option may be left out when it says what that means; all else is required.
type Options struct {
	Books     *settle.Books
	Directory *settle.Directory
	Vault     *vault.Vault
	Centers   map[int16]payment.Center
	Banks     map[int16]payment.Bank // partner banks of the instant centers
	Merchants map[int32]tenants.Merchant
	Now       func() time.Time
	Log       *slog.Logger
	// SigningKey signs answers and notifications to the merchants that want them signed. Needed only for these.
	SigningKey *rsa.PrivateKey
	// Notifier sends notifications to merchants' servers. Default: one with the usual limits.
	Notifier *notify.Client
	// Registerer receives the metrics; nil measures nothing.
	Registerer prometheus.Registerer
	// Source names where a request comes from, for the throttle of wrong passwords. Default: the address of the peer.
	// Behind a proxy it has to be the proxy's word on it.
	Source func(*http.Request) string
	// Secure tells that a request came over https all the way from its sender. Default: to us. Behind a proxy it has to be the
	// proxy's word on it.
	Secure func(*http.Request) bool
	// PublicURL is where callers, browsers and banks reach us, scheme and host and perhaps a path. Empty: as the caller reached them.
	PublicURL string
	// InlineBudget is how long a cancel waits for a center's answer before it is told as in process. Default 10 s.
	InlineBudget time.Duration
	// MaxRequests bounds the requests that are served at a time; more are refused before any work. Default 4096.
	MaxRequests int64
	// MaxPerMerchant bounds those of one merchant, so that one cannot take the place of all. Default 1024.
	MaxPerMerchant int64
	// Stalled tells that the database does not answer now: requests are then refused before anything of them is begun. Nil: it
	// always answers.
	Stalled func() bool
	// ThreeDS authenticates card holders on the page and in payments of merchants' servers; nil: nobody does.
	ThreeDS payment.ThreeDS
	// Limits of the payment page.
	Limits tenants.PageLimits
}

// Gateway is the merchant API. It is safe for concurrent use and has to be closed.
type Gateway struct {
	books           *settle.Books
	directory       *settle.Directory
	notifications   *notification.Queue
	credentials     *credential.Store
	authentications *authentication.Book
	turns           *turns.Desk
	vault           *vault.Vault
	signingKey      *rsa.PrivateKey
	notifier        *notify.Client
	source          func(*http.Request) string
	stalled         func() bool
	inlineBudget    time.Duration
	now             func() time.Time
	log             *slog.Logger

	register *tenants.Register
	tests    *tenants.CardTests
	load     *tenants.Load
	ways     payment.Ways
	prints   payment.Fingerprints
	cards    *payment.Cards
	secure   *payment.Secure
	instant  *payment.Instant
	wallet   *payment.Wallet
	sender   *payment.Sender
	checkout *checkout.Pages
	meter    *meter
	knows    protocol.Knowledge
	reading  *atomic.Int64    // periods being read
	forging  *tenants.Sources // notifications that no bank signed, by source
	codes    *payment.CodeStore
	options  Options
	stop     context.CancelFunc
	owned    sync.WaitGroup
}

// ErrOptions is wrapped by the errors of New.
var ErrOptions = errors.New("authorize: bad options")

// fill gives options that are left out what that means.
func (o *Options) fill() {
	if o.Source == nil {
		o.Source = peer
	}
	if o.Secure == nil {
		o.Secure = func(r *http.Request) bool { return r.TLS != nil }
	}
	if o.InlineBudget == 0 {
		o.InlineBudget = 10 * time.Second
	}
	if o.MaxRequests == 0 {
		o.MaxRequests = 4096
	}
	if o.MaxPerMerchant == 0 {
		o.MaxPerMerchant = 1024
	}
	if o.Stalled == nil {
		o.Stalled = func() bool { return false }
	}
	if o.Notifier == nil {
		o.Notifier = notify.New(notify.Options{})
	}
	o.Limits.Fill()
}

// OnLate takes answers that arrived when no request waited for them: give it to online.Options.OnLate. It never blocks.
func (g *Gateway) OnLate(a online.LateAnswer) { g.cards.OnLate(a) }

// AuthenticateDue looks after payments that wait for their cardholders, and returns how many it looked at.
func (g *Gateway) AuthenticateDue(ctx context.Context) (int, error) {
	return g.secure.AuthenticateDue(ctx)
}

// PollInstant asks the partner banks about the payments that are due to be asked about, and returns how many those were.
func (g *Gateway) PollInstant(ctx context.Context) (int, error) { return g.instant.PollDue(ctx) }

// FollowDue tries again what buyers asked for with payments that are approved, and returns how many it tried.
func (g *Gateway) FollowDue(ctx context.Context) (int, error) { return g.instant.FollowDue(ctx) }

func (o *Options) check() error {
	if o.Books == nil || o.Directory == nil || o.Vault == nil || o.Now == nil || o.Log == nil {
		return fmt.Errorf("%w: books, directory, vault, clock and log are required", ErrOptions)
	}
	if u, err := url.Parse(o.PublicURL); err != nil || o.PublicURL != "" && (u.Scheme != "https" && u.Scheme != "http" || u.Host == "") {
		return fmt.Errorf("%w: public URL %q is not an address of http or https", ErrOptions, o.PublicURL)
	}
	for id, m := range o.Merchants {
		if _, ok := o.Directory.Merchant(id); !ok {
			return fmt.Errorf("%w: merchant %d is not in the directory", ErrOptions, id)
		}
		if m.Proofs.RSA && o.SigningKey == nil {
			return fmt.Errorf("%w: merchant %d wants answers signed, and there is no key to sign them with", ErrOptions, id)
		}
	}
	for _, c := range o.Directory.Centers() {
		if c.Capabilities.Instant {
			if o.Banks[c.ID].Client == nil {
				return fmt.Errorf("%w: center %s has no partner bank", ErrOptions, c.Name)
			}
			continue
		}
		if o.Centers[c.ID].Host == nil || o.Centers[c.ID].Acquirer == "" {
			return fmt.Errorf("%w: center %s has no host or no acquirer", ErrOptions, c.Name)
		}
	}
	return nil
}

// Close ends the gateway's own goroutine. Requests must have ended before.
func (g *Gateway) Close() {
	g.stop()
	g.owned.Wait()
	g.register.Close()
	g.codes.Wipe()
}

// Sender returns the gateway's sender of owed messages.
func (g *Gateway) Sender() *payment.Sender { return g.sender }

// peer is the address that a connection comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
