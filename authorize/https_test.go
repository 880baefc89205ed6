package authorize_test

import (
	"crypto/tls"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"settled/authorize/instant"
	"settled/authorize/notify"
	"settled/authorize/threeds"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

// TestHTTPSClients asks a server by each client that we have: versions of TLS before 1.2, and certificates of nobody, get nothing.
func TestHTTPSClients(t *testing.T) {
	card, err := vault.ParsePAN(pcsim.CardApproved)
	check(t, err)
	secret := vault.NewSecret([]byte("a secret of sixteen bytes"))
	clients := map[string]func(url string) error{
		"partner bank": func(url string) error {
			c, err := instant.New(instant.Options{Name: "SBP", BaseURL: url, KeyID: "k", Secret: secret, Unit: instant.Kopecks})
			check(t, err)
			defer c.Close()
			_, err = c.Banks(t.Context())
			return err
		},
		"3-D Secure": func(url string) error {
			c, err := threeds.New(threeds.Options{BaseURL: url, KeyID: "k", Secret: secret.Reveal()})
			check(t, err)
			defer c.Close()
			_, err = c.Start(t.Context(), "1", card)
			return err
		},
		"notifications": func(url string) error {
			return notify.New(notify.Options{}).Send(t.Context(), notify.Address{URL: url, AllowPrivate: true}, notify.Message{}).Err
		},
	}
	for _, tt := range []struct {
		name string
		tls  *tls.Config
		want string
	}{
		{"TLS 1.0", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10}, "protocol version"},
		{"TLS 1.1", &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}, "protocol version"},
		{"TLS 1.2 of nobody", &tls.Config{MaxVersion: tls.VersionTLS12}, "unknown authority"},
		{"TLS 1.3 of nobody", &tls.Config{MinVersion: tls.VersionTLS13}, "unknown authority"},
	} {
		server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Errorf("%s: a request came", tt.name) }))
		server.TLS, server.Config.ErrorLog = tt.tls, log.New(io.Discard, "", 0)
		server.StartTLS()
		for name, ask := range clients {
			if err := ask(server.URL); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%s, %s: %v, want %q", name, tt.name, err, tt.want)
			}
		}
		server.Close()
	}
}
