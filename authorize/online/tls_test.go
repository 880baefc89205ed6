package online

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// authority signs certificates.
type authority struct {
	t           testing.TB
	certificate *x509.Certificate
	key         crypto.Signer
	file        string
}

func newAuthority(t testing.TB) *authority {
	a := &authority{t: t, key: ecKey(t)}
	made := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, a.key)
	a.certificate = made.Leaf
	a.file = keep(t, "ca.pem", "CERTIFICATE", made.Leaf.Raw)
	return a
}

func ecKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// sign makes a certificate that is valid for an hour unless it says otherwise; an authority without a certificate signs itself.
func (a *authority) sign(c *x509.Certificate, key crypto.Signer) tls.Certificate {
	a.t.Helper()
	c.SerialNumber = big.NewInt(time.Now().UnixNano())
	if c.NotAfter.IsZero() {
		c.NotBefore, c.NotAfter = time.Now().Add(-time.Hour), time.Now().Add(time.Hour)
	}
	parent := a.certificate
	if parent == nil {
		parent = c
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, key.Public(), a.key)
	if err != nil {
		a.t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(raw)
	if err != nil {
		a.t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{raw}, PrivateKey: key, Leaf: leaf}
}

// server signs the certificate of a host.
func (a *authority) server(name string, change ...func(*x509.Certificate)) tls.Certificate {
	c := &x509.Certificate{DNSNames: []string{name}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}
	if ip := net.ParseIP(name); ip != nil {
		c.DNSNames, c.IPAddresses = nil, []net.IP{ip}
	}
	for _, f := range change {
		f(c)
	}
	return a.sign(c, ecKey(a.t))
}

// client signs our own certificate, and keeps it with its key.
func (a *authority) client() (certificate, key string) {
	own := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "settled"}, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}}, ecKey(a.t))
	raw, err := x509.MarshalPKCS8PrivateKey(own.PrivateKey)
	if err != nil {
		a.t.Fatal(err)
	}
	return keep(a.t, "client.pem", "CERTIFICATE", own.Certificate[0]), keep(a.t, "client.key", "PRIVATE KEY", raw)
}

func keep(t testing.TB, name, kind string, raw []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

func ended(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
}

func notYet(c *x509.Certificate) {
	c.NotBefore, c.NotAfter = time.Now().Add(time.Hour), time.Now().Add(2*time.Hour)
}

// TestWhoIsBelieved tries a center with each kind of certificate: only the one that was agreed gets a payment.
func TestWhoIsBelieved(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	good, shortKey := ours.server("127.0.0.1"), weakServer(t, ours)
	renewed := ours.server("127.0.0.1")
	ownFile, keyFile := ours.client()
	foreignFile, foreignKey := other.client()
	clients := x509.NewCertPool()
	clients.AddCert(ours.certificate)
	mutual := func(c *tls.Config) { c.ClientAuth, c.ClientCAs = tls.RequireAndVerifyClientCert, clients }
	ca := TLS{CAFile: ours.file}
	pin := func(shown ...tls.Certificate) (t TLS) {
		for _, c := range shown {
			t.Pins = append(t.Pins, Pin(c.Leaf))
		}
		return t
	}
	for _, tt := range []struct {
		name   string
		shown  tls.Certificate
		server func(*tls.Config)
		want   TLS
		refuse string // empty: it is believed
	}{
		{"an authority's certificate", good, nil, ca, ""},
		{"a named one", ours.server("online.pc-a.example"), nil, TLS{CAFile: ours.file, ServerName: "online.pc-a.example"}, ""},
		{"a pinned key", good, nil, pin(good), ""},
		{"the next pinned key", renewed, nil, pin(good, renewed), ""},
		{"authority and pin", good, nil, TLS{CAFile: ours.file, Pins: pin(good).Pins}, ""},
		{"TLS 1.2", good, func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, ca, ""},
		{"our certificate is wanted", good, mutual, TLS{CAFile: ours.file, CertificateFile: ownFile, KeyFile: keyFile}, ""},

		{"an impostor of another authority", other.server("127.0.0.1"), nil, ca, "unknown authority"},
		{"one that signed itself", (&authority{t: t, key: ecKey(t)}).server("127.0.0.1"), nil, ca, "unknown authority"},
		{"a wrong host name", ours.server("evil.example"), nil, ca, "cannot validate certificate for 127.0.0.1"},
		{"another name than was agreed", good, nil, TLS{CAFile: ours.file, ServerName: "online.pc-a.example"}, "wanted to match online.pc-a.example"},
		{"one that has ended", ours.server("127.0.0.1", ended), nil, ca, "expired"},
		{"one that has not begun", ours.server("127.0.0.1", notYet), nil, ca, "expired or is not yet valid"},
		{"a client's certificate", ours.server("127.0.0.1", func(c *x509.Certificate) { c.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth} }), nil, ca, "incompatible key usage"},
		{"another key than the pinned one", ours.server("127.0.0.1"), nil, pin(good), "pinned is " + Pin(good.Leaf)},
		{"authority without pin", ours.server("127.0.0.1"), nil, TLS{CAFile: ours.file, Pins: pin(good).Pins}, "pinned is"},
		{"pin without authority", good, nil, TLS{CAFile: other.file, Pins: pin(good).Pins}, "unknown authority"},
		{"a pinned key in a certificate that has ended", shown(t, ours, ended), nil, TLS{}, "it is valid from"},
		{"a pinned key in one that has not begun", shown(t, ours, notYet), nil, TLS{}, "it is valid from"},
		{"a pinned key under another name", good, nil, TLS{Pins: pin(good).Pins, ServerName: "online.pc-a.example"}, "online.pc-a.example"},
		{"a key of 1024 bits", shortKey, nil, ca, "has 1024 bits"},
		{"TLS 1.1", good, func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, ca, "protocol version"},
		{"no forward secrecy", rsaServer(t, ours, 2048), func(c *tls.Config) {
			c.MaxVersion, c.CipherSuites = tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}
		}, ca, "handshake failure"},
		{"our certificate is not shown", good, mutual, ca, "certificate required"},
		{"our certificate is of nobody", good, mutual, TLS{CAFile: ours.file, CertificateFile: foreignFile, KeyFile: foreignKey}, "bad certificate|unknown certificate|certificate required"},
		{"nothing was agreed", good, nil, TLS{}, "neither a certificate authority nor a pin"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if len(tt.want.Pins) == 0 && tt.want.CAFile == "" && strings.HasPrefix(tt.name, "a pinned") {
				tt.want.Pins = pin(tt.shown).Pins
			}
			config := &tls.Config{Certificates: []tls.Certificate{tt.shown}, MinVersion: tls.VersionTLS10}
			if tt.server != nil {
				tt.server(config)
			}
			host := newCenter(t, approve, func(c *center) { c.tls = config })
			log := &syncBuffer{}
			c, _ := dial(t, host, func(o *Options) { o.TLS, o.Logger = &tt.want, textLog(log) })
			if tt.refuse == "" {
				ready(t, c)
				if a, err := c.Exchange(t.Context(), payment(1)); err != nil || !a.Approved() {
					t.Errorf("%+v, %v", a, err)
				}
				return
			}
			untilLogged(t, log, tt.refuse)
			_, err := c.Exchange(t.Context(), payment(1))
			wantError(t, err, ErrNotSent, ErrNoConnection)
			if host.received.Load() != 0 {
				t.Error("a payment left")
			}
		})
	}
}

// shown is a certificate that has to be pinned to be believed.
func shown(t testing.TB, a *authority, change func(*x509.Certificate)) tls.Certificate {
	t.Helper()
	return a.server("127.0.0.1", change)
}

func weakServer(t testing.TB, a *authority) tls.Certificate { return rsaServer(t, a, 1024) }

func rsaServer(t testing.TB, a *authority, bits int) tls.Certificate {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	if err != nil {
		t.Fatal(err)
	}
	return a.sign(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, KeyUsage: x509.KeyUsageKeyEncipherment | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}}, key)
}

func untilLogged(t *testing.T, log *syncBuffer, want string) {
	t.Helper()
	for range 500 {
		for one := range strings.SplitSeq(want, "|") {
			if strings.Contains(log.String(), one) {
				return
			}
		}
		time.Sleep(10 * time.Millisecond)
	}
	text := log.String()
	t.Fatalf("the log lacks %q:\n%s", want, text[:min(len(text), 1000)])
}

// TestAnImpostorIsCounted: a person is called, and nothing is sent.
func TestAnImpostorIsCounted(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	host := newCenter(t, approve, func(c *center) { c.tls = &tls.Config{Certificates: []tls.Certificate{other.server("127.0.0.1")}} })
	log, registry := &syncBuffer{}, prometheus.NewRegistry()
	_, _ = dial(t, host, func(o *Options) {
		o.TLS, o.Logger, o.Metrics = &TLS{CAFile: ours.file}, textLog(log), NewMetrics(registry)
	})
	untilLogged(t, log, "a person must look at the link to a center")
	if n := gather(t, registry)["settled_center_untrusted_total PC0001 certificate"]; n < 1 {
		t.Errorf("%v impostors counted", n)
	}
}

// TestACenterInTheClear: a host that speaks no TLS gets no bytes of a payment.
func TestACenterInTheClear(t *testing.T) {
	ours := newAuthority(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err == nil {
			_, _ = conn.Write([]byte("\x00\x00\x00\x00\x00\x00"))
			conn.Close()
		}
	}()
	raw, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	if _, err := (&TLS{CAFile: ours.file}).client(ctx, raw, listener.Addr().String(), time.Now); err == nil || errors.Is(err, ErrCertificate) {
		t.Errorf("got %v", err)
	}
}

// TestChangedPinsAreTrusted: a link that is up stays when the pins change, and the next connection wants the new ones.
func TestChangedPinsAreTrusted(t *testing.T) {
	ours, next := newAuthority(t), newAuthority(t)
	now := ours.server("127.0.0.1")
	host := newCenter(t, approve, func(c *center) { c.tls = &tls.Config{Certificates: []tls.Certificate{now}} })
	log := &syncBuffer{}
	c, _ := dial(t, host, func(o *Options) {
		o.TLS, o.Logger, o.Connections, o.MaxBackoff = &TLS{Pins: []string{Pin(now.Leaf)}}, textLog(log), 1, 50*time.Millisecond
	})
	ready(t, c)
	c.Trust(&TLS{Pins: []string{Pin(next.server("127.0.0.1").Leaf)}})
	if a, err := c.Exchange(t.Context(), payment(1)); err != nil || !a.Approved() {
		t.Errorf("on the link that is up: %+v, %v", a, err)
	}
	host.cut()
	untilLogged(t, log, "its key is "+Pin(now.Leaf))
	c.Trust(&TLS{Pins: []string{Pin(now.Leaf)}})
	ready(t, c)
}
