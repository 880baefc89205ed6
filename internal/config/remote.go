package config

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"net/url"
	"os"
	"time"

	"settled/internal/settings"
	"settled/internal/vault"
	"settled/settle"
)

// url checks an absolute address of http or https. A secure one is https in a live installation.
func (c *checker) url(at place, text string, secure bool) string {
	if c.required(at, text) == "" {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" || u.User != nil || u.Fragment != "":
		c.fail(at, "%q is no address of the form https://host/path", text)
	case secure && u.Scheme != "https" && c.environment == vault.Live:
		c.unsafe(at, "%q is not https, which a live installation needs", text)
	case len(text) > 256:
		c.fail(at, "is longer than 256 characters")
	default:
		c.elsewhere(at, u.Hostname())
	}
	return text
}

// publicURL is where buyers and banks reach us.
func (c *checker) publicURL(at place, text string) string {
	if text == "" && c.environment == vault.Test {
		return ""
	}
	if u, err := url.Parse(c.url(at, text, true)); err == nil && text != "" && (u.Path != "" || u.RawQuery != "") {
		c.fail(at, "%q has more than scheme and host: the paths of the API are fixed", text)
	}
	return text
}

func (c *checker) threeDS(at place, f *ThreeDSFile) *ThreeDS {
	if f == nil {
		return nil
	}
	return &ThreeDS{URL: c.url(at.at("url"), f.URL, true), KeyID: c.text(at.at("key_id"), f.KeyID, 64),
		Secret:  c.requiredSecret(at.at("secret_file"), f.SecretFile, f.KeyID),
		Timeout: c.within(at.at("timeout"), f.Timeout, 10*time.Second, 10*time.Millisecond, minute)}
}

// instantBank reads how the partner bank of an instant center is reached, and what becomes of late payments.
func (c *checker) instantBank(at place, f *InstantFile) (*Instant, settle.LatePaid) {
	if f == nil {
		c.fail(at, "is missing: a center with capabilities.instant is reached by it")
		return nil, settle.LateAdopt
	}
	late := settle.LateAdopt
	if oneOf(c, at.at("late_paid"), f.LatePaid, "adopt", "refund") == "refund" {
		late = settle.LateRefund
	}
	return &Instant{URL: c.url(at.at("url"), f.URL, true), KeyID: c.text(at.at("key_id"), f.KeyID, 64),
		Secret:  c.requiredSecret(at.at("secret_file"), f.SecretFile, f.KeyID),
		Kopecks: oneOf(c, at.at("unit"), f.Unit, "kopecks", "rubles") == "kopecks",
		Timeout: c.within(at.at("timeout"), f.Timeout, 10*time.Second, 10*time.Millisecond, minute),
		QRTTL:   c.within(at.at("qr_ttl"), f.QRTTL, 15*minute, minute, 3*day)}, late
}

// requiredSecret reads a secret that we and a partner sign with, who both know it by a name.
func (c *checker) requiredSecret(at place, name, keyID string) vault.Secret {
	c.required(at, name)
	secret := c.secretFile(at, name)
	if n := len(secret.Reveal()); n > 0 && n < settings.LeastSecret {
		c.fail(at, "%s holds %d bytes; a secret that signs requests has %d at least", name, n, settings.LeastSecret)
		return secret
	}
	c.strong(at, secret.Reveal(), settings.LeastSecret, keyID)
	return secret
}

// signingKey reads our own RSA key, PKCS #1 or PKCS #8 in PEM.
func (c *checker) signingKey(at place, name string) *rsa.PrivateKey {
	block := c.pemFile(at, name)
	if block == nil {
		return nil
	}
	c.private(at, c.resolve(name))
	key, err := x509.ParsePKCS1PrivateKey(block)
	if err != nil {
		var found any
		found, err = x509.ParsePKCS8PrivateKey(block)
		key, _ = found.(*rsa.PrivateKey)
	}
	if err != nil || key == nil {
		c.fail(at, "%s holds no RSA private key without a passphrase", name)
		return nil
	}
	if key.N.BitLen() < 2048 {
		c.fail(at, "the key in %s has %d bits; 2048 are needed", name, key.N.BitLen())
	}
	return key
}

// shortestKey is how many bits a merchant's RSA key has, where nothing is said of short ones: what NIST SP 800-131A takes.
const shortestKey = 2048

// publicKey reads a merchant's RSA key: a public key or a certificate in PEM. The documents of the protocol have keys of
// 1024 bits, which a live installation takes where short says that it may.
func (c *checker) publicKey(at place, name string, short bool) *rsa.PublicKey {
	block := c.pemFile(at, name)
	if block == nil {
		return nil
	}
	key := parsePublicKey(block)
	if key == nil {
		c.fail(at, "%s holds no RSA public key and no certificate of one", name)
		return nil
	}
	switch bits := key.N.BitLen(); {
	case bits < 1024:
		c.fail(at, "the key in %s has %d bits; 1024 are needed", name, bits)
	case bits < shortestKey && short:
		c.opened(at, "the merchant's key is short: whoever can break it makes orders in the merchant's name")
	case bits < shortestKey:
		c.unsafe(at, "the key in %s has %d bits; %d are needed: get a longer one of the merchant, or, to bear that risk, write short_public_key: true", name, bits, shortestKey)
	}
	return key
}

func parsePublicKey(block []byte) *rsa.PublicKey {
	if key, err := x509.ParsePKCS1PublicKey(block); err == nil {
		return key
	}
	var found any
	if certificate, err := x509.ParseCertificate(block); err == nil {
		found = certificate.PublicKey
	} else {
		found, _ = x509.ParsePKIXPublicKey(block)
	}
	key, _ := found.(*rsa.PublicKey)
	return key
}

// pemFile returns the content of the first block of a PEM file, nil when there is no file or no block.
func (c *checker) pemFile(at place, name string) []byte {
	path := c.fileThere(at, name)
	if path == "" {
		return nil
	}
	text, err := os.ReadFile(path)
	block, _ := pem.Decode(text)
	if err != nil || block == nil {
		c.fail(at, "%s is no PEM file", name)
		return nil
	}
	return block.Bytes
}
