package checkout

import (
	"log/slog"
	"net/http"
	"strings"
	"time"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/credential"
)

// Options are what the payment page needs. All are required but PublicURL.
type Options struct {
	Books           *settle.Books
	Credentials     *credential.Store
	Authentications *authentication.Book
	Directory       *settle.Directory
	Vault           *vault.Vault
	Register        *tenants.Register
	Load            *tenants.Load
	Tests           *tenants.CardTests
	Ways            payment.Ways
	Prints          payment.Fingerprints
	Cards           *payment.Cards
	Secure          *payment.Secure
	Instant         *payment.Instant
	Codes           *payment.CodeStore
	Centers         map[int16]payment.Center
	Limits          tenants.PageLimits
	Now             func() time.Time
	Log             *slog.Logger
	Source          func(*http.Request) string // where a request comes from
	OverTLS         func(*http.Request) bool   // it came over https all the way
	PublicURL       string                     // where we are reached; empty: as the caller reached us
	Stalled         func() bool                // the database does not answer now
	Knows           protocol.Knowledge
	Report          func(c *protocol.Call, route, request string) // is told of each request that was read
}

// Pages is the payment page. It is safe for concurrent use.
type Pages struct {
	books           *settle.Books
	credentials     *credential.Store
	authentications *authentication.Book
	directory       *settle.Directory
	vault           *vault.Vault
	register        *tenants.Register
	load            *tenants.Load
	tests           *tenants.CardTests
	ways            payment.Ways
	prints          payment.Fingerprints
	cards           *payment.Cards
	secure          *payment.Secure
	instant         *payment.Instant
	codes           *payment.CodeStore
	centers         map[int16]payment.Center
	now             func() time.Time
	log             *slog.Logger
	source          func(*http.Request) string
	overTLS         func(*http.Request) bool
	publicURL       string
	stalled         func() bool
	knows           protocol.Knowledge
	report          func(c *protocol.Call, route, request string)

	opening   *tenants.Limiter[int32]            // orders for the page, by merchant
	guessing  *tenants.Limiter[tenants.OrderKey] // other orders under a number that is used
	posting   *tenants.Sources                   // forms of the page, by source
	asking    *tenants.Sources                   // orders asked for by payrequest, by source
	viewing   *tenants.Sources                   // pages read, by source
	declining *tenants.Sources                   // declined payments on the page, by source
}

// New makes the payment page.
func New(o Options) *Pages {
	return &Pages{books: o.Books, credentials: o.Credentials, authentications: o.Authentications, directory: o.Directory,
		vault: o.Vault, register: o.Register, load: o.Load, tests: o.Tests, ways: o.Ways, prints: o.Prints, cards: o.Cards, secure: o.Secure,
		instant: o.Instant, codes: o.Codes, centers: o.Centers, now: o.Now, log: o.Log, source: o.Source,
		overTLS: o.OverTLS, publicURL: o.PublicURL, stalled: o.Stalled, knows: o.Knows, report: o.Report,
		opening: tenants.NewLimiter[int32](o.Limits.Merchant, o.Now), guessing: tenants.NewLimiter[tenants.OrderKey](o.Limits.Order, o.Now),
		posting: tenants.NewSources(o.Limits.Source, o.Now),
		asking:  tenants.NewSources(o.Limits.Server, o.Now), viewing: tenants.NewSources(o.Limits.Reads, o.Now),
		declining: tenants.NewSources(o.Limits.Declines, o.Now)}
}

// Under returns the payment page with other options, in which the pace of those who used c counts, too.
func (c *Pages) Under(o Options) *Pages {
	other := New(o)
	other.opening, other.guessing, other.posting, other.asking, other.viewing, other.declining = c.opening, c.guessing, c.posting, c.asking, c.viewing, c.declining
	return other
}

// RouteMeasure measures the answers of one route.
type RouteMeasure interface {
	Count(class protocol.Class, took time.Duration)
}

// Address is where this installation is reached, without a path: as configured, or else as the caller reached it.
func (c *Pages) Address(r *http.Request) string {
	switch {
	case c.publicURL != "":
		return strings.TrimSuffix(c.publicURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
