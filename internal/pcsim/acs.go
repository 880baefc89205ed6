package pcsim

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// ACSOptions configure an ACS. KeyID and Secret are required.
type ACSOptions struct {
	// Addr is the listen address of Start. Default 127.0.0.1:0.
	Addr string
	// KeyID and Secret sign requests and answers; the secret has at least 16 bytes.
	KeyID  string
	Secret []byte
	// PublicURL is what browsers reach the pages under. Default: as the request says, http or https.
	PublicURL string
	// Seed is part of every transaction id.
	Seed uint64
	// Now is the clock of signatures, challenges and decoupled authentications. Default time.Now.
	Now func() time.Time
	// DecoupledAfter is how long a decoupled authentication takes. Default 2 s.
	DecoupledAfter time.Duration
	// ChallengeFor is how long a challenge may take. Default 10 min.
	ChallengeFor time.Duration
}

func (o ACSOptions) withDefaults() (ACSOptions, error) {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.PublicURL = strings.TrimSuffix(o.PublicURL, "/")
	o.Addr = cmp.Or(o.Addr, "127.0.0.1:0")
	o.DecoupledAfter = cmp.Or(o.DecoupledAfter, 2*time.Second)
	o.ChallengeFor = cmp.Or(o.ChallengeFor, 10*time.Minute)
	if o.KeyID == "" || len(o.Secret) < 16 {
		return o, fmt.Errorf("%w: 3-D Secure without a key id, or a secret shorter than 16 bytes", ErrOptions)
	}
	if o.DecoupledAfter < 0 || o.ChallengeFor < 0 {
		return o, fmt.Errorf("%w: negative time of an authentication", ErrOptions)
	}
	return o, nil
}

// ACS plays a 3-D Secure server and, behind it, the access control servers of the issuers: the API of
// docs/formats/threeds.md, the page of the 3DS method and the challenge page. Cards decide what happens ([ACSCards]); any
// other card does not take part. It is an http.Handler and may be served by anybody, or by Start. Its state is in memory.
type ACS struct {
	opt  ACSOptions
	mux  *http.ServeMux
	down atomic.Bool

	mu           sync.Mutex
	transactions map[string]*authentication // by threeDSServerTransID
	challenges   map[string]*authentication // by acsTransID

	life   context.Context // ends with Close
	cancel context.CancelFunc
	server *http.Server
	addr   string
	done   chan struct{}
}

// NewACS makes an ACS without transactions. Errors: [ErrOptions].
func NewACS(o ACSOptions) (*ACS, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	a := &ACS{opt: o, mux: http.NewServeMux(), transactions: map[string]*authentication{}, challenges: map[string]*authentication{}}
	a.life, a.cancel = context.WithCancel(context.Background())
	a.mux.HandleFunc("POST /v1/authentications", a.signed(a.start))
	a.mux.HandleFunc("POST /v1/authentications/{id}", a.signed(a.authenticate))
	a.mux.HandleFunc("GET /v1/authentications/{id}", a.signed(a.result))
	a.mux.HandleFunc("POST /method", a.methodPage)
	a.mux.HandleFunc("POST /challenge", a.challengePage)
	a.mux.HandleFunc("POST /challenge/answer", a.challengeAnswer)
	return a, nil
}

// ServeHTTP implements http.Handler.
func (a *ACS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if a.down.Load() {
		http.Error(w, "down", http.StatusServiceUnavailable)
		return
	}
	a.mux.ServeHTTP(w, r)
}

// SetDown makes the server answer 503 to everything, or ends that.
func (a *ACS) SetDown(down bool) { a.down.Store(down) }

// Start listens on ACSOptions.Addr and serves until Close. Errors: [ErrState], or what the network says.
func (a *ACS) Start() error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.server != nil || a.life.Err() != nil {
		return ErrState
	}
	l, err := net.Listen("tcp", a.opt.Addr)
	if err != nil {
		return fmt.Errorf("listen for 3-D Secure: %w", err)
	}
	a.addr, a.done = l.Addr().String(), make(chan struct{})
	a.server = &http.Server{Handler: a, ReadHeaderTimeout: 5 * time.Second}
	server, done := a.server, a.done
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return nil
}

// URL is where Start serves, without a slash at the end; empty before Start.
func (a *ACS) URL() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.addr == "" {
		return ""
	}
	return "http://" + a.addr
}

// Close ends requests that are kept waiting, and what Start began. A second call does nothing.
func (a *ACS) Close() error {
	a.cancel()
	a.mu.Lock()
	server, done := a.server, a.done
	a.mu.Unlock()
	if server == nil {
		return nil
	}
	err := server.Close()
	<-done
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// public is the URL of a page as browsers see it.
func (a *ACS) public(r *http.Request, path string) string {
	if a.opt.PublicURL != "" {
		return a.opt.PublicURL + path
	}
	scheme := "http"
	if r.TLS != nil {
		scheme = "https"
	}
	return scheme + "://" + r.Host + path
}
