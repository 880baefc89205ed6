package edge

import (
	"bytes"
	"crypto/rsa"
	"crypto/tls"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"settled/internal/config"
	"settled/internal/secretfile"
	"settled/internal/vault"
)

// Certificate is the certificate of a listener, as its files had it when they were last right. It is safe for concurrent use.
type Certificate struct {
	pair    config.Pair
	live    bool
	now     func() time.Time
	current atomic.Pointer[tls.Certificate]

	looking sync.Mutex
	tried   []byte // what the files held when they were last looked at
}

// ErrCertificate is wrapped when the files of a certificate are no pair that can be shown.
var ErrCertificate = fmt.Errorf("%w: certificate", config.ErrInvalid)

// OpenCertificate reads the files of a pair, which have to belong together. The key must be closed to others, and one of RSA has 2048
// bits at least. A certificate that has ended is taken: its clients say so, and the process does what else it does.
func OpenCertificate(pair config.Pair, of vault.Environment, now func() time.Time) (*Certificate, error) {
	c := &Certificate{pair: pair, live: of == vault.Live, now: now}
	text, err := c.read()
	if err != nil {
		return nil, err
	}
	made, err := c.parse(text)
	if err != nil {
		return nil, err
	}
	c.tried = text.whole()
	c.current.Store(made)
	return c, nil
}

// Look takes up what the files hold when it has changed since the last look: all of it or, when it is no pair that can be shown now,
// nothing. It is told once of a fault, until the files change again.
func (c *Certificate) Look() (changed bool, err error) {
	c.looking.Lock()
	defer c.looking.Unlock()
	text, err := c.read()
	if err == nil && bytes.Equal(text.whole(), c.tried) || err != nil && bytes.Equal(c.tried, []byte(err.Error())) {
		return false, nil
	}
	if err != nil {
		c.tried = []byte(err.Error())
		return false, err
	}
	c.tried = text.whole()
	made, err := c.parse(text)
	if err == nil {
		err = current(made, c.now())
	}
	if err != nil {
		return false, fmt.Errorf("%s: %w", c.pair.Certificate, err)
	}
	c.current.Store(made)
	return true, nil
}

// Ends is when the certificate ends, and is not valid any more.
func (c *Certificate) Ends() time.Time { return c.current.Load().Leaf.NotAfter }

// Config is how TLS is spoken: version 1.2 or 1.3, with forward secrecy and authenticated encryption alone, over HTTP/1.1.
func (c *Certificate) Config() *tls.Config {
	return &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return c.current.Load(), nil },
		CipherSuites: []uint16{ // of version 1.2; 1.3 has no others
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256,
			tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256}}
}

// pairText is what the two files hold.
type pairText struct{ certificate, key []byte }

func (t pairText) whole() []byte { return bytes.Join([][]byte{t.certificate, t.key}, []byte{0}) }

func (c *Certificate) read() (t pairText, err error) {
	if t.certificate, err = os.ReadFile(c.pair.Certificate); err != nil {
		return t, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	if t.key, err = secretfile.Read(c.pair.Key, c.live); err != nil {
		return t, fmt.Errorf("%w: %w", ErrCertificate, err)
	}
	return t, nil
}

// minRSA is how many bits a key of RSA has at least.
const minRSA = 2048

func (c *Certificate) parse(t pairText) (*tls.Certificate, error) {
	made, err := tls.X509KeyPair(t.certificate, t.key)
	if err != nil {
		return nil, fmt.Errorf("%w: %s and %s: %w", ErrCertificate, c.pair.Certificate, c.pair.Key, err)
	}
	if key, is := made.Leaf.PublicKey.(*rsa.PublicKey); is && key.N.BitLen() < minRSA {
		return nil, fmt.Errorf("%w: the key of %s has %d bits, %d at least are needed", ErrCertificate, c.pair.Certificate, key.N.BitLen(), minRSA)
	}
	return &made, nil
}

// current says why a certificate is not valid at a time.
func current(made *tls.Certificate, now time.Time) error {
	if leaf := made.Leaf; now.Before(leaf.NotBefore) || !now.Before(leaf.NotAfter) {
		return fmt.Errorf("%w: it is valid from %s to %s, not now", ErrCertificate, leaf.NotBefore.UTC().Format(time.RFC3339), leaf.NotAfter.UTC().Format(time.RFC3339))
	}
	return nil
}
