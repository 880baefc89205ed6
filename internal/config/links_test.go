package config_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/config"

	"golang.org/x/crypto/ssh"
)

// linkFiles are the files of the links of the example, by name: made once.
var linkFiles = sync.OnceValue(func() map[string]string {
	ec := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	must(0, err)
	return map[string]string{
		"pc-a.key": sshKey(ed, ""), "pc-a.rsa": sshKey(key(2048), ""), "pc-a.short": sshKey(key(1024), ""),
		"pc-a.locked": sshKey(ed, "open sesame for 41 thieves"), "pc-a.passphrase": "open sesame for 41 thieves\n", "pc-a.wrong": "open barley\n",
		"pc-a.ca.pem": certificateOf(ec), "pc-a.client.pem": certificateOf(ec), "pc-a.client.key": pemText("PRIVATE KEY", ec),
		"pc-a.short.pem": certificateOf(key(1024)), "pc-a.short.key": pemText("PRIVATE KEY", key(1024)),
		"pc-a.mac": "2b7e151628aed2a6abf7158809cf4f3c\n", "pc-a.mac2": "603deb1015ca71be2b73aef0857d7781\n", "pc-a.odd": "2b7e151628aed2a6abf7158809cf4f\n",
	}
})

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func sshKey(k crypto.PrivateKey, passphrase string) string {
	if passphrase == "" {
		return string(pem.EncodeToMemory(must(ssh.MarshalPrivateKey(k, ""))))
	}
	return string(pem.EncodeToMemory(must(ssh.MarshalPrivateKeyWithPassphrase(k, "", []byte(passphrase)))))
}

func certificateOf(k crypto.Signer) string {
	c := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "PC-A"}, NotBefore: time.Now(), NotAfter: time.Now().Add(time.Hour), IsCA: true}
	raw := must(x509.CreateCertificate(rand.Reader, c, c, k.Public(), k))
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}))
}

// TestLinksOfCenters refuses links that could not or must not be made, in every installation.
func TestLinksOfCenters(t *testing.T) {
	const own = "certificate_file: secrets/pc-a.client.pem\n        key_file: secrets/pc-a.client.key\n"
	for _, tt := range []struct{ name, old, new, want string }{
		{"anybody could be the center", "ca_file: secrets/pc-a.ca.pem\n", "server_name: online.pc-a.example\n", "centers[0].online.tls: ca_file or pins are needed"},
		{"authorities that are not there", "pc-a.ca.pem", "pc-z.ca.pem", "centers[0].online.tls.ca_file: open"},
		{"authorities in no PEM", "pc-a.ca.pem", "pc-a.mac", "centers[0].online.tls.ca_file: "},
		{"pin of another kind", "pins: [sha256/", "pins: [sha1/", "centers[1].online.tls.pins[0]: "},
		{"pin that is cut", "0mXs=]", "0mX=]", "centers[1].online.tls.pins[0]: "},
		{"three pins", "pins: [", "pins: [sha256/AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, sha256/BAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=, ", "centers[1].online.tls.pins: 3 pins: two at most"},
		{"certificate without key", own, "certificate_file: secrets/pc-a.client.pem\n", "centers[0].online.tls: certificate_file and key_file belong together"},
		{"key of another certificate", "key_file: secrets/pc-a.client.key", "key_file: secrets/gateway.pem", "centers[0].online.tls.certificate_file: "},
		{"certificate with a short key", own, "certificate_file: secrets/pc-a.short.pem\n        key_file: secrets/pc-a.short.key\n", "centers[0].online.tls.certificate_file: the key has 1024 bits; 2048 are needed"},
		{"code of DES", "algorithm: aes-cmac", "algorithm: retail", `centers[0].online.mac: iso8583: key of message authentication codes: algorithm "retail" is neither`},
		{"no algorithm", "algorithm: aes-cmac\n        ", "", `centers[0].online.mac: `},
		{"key of codes that is too short", "pc-a.mac", "pc-a.odd", "centers[0].online.mac: iso8583: key of message authentication codes: 15 bytes"},
		{"key of codes in no digits", "pc-a.mac", "pc-b.password", "holds no key in hexadecimal digits"},
		{"the same key twice", "key_file: secrets/pc-a.mac\n", "key_file: secrets/pc-a.mac\n        second_key_file: secrets/pc-a.mac\n", "hold the same key"},
		{"second key that is too short", "key_file: secrets/pc-a.mac\n", "key_file: secrets/pc-a.mac\n        second_key_file: secrets/pc-a.odd\n", "centers[0].online.mac: second key: iso8583: key of message authentication codes: 15 bytes"},
		{"second key that is not there", "key_file: secrets/pc-a.mac\n", "key_file: secrets/pc-a.mac\n        second_key_file: secrets/pc-z.mac\n", "centers[0].online.mac: open"},
		{"key of codes that is not there", "pc-a.mac", "pc-z.mac", "centers[0].online.mac: open"},
		{"line of another kind", "link: private-line", "link: leased", `centers[2].online.link: "leased" is not one of network, private-line`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if all := strings.Join(load(t, tt.old, tt.new), "\n"); !strings.Contains(all, tt.want) {
				t.Errorf("got %q, want %q", all, tt.want)
			}
			if all := strings.Join(load(t, tt.old, tt.new), "\n"); strings.Contains(all, "2b7e") || strings.Contains(all, "Trawler") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

// TestLoginsOfFileServers refuses keys that do not open, or that nobody should rely on.
func TestLoginsOfFileServers(t *testing.T) {
	short, shorter := authorized(2048), authorized(1024)
	const own, pinned = "key_file: secrets/pc-a.key", "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIFVxRXqZxt3pVqB5W8vXw2v3gV9mQ0d0h8nX6yS8cQ2E pc-a"
	const locked, passphrase = "key_file: secrets/pc-a.locked\n        ", "passphrase_file: secrets/pc-a.passphrase"
	for _, tt := range []struct{ name, old, new, want string }{
		{"RSA", own, "key_file: secrets/pc-a.rsa", ""},
		{"encrypted", own, locked + passphrase, ""},
		{"encrypted without a passphrase", own, locked, "centers[0].clearing.sftp.key_file: key file /secrets/pc-a.locked: the key is encrypted, and there is no passphrase_file"},
		{"another passphrase", own, locked + "passphrase_file: secrets/pc-a.wrong", "does not open it"},
		{"passphrase that is not there", own, locked + "passphrase_file: secrets/pc-z.passphrase", "centers[0].clearing.sftp.passphrase_file: open"},
		{"passphrase of a password", "password_file: secrets/pc-b.password", "password_file: secrets/pc-b.password\n        " + passphrase, "centers[1].clearing.sftp.passphrase_file: opens key_file"},
		{"RSA of 1024 bits", own, "key_file: secrets/pc-a.short", "centers[0].clearing.sftp.key_file: key file /secrets/pc-a.short: the key is too weak: 2048 bits of RSA"},
		{"no key", own, "key_file: secrets/pc-b.password", "centers[0].clearing.sftp.key_file: "},
		{"host key of 2048 bits", pinned, short, "centers[0].clearing.sftp.host_keys[0]: host key SHA256:"},
		{"host key of 1024 bits", pinned, shorter, "is too weak: 3072 bits of RSA are needed"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			all := strings.Join(load(t, tt.old, tt.new), "\n")
			if tt.want == "" && all != "" || !strings.Contains(all, tt.want) {
				t.Errorf("got %q, want %q", all, tt.want)
			}
			if strings.Contains(all, "sesame") || strings.Contains(all, "barley") || strings.Contains(all, "Trawler") {
				t.Errorf("a secret is shown: %s", all)
			}
		})
	}
}

func authorized(bits int) string {
	public := must(ssh.NewPublicKey(&key(bits).PublicKey))
	return strings.TrimSpace(string(ssh.MarshalAuthorizedKey(public)))
}

// parseLive reads the example as a live installation, changed, with files of a mode.
func parseLive(t *testing.T, mode os.FileMode, replace ...string) string {
	t.Helper()
	text := string(must(os.ReadFile(example)))
	dir := t.TempDir()
	secrets(t, dir)
	for name := range linkFiles() {
		must(0, os.Chmod(filepath.Join(dir, "secrets", name), mode))
	}
	text = strings.NewReplacer(live...).Replace(text)
	for i := 0; i < len(replace); i += 2 {
		if !strings.Contains(text, replace[i]) {
			t.Fatalf("the example does not contain %q", replace[i])
		}
		text = strings.Replace(text, replace[i], replace[i+1], 1)
	}
	if _, err := config.Parse(filepath.Join(dir, "settled.yaml"), []byte(text)); err != nil {
		return err.Error()
	}
	return ""
}

// TestLiveLinks: a live installation sends no card data in the clear without saying why that is safe, wherever the address is.
func TestLiveLinks(t *testing.T) {
	const line, address = "      link: private-line\n", "online.pc-c.by:7001"
	const refused = "centers[2].online.tls: is missing: card data would go to "
	for _, tt := range []struct {
		name    string
		replace []string
		want    string
	}{
		{"a line that is vouched for", nil, ""},
		{"in the clear", []string{line, ""}, refused + address},
		{"in the clear to this machine", []string{line, "", address, "127.0.0.1:7001"}, refused + "127.0.0.1:7001"},
		{"in the clear to a private network", []string{line, "", address, "10.1.2.3:7001"}, refused + "10.1.2.3:7001"},
		{"a code hides nothing", []string{line, "      mac: {algorithm: aes-cmac, key_file: secrets/pc-a.mac}\n"}, refused + address},
		{"TLS", []string{line, "      tls: {ca_file: secrets/pc-a.ca.pem}\n"}, ""},
	} {
		got := parseLive(t, 0o600, tt.replace...)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestSecretFilesAreTheirOwners: others may not read the keys of a live installation's links.
func TestSecretFilesAreTheirOwners(t *testing.T) {
	for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: true, 0o604: true, 0o644: true} {
		got := parseLive(t, mode)
		for _, place := range []string{"centers[0].online.tls.key_file: ", "centers[0].online.mac.key_file: ", "centers[0].clearing.sftp.key_file: "} {
			if strings.Contains(got, place) != refused {
				t.Errorf("%s of mode %o: %s", place, mode, got)
			}
		}
		got = parseLive(t, mode, "key_file: secrets/pc-a.key", "key_file: secrets/pc-a.locked\n        passphrase_file: secrets/pc-a.passphrase")
		if strings.Contains(got, "sftp.passphrase_file: ") != refused || strings.Contains(got, "sftp.key_file: ") {
			t.Errorf("an encrypted key of mode %o: %s", mode, got)
		}
	}
}
