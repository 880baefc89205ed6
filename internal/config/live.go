package config

import (
	"bytes"
	"errors"
	"net"
	"net/netip"
	"os"
	"strings"

	"settled/authorize/tenants"
	"settled/clearing/remote"
	"settled/internal/secretfile"
	"settled/internal/settings"
	"settled/internal/vault"
)

// Everything that only a live installation refuses goes through unsafe, so that a test finds each refusal and wants a row for it.

// unsafe notes what must not be in a live installation. One for tests may have it.
func (c *checker) unsafe(at place, why string, args ...any) {
	if c.environment == vault.Live {
		c.fail(at, why, args...)
	}
}

// opened warns of a risk that a live installation takes because the file says so in plain words.
func (c *checker) opened(at place, why string) {
	if c.environment == vault.Live {
		c.warnings = append(c.warnings, c.problem(at, why))
	}
}

// private wants a file with a secret to be closed to others. One that is not there is told where it is needed.
func (c *checker) private(at place, name string) {
	if name == "" {
		return
	}
	if err := secretfile.Check(name, c.environment == vault.Live); errors.Is(err, secretfile.ErrOpen) {
		c.fail(at, "%v", err)
	}
}

// strongKey wants the key of a file, in hexadecimal digits, to be hard to guess.
func (c *checker) strongKey(at place, name string, names ...string) {
	text, err := os.ReadFile(name)
	if err == nil {
		c.strong(at, bytes.TrimSpace(text), settings.LeastSecret, names...)
	}
	clear(text)
}

// strong wants a secret of a live installation to be hard to guess, also for those who know the names of its owner.
func (c *checker) strong(at place, secret []byte, least int, names ...string) {
	if len(secret) == 0 {
		return // missing, which is told where it is needed
	}
	if err := settings.Weak(string(secret), least, names...); err != nil {
		c.unsafe(at, "the secret %v; openssl rand -base64 24 makes one", err)
	}
}

// strongLogin wants the password of a file server, or what opens our key there, to be hard to guess.
func (c *checker) strongLogin(at place, login remote.Config) {
	for key, name := range map[string]string{"password_file": login.PasswordFile, "passphrase_file": login.PassphraseFile} {
		if name == "" {
			continue
		}
		text, err := os.ReadFile(name)
		line, _, _ := bytes.Cut(text, []byte("\n"))
		if err == nil {
			c.strong(at.at(key), bytes.TrimRight(line, "\r"), settings.LeastPassword, login.User)
		}
		clear(text)
	}
}

// elsewhere wants the host of a live installation's partner, or its own, to be one that can exist and is not this machine.
func (c *checker) elsewhere(at place, host string) {
	if why := testHost(host); why != "" {
		c.unsafe(at, "%s %s: write the host that is live", host, why)
	}
}

// endpoint is elsewhere of the host of an address such as host:port.
func (c *checker) endpoint(at place, address string) {
	if host, _, err := net.SplitHostPort(address); err == nil {
		c.elsewhere(at, host)
	}
}

// reserved are names that RFC 2606 and RFC 6761 keep for tests and examples: nobody is ever reached by them.
var reserved = []string{"example", "test", "invalid", "example.com", "example.net", "example.org"}

// documented are the networks of examples: RFC 5737, RFC 3849.
var documented = []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::/32")}

// testHost says what makes a host one of tests, for certain; empty when nothing does.
func testHost(host string) string {
	name := "." + strings.ToLower(strings.TrimSuffix(host, "."))
	if strings.HasSuffix(name, ".localhost") {
		return "is this machine"
	}
	for _, word := range reserved {
		if strings.HasSuffix(name, "."+word) {
			return "is a name for tests and examples"
		}
	}
	ip, err := netip.ParseAddr(host)
	if ip = ip.Unmap(); err == nil && (ip.IsLoopback() || ip.IsUnspecified()) {
		return "is this machine"
	}
	for _, network := range documented {
		if err == nil && network.Contains(ip) {
			return "is an address for examples"
		}
	}
	return ""
}

// ordered wants it proven who makes a merchant's orders. They come through browsers of buyers, and anybody can send one.
func (c *checker) ordered(at place, f MerchantFile, page tenants.Page) {
	proven, anybody := f.Proofs.Checkvalue || f.Proofs.Signature, at.at("proofs", "anybody_may_order")
	switch {
	case proven && f.Proofs.AnybodyMayOrder:
		c.fail(anybody, "orders are proven by checkvalue or signature: take this away, or those")
	case proven || !page.Card && !page.Instant:
	case !f.Proofs.AnybodyMayOrder:
		c.unsafe(at.at("proofs"), "anybody can make orders in the merchant's name: write checkvalue: true or signature: true, or, to bear that risk, anybody_may_order: true")
	default:
		c.opened(anybody, "anybody can make orders in the merchant's name")
		if page.Links.Taken() {
			c.unsafe(at.at("page", "links"), "an order in a link is made by whoever sends the link: write links: proven or links: refused")
		}
	}
}

// exampleSalt begins the salts of the example's password hashes.
const exampleSalt = "$c2V0dGxlZC1leGFtcGxl"

// ownPassword refuses a password that everybody can read, as that of the example.
func (c *checker) ownPassword(at place, hash string) {
	if strings.Contains(hash, exampleSalt) {
		c.unsafe(at, "it is that of the example: make another with settled merchant password or settled password-hash")
	}
}
