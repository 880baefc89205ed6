package pcsim

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"settled/internal/money"
)

// ShopOptions configure a shop. Merchant, Login, Password and SecretWord are what the gateway gave to the merchant.
type ShopOptions struct {
	// Name is what buyers know the shop by. Default "Test Shop".
	Name string
	// Merchant is Merchant_ID.
	Merchant int32
	// Gateway is the base address of the gateway, such as "http://127.0.0.1:8080". It may follow with [Shop.SetGateway].
	Gateway string
	// SecretWord salts check values.
	SecretWord string
	// SigningKey is the key that signs notifications as a whole, "whsec_" and Base64; empty: they are not signed.
	SigningKey string
	// Login and Password are those of the web services.
	Login, Password string
	// NoDelimiters joins what check values prove without delimiters, as old contracts do.
	NoDelimiters bool
	// Windows1251 sends order forms in the charset of the shop's pages, windows-1251, without saying so. Default: UTF-8.
	Windows1251 bool
	// Currencies are what the shop sells in, its own first: RUB, BYN, USD or EUR. Default RUB and USD.
	Currencies []money.Currency
	// BankPage is the page of a partner bank that lists the payments that wait, for links. Empty: none.
	BankPage string
	// Addr is the listen address of the pages and of the receiver of notifications. Default 127.0.0.1:0.
	Addr string
	// Public is the address that browsers and the gateway reach the shop under. Default: the listen address.
	Public string
	// Now is the shop's clock. Default time.Now.
	Now func() time.Time
	// Client calls the web services. Default: a client with a timeout of one minute.
	Client *http.Client
}

func (o ShopOptions) withDefaults() (ShopOptions, error) {
	if o.Name == "" {
		o.Name = "Test Shop"
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Addr == "" {
		o.Addr = "127.0.0.1:0"
	}
	if len(o.Currencies) == 0 {
		o.Currencies = []money.Currency{money.RUB, money.USD}
	}
	if o.Client == nil {
		o.Client = &http.Client{Timeout: time.Minute}
	}
	o.Gateway, o.Public = strings.TrimSuffix(o.Gateway, "/"), strings.TrimSuffix(o.Public, "/")
	if o.Merchant < 1 || o.SecretWord == "" || o.Login == "" || o.Password == "" {
		return o, fmt.Errorf("%w: a shop needs a merchant id, a secret word, a login and a password", ErrOptions)
	}
	for _, c := range o.Currencies {
		if !slices.Contains(shopCurrencies, c) {
			return o, fmt.Errorf("%w: the shop has no prices in %s", ErrOptions, c)
		}
	}
	return o, nil
}

// Shop plays a merchant of the gateway: a small shop for people, the signed order forms that it sends its buyers with,
// the calls of its back office, and the receiver of notifications. It is written from the protocol alone and shares no
// code with the gateway. Make it with [NewShop], start its listener with [Shop.Start], end it with [Shop.Close]. Its
// methods may be called concurrently. State is in memory.
type Shop struct {
	opt  ShopOptions
	mux  *http.ServeMux
	deaf atomic.Bool

	mu      sync.Mutex
	gateway string
	prefix  string // of order numbers: two lives of a shop do not share any
	orders  []*shopSale
	notices []ShopNotice
	server  *http.Server
	addr    string
	done    chan struct{}
	closed  bool
}

// NewShop makes a shop without orders. Errors: [ErrOptions].
func NewShop(opt ShopOptions) (*Shop, error) {
	opt, err := opt.withDefaults()
	if err != nil {
		return nil, err
	}
	s := &Shop{opt: opt, gateway: opt.Gateway, mux: http.NewServeMux(), prefix: "S" + strings.ToUpper(strconv.FormatInt(opt.Now().Unix(), 36))}
	people := http.NewServeMux()
	people.HandleFunc("GET /{$}", s.showGoods)
	people.HandleFunc("POST /buy", s.buy)
	people.HandleFunc("GET /ok", s.showReturn)
	people.HandleFunc("GET /no", s.showReturn)
	people.HandleFunc("GET /orders", s.showOrders)
	people.HandleFunc("POST /orders", s.actOnOrder)
	people.HandleFunc("GET /notifications", s.showNotices)
	s.mux.HandleFunc("POST "+noticePath, s.receive)
	s.mux.Handle("/", http.NewCrossOriginProtection().Handler(people))
	return s, nil
}

// ServeHTTP implements http.Handler.
func (s *Shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<16)
	s.mux.ServeHTTP(w, r)
}

// Start listens on ShopOptions.Addr and serves until [Shop.Close]. Errors: [ErrState], or what the network says.
func (s *Shop) Start() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server != nil || s.closed {
		return ErrState
	}
	l, err := net.Listen("tcp", s.opt.Addr)
	if err != nil {
		return fmt.Errorf("listen for the shop: %w", err)
	}
	s.addr, s.done = l.Addr().String(), make(chan struct{})
	server := &http.Server{Handler: s, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	done := s.done
	s.server = server
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	return nil
}

// Close stops listening and ends what Start began. A second call does nothing.
func (s *Shop) Close() error {
	s.mu.Lock()
	server, done := s.server, s.done
	s.server, s.closed = nil, true
	s.mu.Unlock()
	s.opt.Client.CloseIdleConnections()
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	<-done
	return err
}

// URL is the address of the shop, without a slash at the end; empty before Start unless ShopOptions.Public is set.
func (s *Shop) URL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.opt.Public != "" || s.addr == "" {
		return s.opt.Public
	}
	return "http://" + s.addr
}

// NoticeURL is the address that takes notifications; empty as long as URL is.
func (s *Shop) NoticeURL() string {
	if url := s.URL(); url != "" {
		return url + noticePath
	}
	return ""
}

// SetGateway tells the base address of the gateway.
func (s *Shop) SetGateway(url string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gateway = strings.TrimSuffix(url, "/")
}

// SetDeaf makes the receiver of notifications answer 503 to everything, or ends that.
func (s *Shop) SetDeaf(deaf bool) { s.deaf.Store(deaf) }

func (s *Shop) gatewayURL(path string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.gateway + path
}
