package app

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"settled/authorize/page"
	"settled/internal/app/apptest"
	"settled/internal/app/edge"
	"settled/internal/config"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
)

// start starts API and metrics with what edit makes of the options. Nobody is at the other end of the center's line.
func start(t *testing.T, edit func(*Options)) *Server {
	t.Helper()
	o := options(t, pgtest.URL(t), "127.0.0.1:1")
	edit(&o)
	core, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(core.Close)
	s, err := Start(t.Context(), core, Roles{Serve: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Stop(context.WithoutCancel(t.Context())) })
	return s
}

// startTLS starts API and metrics with a certificate, and returns whom clients trust.
func startTLS(t *testing.T) (*Server, config.Pair, *x509.CertPool) {
	t.Helper()
	pair := apptest.Certificate(t, t.TempDir(), "first", time.Now().AddDate(1, 0, 0))
	s := start(t, func(o *Options) { o.Environment.TLS, o.Environment.MetricsTLS = pair, pair })
	return s, pair, trust(t, pair)
}

func trust(t *testing.T, pairs ...config.Pair) *x509.CertPool {
	t.Helper()
	pool := x509.NewCertPool()
	for _, p := range pairs {
		text, err := os.ReadFile(p.Certificate)
		if err != nil || !pool.AppendCertsFromPEM(text) {
			t.Fatalf("%s: %v", p.Certificate, err)
		}
	}
	return pool
}

// addresses are those of every listener by its name; one that is new has to be added.
func addresses(t *testing.T, s *Server) map[string]string {
	t.Helper()
	all := map[string]string{config.ListenerAPI: s.APIAddr, config.ListenerMetrics: s.MetricAddr}
	for _, l := range s.Environment.Listeners(vault.Live) {
		if all[l.Name] == "" {
			t.Errorf("listener %s is not served, or has no row", l.Name)
		}
	}
	return all
}

// handshakes are what clients offer, and whether it is agreed on.
var handshakes = []struct {
	name     string
	from, to uint16
	suites   []uint16
	agreed   bool
}{
	{"TLS 1.0", tls.VersionTLS10, tls.VersionTLS10, nil, false},
	{"TLS 1.1", tls.VersionTLS11, tls.VersionTLS11, nil, false},
	{"TLS 1.0 to 1.1", tls.VersionTLS10, tls.VersionTLS11, nil, false},
	{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, nil, true},
	{"TLS 1.3", tls.VersionTLS13, tls.VersionTLS13, nil, true},
	{"TLS 1.0 to 1.3", tls.VersionTLS10, tls.VersionTLS13, nil, true},
	{"no forward secrecy", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384}, false},
	{"CBC", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA}, false},
	{"RC4", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_RC4_128_SHA, tls.TLS_RSA_WITH_RC4_128_SHA}, false},
	{"3DES", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA}, false},
	{"AES-128-GCM", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}, true},
	{"AES-256-GCM", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384}, true},
	{"ChaCha20-Poly1305", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256}, true},
}

// TestHandshakes tries every listener with old versions and weak suites, which are refused, and with those of today, over which a request
// is answered.
func TestHandshakes(t *testing.T) {
	s, _, roots := startTLS(t)
	for name, address := range addresses(t, s) {
		for _, h := range handshakes {
			c, err := tls.Dial("tcp", address, &tls.Config{RootCAs: roots, MinVersion: h.from, MaxVersion: h.to, CipherSuites: h.suites})
			if (err == nil) != h.agreed {
				t.Errorf("%s, %s: %v", name, h.name, err)
			}
			if err != nil {
				continue
			}
			fmt.Fprint(c, "GET /nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
			if status := answered(t, c); status != http.StatusNotFound {
				t.Errorf("%s, %s: %d", name, h.name, status)
			}
			c.Close()
		}
		if c, err := net.Dial("tcp", address); err != nil {
			t.Error(err)
		} else {
			fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: a\r\n\r\n")
			if status := answered(t, c); status == http.StatusOK {
				t.Errorf("%s answers plain HTTP", name)
			}
			c.Close()
		}
	}
}

// samplePaths are addresses of every way by which handlers are registered (internal/architecture has the list), beside those that metrics
// count by route.
var samplePaths = []string{"/charge/charge.wsdl", "/instant/NOBODY/notice", page.StaticPath + "page.css", "/", "/nowhere", "/pay/", "/pay/../etc/passwd", "*"}

// TestHeadersOnEveryRoute asks every route of every listener by several methods, and looks at the headers of whatever is answered.
func TestHeadersOnEveryRoute(t *testing.T) {
	s, _, roots := startTLS(t)
	api := slices.Concat(routesOf(t, s), samplePaths)
	if len(api) < 30 {
		t.Fatalf("few routes: %v", api)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for name, paths := range map[string][]string{config.ListenerAPI: api, config.ListenerMetrics: {"/metrics", "/healthz", "/readyz", "/", "/debug/pprof/", "/nowhere"}} {
		for _, path := range paths {
			for _, method := range []string{"GET", "POST", "HEAD", "PUT", "OPTIONS", "TRACE"} {
				r, err := http.NewRequestWithContext(t.Context(), method, "https://"+addresses(t, s)[name]+"/", nil)
				if err != nil {
					t.Fatal(err)
				}
				if r.URL.Path = path; path == "*" {
					r.URL.Opaque = "*"
				}
				got, err := client.Do(r)
				if err != nil {
					t.Errorf("%s %s: %v", method, path, err)
					continue
				}
				text, _ := io.ReadAll(got.Body)
				got.Body.Close()
				checkHeaders(t, name+" "+method+" "+path, got)
				if bytes.Contains(text, []byte("[running]")) || bytes.Contains(text, []byte(".go:")) {
					t.Errorf("%s %s tells the inside: %s", method, path, text)
				}
			}
		}
	}
}

// TestNothingForDebuggersIsServed, on any listener: nor are metrics and health by that of the merchants.
func TestNothingForDebuggersIsServed(t *testing.T) {
	s := start(t, func(*Options) {})
	for name, address := range addresses(t, s) {
		paths := []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/vars", "/debug/requests", "/debug"}
		if name != config.ListenerMetrics {
			paths = append(paths, "/metrics", "/healthz", "/readyz")
		}
		for _, path := range paths {
			got, err := http.Get("http://" + address + path)
			if err != nil {
				t.Fatal(err)
			}
			if got.Body.Close(); got.StatusCode != http.StatusNotFound {
				t.Errorf("%s answers %s: %d", name, path, got.StatusCode)
			}
		}
	}
}

// routesOf are the routes of the API that have metrics.
func routesOf(t *testing.T, s *Server) []string {
	t.Helper()
	families, err := s.Registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == "settled_api_request_duration_seconds" && l.GetName() == "route" {
					all[l.GetValue()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(all))
}

// own are headers that a route may have of its own.
var own = map[string][]string{
	"Content-Security-Policy": {"default-src 'none'", "frame-ancestors", "base-uri 'none'"}, // each page names what it needs
	"Cache-Control":           {""},                                                         // files of the page are kept for ever under names of their content
}

func checkHeaders(t *testing.T, what string, got *http.Response) {
	t.Helper()
	for name, value := range edge.Headers {
		have := got.Header.Get(name)
		if have == value {
			continue
		}
		for _, part := range own[name] {
			if have == "" || !strings.Contains(have, part) {
				t.Errorf("%s: %d with %s: %q", what, got.StatusCode, name, have)
			}
		}
		if own[name] == nil {
			t.Errorf("%s: %d with %s: %q", what, got.StatusCode, name, have)
		}
	}
	if have := got.Header.Get("Strict-Transport-Security"); have != edge.StrictTransport {
		t.Errorf("%s: %d with Strict-Transport-Security: %q", what, got.StatusCode, have)
	}
	for _, name := range []string{"Access-Control-Allow-Origin", "Server", "X-Powered-By"} {
		if have := got.Header.Get(name); have != "" {
			t.Errorf("%s: %d with %s: %q", what, got.StatusCode, name, have)
		}
	}
	if got.StatusCode >= 400 && got.Header.Get("X-Request-Id") == "" {
		t.Errorf("%s: %d without a number", what, got.StatusCode)
	}
}

// smuggled are requests that end in two ways. What net/http does with each alone: it takes all but the last two.
var smuggled = map[string]string{
	"length and chunks":     "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
	"chunks and length":     "Transfer-Encoding: chunked\r\nContent-Length: 6\r\n\r\n0\r\n\r\nG",
	"bare line feed":        "X: y\nX-Other: z\r\n\r\n",
	"bare line feeds":       "X: y\n\n",
	"folded":                "X: y\r\n Content-Length: 5\r\n\r\n",
	"expectation":           "Expect: 200-ok\r\n\r\n",
	"one length twice":      "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
	"two lengths":           "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
	"space before colon":    "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
	"chunk with bare feeds": "Transfer-Encoding: chunked\r\n\r\n1\na\n0\n\n",
}

// TestSmuggledRequestsAreRefused sends each between two good requests in one write, to every listener, over TLS and without: the first is
// answered, the second refused with the headers of every answer, and the connection closed before the third.
func TestSmuggledRequestsAreRefused(t *testing.T) {
	secure, _, roots := startTLS(t)
	plain := start(t, func(*Options) {})
	for over, s := range map[string]*Server{"TLS": secure, "plain": plain} {
		for name, address := range addresses(t, s) {
			for what, text := range smuggled {
				var c net.Conn
				var err error
				if c, err = net.Dial("tcp", address); err == nil && over == "TLS" {
					c = tls.Client(c, &tls.Config{RootCAs: roots, ServerName: "localhost"})
				}
				if err != nil {
					t.Fatal(err)
				}
				_ = c.SetDeadline(time.Now().Add(10 * time.Second))
				good := "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n"
				fmt.Fprint(c, good+"POST /nowhere HTTP/1.1\r\nHost: a\r\n"+text+good)
				if got := statuses(t, c); !slices.Equal(got, []int{404, 400}) && !slices.Equal(got, []int{404, 404}) || what != "chunk with bare feeds" && slices.Equal(got, []int{404, 404}) {
					t.Errorf("%s, %s, %s: %v", name, over, what, got)
				}
				c.Close()
			}
		}
	}
}

// statuses are those of all answers of a connection until it ends. Those that are no handler's have the headers, too.
func statuses(t *testing.T, c net.Conn) (all []int) {
	t.Helper()
	in := bufio.NewReader(c)
	for {
		got, err := http.ReadResponse(in, nil)
		if err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
			return all
		}
		_, _ = io.Copy(io.Discard, got.Body)
		got.Body.Close()
		all = append(all, got.StatusCode)
		for name, value := range edge.Headers {
			if have := got.Header.Get(name); have != value {
				t.Errorf("%d with %s: %q", got.StatusCode, name, have)
			}
		}
	}
}

// TestPipelinedRequestsAreAnswered: guarded connections answer many requests that are sent at once, each with its body, in their order.
func TestPipelinedRequestsAreAnswered(t *testing.T) {
	s := start(t, func(*Options) {})
	c := connect(t, s, "127.0.0.1")
	const each = "GET /charge/charge.wsdl HTTP/1.1\r\nHost: a\r\n\r\n" +
		"POST /nowhere HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\na=b\nc" + "\r\n" + // old browsers send an end of line that counts to nothing
		"POST /nowhere HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
	fmt.Fprint(c, strings.Repeat(each, 50)+"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	got := []int{}
	in := bufio.NewReader(c)
	for {
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			break
		}
		_, _ = io.Copy(io.Discard, r.Body)
		got = append(got, r.StatusCode)
	}
	want := append(slices.Repeat([]int{200, 404, 404}, 50), 404)
	if !slices.Equal(got, want) {
		t.Errorf("%d answers, want %d: %v", len(got), len(want), got)
	}
}

// TestHalfARequestBehindAnother: the end of a request is no time-out of the one whose head has begun behind it.
func TestHalfARequestBehindAnother(t *testing.T) {
	s := start(t, func(*Options) {})
	c := connect(t, s, "127.0.0.1")
	const first, begun, rest = "GET /charge/charge.wsdl HTTP/1.1\r\nHost: a\r\n\r\n", "GET /charge/charge.wsdl HTT", "P/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	in := bufio.NewReader(c)
	for _, text := range []string{first + begun, rest} {
		fmt.Fprint(c, text)
		r, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.Copy(io.Discard, r.Body); err != nil || r.StatusCode != http.StatusOK {
			t.Fatalf("%d, %v", r.StatusCode, err)
		}
	}
}

// TestCertificateIsRenewedUnderLoad replaces the files, one after the other, while clients call on new and on old connections: no call
// fails, and new connections show the new certificate within seconds.
func TestCertificateIsRenewedUnderLoad(t *testing.T) {
	s, pair, _ := startTLS(t)
	next := apptest.Certificate(t, t.TempDir(), "second", time.Now().AddDate(2, 0, 0))
	roots := trust(t, pair, next)
	var calls, failed atomic.Int64
	var renewed atomic.Bool
	var callers sync.WaitGroup
	ctx, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	for i := range 6 {
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, DisableKeepAlives: i%2 == 0}}
		callers.Go(func() {
			for ctx.Err() == nil {
				got, err := client.Get("https://" + s.APIAddr + "/charge/charge.wsdl")
				if calls.Add(1); err != nil || got.StatusCode != http.StatusOK {
					failed.Add(1)
					t.Errorf("a call failed: %v", err)
					return
				}
				_, _ = io.Copy(io.Discard, got.Body)
				got.Body.Close()
				if i%2 == 0 && got.TLS.PeerCertificates[0].Subject.CommonName == "second" {
					renewed.Store(true)
				}
			}
		})
	}
	for _, f := range [][2]string{{next.Certificate, pair.Certificate}, {next.Key, pair.Key}} {
		text, err := os.ReadFile(f[0])
		if err == nil {
			err = os.WriteFile(f[1], text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(lookEvery + lookEvery/2) // a look sees one new file and one old
	}
	for ctx.Err() == nil && !renewed.Load() {
		time.Sleep(50 * time.Millisecond)
	}
	stop()
	callers.Wait()
	if failed.Load() > 0 || calls.Load() < 100 || !renewed.Load() {
		t.Errorf("%d of %d calls failed; renewed: %v", failed.Load(), calls.Load(), renewed.Load())
	}
	if text := scraped(t, s, roots); !strings.Contains(text, `settled_tls_certificate_changes_total{listener="api",outcome="taken"} 1`) ||
		!strings.Contains(text, `settled_tls_certificate_changes_total{listener="api",outcome="refused"} 1`) || !strings.Contains(text, `settled_tls_certificate_end_timestamp_seconds{listener="api"}`) {
		t.Errorf("metrics: %s", text)
	}
}

func scraped(t *testing.T, s *Server, roots *x509.CertPool) string {
	t.Helper()
	got, err := (&http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}}}).Get("https://" + s.MetricAddr + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer got.Body.Close()
	text, err := io.ReadAll(got.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestMetricsWantTheToken: without the token, with another, or with one in another place metrics are not told; health is, to everybody.
func TestMetricsWantTheToken(t *testing.T) {
	const token = "0123456789abcdef0123456789abcdef"
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte(token+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := start(t, func(o *Options) { o.Environment.MetricsToken = path })
	for _, c := range []struct {
		path, said string
		status     int
	}{
		{"/metrics", "", 401}, {"/metrics", "Bearer ", 401}, {"/metrics", "Bearer " + token[1:], 401}, {"/metrics", "Bearer " + token + "0", 401},
		{"/metrics", "Basic " + token, 401}, {"/metrics", token, 401}, {"/metrics?token=" + token, "", 401},
		{"/metrics", "Bearer " + token, 200}, {"/metrics", "bearer " + token, 200}, {"/healthz", "", 200}, {"/readyz", "", 200},
	} {
		if got := asked(t, s, c.path, c.said); got.StatusCode != c.status || c.status == 401 && got.Header.Get("WWW-Authenticate") != "Bearer" {
			t.Errorf("%s with %q: %d, want %d; %v", c.path, c.said, got.StatusCode, c.status, got.Header)
		}
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := asked(t, s, "/metrics", "Bearer "+token); got.StatusCode != http.StatusServiceUnavailable {
		t.Errorf("a token that everybody can read: %d", got.StatusCode)
	}
}

func asked(t *testing.T, s *Server, path, said string) *http.Response {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+s.MetricAddr+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	if said != "" {
		r.Header.Set("Authorization", said)
	}
	got, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	got.Body.Close()
	return got
}

// TestUnsafeListenersDoNotStart: the start, and `settled config check`, refuse what they must, with the reason.
func TestUnsafeListenersDoNotStart(t *testing.T) {
	dir := t.TempDir()
	pair := apptest.Certificate(t, dir, "one", time.Now().AddDate(1, 0, 0))
	open := filepath.Join(dir, "token")
	if err := errors.Join(os.WriteFile(open, []byte("0123456789abcdef"), 0o600), os.Chmod(open, 0o644)); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		of    vault.Environment
		edit  func(*config.Environment)
		fault string
	}{
		"live, as it is":      {vault.Live, func(*config.Environment) {}, ""},
		"live, open API":      {vault.Live, func(e *config.Environment) { e.Listen = ":0" }, "SETTLED_LISTEN"},
		"live, open metrics":  {vault.Live, func(e *config.Environment) { e.MetricsListen = ":0" }, "SETTLED_METRICS_LISTEN"},
		"live, open with TLS": {vault.Live, func(e *config.Environment) { e.Listen, e.TLS = ":0", pair }, ""},
		"live, open behind": {vault.Live, func(e *config.Environment) {
			e.Listen, e.Proxies = ":0", []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")}
		}, ""},
		"test, open API":          {vault.Test, func(e *config.Environment) { e.Listen = ":0" }, ""},
		"no such certificate":     {vault.Test, func(e *config.Environment) { e.TLS = config.Pair{Certificate: "none", Key: "none"} }, "no such file"},
		"token that all can read": {vault.Test, func(e *config.Environment) { e.MetricsToken = open }, "chmod 600"},
		"metrics behind a network": {vault.Live, func(e *config.Environment) {
			e.MetricsListen, e.MetricsFrom = ":0", []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}
		}, ""},
	} {
		e := config.Environment{Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0"}
		c.edit(&e)
		err := CheckListeners(e, &config.Config{Environment: c.of}, time.Now)
		if c.fault == "" && err != nil || c.fault != "" && (!errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.fault)) {
			t.Errorf("%s: %v, want %q", name, err, c.fault)
		}
		core := &Core{Options: Options{Environment: e, Config: &config.Config{Environment: c.of}, Now: time.Now, Log: slog.New(slog.DiscardHandler)}}
		if c.fault != "" {
			if _, err := Start(t.Context(), core, Roles{Serve: true}); !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), c.fault) {
				t.Errorf("%s: the start says %v", name, err)
			}
		}
	}
}

// arrivals is a listener whose connections come from given addresses.
type arrivals struct {
	net.Listener
	from []string
}

type arrival struct {
	net.Conn
	from   string
	closed *bool
}

func (a arrival) RemoteAddr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(a.from), 4000))
}

func (a arrival) Close() error { *a.closed = true; return nil }

// Accept returns the connections, then an error.
func (a *arrivals) Accept() (net.Conn, error) {
	if len(a.from) == 0 {
		return nil, io.EOF
	}
	c := arrival{from: a.from[0], closed: new(bool)}
	a.from = a.from[1:]
	return c, nil
}

// TestOnlyNamedNetworksConnect: a connection from an address that is neither in a named network nor of this host is closed at once.
func TestOnlyNamedNetworksConnect(t *testing.T) {
	all := []string{"203.0.113.1", "10.1.2.3", "127.0.0.1", "::1", "::ffff:10.1.2.4", "192.0.2.1", "2001:db8::1"}
	for name, c := range map[string]struct {
		from []netip.Prefix
		want []string
	}{
		"nobody is named": {nil, all},
		"a network":       {[]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}, []string{"10.1.2.3", "127.0.0.1", "::1", "::ffff:10.1.2.4"}},
		"two networks":    {[]netip.Prefix{netip.MustParsePrefix("192.0.2.1/32"), netip.MustParsePrefix("2001:db8::/32")}, []string{"127.0.0.1", "::1", "192.0.2.1", "2001:db8::1"}},
	} {
		refused := 0
		l := &fairListener{Listener: &arrivals{from: slices.Clone(all)}, most: 9, from: c.from, open: map[netip.Addr]int{}, refused: func(why string) {
			if refused++; why != whyNetwork {
				t.Errorf("refused for %s", why)
			}
		}}
		var got []string
		for {
			conn, err := l.Accept()
			if err != nil {
				break
			}
			got = append(got, conn.(*countedConn).Conn.(arrival).from)
		}
		if !slices.Equal(got, c.want) || refused != len(all)-len(c.want) {
			t.Errorf("%s: %v connect, %d refused", name, got, refused)
		}
	}
}
