package postgres_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"settled/internal/postgres"
	"settled/internal/postgres/local"

	"github.com/jackc/pgx/v5"
)

// TestTransportOfConnectionStrings tries what a person may write, with what the variables of libpq and a service file add to it.
func TestTransportOfConnectionStrings(t *testing.T) {
	ca := newAuthority(t)
	services := filepath.Join(t.TempDir(), "services")
	keep(t, services, []byte("[safe]\nhost=db.example\nsslmode=verify-full\n[open]\nhost=db.example\nsslmode=prefer\n"))
	full := "sslmode=verify-full&sslrootcert=" + url.QueryEscape(ca.file)
	for _, tt := range []struct {
		name, url string
		env       map[string]string
		refused   string // hosts, with commas; empty: none
	}{
		{"a socket", "postgres:///d?host=%2Fvar%2Frun%2Fpostgresql", nil, ""},
		{"this machine", "postgres://u@127.0.0.1/d?sslmode=disable", nil, ""},
		{"this machine, IPv6", "postgres://u@[::1]/d", nil, ""},
		{"this machine by name", "host=localhost dbname=d sslmode=disable", nil, ""},
		{"checked", "postgres://u@db.example/d?" + full, nil, ""},
		{"checked by the machine's authorities", "postgres://u@db.example/d?sslrootcert=system", nil, ""},
		{"checked without naming an authority", "host=db.example dbname=d sslmode=verify-full", nil, ""},
		{"checked, two hosts", "postgres://u@a.example,b.example/d?" + full, nil, ""},
		{"checked by the environment", "postgres://u@db.example/d", map[string]string{"PGSSLMODE": "verify-full"}, ""},
		{"checked by a service", "service=safe dbname=d", map[string]string{"PGSERVICEFILE": services}, ""},

		{"nothing said", "postgres://u@db.example/d", nil, "db.example"},
		{"in the clear", "postgres://u@db.example/d?sslmode=disable", nil, "db.example"},
		{"in the clear first", "postgres://u@db.example/d?sslmode=allow", nil, "db.example"},
		{"in the clear at last", "postgres://u@db.example/d?sslmode=prefer", nil, "db.example"},
		{"TLS to anybody", "postgres://u@db.example/d?sslmode=require", nil, "db.example"},
		{"TLS to anybody at once", "postgres://u@db.example/d?sslnegotiation=direct", nil, "db.example"},
		{"an authority, any host", "postgres://u@db.example/d?sslmode=verify-ca&sslrootcert=" + url.QueryEscape(ca.file), nil, "db.example"},
		{"an authority, no mode", "postgres://u@db.example/d?sslmode=require&sslrootcert=" + url.QueryEscape(ca.file), nil, "db.example"},
		{"a private network", "host=10.1.2.3 dbname=d sslmode=require", nil, "10.1.2.3"},
		{"the second of two hosts", "host=localhost,b.example dbname=d sslmode=prefer", nil, "b.example"},
		{"each of two hosts", "postgres://u@a.example,b.example/d?sslmode=require", nil, "a.example,b.example"},
		{"the environment's mode", "postgres://u@db.example/d", map[string]string{"PGSSLMODE": "require"}, "db.example"},
		{"the environment's host", "dbname=d sslmode=require", map[string]string{"PGHOST": "db.example"}, "db.example"},
		{"a service's mode", "service=open dbname=d", map[string]string{"PGSERVICEFILE": services}, "db.example"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, name := range []string{"PGSSLMODE", "PGHOST", "PGSERVICEFILE", "PGSSLROOTCERT"} {
				t.Setenv(name, tt.env[name])
			}
			err := postgres.CheckTransport(tt.url)
			if (err == nil) != (tt.refused == "") || err != nil && !errors.Is(err, postgres.ErrTransport) {
				t.Fatalf("got %v", err)
			}
			for host := range strings.SplitSeq(tt.refused, ",") {
				if host != "" && !strings.Contains(err.Error(), "host "+host+": ") {
					t.Errorf("%v does not name %s", err, host)
				}
			}
		})
	}
}

func TestTransportErrorsShowNoPassword(t *testing.T) {
	for _, u := range []string{"postgres://u:swordfish@db.example/d", "postgres://u:swordfish@db.example/d?sslmode=no", "password=swordfish host=a port=x"} {
		if err := postgres.CheckTransport(u); err == nil || strings.Contains(err.Error(), "swordfish") {
			t.Errorf("%v", err)
		}
	}
}

// TestImpostorServerIsRefused: real servers with certificates of their own, one of them of the authority that is believed.
func TestImpostorServerIsRefused(t *testing.T) {
	ours, other := newAuthority(t), newAuthority(t)
	server := serverOf(t, local.Config{TCP: true, ThrowAway: true})
	for _, tt := range []struct {
		name   string
		signer *authority
		host   string
		ends   time.Duration
		want   string // empty: the session begins, under TLS
	}{
		{"the server", ours, "127.0.0.1", time.Hour, ""},
		{"an impostor of another authority", other, "127.0.0.1", time.Hour, "unknown authority"},
		{"another host of ours", ours, "10.1.2.3", time.Hour, "10.1.2.3"},
		{"a certificate that has ended", ours, "127.0.0.1", -time.Minute, "expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			certify(t, server, tt.signer, tt.host, tt.ends)
			u := strings.Replace(server.TCPURL("postgres"), "sslmode=disable", "sslmode=verify-full&sslrootcert="+url.QueryEscape(ours.file), 1)
			pool, err := postgres.Open(t.Context(), postgres.Config{URL: u, ThrowAway: true})
			if tt.want != "" {
				if err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Errorf("got %v, want %q", err, tt.want)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			defer pool.Close()
			var version string
			err = pool.QueryRow(t.Context(), `SELECT version FROM pg_stat_ssl WHERE pid = pg_backend_pid() AND ssl`).Scan(&version)
			if err != nil || version < "TLSv1.2" {
				t.Errorf("%s, %v", version, err)
			}
		})
	}
}

// certify gives a server a certificate and makes it speak TLS.
func certify(t *testing.T, server *local.Server, a *authority, host string, ends time.Duration) {
	t.Helper()
	certificate, key := a.sign(&x509.Certificate{IPAddresses: []net.IP{net.ParseIP(host)}, NotAfter: time.Now().Add(ends)})
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	for name, text := range map[string][]byte{"server.crt": certificate, "server.key": key} {
		copied := fmt.Sprintf(`COPY (SELECT unnest(string_to_array('%s', E'\n'))) TO PROGRAM 'umask 077; cat > %s'`, strings.TrimSpace(string(text)), name)
		if _, err := conn.Exec(t.Context(), copied); err != nil {
			t.Fatal(err)
		}
	}
	for _, sql := range []string{"ALTER SYSTEM SET ssl = on", "SELECT pg_reload_conf()"} {
		if _, err := conn.Exec(t.Context(), sql); err != nil {
			t.Fatal(err)
		}
	}
	untilServed(t, server, certificate)
}

// untilServed waits until new sessions see the certificate: a reload takes a moment.
func untilServed(t *testing.T, server *local.Server, want []byte) {
	t.Helper()
	block, _ := pem.Decode(want)
	for range 200 {
		if shown := shownBy(t, server); string(shown) == string(block.Bytes) {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Fatal("the server does not show its new certificate")
}

// shownBy is the certificate that a server shows; nil when it speaks in the clear.
func shownBy(t *testing.T, server *local.Server) (raw []byte) {
	t.Helper()
	cfg, err := pgx.ParseConfig(strings.Replace(server.TCPURL("postgres"), "sslmode=disable", "sslmode=require", 1))
	if err != nil {
		t.Fatal(err)
	}
	cfg.TLSConfig.VerifyPeerCertificate = func(shown [][]byte, _ [][]*x509.Certificate) error { raw = shown[0]; return nil }
	if conn, err := pgx.ConnectConfig(t.Context(), cfg); err == nil {
		_ = conn.Close(t.Context())
	}
	return raw
}

// authority signs certificates of servers.
type authority struct {
	t           *testing.T
	certificate *x509.Certificate
	key         *ecdsa.PrivateKey
	file        string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, file: filepath.Join(t.TempDir(), "ca.pem")}
	own := &x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}
	text, _ := a.sign(own)
	keep(t, a.file, text)
	block, _ := pem.Decode(text)
	var err error
	if a.certificate, err = x509.ParseCertificate(block.Bytes); err != nil {
		t.Fatal(err)
	}
	return a
}

// sign makes a certificate and its key, in PEM; the first one signs itself.
func (a *authority) sign(c *x509.Certificate) (certificate, key []byte) {
	a.t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	c.SerialNumber, c.NotBefore = big.NewInt(time.Now().UnixNano()), time.Now().Add(-time.Hour)
	parent, signer := a.certificate, a.key
	if parent == nil {
		parent, signer, a.key = c, private, private
	}
	raw, err := x509.CreateCertificate(rand.Reader, c, parent, &private.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		a.t.Fatal(err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw}), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})
}

func keep(t *testing.T, name string, text []byte) {
	t.Helper()
	if err := os.WriteFile(name, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
