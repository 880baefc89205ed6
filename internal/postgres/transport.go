package postgres

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"

	"github.com/jackc/pgx/v5/pgconn"
)

// ErrTransport is wrapped by every *TransportError.
var ErrTransport = errors.New("postgres: connection is not secured")

// TransportError says that a connection string lets a session with another machine go in the clear, or to a server that has not
// proven who it is.
type TransportError struct {
	Host string // as the connection string, a service file or the environment names it
	Why  string
}

// Error says which host, why, and what to write instead.
func (e *TransportError) Error() string {
	return fmt.Sprintf("postgres: host %s: %s: write sslmode=verify-full into DATABASE_URL, and sslrootcert=FILE with the authority of the server's certificate, or sslrootcert=system", e.Host, e.Why)
}

// Is reports a match with ErrTransport.
func (e *TransportError) Is(target error) bool { return target == ErrTransport }

// CheckTransport refuses a connection string with which a session could reach a host other than this machine without TLS that
// checks chain and name (verify-full). It looks at what the driver makes of the string, PGSSLMODE and the other variables of libpq,
// and service files, for each host and each way to fall back. It connects to nothing. Its errors, each host of them, wrap
// ErrTransport; they and that of a string that cannot be read show no password.
func CheckTransport(url string) error {
	cfg, err := pgconn.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("read database URL: %w", err)
	}
	all, seen := []error{}, map[string]bool{}
	note := func(host string, port uint16, c *tls.Config) {
		if why := insecure(host, port, c); why != "" && !seen[host] {
			seen[host] = true
			all = append(all, &TransportError{host, why})
		}
	}
	note(cfg.Host, cfg.Port, cfg.TLSConfig)
	for _, f := range cfg.Fallbacks {
		note(f.Host, f.Port, f.TLSConfig)
	}
	return errors.Join(all...)
}

// insecure says what is wrong with a way to a host; empty: nothing.
func insecure(host string, port uint16, c *tls.Config) string {
	if network, _ := pgconn.NetworkAddress(host, port); network == "unix" || thisMachine(host) {
		return ""
	}
	switch {
	case c == nil:
		return "its sslmode lets a session go in the clear"
	case c.InsecureSkipVerify:
		return "its sslmode does not check that the server's certificate is of this host"
	case c.MinVersion != 0 && c.MinVersion < tls.VersionTLS12:
		return "it takes TLS before 1.2"
	}
	return ""
}

func thisMachine(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}
