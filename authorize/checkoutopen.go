package authorize

import (
	"log/slog"
	"net/http"
	"settled/authorize/page"
	"settled/authorize/protocol"
	"settled/internal/vault"
	"settled/settle"
	"strings"
	"time"
)

// checkoutOptions are what the payment page needs. All are required but PublicURL.
type checkoutOptions struct {
	Books     *settle.Books
	Directory *settle.Directory
	Vault     *vault.Vault
	Register  *register
	Load      *load
	Ways      ways
	Prints    fingerprints
	Cards     *cards
	Secure    *secure
	Instant   *desk
	Codes     *codeStore
	Centers   map[int16]Center
	Limits    PageLimits
	Now       func() time.Time
	Log       *slog.Logger
	Source    func(*http.Request) string // where a request comes from
	OverTLS   func(*http.Request) bool   // it came over https all the way
	PublicURL string                     // where we are reached; empty: as the caller reached us
	Stalled   func() bool                // the database does not answer now
	Knows     protocol.Knowledge
	Report    func(c *protocol.Call, route, request string) // is told of each request that was read
}

// checkout is the payment page. It is safe for concurrent use.
type checkout struct {
	books     *settle.Books
	directory *settle.Directory
	vault     *vault.Vault
	register  *register
	load      *load
	ways      ways
	prints    fingerprints
	cards     *cards
	secure    *secure
	instant   *desk
	codes     *codeStore
	centers   map[int16]Center
	now       func() time.Time
	log       *slog.Logger
	source    func(*http.Request) string
	overTLS   func(*http.Request) bool
	publicURL string
	stalled   func() bool
	knows     protocol.Knowledge
	report    func(c *protocol.Call, route, request string)

	opening   *limiter[int32]  // orders for the page, by merchant
	posting   *limiter[string] // forms of the page, by source
	asking    *limiter[string] // orders asked for by payrequest, by source
	viewing   *limiter[string] // pages read, by source
	declining *limiter[string] // declined payments on the page, by source
}

func newCheckout(o checkoutOptions) *checkout {
	return &checkout{books: o.Books, directory: o.Directory, vault: o.Vault, register: o.Register, load: o.Load, ways: o.Ways, prints: o.Prints,
		cards: o.Cards, secure: o.Secure, instant: o.Instant, codes: o.Codes, centers: o.Centers, now: o.Now, log: o.Log, source: o.Source,
		overTLS: o.OverTLS, publicURL: o.PublicURL, stalled: o.Stalled, knows: o.Knows, report: o.Report,
		opening: newLimiter[int32](o.Limits.Merchant, o.Now), posting: newLimiter[string](o.Limits.Source, o.Now),
		asking: newLimiter[string](o.Limits.Server, o.Now), viewing: newLimiter[string](o.Limits.Reads, o.Now),
		declining: newLimiter[string](o.Limits.Declines, o.Now)}
}

// routeMeasure measures the answers of one route.
type routeMeasure interface {
	Count(class protocol.Class, took time.Duration)
}

// handle adds the payment page to the routes.
func (c *checkout) handle(mux *http.ServeMux, measure func(path string) routeMeasure) {
	for _, route := range browserRoutes {
		m := measure(route.path)
		mux.HandleFunc(route.path, func(w http.ResponseWriter, r *http.Request) { c.visit(w, r, route.serve, route.fail, m) })
	}
	mux.Handle(page.StaticPath, page.Static())
}

// visit takes one request of a browser from its limits to the answer.
func (c *checkout) visit(w http.ResponseWriter, r *http.Request, serve func(*visit) error, fail func(*visit, error), m routeMeasure) {
	began := c.now()
	k := &caller{Call: protocol.NewCall(protocol.FormatXML, &orderAccepts, c.knows), source: c.source(r), base: c.address(r)}
	defer k.Release()
	v := &visit{in: c, w: w, r: r, c: k, id: correlation()}
	w.Header()["X-Request-Id"] = []string{v.id}
	if err := v.run(serve); err != nil {
		fail(v, err)
	}
	c.report(k.Call, r.URL.Path, v.id)
	m.Count(v.class, c.now().Sub(began))
}

// refuse answers a browser's request by a refusal, in a page.
func (c *checkout) refuse(w http.ResponseWriter, r *http.Request, f *protocol.Fault, m routeMeasure) {
	c.visit(w, r, func(*visit) error { return f }, (*visit).fail, m)
}

// address is where this installation is reached, without a path: as configured, or else as the caller reached it.
func (c *checkout) address(r *http.Request) string {
	switch {
	case c.publicURL != "":
		return strings.TrimSuffix(c.publicURL, "/")
	case r.TLS != nil:
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
