package config_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"settled/internal/config"
	"settled/internal/vault"

	"github.com/google/go-cmp/cmp"
)

// listenerRows say of each listener how it is set and what makes one that is open to others fit for a live installation.
var listenerRows = map[string]struct{ address, certificate, key, networks string }{
	config.ListenerAPI:     {"SETTLED_LISTEN", "SETTLED_TLS_CERT", "SETTLED_TLS_KEY", "SETTLED_PROXIES"},
	config.ListenerMetrics: {"SETTLED_METRICS_LISTEN", "SETTLED_METRICS_TLS_CERT", "SETTLED_METRICS_TLS_KEY", "SETTLED_METRICS_NETWORKS"},
}

func environmentOf(t *testing.T, values map[string]string) config.Environment {
	t.Helper()
	e, err := config.ReadEnvironment(func(name string) string { return values[name] })
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// TestPlainHTTPFromOutsideIsRefusedInLive tries every listener at every kind of address, in both environments, with and without TLS and
// named networks. A variable for an address that is no listener, and a listener without a row, fail.
func TestPlainHTTPFromOutsideIsRefusedInLive(t *testing.T) {
	var variables, rows []string
	for _, v := range config.Variables() {
		if strings.HasSuffix(v.Name, "LISTEN") {
			variables = append(variables, v.Name)
		}
	}
	for _, row := range listenerRows {
		rows = append(rows, row.address)
	}
	slices.Sort(rows)
	slices.Sort(variables)
	if diff := cmp.Diff(variables, rows); diff != "" {
		t.Errorf("variables that give an address, and rows:\n%s", diff)
	}
	for address, outside := range map[string]bool{"127.0.0.1:80": false, "127.9.9.9:80": false, "[::1]:80": false, "localhost:80": false, "[::ffff:127.0.0.1]:80": false,
		":80": true, "0.0.0.0:80": true, "[::]:80": true, "10.0.0.5:80": true, "[2001:db8::1]:80": true, "pay.example:80": true} {
		for _, of := range []vault.Environment{vault.Test, vault.Live} {
			for _, tls := range []bool{false, true} {
				for networks, named := range map[string]bool{"": false, "10.0.0.0/8": true, "10.0.0.7,0.0.0.0/0": false, "::/0": false} {
					for name, row := range listenerRows {
						values := map[string]string{row.address: address, row.networks: networks}
						if tls {
							values[row.certificate], values[row.key] = "tls.crt", "tls.key"
						}
						what := fmt.Sprintf("%s at %s, %s, TLS %v, networks %q", name, address, of, tls, networks)
						checkListener(t, what, environmentOf(t, values), name, of, outside && of == vault.Live && !tls && !named, outside && of == vault.Live && !tls && named)
					}
				}
			}
		}
	}
}

// checkListener looks at one of an installation's listeners: whether it is refused, and whether it is closed to all but the named networks.
func checkListener(t *testing.T, what string, e config.Environment, name string, of vault.Environment, refused, closed bool) {
	t.Helper()
	for _, l := range e.Listeners(of) {
		row, known := listenerRows[l.Name]
		if !known {
			t.Errorf("listener %s has no row", l.Name)
		}
		if l.Name != name {
			continue
		}
		err := l.Check(of)
		if (err != nil) != refused {
			t.Errorf("%s: %v", what, err)
		}
		if refused && !(errors.Is(err, config.ErrInvalid) && strings.Contains(err.Error(), row.address) && strings.Contains(err.Error(), row.certificate) && strings.Contains(err.Error(), row.networks)) {
			t.Errorf("%s: the reason is %v", what, err)
		}
		if closed && len(l.From) == 0 {
			t.Errorf("%s: everybody may connect", what)
		}
	}
}

// TestCertificateAndKeyAreGivenTogether, for every listener.
func TestCertificateAndKeyAreGivenTogether(t *testing.T) {
	for name, row := range listenerRows {
		for _, alone := range []string{row.certificate, row.key} {
			_, err := config.ReadEnvironment(func(n string) string {
				if n == alone {
					return "file"
				}
				return ""
			})
			if !errors.Is(err, config.ErrInvalid) || !strings.Contains(err.Error(), row.certificate) || !strings.Contains(err.Error(), row.key) {
				t.Errorf("%s with %s alone: %v", name, alone, err)
			}
		}
	}
}
