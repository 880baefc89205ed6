package instant

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/sony/gobreaker/v2"

	"settled/internal/vault"
)

// Options configure a Client. BaseURL, KeyID, Secret and Unit are required; a zero value elsewhere means the default.
type Options struct {
	// Name of the bank, in logs and metrics. Default "bank".
	Name string
	// BaseURL is the address of the bank's API without "/v1": an https URL, or http on a loopback address.
	BaseURL string
	// KeyID and Secret sign requests; answers and notifications have to be signed with them too. At least 16 bytes.
	KeyID  string
	Secret vault.Secret
	// Accept are other keys that the bank may sign with while keys change.
	Accept []Key
	// Unit is how the bank writes amounts.
	Unit Unit
	// Timeout is from the call to giving up. Default 15 s.
	Timeout time.Duration
	// BreakerFailures in a row open the circuit breaker; default 20. BreakerPause is from open to the next try; default 5 s.
	BreakerFailures uint32
	BreakerPause    time.Duration
	// Now is our clock. Default time.Now.
	Now func() time.Time
	// Client makes the requests; its redirect policy and time limit are not used. It must not repeat a POST. Default: TLS
	// 1.2 or newer.
	Client *http.Client
	// Log takes one line for each call: debug when it was answered, warn otherwise. Default slog.Default.
	Log *slog.Logger
	// Metrics counts calls and notifications; nil measures nothing.
	Metrics *Metrics
}

// Client calls a partner bank. It is safe for concurrent use.
type Client struct {
	base    string
	keys    []Key // the first one signs
	options Options
	http    *http.Client
	breaker *gobreaker.CircuitBreaker[[]byte]
	log     *slog.Logger
}

// New makes a client; it connects when it is first used. The error says which option is wrong.
func New(o Options) (*Client, error) {
	o = o.withDefaults()
	keys := append([]Key{{ID: o.KeyID, Secret: o.Secret}}, o.Accept...)
	for _, k := range keys {
		if err := k.check(); err != nil {
			return nil, err
		}
	}
	if o.Unit != Rubles && o.Unit != Kopecks {
		return nil, errors.New("instant: the bank's unit of amounts is not set")
	}
	if err := checkBase(o.BaseURL); err != nil {
		return nil, err
	}
	c := &Client{base: strings.TrimSuffix(o.BaseURL, "/"), keys: keys, options: o, log: o.Log.With(slog.String("component", "instant"), slog.String("bank", o.Name))}
	own := *o.Client
	own.Timeout = 0
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	c.http = &own
	c.breaker = c.newBreaker()
	return c, nil
}

func (o Options) withDefaults() Options {
	if o.Name == "" {
		o.Name = "bank"
	}
	if o.Timeout <= 0 {
		o.Timeout = 15 * time.Second
	}
	if o.BreakerFailures == 0 {
		o.BreakerFailures = 20
	}
	if o.BreakerPause <= 0 {
		o.BreakerPause = 5 * time.Second
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if o.Client == nil {
		o.Client = &http.Client{Transport: &http.Transport{
			Proxy: http.ProxyFromEnvironment, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}, ForceAttemptHTTP2: true,
			TLSHandshakeTimeout: 10 * time.Second, MaxIdleConnsPerHost: 16, IdleConnTimeout: 90 * time.Second,
		}}
	}
	return o
}

// checkBase allows https, and plain http only where nobody is in between.
func checkBase(text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		return fmt.Errorf("instant: base URL %q is not an address", text)
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return nil
	}
	return fmt.Errorf("instant: base URL %q is neither https nor http on a loopback address", text)
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

func (c *Client) newBreaker() *gobreaker.CircuitBreaker[[]byte] {
	c.options.Metrics.broke(c.options.Name, gobreaker.StateClosed)
	return gobreaker.NewCircuitBreaker[[]byte](gobreaker.Settings{
		Name:         c.options.Name,
		Timeout:      c.options.BreakerPause,
		ReadyToTrip:  func(n gobreaker.Counts) bool { return n.ConsecutiveFailures >= c.options.BreakerFailures },
		IsSuccessful: func(err error) bool { return err == nil || errors.Is(err, ErrRefused) },
		IsExcluded:   func(err error) bool { return errors.Is(err, context.Canceled) || errors.Is(err, ErrInvalid) },
		OnStateChange: func(bank string, _, to gobreaker.State) {
			c.options.Metrics.broke(bank, to)
			c.log.Warn("circuit breaker changed", slog.String("state", to.String()))
		},
	})
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// request is one call of the API.
type request struct {
	name   string // for logs and metrics
	id     string // for the log: ours, never a token
	method string
	path   string // after the base, segments escaped
	body   any    // nil for GET
}

// maxAnswer is the longest answer that is read.
const maxAnswer = 1 << 20

// call makes a request through the breaker and decodes its answer, which accept then checks.
func call[T any](ctx context.Context, c *Client, r request, accept func(*T) error) (out T, err error) {
	began := c.options.Now()
	body, err := c.breaker.Execute(func() ([]byte, error) { return c.exchange(ctx, r) })
	if errors.Is(err, gobreaker.ErrOpenState) || errors.Is(err, gobreaker.ErrTooManyRequests) {
		err = notSent(ErrBreakerOpen)
	}
	if err == nil {
		if e := json.Unmarshal(body, &out); e != nil {
			err = untrusted("%v", e)
		} else if e := accept(&out); e != nil {
			err = untrusted("%v", e)
		}
	}
	c.report(ctx, r, err, c.options.Now().Sub(began))
	return out, err
}

// report logs and counts how a call ended.
func (c *Client) report(ctx context.Context, r request, err error, took time.Duration) {
	c.options.Metrics.called(c.options.Name, r.name, err, took)
	level, attrs := slog.LevelDebug, []slog.Attr{slog.String("call", r.name), slog.String("id", r.id), slog.Duration("took", took)}
	if err != nil {
		level = slog.LevelWarn
		attrs = append(attrs, slog.String("err", err.Error()))
	}
	c.log.LogAttrs(ctx, level, "bank was called", attrs...)
}

// exchange sends a request once and returns the body of a trusted 200.
func (c *Client) exchange(ctx context.Context, r request) ([]byte, error) {
	if ctx.Err() != nil {
		return nil, notSent(context.Cause(ctx))
	}
	ctx, cancel := context.WithTimeoutCause(ctx, c.options.Timeout, ErrTimeout)
	defer cancel()
	// left is true from the moment that there is a connection to write on. net/http looks for another one only when
	// nothing of a POST was written, and repeats a GET as it likes.
	var left atomic.Bool
	trace := &httptrace.ClientTrace{
		GetConn: func(string) { left.Store(false) },
		GotConn: func(httptrace.GotConnInfo) { left.Store(true) },
	}
	nonce := rand.Text()
	out, err := c.compose(httptrace.WithClientTrace(ctx, trace), r, nonce)
	if err != nil {
		return nil, err
	}
	answer, err := c.http.Do(out)
	if err != nil {
		if !left.Load() {
			return nil, notSent(reason(ctx, err))
		}
		return nil, unknown(reason(ctx, err))
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer+1))
	if err != nil {
		return nil, unknown(reason(ctx, err))
	}
	return body, c.judge(answer, body, nonce)
}

// compose makes the signed HTTP request.
func (c *Client) compose(ctx context.Context, r request, nonce string) (*http.Request, error) {
	var body []byte
	if r.body != nil {
		var err error
		if body, err = json.Marshal(r.body); err != nil {
			return nil, invalid("%v", err)
		}
	}
	out, err := http.NewRequestWithContext(ctx, r.method, c.base+r.path, bytes.NewReader(body))
	if err != nil {
		return nil, invalid("%v", err)
	}
	if body != nil {
		out.Header.Set("Content-Type", "application/json")
	}
	out.Header.Set("Accept-Encoding", "identity") // the signature is over the bytes as sent
	c.keys[0].signRequest(out, body, c.options.Now(), nonce)
	return out, nil
}

// reason is why a request failed, without its URL.
func reason(ctx context.Context, err error) error {
	if cause := context.Cause(ctx); cause != nil {
		return cause
	}
	if u := (*url.Error)(nil); errors.As(err, &u) {
		return u.Err
	}
	return err
}

// judge says what an answer means.
func (c *Client) judge(a *http.Response, body []byte, nonce string) error {
	if len(body) > maxAnswer {
		return untrusted("it is longer than %d bytes", maxAnswer)
	}
	if !c.answers(a, body, nonce) {
		return untrusted("status %d without the bank's signature", a.StatusCode)
	}
	switch status := a.StatusCode; {
	case status == http.StatusOK:
		return nil
	case status == http.StatusServiceUnavailable || status == http.StatusTooManyRequests:
		return notSent(fmt.Errorf("%w: status %d", ErrUnavailable, status))
	case status < 400 || status > 499:
		return unknown(fmt.Errorf("the bank answered with status %d", status))
	}
	var e struct {
		Code    string `json:"code"`
		Message string `json:"message"`
	}
	if err := json.Unmarshal(body, &e); err != nil || !printable(e.Code, 64) {
		return untrusted("status %d without a code", a.StatusCode)
	}
	said := vault.Words(e.Message)
	return &RefusedError{Status: a.StatusCode, Code: vault.Words(e.Code), Message: said[:min(len(said), 200)]}
}

// printable reports whether s is 1 to most ASCII characters without spaces.
func printable(s string, most int) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return s != "" && len(s) <= most
}
