package online

import (
	"bytes"
	"crypto/rsa"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"fmt"
	"os"
	"time"

	"settled/fileformats/iso8583"
	"settled/internal/settings"
)

// Settings is the section of a configuration that says how a center's online host is reached: its keys, as a person writes them.
type Settings struct {
	Address     string        `yaml:"address"`
	Acquirer    string        `yaml:"acquirer"` // our id in messages, at most 11 digits
	Connections int           `yaml:"connections,omitempty"`
	Timeout     time.Duration `yaml:"timeout,omitempty"`
	Echo        time.Duration `yaml:"echo,omitempty"`
	Link        Line          `yaml:"link,omitempty"`
	TLS         *TLS          `yaml:"tls,omitempty"`
	MAC         *MACSettings  `yaml:"mac,omitempty"`
}

// MACSettings say how the messages of a center are authenticated.
type MACSettings struct {
	Algorithm iso8583.MACAlgorithm `yaml:"algorithm"`
	KeyFile   string               `yaml:"key_file"` // the key in hexadecimal digits
	// SecondKeyFile is another key of the same algorithm, whose codes the center's messages may have: the next one, or the one before.
	SecondKeyFile string `yaml:"second_key_file,omitempty"`
}

// Line is what a center's connections go over.
type Line string

// The lines. Whoever writes PrivateLine vouches for it: nobody else can read or change what goes over it.
const (
	PublicLine  Line = "network"
	PrivateLine Line = "private-line"
)

// Installation is what a center's section needs to know of the rest.
type Installation struct {
	Live bool                     // a center is not spoken to in the clear
	File func(name string) string // makes the name of a file absolute; empty stays empty
}

// The times of a host whose settings say nothing else.
const (
	standardTimeout = 30 * time.Second
	standardEcho    = 30 * time.Second
)

// maxConnections is how many connections to a host may be kept up.
const maxConnections = 64

// Checked returns the settings with the times of those that were left out and absolute names of files, and what is wrong with them. A
// number of connections that is left out is the client's.
func (s Settings) Checked(i Installation) (Settings, []settings.Problem) {
	var c settings.Checker
	if s.Connections < 0 || s.Connections > maxConnections {
		c.Fail("connections", "%d is not between 1 and %d", s.Connections, maxConnections)
	}
	c.Digits("acquirer", s.Acquirer, 1, 11)
	c.Address("address", s.Address)
	s.Timeout = c.Within("timeout", s.Timeout, standardTimeout, 10*time.Millisecond, 5*time.Minute)
	s.Echo = c.Within("echo", s.Echo, standardEcho, time.Second, time.Hour)
	s.Link = settings.Word(&c, "link", string(s.Link), PublicLine, PrivateLine)
	s.secured(&c, i)
	return s, c.Problems
}

// secured checks what protects the line. A code hides nothing, so it does not stand in for TLS.
func (s *Settings) secured(c *settings.Checker, i Installation) {
	if i.Live && s.TLS == nil && s.Link != PrivateLine {
		c.Fail("tls", "is missing: card data would go to %s in the clear. Say how the center proves who it is (ca_file or pins), or vouch for the line with link: private-line", s.Address)
	}
	if s.TLS != nil {
		own := *s.TLS
		own.CAFile, own.CertificateFile, own.KeyFile = i.File(own.CAFile), i.File(own.CertificateFile), i.File(own.KeyFile)
		own.check(c)
		s.TLS = &own
	}
	if s.MAC != nil {
		own := MACSettings{Algorithm: s.MAC.Algorithm, KeyFile: i.File(s.MAC.KeyFile), SecondKeyFile: i.File(s.MAC.SecondKeyFile)}
		if _, err := own.mac(); err != nil {
			c.Fail("mac", "%v", err)
		}
		s.MAC = &own
	}
}

// check finds what could not or must not connect. That a certificate has ended is for the doctor to say: there is no clock here.
func (t *TLS) check(c *settings.Checker) {
	if t.CAFile == "" && len(t.Pins) == 0 {
		c.Fail("tls", "ca_file or pins are needed: without them anybody could be the center")
	}
	if len(t.Pins) > maxPins {
		c.Fail("tls.pins", "%d pins: two at most, while the center changes its key", len(t.Pins))
	}
	for i, pin := range t.Pins {
		if !wellFormed(pin) {
			c.Fail(settings.At("tls.pins", i), "%q is no pin of the form \"sha256/\" and 44 characters of base64", pin)
		}
	}
	if t.CAFile != "" {
		if _, err := roots(t.CAFile); err != nil {
			c.Fail("tls.ca_file", "%v", err)
		}
	}
	t.checkOwn(c)
}

// checkOwn checks the certificate that we show.
func (t *TLS) checkOwn(c *settings.Checker) {
	if (t.CertificateFile == "") != (t.KeyFile == "") {
		c.Fail("tls", "certificate_file and key_file belong together")
		return
	}
	if t.CertificateFile == "" {
		return
	}
	own, err := tls.LoadX509KeyPair(t.CertificateFile, t.KeyFile)
	if err != nil {
		c.Fail("tls.certificate_file", "%v", err)
		return
	}
	if key, ok := own.Leaf.PublicKey.(*rsa.PublicKey); ok && key.N.BitLen() < minRSABits {
		c.Fail("tls.certificate_file", "the key has %d bits; %d are needed", key.N.BitLen(), minRSABits)
	}
}

// mac reads the keys; nil without settings. Our messages have the codes of the first.
func (m *MACSettings) mac() (*iso8583.MAC, error) {
	if m == nil {
		return nil, nil
	}
	key, err := readKey(m.KeyFile)
	defer clear(key)
	if err != nil {
		return nil, err
	}
	first, err := iso8583.NewMAC(m.Algorithm, key)
	if err != nil || m.SecondKeyFile == "" {
		return first, err
	}
	next, err := readKey(m.SecondKeyFile)
	defer clear(next)
	switch {
	case err != nil:
		return nil, err
	case subtle.ConstantTimeCompare(key, next) == 1:
		return nil, fmt.Errorf("%s and %s hold the same key", m.KeyFile, m.SecondKeyFile)
	}
	second, err := iso8583.NewMAC(m.Algorithm, next)
	if err != nil {
		return nil, fmt.Errorf("second key: %w", err)
	}
	return first.Taking(second), nil
}

// readKey reads the key of a file, which the caller wipes.
func readKey(name string) ([]byte, error) {
	text, err := os.ReadFile(name)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	digits := bytes.TrimSpace(text)
	key := make([]byte, hex.DecodedLen(len(digits)))
	if _, err := hex.Decode(key, digits); err != nil {
		clear(key)
		return nil, fmt.Errorf("%s holds no key in hexadecimal digits", name) // the cause would show a digit
	}
	return key, nil
}

// Options are those of a client of the host, as far as the settings say them. The key of its messages is read from its file.
func (s Settings) Options() (Options, error) {
	mac, err := s.MAC.mac()
	if err != nil {
		return Options{}, fmt.Errorf("online: key of message codes: %w", err)
	}
	return Options{Address: s.Address, Connections: s.Connections, Timeout: s.Timeout, EchoInterval: s.Echo, TLS: s.TLS, MAC: mac}, nil
}
