package authorize

import (
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// minKeyBits is the smallest RSA key that is taken: the protocol's own keys have 1024 bits.
const minKeyBits = 1024

// ErrKey is wrapped by the errors of ParsePublicKey and ParseSigningKey.
var ErrKey = errors.New("authorize: not a usable RSA key")

// ParsePublicKey reads the key that verifies a merchant's signatures: PKIX, PKCS #1 or an X.509 certificate, in PEM or
// DER, RSA of at least 1024 bits.
func ParsePublicKey(text []byte) (*rsa.PublicKey, error) {
	der := fromPEM(text)
	var key any
	if k, err := x509.ParsePKIXPublicKey(der); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS1PublicKey(der); err == nil {
		key = k
	} else if certificate, err := x509.ParseCertificate(der); err == nil {
		key = certificate.PublicKey
	}
	public, ok := key.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("%w: neither a public key nor a certificate with one", ErrKey)
	}
	return public, checkKey(public)
}

// ParseSigningKey reads the gateway's own key, which signs answers: PKCS #8 or PKCS #1, in PEM or DER, RSA of at least
// 1024 bits.
func ParseSigningKey(text []byte) (*rsa.PrivateKey, error) {
	der := fromPEM(text)
	var key any
	if k, err := x509.ParsePKCS8PrivateKey(der); err == nil {
		key = k
	} else if k, err := x509.ParsePKCS1PrivateKey(der); err == nil {
		key = k
	}
	private, ok := key.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("%w: not a private key without a password", ErrKey)
	}
	return private, checkKey(&private.PublicKey)
}

func fromPEM(text []byte) []byte {
	if block, _ := pem.Decode(text); block != nil {
		return block.Bytes
	}
	return text
}

func checkKey(key *rsa.PublicKey) error {
	if bits := key.N.BitLen(); bits < minKeyBits {
		return fmt.Errorf("%w: %d bits are too few", ErrKey, bits)
	}
	return nil
}
