package online

import (
	"cmp"
	"context"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strings"
	"time"
)

// TLS says how the connections of a center are secured: by a certificate that CAFile vouches for, by a pinned key, or by both. It is
// a section of the configuration. The files are read anew for each connection, so that a certificate is changed without a restart.
type TLS struct {
	CAFile          string   `yaml:"ca_file,omitempty"`          // PEM; certificates that may sign the center's
	ServerName      string   `yaml:"server_name,omitempty"`      // in the center's certificate; with CAFile the host of the address when empty
	Pins            []string `yaml:"pins,omitempty"`             // one or two, "sha256/" and the base64 of the SHA-256 of the public key (RFC 7469)
	CertificateFile string   `yaml:"certificate_file,omitempty"` // PEM; shows the center who we are
	KeyFile         string   `yaml:"key_file,omitempty"`         // PEM; of CertificateFile
}

// ErrCertificate says that the other end of a connection did not prove that it is the center.
var ErrCertificate = errors.New("online: the center's certificate is not trusted")

const (
	maxPins    = 2
	minRSABits = 2048
	pinPrefix  = "sha256/"
)

// suites are those of TLS 1.2 with forward secrecy and authenticated encryption; those of TLS 1.3 all have both.
var suites = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
}

// Pin is the pin of a certificate, as [TLS].Pins hold it.
func Pin(certificate *x509.Certificate) string {
	sum := sha256.Sum256(certificate.RawSubjectPublicKeyInfo)
	return pinPrefix + base64.StdEncoding.EncodeToString(sum[:])
}

// wellFormed tells whether a text can be a pin.
func wellFormed(pin string) bool {
	text, ok := strings.CutPrefix(pin, pinPrefix)
	sum, err := base64.StdEncoding.Strict().DecodeString(text)
	return ok && err == nil && len(sum) == sha256.Size
}

// client makes a connection to address secure, or closes it. An error wraps ErrCertificate when the other end is not the center.
func (t *TLS) client(ctx context.Context, raw net.Conn, address string, now func() time.Time) (*tls.Conn, error) {
	config, err := t.config(address, now)
	if err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		if wrong := (*tls.CertificateVerificationError)(nil); errors.As(err, &wrong) {
			err = fmt.Errorf("%w: %w", ErrCertificate, err)
		}
		return nil, fmt.Errorf("secure the connection to %s: %w", address, err)
	}
	return conn, nil
}

// config reads the files.
func (t *TLS) config(address string, now func() time.Time) (*tls.Config, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, err
	}
	c := &tls.Config{MinVersion: tls.VersionTLS12, CipherSuites: suites, ServerName: cmp.Or(t.ServerName, host), Time: now,
		VerifyConnection: func(s tls.ConnectionState) error { return t.verify(s, now()) }}
	if t.CAFile == "" {
		c.InsecureSkipVerify = true // verify wants a pinned key instead, in a certificate that has begun and not ended
	} else if c.RootCAs, err = roots(t.CAFile); err != nil {
		return nil, err
	}
	if t.CertificateFile != "" {
		own, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("our certificate: %w", err)
		}
		c.Certificates = []tls.Certificate{own}
	}
	return c, nil
}

// verify checks what the chain to a root does not: the pin, the strength of the key, and without roots the dates and a name that
// is wanted.
func (t *TLS) verify(s tls.ConnectionState, now time.Time) error {
	if len(s.PeerCertificates) == 0 {
		return fmt.Errorf("%w: there is none", ErrCertificate)
	}
	shown := s.PeerCertificates[0]
	if key, ok := shown.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		return fmt.Errorf("%w: its key has %d bits, %d are needed", ErrCertificate, key.N.BitLen(), minRSABits)
	}
	if len(t.Pins) > 0 && !slices.Contains(t.Pins, Pin(shown)) {
		return fmt.Errorf("%w: its key is %s, pinned is %s: ask the center whether it changed its key", ErrCertificate, Pin(shown), strings.Join(t.Pins, " or "))
	}
	if t.CAFile != "" {
		return nil
	}
	return t.verifyAlone(shown, now)
}

// verifyAlone checks a certificate that nobody but its pin vouches for.
func (t *TLS) verifyAlone(shown *x509.Certificate, now time.Time) error {
	switch {
	case len(t.Pins) == 0:
		return fmt.Errorf("%w: there is neither a certificate authority nor a pin", ErrCertificate)
	case now.Before(shown.NotBefore) || now.After(shown.NotAfter):
		return fmt.Errorf("%w: it is valid from %s to %s", ErrCertificate, shown.NotBefore.Format(time.RFC3339), shown.NotAfter.Format(time.RFC3339))
	case t.ServerName != "":
		if err := shown.VerifyHostname(t.ServerName); err != nil {
			return fmt.Errorf("%w: %w", ErrCertificate, err)
		}
	}
	return nil
}

// roots reads certificates of authorities.
func roots(name string) (*x509.CertPool, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", name)
	}
	return pool, nil
}
