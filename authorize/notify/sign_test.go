package notify

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// request is what a server gets of a message.
func request(t *testing.T, s Signer, m Message) (h http.Header, body []byte) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h = r.Header
		body, _ = io.ReadAll(r.Body)
		_, _ = io.WriteString(w, taken)
	}))
	defer server.Close()
	if a := New(Options{}).Send(t.Context(), Address{URL: server.URL, AllowPrivate: true, Signer: s}, m); a.Outcome != Delivered {
		t.Fatal(a.Err)
	}
	return h, body
}

// TestSignature lets a library of the standard's authors check requests: with the old key and the new one, and after each kind of change.
func TestSignature(t *testing.T) {
	old, fresh := NewKey(), NewKey()
	s, err := ReadSigner([]byte(old + "\n" + fresh + "\n"))
	if err != nil {
		t.Fatal(err)
	}
	h, body := request(t, s, Message{ID: "5100001000000001-1-1", At: time.Now(), Body: []byte("amount=1.00")})
	changed := func(name, value string) http.Header {
		c := h.Clone()
		c.Set(name, value)
		return c
	}
	for _, tt := range []struct {
		name, key string
		headers   http.Header
		body      string
		good      bool
	}{
		{"old key", old, h, string(body), true},
		{"new key", fresh, h, string(body), true},
		{"key of another merchant", NewKey(), h, string(body), false},
		{"another amount", old, h, "amount=9.00", false},
		{"another message", old, changed("webhook-id", "5100001000000001-1-2"), string(body), false},
		{"another time", old, changed("webhook-timestamp", "1"), string(body), false},
		{"no signature", old, changed("webhook-signature", ""), string(body), false},
	} {
		hook, err := standardwebhooks.NewWebhook(tt.key)
		if err != nil {
			t.Fatal(err)
		}
		if err := hook.Verify([]byte(tt.body), tt.headers); (err == nil) != tt.good {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
}

// Without a key nothing is signed.
func TestNoSignature(t *testing.T) {
	h, _ := request(t, Signer{}, Message{ID: "1-1-1", At: time.Now()})
	for name := range h {
		if strings.HasPrefix(name, "Webhook-") {
			t.Errorf("%s is sent", name)
		}
	}
}

func TestKeysAreRefused(t *testing.T) {
	good := NewKey()
	for name, text := range map[string]string{"nothing": "\n", "three": strings.Repeat(good+"\n", 3), "no prefix": strings.TrimPrefix(good, keyPrefix),
		"short": "whsec_c2hvcnQ=", "long": "whsec_" + strings.Repeat("AAAA", 22), "no Base64": "whsec_" + strings.Repeat("?", 44)} {
		_, err := ReadSigner([]byte(text))
		if !errors.Is(err, ErrKey) || strings.Contains(err.Error(), strings.TrimPrefix(good, keyPrefix)) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
