package instant

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"settled/internal/vault"
)

// Headers that requests, answers and notifications are signed with.
const (
	headerKey       = "X-Key-Id"
	headerTimestamp = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"
	headerNotice    = "X-Notice-Id"
)

// MaxSkew is how far the time of a request may be from the bank's clock, and that of a notification from ours, before or
// after.
const MaxSkew = 5 * time.Minute

// FinalAfter is when nothing of a request can be on its way any more, counted from the call: the bank refuses it by then,
// whichever way its clock and ours differ within MaxSkew. ErrNotFound after that is final, as long as no later call had
// the same id.
const FinalAfter = 2 * MaxSkew

// minSecret is the length of the shortest secret, in bytes: 128 bits.
const minSecret = 16

// Key is a secret shared with the bank, and its name.
type Key struct {
	ID     string
	Secret vault.Secret
}

func (k Key) check() error {
	if !printable(k.ID, 64) || len(k.Secret.Reveal()) < minSecret {
		return fmt.Errorf("instant: a key needs an id of 1 to 64 printable characters and a secret of at least %d bytes", minSecret)
	}
	return nil
}

// sign is the signature of a text made of parts, in the form of the header.
func (k Key) sign(parts ...[]byte) string {
	mac := hmac.New(sha256.New, k.Secret.Reveal())
	for _, part := range parts {
		mac.Write(part)
	}
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func (k Key) verify(signature string, parts ...[]byte) bool {
	return hmac.Equal([]byte(k.sign(parts...)), []byte(signature))
}

// lines is the text that a request or an answer is signed over.
func lines(parts ...string) []byte { return []byte(strings.Join(parts, "\n")) }

func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// signRequest sets the headers of a request.
func (k Key) signRequest(r *http.Request, body []byte, now time.Time, nonce string) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	r.Header.Set(headerKey, k.ID)
	r.Header.Set(headerTimestamp, stamp)
	r.Header.Set(headerNonce, nonce)
	r.Header.Set(headerSignature, k.sign(lines(r.Method, r.URL.RequestURI(), bodyHash(body), stamp, nonce, k.ID)))
}

// key finds the key that a header names: the current one, or another that is still accepted.
func (c *Client) key(h http.Header) (Key, bool) {
	id, ok := only(h, headerKey)
	for _, k := range c.keys {
		if ok && k.ID == id {
			return k, true
		}
	}
	return Key{}, false
}

// answers reports whether the bank signed this answer to the request with this nonce.
func (c *Client) answers(a *http.Response, body []byte, nonce string) bool {
	key, known := c.key(a.Header)
	signature, once := only(a.Header, headerSignature)
	return known && once && key.verify(signature, lines("answer", nonce, strconv.Itoa(a.StatusCode), bodyHash(body), key.ID))
}

// only returns a header that is there exactly once.
func only(h http.Header, name string) (string, bool) {
	values := h.Values(name)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}
