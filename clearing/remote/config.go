package remote

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
)

// Config says how to reach a center's file server.
type Config struct {
	Address        string // host:port
	User           string
	KeyFile        string           // private key
	PassphraseFile string           // first line opens KeyFile; empty: it is not encrypted
	PasswordFile   string           // first line is the password
	Auth           []ssh.AuthMethod // in memory, besides the files
	// HostKeys are the pinned public keys of the server, one, or two while it changes its key. Without one there is no
	// connection.
	HostKeys []ssh.PublicKey
	// IdleTimeout ends a connection on which nothing moves; default 45 s. ConnectTimeout bounds dialing and login; default
	// 20 s. Budget bounds everything done with one connection; default 30 minutes.
	IdleTimeout, ConnectTimeout, Budget time.Duration
}

// ErrConfig is wrapped by what Check finds.
var ErrConfig = errors.New("remote: configuration")

const maxHostKeys = 2

// Check refuses a configuration that cannot or must not connect.
func (c Config) Check() error {
	if _, _, err := net.SplitHostPort(c.Address); err != nil {
		return fmt.Errorf("%w: address %q is not host:port", ErrConfig, c.Address)
	}
	switch {
	case c.User == "":
		return fmt.Errorf("%w: no user for %s", ErrConfig, c.Address)
	case c.KeyFile == "" && c.PasswordFile == "" && len(c.Auth) == 0:
		return fmt.Errorf("%w: neither key nor password for %s", ErrConfig, c.Address)
	case len(c.HostKeys) == 0:
		return fmt.Errorf("%w: no pinned host key for %s: ask the center for it, never learn it from the wire", ErrConfig, c.Address)
	case len(c.HostKeys) > maxHostKeys:
		return fmt.Errorf("%w: %d host keys for %s: two at most, while the server changes its key", ErrConfig, len(c.HostKeys), c.Address)
	}
	for _, key := range c.HostKeys {
		if err := CheckHostKey(key); err != nil {
			return fmt.Errorf("%w: %s: %w", ErrConfig, c.Address, err)
		}
	}
	return nil
}

func (c Config) withDefaults() Config {
	if c.IdleTimeout == 0 {
		c.IdleTimeout = 45 * time.Second
	}
	if c.ConnectTimeout == 0 {
		c.ConnectTimeout = 20 * time.Second
	}
	if c.Budget == 0 {
		c.Budget = 30 * time.Minute
	}
	return c
}

// auth reads the credentials anew for each connection, so that a changed file needs no restart.
func (c Config) auth() ([]ssh.AuthMethod, error) {
	methods := c.Auth
	if c.KeyFile != "" {
		signer, err := c.signer()
		if err != nil {
			return nil, err
		}
		methods = append(methods[:len(methods):len(methods)], ssh.PublicKeys(signer))
	}
	if c.PasswordFile != "" {
		text, err := os.ReadFile(c.PasswordFile)
		if err != nil {
			return nil, err
		}
		line, _, _ := bytes.Cut(text, []byte("\n"))
		methods = append(methods[:len(methods):len(methods)], ssh.Password(strings.TrimRight(string(line), "\r")))
	}
	return methods, nil
}

// client is the SSH side: pinned keys and modern algorithms only.
func (c Config) client() (*ssh.ClientConfig, error) {
	auth, err := c.auth()
	if err != nil {
		return nil, &Error{Op: "read credentials", Class: Other, Err: err}
	}
	return &ssh.ClientConfig{
		Config:            ssh.Config{KeyExchanges: keyExchanges, Ciphers: ciphers, MACs: macs},
		User:              c.User,
		Auth:              auth,
		HostKeyCallback:   c.checkHostKey,
		HostKeyAlgorithms: c.hostKeyAlgorithms(),
		Timeout:           c.ConnectTimeout,
	}, nil
}

func (c Config) checkHostKey(_ string, _ net.Addr, shown ssh.PublicKey) error {
	e := &HostKeyError{Address: c.Address, Shown: ssh.FingerprintSHA256(shown)}
	for _, key := range c.HostKeys {
		if bytes.Equal(key.Marshal(), shown.Marshal()) {
			return nil
		}
		e.Pinned = append(e.Pinned, ssh.FingerprintSHA256(key))
	}
	return e
}

// hostKeyAlgorithms asks the server for a key that is pinned, not for another that it has too.
func (c Config) hostKeyAlgorithms() []string {
	var all []string
	for _, key := range c.HostKeys {
		if key.Type() == ssh.KeyAlgoRSA {
			all = append(all, ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256)
			continue
		}
		all = append(all, key.Type())
	}
	return all
}
