package pcsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Headers of docs/formats/instant.md.
const (
	headerKey       = "X-Key-Id"
	headerTimestamp = "X-Timestamp"
	headerNonce     = "X-Nonce"
	headerSignature = "X-Signature"
	headerNotice    = "X-Notice-Id"
)

// maxSkew is how far the time of a request may be from the bank's clock.
const maxSkew = 5 * time.Minute

// sign is the signature of a text, in the form of the header.
func (b *Bank) sign(text string) string {
	mac := hmac.New(sha256.New, b.opt.Secret)
	mac.Write([]byte(text))
	return "v1=" + hex.EncodeToString(mac.Sum(nil))
}

func bodyHash(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// authentic checks a request's signature, time and nonce; the text says what is wrong, empty for nothing.
func (b *Bank) authentic(r *http.Request, body []byte) string {
	h := r.Header
	stamp, nonce := h.Get(headerTimestamp), h.Get(headerNonce)
	if h.Get(headerKey) != b.opt.KeyID {
		return "unknown key"
	}
	want := b.sign(strings.Join([]string{r.Method, r.URL.RequestURI(), bodyHash(body), stamp, nonce, b.opt.KeyID}, "\n"))
	if !hmac.Equal([]byte(want), []byte(h.Get(headerSignature))) {
		return "wrong signature"
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	now := b.opt.Now()
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > maxSkew {
		return "time is more than 5 minutes off"
	}
	if len(nonce) < 16 || len(nonce) > 64 || !b.fresh(nonce, now) {
		return "nonce used, or not 16 to 64 characters"
	}
	return ""
}

// fresh remembers a nonce for as long as its request could be replayed; false means that it was seen.
func (b *Bank) fresh(nonce string, now time.Time) bool {
	l := &b.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if now.Sub(l.swept).Abs() > maxSkew {
		for n, at := range l.nonces {
			if now.Sub(at).Abs() > 2*maxSkew {
				delete(l.nonces, n)
			}
		}
		l.swept = now
	}
	if _, seen := l.nonces[nonce]; seen {
		return false
	}
	l.nonces[nonce] = now
	return true
}

// signAnswer signs an answer together with the nonce of its request, so that it answers that request only.
func (b *Bank) signAnswer(h http.Header, nonce string, status int, body []byte) {
	h.Set(headerKey, b.opt.KeyID)
	h.Set(headerSignature, b.sign(strings.Join([]string{"answer", nonce, strconv.Itoa(status), bodyHash(body), b.opt.KeyID}, "\n")))
}
