package config

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"settled/internal/vault"
)

// Pair names the files of a certificate and of its private key. A listener with one serves TLS, one without plain HTTP.
type Pair struct{ Certificate, Key string }

// Given tells whether there is a pair.
func (p Pair) Given() bool { return p != Pair{} }

// Listener is an address that a process listens on, and who may connect to it.
type Listener struct {
	Name     string // in metrics and in the log
	Variable string // that gives the address
	Address  string
	Pair
	// From are the networks whose connections are taken besides those of this host. Empty: everybody's.
	From []netip.Prefix

	refused string // what to do when the address is refused
}

// The listeners by their names.
const (
	ListenerAPI     = "api"
	ListenerMetrics = "metrics"
)

// Listeners are the addresses that processes of an installation listen on. Where merchants reach a live installation in plain HTTP from
// outside the host, only the named proxies may connect.
func (e *Environment) Listeners(of vault.Environment) []Listener {
	api := Listener{Name: ListenerAPI, Variable: "SETTLED_LISTEN", Address: e.Listen, Pair: e.TLS,
		refused: "give SETTLED_TLS_CERT and SETTLED_TLS_KEY, or listen on 127.0.0.1, or name the reverse proxies that end TLS in SETTLED_PROXIES: then only they may connect"}
	if of == vault.Live && api.open() {
		api.From = e.Proxies
	}
	metrics := Listener{Name: ListenerMetrics, Variable: "SETTLED_METRICS_LISTEN", Address: e.MetricsListen, Pair: e.MetricsTLS, From: e.MetricsFrom,
		refused: "give SETTLED_METRICS_TLS_CERT and SETTLED_METRICS_TLS_KEY, or listen on 127.0.0.1, or name the private network in SETTLED_METRICS_NETWORKS: then only it may connect"}
	return []Listener{api, metrics}
}

// Check finds what a live installation must not have: plain HTTP on an address that others than this host and a named network reach. The
// error says why, and what to do.
func (l *Listener) Check(of vault.Environment) error {
	if of != vault.Live || !l.open() || len(l.From) > 0 && !slices.ContainsFunc(l.From, everybody) {
		return nil
	}
	return fmt.Errorf("%w: environment variable %s=%q: a live installation takes no plain HTTP from outside the host: %s", ErrInvalid, l.Variable,
		l.Address, l.refused)
}

// everybody tells that a network is all addresses there are.
func everybody(p netip.Prefix) bool { return p.Bits() == 0 }

// open tells that the address takes plain HTTP and is reached from outside the host. A name other than localhost is taken for one that is.
func (l *Listener) open() bool {
	if l.Given() {
		return false
	}
	host, _, err := net.SplitHostPort(l.Address)
	if err != nil || host == "localhost" {
		return err != nil
	}
	a, err := netip.ParseAddr(host)
	return err != nil || !a.Unmap().IsLoopback()
}

// pairsAreWhole finds a certificate without a key, and a key without a certificate.
func (e *Environment) pairsAreWhole() error {
	for _, p := range [...]struct {
		Pair
		certificate, key string
	}{{e.TLS, "SETTLED_TLS_CERT", "SETTLED_TLS_KEY"}, {e.MetricsTLS, "SETTLED_METRICS_TLS_CERT", "SETTLED_METRICS_TLS_KEY"}} {
		if (p.Certificate == "") != (p.Key == "") {
			return fmt.Errorf("%w: environment variables %s and %s: one is given without the other", ErrInvalid, p.certificate, p.key)
		}
	}
	return nil
}
