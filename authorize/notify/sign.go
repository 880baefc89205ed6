package notify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"settled/internal/vault"
)

// Sizes of a key in bytes, as Standard Webhooks 1.0 bounds them.
const (
	minKey = 24
	newKey = 32
	maxKey = 64
)

const (
	keyPrefix  = "whsec_"
	maxSigners = 2 // the old key and the new one, while a merchant changes over
)

// ErrKey is returned for a text that holds no keys of signatures.
var ErrKey = errors.New("notify: not a signing key")

// Signer signs requests by the scheme of Standard Webhooks 1.0, so that a server can check the whole of a request with a library of
// its language. It covers everything that the protocol's own proof leaves out. The zero Signer signs nothing.
type Signer struct{ keys []vault.Secret }

// NewKey makes a key, as [ReadSigner] reads it.
func NewKey() string {
	var key [newKey]byte
	_, _ = rand.Read(key[:]) // never fails
	return keyPrefix + base64.StdEncoding.EncodeToString(key[:])
}

// ReadSigner reads the keys that sign, one to a line: "whsec_" and 24 to 64 bytes in Base64. Of two, both sign, so that a server that
// knows either takes the request. Errors: ErrKey, which never repeats the text.
func ReadSigner(text []byte) (Signer, error) {
	var s Signer
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		encoded, ok := strings.CutPrefix(line, keyPrefix)
		key, err := base64.StdEncoding.DecodeString(encoded)
		if !ok || err != nil || len(key) < minKey || len(key) > maxKey {
			return Signer{}, fmt.Errorf("%w: line %d is not %s with %d to %d bytes in Base64", ErrKey, len(s.keys)+1, keyPrefix, minKey, maxKey)
		}
		s.keys = append(s.keys, vault.NewSecret(key))
	}
	if len(s.keys) == 0 || len(s.keys) > maxSigners {
		return Signer{}, fmt.Errorf("%w: there are %d keys, not one or two", ErrKey, len(s.keys))
	}
	return s, nil
}

// Signs reports whether requests are signed.
func (s Signer) Signs() bool { return len(s.keys) > 0 }

// sign puts the signatures of a message into the headers of its request.
func (s Signer) sign(h http.Header, m Message) {
	if !s.Signs() {
		return
	}
	stamp := strconv.FormatInt(m.At.Unix(), 10)
	signatures := make([]string, len(s.keys))
	for i, key := range s.keys {
		mac := hmac.New(sha256.New, key.Reveal())
		_, _ = fmt.Fprintf(mac, "%s.%s.%s", m.ID, stamp, m.Body)
		signatures[i] = "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	}
	h.Set("Webhook-Id", m.ID)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", strings.Join(signatures, " "))
}
