package app

import (
	"crypto/tls"
	"net/http/httptest"
	"net/netip"
	"testing"
)

// Only a proxy of ours is believed that a request came over https, and of what it says only its own word.
func TestSecureBehindProxies(t *testing.T) {
	secure := secureBehind([]netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")})
	for name, c := range map[string]struct {
		from, said string
		tls, want  bool
	}{
		"over https":             {"203.0.113.1:1", "", true, true},
		"over http":              {"203.0.113.1:1", "", false, false},
		"a stranger's word":      {"203.0.113.1:1", "https", false, false},
		"our proxy's word":       {"10.1.2.3:1", "HTTPS", false, true},
		"our proxy says http":    {"10.1.2.3:1", "https, http", false, false},
		"our proxy says nothing": {"10.1.2.3:1", "", false, false},
	} {
		r := httptest.NewRequest("GET", "http://pay.example/", nil)
		if r.RemoteAddr = c.from; c.said != "" {
			r.Header.Set("X-Forwarded-Proto", c.said)
		}
		if r.TLS = nil; c.tls {
			r.TLS = &tls.ConnectionState{}
		}
		if secure(r) != c.want {
			t.Errorf("%s: %v", name, !c.want)
		}
	}
}
