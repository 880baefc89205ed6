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
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"settled/authorize/notify"
	"settled/authorize/online"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle"
)

// Center is how a processing center is reached.
type Center struct {
	Host     online.Host
	Acquirer string // our institution at the center (ISO 8583 DE32), 1 to 11 digits
}

// Options of the online side. An option may be left out when it says what that means; all else is required.
type Options struct {
	Books     *settle.Books
	Directory *settle.Directory
	Vault     *vault.Vault
	Centers   map[int16]Center
	Banks     map[int16]Bank // partner banks of the instant centers
	Merchants map[int32]Merchant
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
	ThreeDS ThreeDS
	// Limits of the payment page.
	Limits PageLimits
}

// Gateway is the merchant API. It is safe for concurrent use and has to be closed.
type Gateway struct {
	Options
	sender      *Sender
	desk        *desk
	credentials *credentials
	meter       *meter
	late        *lateBook
	lates       chan online.LateAnswer
	serving     atomic.Int64
	reading     atomic.Int64            // periods being read
	busy        map[int32]*atomic.Int64 // requests being served, by merchant
	opening     *limiter[int32]         // orders for the page, by merchant
	posting     *limiter[string]        // forms of the page, by source
	asking      *limiter[string]        // orders asked for by payrequest, by source
	forging     *limiter[string]        // notifications that no bank signed, by source
	viewing     *limiter[string]        // pages read, by source
	declining   *limiter[string]        // declined payments on the page, by source
	codes       *codeStore
	knows       protocol.Knowledge
	stop        context.CancelFunc
	owned       sync.WaitGroup
}

// ErrOptions is wrapped by the errors of New.
var ErrOptions = errors.New("authorize: bad options")

// New checks the options: every merchant has a contract and a usable password hash, every center that takes cards a host.
func New(o Options) (*Gateway, error) {
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
	o.Limits.fill()
	if err := o.check(); err != nil {
		return nil, err
	}
	c, err := newCredentials(o.Merchants, o.Now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrOptions, err)
	}
	ctx, stop := context.WithCancel(context.Background())
	g := &Gateway{Options: o, credentials: c, sender: NewSender(o), meter: newMeter(o.Registerer), late: newLateBook(),
		lates: make(chan online.LateAnswer, 1024), stop: stop, codes: newCodeStore(o.Now),
		opening: newLimiter[int32](o.Limits.Merchant, o.Now), posting: newLimiter[string](o.Limits.Source, o.Now),
		asking: newLimiter[string](o.Limits.Server, o.Now), viewing: newLimiter[string](o.Limits.Reads, o.Now), forging: newLimiter[string](o.Limits.Forged, o.Now),
		declining: newLimiter[string](o.Limits.Declines, o.Now), busy: make(map[int32]*atomic.Int64, len(o.Merchants))}
	for id := range o.Merchants {
		g.busy[id] = &atomic.Int64{}
	}
	g.desk, g.knows = newDesk(g), protocol.Knowledge{Charset: g.charsetOf, Bill: g.gaveOut}
	g.owned.Go(func() { g.recordLate(ctx) })
	g.owned.Go(func() { g.codes.sweep(ctx) })
	return g, nil
}

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
	g.codes.wipe()
}

// Sender returns the gateway's sender of owed messages.
func (g *Gateway) Sender() *Sender { return g.sender }

// peer is the address that a connection comes from.
func peer(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// authenticate finds out who calls. Unknown merchant, wrong login and wrong password are told alike.
func (g *Gateway) authenticate(ctx context.Context, c *caller) error {
	if err := c.Require(protocol.InMerchant, protocol.InLogin, protocol.InPassword); err != nil {
		return err
	}
	id, err := strconv.ParseUint(c.Text(protocol.InMerchant), 10, 31)
	if err != nil {
		return protocol.Unreadable(protocol.InMerchant, "is not a number up to 2147483647")
	}
	if err := g.credentials.verify(ctx, int32(id), c.Bytes(protocol.InLogin), c.Bytes(protocol.InPassword), c.source); err != nil {
		return err
	}
	settings := g.Merchants[int32(id)]
	merchant, _ := g.Directory.Merchant(int32(id))
	c.is(merchant, &settings)
	return nil
}
