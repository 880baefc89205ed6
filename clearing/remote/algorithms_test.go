package remote_test

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/clearing/remote"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// serverOf serves with a host key and a configuration of its own, which may be weak, and returns how to reach it.
func serverOf(t *testing.T, host ssh.Signer, change func(*ssh.ServerConfig)) remote.Config {
	t.Helper()
	sc := &ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, nil },
		PublicKeyCallback: func(ssh.ConnMetadata, ssh.PublicKey) (*ssh.Permissions, error) { return nil, nil }}
	if change != nil {
		change(sc)
	}
	sc.AddHostKey(host)
	return remote.Config{Address: listenFor(t, sc, sftp.Handlers{FileList: stuck{}}), User: "acq", Auth: []ssh.AuthMethod{ssh.Password("secret")}, HostKeys: []ssh.PublicKey{host.PublicKey()}}
}

func signerOf(t *testing.T, key crypto.Signer) ssh.Signer {
	t.Helper()
	s, err := ssh.NewSignerFromKey(key)
	check(t, err)
	return s
}

func ed(t *testing.T) crypto.Signer {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	check(t, err)
	return private
}

func rsaKey(t *testing.T, bits int) *rsa.PrivateKey {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, bits)
	check(t, err)
	return key
}

// only signs by one algorithm.
func only(t *testing.T, s ssh.Signer, algorithm string) ssh.Signer {
	t.Helper()
	restricted, err := ssh.NewSignerWithAlgorithms(s.(ssh.AlgorithmSigner), []string{algorithm})
	check(t, err)
	return restricted
}

// TestWeakServersAreRefused: a server that has nothing but weak algorithms gets no login, and the error says which they are.
func TestWeakServersAreRefused(t *testing.T) {
	strong, large := signerOf(t, ed(t)), signerOf(t, rsaKey(t, 3072))
	kex := func(names ...string) func(*ssh.ServerConfig) {
		return func(c *ssh.ServerConfig) { c.KeyExchanges = names }
	}
	cipher := func(names ...string) func(*ssh.ServerConfig) {
		return func(c *ssh.ServerConfig) { c.Ciphers = names }
	}
	for _, tt := range []struct {
		name   string
		host   ssh.Signer
		change func(*ssh.ServerConfig)
		want   string // empty: it is taken
	}{
		{"as it comes", strong, nil, ""},
		{"RSA with SHA-2", large, nil, ""},
		{"RSA with SHA-256 alone", only(t, large, ssh.KeyAlgoRSASHA256), nil, ""},
		{"curve25519", strong, kex("curve25519-sha256"), ""},
		{"group 14 with SHA-2", strong, kex("diffie-hellman-group14-sha256"), ""},
		{"AES-128-GCM", strong, cipher("aes128-gcm@openssh.com"), ""},

		{"group 1", strong, kex("diffie-hellman-group1-sha1"), "weak algorithms for key exchange: diffie-hellman-group1-sha1"},
		{"group 14 with SHA-1", strong, kex("diffie-hellman-group14-sha1"), "weak algorithms for key exchange: diffie-hellman-group14-sha1"},
		{"group exchange with SHA-1", strong, kex("diffie-hellman-group-exchange-sha1"), "weak algorithms for key exchange: diffie-hellman-group-exchange-sha1"},
		{"RSA with SHA-1", only(t, large, ssh.KeyAlgoRSA), nil, "weak algorithms for host key: ssh-rsa"},
		{"CBC", strong, cipher("aes128-cbc"), "weak algorithms for client to server cipher: aes128-cbc"},
		{"triple DES", strong, cipher("3des-cbc"), "3des-cbc"},
		{"RC4", strong, cipher("arcfour256"), "arcfour256"},
		{"CTR without authentication", strong, cipher("aes256-ctr"), "weak algorithms for client to server cipher: aes256-ctr"},
		{"ChaCha20, whose strict exchange cannot be demanded", strong, cipher("chacha20-poly1305@openssh.com"), "chacha20-poly1305@openssh.com"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			link, err := remote.Dial(t.Context(), serverOf(t, tt.host, tt.change))
			if tt.want == "" {
				check(t, err)
				check(t, link.Close())
				return
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "it has to offer one of ") {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// keyFile writes a private key, encrypted under a passphrase unless that is empty.
func keyFile(t *testing.T, key crypto.Signer, passphrase string) string {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	check(t, err)
	return textFile(t, string(pem.EncodeToMemory(block)))
}

func textFile(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "file")
	check(t, os.WriteFile(name, []byte(text), 0o600))
	return name
}

// TestOwnKeys logs in with each kind of key that a person may have.
func TestOwnKeys(t *testing.T) {
	for _, tt := range []struct {
		name, key, passphrase string
		algorithms            []string // of the server
		want                  string   // empty: it logs in
	}{
		{"ed25519", keyFile(t, ed(t), ""), "", nil, ""},
		{"encrypted", keyFile(t, ed(t), "open sesame"), textFile(t, "open sesame\r\nand more\n"), nil, ""},
		{"RSA", keyFile(t, rsaKey(t, 2048), ""), "", nil, ""},
		{"RSA to a server of SHA-256", keyFile(t, rsaKey(t, 2048), ""), "", []string{ssh.KeyAlgoRSASHA256}, ""},
		{"RSA to a server of SHA-1", keyFile(t, rsaKey(t, 2048), ""), "", []string{ssh.KeyAlgoRSA}, "no common public key signature algorithm"},
		{"encrypted without a passphrase", keyFile(t, ed(t), "open sesame"), "", nil, "the key is encrypted, and there is no passphrase_file"},
		{"another passphrase", keyFile(t, ed(t), "open sesame"), textFile(t, "open barley\n"), nil, "does not open it"},
		{"RSA of 1024 bits", keyFile(t, rsaKey(t, 1024), ""), "", nil, "the key is too weak: 2048 bits"},
		{"no key", textFile(t, "secret text\n"), "", nil, "no key found"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := serverOf(t, signerOf(t, ed(t)), func(sc *ssh.ServerConfig) { sc.PasswordCallback, sc.PublicKeyAuthAlgorithms = nil, tt.algorithms })
			c.Auth, c.KeyFile, c.PassphraseFile = nil, tt.key, tt.passphrase
			link, err := remote.Dial(t.Context(), c)
			switch {
			case tt.want == "":
				check(t, err)
				check(t, link.Close())
			case err == nil || !strings.Contains(err.Error(), tt.want):
				t.Errorf("got %v, want %q", err, tt.want)
			case strings.Contains(err.Error(), "sesame") || strings.Contains(err.Error(), "barley") || strings.Contains(err.Error(), "secret"):
				t.Errorf("a secret is shown: %v", err)
			}
		})
	}
}
