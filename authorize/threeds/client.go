package threeds

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Options configure a Client. BaseURL, KeyID and Secret are required.
type Options struct {
	// BaseURL is the server's address, without "/v1/…". It is https; http only on this machine, or with AllowHTTP.
	BaseURL string
	// AllowHTTP lets the server and the pages of banks be reached without TLS, for tests.
	AllowHTTP bool
	// KeyID and Secret sign requests and answers; the secret has at least 16 bytes.
	KeyID  string
	Secret []byte
	// Timeout is for one request and its answer. Default 10 s.
	Timeout time.Duration
	// Now is the time in signatures. Default time.Now.
	Now func() time.Time
	// Client sends the requests; it must not follow redirects to other hosts. Default: one of its own.
	Client *http.Client
	// Log tells of requests without a usable answer. Default slog.Default.
	Log *slog.Logger
}

// Client asks a 3-D Secure server. It is safe for concurrent use.
type Client struct {
	base      *url.URL
	allowHTTP bool
	keyID     string
	secret    []byte
	timeout   time.Duration
	now       func() time.Time
	http      *http.Client
	log       *slog.Logger
}

const (
	scheme    = "3DS-HMAC-SHA256"
	minSecret = 16
	maxAnswer = 64 << 10
)

// New returns a client. The error says which option is missing or wrong.
func New(o Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(o.BaseURL, "/"))
	switch {
	case err != nil:
		return nil, fmt.Errorf("threeds: base URL: %w", err)
	case !safe(base, o.AllowHTTP) || base.RawQuery != "" || base.User != nil:
		return nil, fmt.Errorf("threeds: base URL %q is not https with a host and a path only", o.BaseURL)
	case o.KeyID == "" || strings.ContainsAny(o.KeyID, ": \r\n"):
		return nil, errors.New("threeds: key id is missing, or has a colon or a space")
	case len(o.Secret) < minSecret:
		return nil, fmt.Errorf("threeds: secret is shorter than %d bytes", minSecret)
	}
	c := &Client{
		base: base, allowHTTP: o.AllowHTTP, keyID: o.KeyID, secret: bytes.Clone(o.Secret), timeout: o.Timeout,
		now: o.Now, http: o.Client, log: cmp.Or(o.Log, slog.Default()),
	}
	if c.timeout <= 0 {
		c.timeout = 10 * time.Second
	}
	if c.now == nil {
		c.now = time.Now
	}
	if c.http == nil {
		c.http = ownClient()
	}
	return c, nil
}

// ownClient follows no redirects: the server's API has none, and a card number must not be sent elsewhere.
func ownClient() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost, transport.TLSClientConfig = 64, &tls.Config{MinVersion: tls.VersionTLS12}
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// Close ends idle connections.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// safe tells whether an address may be used: https, or http on this machine or when allowed.
func safe(u *url.URL, allowHTTP bool) bool {
	if u.Host == "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && (local || allowHTTP)
}

// ask sends one request and decodes its answer into answer. question nil means a GET without a body.
func (c *Client) ask(ctx context.Context, path string, question, answer any) error {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, signature, err := c.request(ctx, path, question)
	if err != nil {
		return err
	}
	began := c.now()
	status, body, err := c.exchange(request, signature)
	if err == nil {
		err = read(status, body, answer)
	}
	if err != nil {
		c.log.Warn("3-D Secure server gave no usable answer", slog.String("method", request.Method), slog.String("path", request.URL.Path), slog.Int("status", status),
			slog.Duration("duration", c.now().Sub(began)), slog.Any("error", err))
	}
	return err
}

// request makes a signed request.
func (c *Client) request(ctx context.Context, path string, question any) (r *http.Request, signature string, err error) {
	method, body := http.MethodGet, []byte(nil)
	if question != nil {
		method = http.MethodPost
		if body, err = plainJSON(question); err != nil {
			return nil, "", invalid("encode: %w", err)
		}
	}
	if r, err = http.NewRequestWithContext(ctx, method, c.base.JoinPath(path).String(), bytes.NewReader(body)); err != nil {
		return nil, "", invalid("%w", err)
	}
	at := strconv.FormatInt(c.now().Unix(), 10)
	signature = c.sign("request", method, r.URL.EscapedPath(), at, digest(body))
	r.Header.Set("Authorization", scheme+" "+c.keyID+":"+at+":"+signature)
	r.Header.Set("Accept", "application/json")
	if question != nil {
		r.Header.Set("Content-Type", "application/json")
		// A connection that the server has closed meanwhile may be replaced: a repeat does nothing again.
		r.Header.Set("Idempotency-Key", digest(body))
	}
	return r, signature, nil
}

// plainJSON writes a message without the escapes that are for HTML: they make six characters of one.
func plainJSON(message any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(message)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

func (c *Client) sign(lines ...string) string {
	mac := hmac.New(sha256.New, c.secret)
	_, _ = io.WriteString(mac, strings.Join(lines, "\n"))
	return hex.EncodeToString(mac.Sum(nil))
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// exchange returns an answer whose signature is right.
func (c *Client) exchange(request *http.Request, signature string) (status int, body []byte, err error) {
	response, err := c.http.Do(request)
	if err != nil {
		return 0, nil, unavailable("%w", reason(err))
	}
	defer response.Body.Close()
	body, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
	switch {
	case err != nil:
		return response.StatusCode, nil, unavailable("answer was cut off: %w", reason(err))
	case len(body) > maxAnswer:
		return response.StatusCode, nil, untrusted("it is longer than %d bytes", maxAnswer)
	case response.StatusCode == http.StatusUnauthorized:
		return response.StatusCode, nil, invalid("the server does not take our key, secret or time")
	}
	want := c.sign("answer", signature, strconv.Itoa(response.StatusCode), digest(body))
	if !hmac.Equal([]byte(want), []byte(response.Header.Get("X-3DS-Signature"))) {
		return response.StatusCode, nil, unsigned(response.StatusCode)
	}
	return response.StatusCode, body, nil
}

// unsigned is what an answer says that the server did not sign: something before it may have refused the request.
func unsigned(status int) error {
	switch {
	case status >= http.StatusInternalServerError:
		return unavailable("status %d, not signed by the server", status)
	case status >= http.StatusBadRequest:
		return invalid("status %d, not signed by the server", status)
	}
	return untrusted("status %d, not signed by the server", status)
}

// reason is what went wrong, without the address.
func reason(err error) error {
	var at *url.Error
	if errors.As(err, &at) {
		return at.Err
	}
	return err
}

// read decodes the answer, or returns the error that it is.
func read(status int, body []byte, answer any) error {
	if status == http.StatusOK {
		if err := json.Unmarshal(body, answer); err != nil {
			return untrusted("it cannot be read: %w", err)
		}
		return nil
	}
	var e struct {
		Error struct{ Code, Message string }
	}
	_ = json.Unmarshal(body, &e) // what cannot be read says nothing; the status does
	said := fmt.Sprintf("server says %.40q, %.200q", hideNumbers(e.Error.Code), hideNumbers(e.Error.Message))
	switch {
	case status == http.StatusNotFound:
		return fmt.Errorf("%w: %s", ErrNoTransaction, said)
	case status >= 400 && status < 500:
		return invalid("status %d, %s", status, said)
	case status >= 500:
		return unavailable("status %d, %s", status, said)
	}
	return untrusted("status %d", status)
}

// hideNumbers masks what could be a card number in a text of the server.
func hideNumbers(s string) string {
	return longNumber.ReplaceAllString(s, "****")
}

var longNumber = regexp.MustCompile(`[0-9]{9,}`)
