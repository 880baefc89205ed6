package pcsim

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"settled/internal/money"
)

// Errors of [Bank.Scan].
var (
	// ErrQR says that no registered payment has this QR id or payload.
	ErrQR = errors.New("pcsim: no such QR")
	// ErrQRClosed says that the payment behind the QR can no longer be confirmed: it is paid, refused, expired or already
	// confirmed.
	ErrQRClosed = errors.New("pcsim: the QR is closed")
)

// BankUnit says how a bank writes amounts of money.
type BankUnit uint8

const (
	// Rubles writes the main unit as a decimal text with all its decimals: "123.45".
	Rubles BankUnit = iota
	// Kopecks writes the minor unit as an integer: 12345.
	Kopecks
)

// String returns "rubles" or "kopecks".
func (u BankUnit) String() string {
	if u == Kopecks {
		return "kopecks"
	}
	return "rubles"
}

// BankOptions configure a partner bank of the instant payment scheme.
type BankOptions struct {
	// Name is the bank's name, as its pages show it. Default "Test Bank".
	Name string
	// Seed drives ids, buyers and tokens. Equal seeds give equal ones.
	Seed uint64
	// Now is the bank's clock. Default time.Now.
	Now func() time.Time
	// Addr is the listen address of the API and the pages. Default 127.0.0.1:0.
	Addr string
	// TLS serves HTTPS with this configuration. Nil: plain HTTP, for loopback.
	TLS *tls.Config
	// Unit is how amounts are written, in both directions.
	Unit BankUnit
	// KeyID and Secret sign requests, answers and notifications. The secret has at least 16 bytes.
	KeyID  string
	Secret []byte
	// NotifyURL is told of each payment that is paid. Empty: nobody is told. See [Bank.SetNotifyURL].
	NotifyURL string
	// NotifyClient sends notifications. Default: a client with a timeout of 5 s that follows no redirects.
	NotifyClient *http.Client
	// OwnPayloads makes QR payloads lead to the bank's own page, so that a person can pay in a browser. Otherwise they
	// lead to the scheme's host, which is a reserved example name.
	OwnPayloads bool
	// LateBy is how long after its expiry a late payment arrives, by the bank's clock. Default 1 minute.
	LateBy time.Duration
	// PendingFor is how long a pending refund or charge takes, by the bank's clock. Default 30 s.
	PendingFor time.Duration
}

func (o BankOptions) withDefaults() (BankOptions, error) {
	if o.Name == "" {
		o.Name = "Test Bank"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if o.LateBy == 0 {
		o.LateBy = time.Minute
	}
	if o.PendingFor == 0 {
		o.PendingFor = 30 * time.Second
	}
	if o.NotifyClient == nil {
		o.NotifyClient = &http.Client{
			Timeout:       5 * time.Second,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		}
	}
	return o, o.check()
}

func (o BankOptions) check() error {
	if o.KeyID == "" || len(o.Secret) < 16 {
		return fmt.Errorf("%w: a bank needs a key id and a secret of at least 16 bytes", ErrOptions)
	}
	if o.LateBy < 0 || o.PendingFor < 0 || o.Unit > Kopecks {
		return fmt.Errorf("%w: negative delay or unknown unit", ErrOptions)
	}
	return checkNotifyURL(o.NotifyURL)
}

func checkNotifyURL(text string) error {
	u, err := url.Parse(text)
	if err != nil || text != "" && (u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("%w: notify URL %q", ErrOptions, text)
	}
	return nil
}

// Bank is a partner bank of the instant payment scheme: its API (docs/formats/instant.md), its own books, and the side
// of the buyer. Make it with [NewBank], start its listener with [Bank.Start], end it with [Bank.Close]. Its methods may
// be called concurrently.
type Bank struct {
	opt   BankOptions
	books bankLedger
	post  postman
	mux   *http.ServeMux
	ctx   context.Context
	stop  context.CancelFunc

	mu     sync.Mutex
	server *http.Server // nil while the bank is down
	addr   string
	wg     sync.WaitGroup
}

// NewBank makes a bank with empty books. Errors: [ErrOptions].
func NewBank(opt BankOptions) (*Bank, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &Bank{opt: opt, books: newBankLedger(), post: newPostman(opt.NotifyURL)}
	b.ctx, b.stop = context.WithCancel(context.Background())
	b.mux = b.routes()
	return b, nil
}

// Start listens and serves until [Bank.Close]. Errors: [ErrState], or what the network says.
func (b *Bank) Start() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.addr != "" || b.ctx.Err() != nil {
		return ErrState
	}
	return b.listen(b.opt.Addr)
}

// listen serves on addr. The caller holds the lock.
func (b *Bank) listen(addr string) error {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return fmt.Errorf("listen for the bank: %w", err)
	}
	b.addr = l.Addr().String()
	if b.opt.TLS != nil {
		l = tls.NewListener(l, b.opt.TLS)
	}
	server := &http.Server{Handler: http.HandlerFunc(b.serve), ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	b.server = server
	b.wg.Go(func() { _ = server.Serve(l) })
	return nil
}

// serve handles one request, which Close waits for.
func (b *Bank) serve(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	closed := b.ctx.Err() != nil
	if !closed {
		b.wg.Add(1)
	}
	b.mu.Unlock()
	if closed {
		panic(http.ErrAbortHandler)
	}
	defer b.wg.Done()
	b.mux.ServeHTTP(w, r)
}

// SetDown takes the bank off the network, or back: while it is down, its connections are cut and new ones refused.
// Nothing of the books changes. Errors: [ErrState] before Start and after Close, or what the network says.
func (b *Bank) SetDown(down bool) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.addr == "" || b.ctx.Err() != nil:
		return ErrState
	case down == (b.server == nil):
		return nil
	case !down:
		return b.listen(b.addr)
	}
	server := b.server
	b.server = nil
	return server.Close()
}

// BankStatus is what a bank tells people about itself.
type BankStatus struct {
	URL           string                        `json:"url"`
	Payments      []BankPayment                 `json:"payments"`      // in the order of registration
	Subscriptions []string                      `json:"subscriptions"` // tokens that can be charged
	Owed          int                           `json:"owed"`          // notifications that are still to be delivered
	Delivered     int                           `json:"delivered"`     // notifications that were answered with 200
	Books         map[money.Currency]BankTotals `json:"books"`
}

// Status returns the bank's state of the moment.
func (b *Bank) Status() BankStatus {
	return BankStatus{URL: b.URL(), Payments: b.Payments(), Subscriptions: b.Subscriptions(), Owed: b.Owed(), Delivered: b.Delivered(), Books: b.Books()}
}

// Close stops listening, cuts every connection and waits until nothing of the bank runs. A second call does nothing.
func (b *Bank) Close() error {
	b.mu.Lock()
	b.stop()
	server := b.server
	b.server = nil
	b.mu.Unlock()
	var err error
	if server != nil {
		err = server.Close()
	}
	b.wg.Wait()
	b.opt.NotifyClient.CloseIdleConnections()
	return err
}

// URL is the base address of the bank, such as "http://127.0.0.1:7070", without a slash at the end; empty before Start.
// The API is below it at /v1, the buyer's pages at /qr.
func (b *Bank) URL() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.addr == "" {
		return ""
	}
	if b.opt.TLS != nil {
		return "https://" + b.addr
	}
	return "http://" + b.addr
}
