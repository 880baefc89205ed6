package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"syscall"
	"time"
)

const (
	defaultTimeout = 10 * time.Second // of one request, from the resolution of the name to the last byte of the answer
	maxAnswer      = 64 << 10         // bytes of an answer's body
	maxHeader      = 16 << 10         // bytes of its header
	maxWhy         = 300              // characters of the reason that there was none
)

// Options of a client. All may be zero.
type Options struct {
	Timeout  time.Duration  // of one request as a whole; default 10 s
	Resolver *net.Resolver  // of names; default the system's
	Roots    *x509.CertPool // of certificates; default the system's
}

// Client sends notifications. It is safe for concurrent use and holds nothing between requests.
type Client struct {
	timeout         time.Duration
	public, private *http.Client
}

// New makes a client.
func New(o Options) *Client {
	if o.Timeout == 0 {
		o.Timeout = defaultTimeout
	}
	guard := func(_ context.Context, _, address string, _ syscall.RawConn) error { return checkAddress(address) }
	return &Client{timeout: o.Timeout, public: o.client(guard), private: o.client(nil)}
}

func (o *Options) client(guard func(context.Context, string, string, syscall.RawConn) error) *http.Client {
	dialer := &net.Dialer{Resolver: o.Resolver, ControlContext: guard}
	return &http.Client{
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		Transport: &http.Transport{
			Proxy: nil, DialContext: dialer.DialContext, DisableKeepAlives: true, DisableCompression: true,
			MaxResponseHeaderBytes: maxHeader, TLSClientConfig: &tls.Config{RootCAs: o.Roots, MinVersion: tls.VersionTLS12},
		},
	}
}

// Address is where and how a merchant's server takes notifications.
type Address struct {
	URL string
	// SOAP: the server speaks SOAP; else it takes a form.
	SOAP bool
	// PlainAnswer: any answer with status 200 is a receipt, and its body is not read.
	PlainAnswer bool
	// AllowPrivate permits addresses and ports outside of the public Internet. For tests and demos.
	AllowPrivate bool
	// Signer signs requests, besides the proof in their bodies.
	Signer Signer
}

// Message is a notification as it is sent.
type Message struct {
	ID   string // the same in each try; no "." in it
	At   time.Time
	Body []byte // that [Form] or [Envelope] made
}

// CheckURL says what is wrong with the URL of a merchant's server, as far as that can be told without connecting to it.
func CheckURL(text string, allowPrivate bool) error {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return fmt.Errorf("%w: an http or https URL is needed", ErrAddress)
	}
	if u.User != nil {
		return fmt.Errorf("%w: a URL with a user name or password", ErrAddress)
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	if allowPrivate {
		return nil
	}
	if net.ParseIP(u.Hostname()) != nil {
		return checkAddress(net.JoinHostPort(u.Hostname(), port))
	}
	return checkAddress(net.JoinHostPort("1.1.1.1", port)) // of a name, the port alone
}

// Outcome is what became of a request.
type Outcome int

// The outcomes of a request.
const (
	Silent    Outcome = iota // no answer that is understood
	Delivered                // the server has the notification
	Refused                  // the server understood and said no
)

// Answer is what a merchant's server said. First and Second are its codes, when it gave any; Err says why it was Silent.
type Answer struct {
	Outcome       Outcome
	First, Second string
	Err           error
}

// Why says in a line why the answer was Silent; empty when it was not.
func (a Answer) Why() string {
	if a.Err == nil {
		return ""
	}
	return clean(a.Err.Error(), maxWhy)
}

// Send sends a message, and waits for the answer.
func (c *Client) Send(ctx context.Context, to Address, m Message) Answer {
	a, err := c.send(ctx, to, m)
	if err != nil {
		return Answer{Err: err}
	}
	return a
}

func (c *Client) send(ctx context.Context, to Address, m Message) (Answer, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	request, err := newRequest(ctx, to, m)
	if err != nil {
		return Answer{}, err
	}
	client := c.public
	if to.AllowPrivate {
		client = c.private
	}
	response, err := client.Do(request)
	if err != nil {
		return Answer{}, withoutURL(err)
	}
	defer response.Body.Close()
	return read(to, response.StatusCode, response.Header.Get("Content-Type"), response.Body)
}

func newRequest(ctx context.Context, to Address, m Message) (*http.Request, error) {
	if err := CheckURL(to.URL, to.AllowPrivate); err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL, bytes.NewReader(m.Body))
	if err != nil {
		return nil, fmt.Errorf("%w: an http or https URL is needed", ErrAddress)
	}
	request.Header.Set("User-Agent", "settled")
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded; charset=utf-8")
	if to.SOAP {
		request.Header.Set("Content-Type", "text/xml; charset=utf-8")
		request.Header.Set("SOAPAction", `"`+namespace+`PushPaymentResult"`)
	}
	to.Signer.sign(request.Header, m)
	return request, nil
}

// read understands an answer of a server.
func read(to Address, status int, contentType string, body io.Reader) (Answer, error) {
	if to.PlainAnswer {
		if status != http.StatusOK {
			return Answer{}, fmt.Errorf("status %d instead of 200", status)
		}
		return Answer{Outcome: Delivered}, nil
	}
	if status/100 != 2 && (!to.SOAP || status != http.StatusInternalServerError) { // a SOAP fault comes with 500
		return Answer{}, fmt.Errorf("status %d", status)
	}
	text, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	if err != nil {
		return Answer{}, fmt.Errorf("read answer: %w", err)
	}
	if len(text) > maxAnswer {
		return Answer{}, fmt.Errorf("answer is longer than %d bytes", maxAnswer)
	}
	if text, err = readable(text, contentType); err != nil {
		return Answer{}, err
	}
	if to.SOAP {
		return parseSOAP(text, status)
	}
	return parseXML(text)
}

// withoutURL takes the URL, which may hold what only the merchant should know, out of an error.
func withoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
