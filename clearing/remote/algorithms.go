package remote

import (
	"bytes"
	"crypto/rsa"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/crypto/ssh"
)

// What a connection may be made of, the preferred first. Everything with SHA-1, CBC or without authentication is left out, and
// ChaCha20-Poly1305 too: with a server that lacks strict key exchange the beginning of its stream can be cut (CVE-2023-48795).
var (
	keyExchanges = []string{ssh.KeyExchangeMLKEM768X25519, ssh.KeyExchangeCurve25519, ssh.KeyExchangeECDHP256, ssh.KeyExchangeECDHP384,
		ssh.KeyExchangeECDHP521, ssh.KeyExchangeDH16SHA512, ssh.KeyExchangeDH14SHA256, ssh.KeyExchangeDHGEXSHA256}
	ciphers = []string{ssh.CipherAES256GCM, ssh.CipherAES128GCM}
	macs    = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM} // of no use to these ciphers, which authenticate themselves
)

// Bits of RSA keys: of those that we pin, and of our own.
const (
	minRSABits    = 3072
	minOwnRSABits = 2048
)

// Encrypted tells whether a private key in a file is of no use without a passphrase. A file that cannot be read is not.
func Encrypted(file string) bool {
	text, err := os.ReadFile(file)
	if err != nil {
		return false
	}
	defer clear(text)
	_, err = ssh.ParseRawPrivateKey(text)
	missing := (*ssh.PassphraseMissingError)(nil)
	return errors.As(err, &missing)
}

// CheckKey refuses a private key that cannot be read, that its passphrase does not open, or that is too weak. The error shows
// nothing of either file.
func (c Config) CheckKey() error {
	_, err := c.signer()
	return err
}

// signer reads our private key. RSA keys sign with SHA-2 only, whatever the server asks for.
func (c Config) signer() (ssh.Signer, error) {
	text, err := os.ReadFile(c.KeyFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	signer, err := c.unlock(text)
	if err != nil {
		return nil, fmt.Errorf("key file %s: %w", c.KeyFile, err)
	}
	if weak(signer.PublicKey(), minOwnRSABits) {
		return nil, fmt.Errorf("key file %s: the key is too weak: %d bits of RSA are needed, or ed25519 or ECDSA", c.KeyFile, minOwnRSABits)
	}
	if signer.PublicKey().Type() != ssh.KeyAlgoRSA {
		return signer, nil
	}
	able, ok := signer.(ssh.AlgorithmSigner)
	if !ok {
		return nil, fmt.Errorf("key file %s: the key does not sign with SHA-2", c.KeyFile)
	}
	return ssh.NewSignerWithAlgorithms(able, []string{ssh.KeyAlgoRSASHA512, ssh.KeyAlgoRSASHA256})
}

func (c Config) unlock(key []byte) (ssh.Signer, error) {
	if c.PassphraseFile == "" {
		signer, err := ssh.ParsePrivateKey(key)
		if missing := (*ssh.PassphraseMissingError)(nil); errors.As(err, &missing) {
			return nil, errors.New("the key is encrypted, and there is no passphrase_file")
		}
		return signer, err
	}
	text, err := os.ReadFile(c.PassphraseFile)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	line, _, _ := bytes.Cut(text, []byte("\n"))
	signer, err := ssh.ParsePrivateKeyWithPassphrase(key, bytes.TrimRight(line, "\r"))
	if err != nil {
		return nil, fmt.Errorf("the passphrase of %s does not open it: %w", c.PassphraseFile, err)
	}
	return signer, nil
}

// weak tells that nobody should rely on a key: RSA with fewer bits, DSA, or what is not known.
func weak(key ssh.PublicKey, bits int) bool {
	k, ok := key.(ssh.CryptoPublicKey)
	if !ok {
		return true
	}
	r, ok := k.CryptoPublicKey().(*rsa.PublicKey)
	return ok && r.N.BitLen() < bits || key.Type() == "ssh-dss"
}

// CheckHostKey refuses a key that must not be pinned.
func CheckHostKey(key ssh.PublicKey) error {
	if weak(key, minRSABits) {
		return fmt.Errorf("host key %s is too weak: %d bits of RSA are needed, or ed25519 or ECDSA", ssh.FingerprintSHA256(key), minRSABits)
	}
	return nil
}

// algorithms says in words what a server lacks that has nothing in common with us; nil when that is not what went wrong.
func algorithms(err error) error {
	var none *ssh.AlgorithmNegotiationError
	if !errors.As(err, &none) {
		return nil
	}
	return fmt.Errorf("the server offers only weak algorithms for %s: %s; it has to offer one of %s: %w", none.What,
		strings.Join(none.RequestedAlgorithms, ", "), strings.Join(none.SupportedAlgorithms, ", "), err)
}
