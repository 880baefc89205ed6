package config

import (
	"fmt"
	"log/slog"
	"net/netip"
	"os"
	"strconv"
	"strings"
	"time"
)

// Environment is what a process is told by its environment. Secrets do not stand here but in the files that are named;
// DATABASE_URL may leave its password to PGPASSFILE.
type Environment struct {
	DatabaseURL   string         // DATABASE_URL
	Config        string         // SETTLED_CONFIG: path of the configuration file
	Keys          string         // SETTLED_KEYS: path of the vault's key file
	Listen        string         // SETTLED_LISTEN: address of the merchants' API
	TLS           Pair           // SETTLED_TLS_CERT, SETTLED_TLS_KEY: of the merchants' API
	MetricsListen string         // SETTLED_METRICS_LISTEN: address of metrics and health
	MetricsTLS    Pair           // SETTLED_METRICS_TLS_CERT, SETTLED_METRICS_TLS_KEY: of metrics and health
	MetricsFrom   []netip.Prefix // SETTLED_METRICS_NETWORKS: whose connections to metrics and health are taken besides this host's; empty: everybody's
	MetricsToken  string         // SETTLED_METRICS_TOKEN_FILE: path of a file with the token that metrics are asked for with; empty: they need none
	MaxConns      int32          // SETTLED_MAX_CONNS: database connections of the process, those of the lanes apart
	Lanes         int            // SETTLED_LANES: workers of the group commit
	Drain         time.Duration  // SETTLED_DRAIN: how long a stop waits for what is in process
	Proxies       []netip.Prefix // SETTLED_PROXIES: networks of our reverse proxies, whose X-Forwarded-For is believed
	LogLevel      slog.Level     // SETTLED_LOG_LEVEL: debug, info, warn or error
}

// Variable is one environment variable.
type Variable struct {
	Name    string
	Default string
	Means   string
	set     func(*Environment, string) error
}

// Variables lists the environment variables that are read, besides those of libpq.
func Variables() []Variable {
	return []Variable{
		{"DATABASE_URL", "", "the PostgreSQL database, as a URL or connection string", text(func(e *Environment) *string { return &e.DatabaseURL })},
		{"SETTLED_CONFIG", "settled.yaml", "path of the configuration file", text(func(e *Environment) *string { return &e.Config })},
		{"SETTLED_KEYS", "settled.keys", "path of the vault's key file; settled keys new makes one", text(func(e *Environment) *string { return &e.Keys })},
		{"SETTLED_LISTEN", "127.0.0.1:8080", "address of the merchants' API", text(func(e *Environment) *string { return &e.Listen })},
		{"SETTLED_TLS_CERT", "", "path of the certificate of the merchants' API with those that vouch for it, in PEM; without it the API speaks plain HTTP", text(func(e *Environment) *string { return &e.TLS.Certificate })},
		{"SETTLED_TLS_KEY", "", "path of the private key of SETTLED_TLS_CERT, in PEM, closed to others", text(func(e *Environment) *string { return &e.TLS.Key })},
		{"SETTLED_METRICS_LISTEN", "127.0.0.1:9180", "address of metrics and health, for a private network", text(func(e *Environment) *string { return &e.MetricsListen })},
		{"SETTLED_METRICS_TLS_CERT", "", "path of the certificate of metrics and health, in PEM; without it they are told in plain HTTP", text(func(e *Environment) *string { return &e.MetricsTLS.Certificate })},
		{"SETTLED_METRICS_TLS_KEY", "", "path of the private key of SETTLED_METRICS_TLS_CERT, in PEM, closed to others", text(func(e *Environment) *string { return &e.MetricsTLS.Key })},
		{"SETTLED_METRICS_NETWORKS", "", "addresses or networks that may connect to metrics and health besides this host, separated by commas; without it everybody may", setNetworks(func(e *Environment) *[]netip.Prefix { return &e.MetricsFrom })},
		{"SETTLED_METRICS_TOKEN_FILE", "", "path of a file, closed to others, with the bearer token that /metrics is asked for with; without it /metrics needs none", text(func(e *Environment) *string { return &e.MetricsToken })},
		{"SETTLED_MAX_CONNS", "16", "database connections of the process, besides one for each lane", setMaxConns},
		{"SETTLED_LANES", "2", "workers of the group commit, each with a database connection", setLanes},
		{"SETTLED_DRAIN", "30s", "how long a stop waits for what is in process", setDrain},
		{"SETTLED_PROXIES", "", "addresses or networks of the reverse proxies in front, separated by commas: their X-Forwarded-For says who calls", setNetworks(func(e *Environment) *[]netip.Prefix { return &e.Proxies })},
		{"SETTLED_LOG_LEVEL", "info", "debug, info, warn or error", func(e *Environment, s string) error { return e.LogLevel.UnmarshalText([]byte(s)) }},
	}
}

// ReadEnvironment reads the variables through get, such as os.Getenv. An error names the variable.
func ReadEnvironment(get func(string) string) (Environment, error) {
	var e Environment
	for _, v := range Variables() {
		value := get(v.Name)
		if value == "" {
			value = v.Default
		}
		if err := v.set(&e, value); err != nil {
			return e, fmt.Errorf("%w: environment variable %s=%q: %w", ErrInvalid, v.Name, value, err)
		}
	}
	return e, e.pairsAreWhole()
}

// Load reads the configuration file that the environment names. A file that does not exist is an error that says where it
// was looked for, and what names another.
func (e Environment) Load() (*Config, error) {
	if _, err := os.Stat(e.Config); err != nil {
		return nil, fmt.Errorf("%w: configuration file: %w (SETTLED_CONFIG names another)", ErrInvalid, err)
	}
	return Load(e.Config)
}

func text(field func(*Environment) *string) func(*Environment, string) error {
	return func(e *Environment, s string) error { *field(e) = s; return nil }
}

func setMaxConns(e *Environment, s string) error {
	n, err := between(s, 5, 10_000)
	e.MaxConns = int32(n)
	return err
}

// setNetworks reads networks and single addresses.
func setNetworks(field func(*Environment) *[]netip.Prefix) func(*Environment, string) error {
	return func(e *Environment, s string) error {
		for text := range strings.SplitSeq(s, ",") {
			text = strings.TrimSpace(text)
			if text == "" {
				continue
			}
			network, err := netip.ParsePrefix(text)
			if a, single := netip.ParseAddr(text); single == nil {
				network, err = a.Prefix(a.BitLen())
			}
			if err != nil {
				return fmt.Errorf("%q is neither an address nor a network", text)
			}
			*field(e) = append(*field(e), network.Masked())
		}
		return nil
	}
}

func setLanes(e *Environment, s string) error {
	n, err := between(s, 1, 64)
	e.Lanes = n
	return err
}

func setDrain(e *Environment, s string) (err error) {
	if e.Drain, err = time.ParseDuration(s); err != nil {
		return err
	}
	if e.Drain < 0 || e.Drain > 10*time.Minute {
		return fmt.Errorf("is not between 0s and 10m")
	}
	return nil
}

func between(s string, least, most int) (int, error) {
	n, err := strconv.Atoi(s)
	if err == nil && (n < least || n > most) {
		err = fmt.Errorf("is not between %d and %d", least, most)
	}
	return n, err
}
