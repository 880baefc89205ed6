package architecture

import (
	"go/ast"
	"slices"
	"testing"
)

// dialers are the files that may open connections, and to what: each of these addresses stands in the configuration or the environment and
// is fixed when the process starts. docs/links.md lists them, so that a firewall can drop the rest.
var dialers = map[string]string{
	"authorize/online/client.go":  "centers[].online.address",
	"authorize/instant/client.go": "centers[].instant.url",
	"authorize/threeds/client.go": "three_ds.url",
	"authorize/notify/client.go":  "merchants[].notifications.url, public addresses only",
	"clearing/remote/link.go":     "centers[].clearing.sftp.address",
	"internal/postgres/dial.go":   "DATABASE_URL",
	"internal/postgres/open.go":   "DATABASE_URL",
	"internal/app/pulse.go":       "DATABASE_URL",
	"migrations/migrations.go":    "DATABASE_URL",
	"settle/blocks.go":            "DATABASE_URL",
}

// outside are rooms that no live installation runs: the simulated world, the demo and the measurements.
var outside = []string{"internal/pcsim", "cmd/pcsim", "internal/app/demo", "internal/app/bench", "internal/postgres/pgtest", "internal/postgres/local"}

// opening are the names with which a connection to somewhere else begins.
var opening = map[string][]string{
	"net":     {"Dial", "DialTimeout", "Dialer", "DialTCP", "DialUnix", "DialUDP", "DialIP"},
	"tls":     {"Dial", "DialWithDialer", "Dialer"},
	"ssh":     {"Dial"},
	"http":    {"Get", "Post", "PostForm", "Head", "DefaultClient", "DefaultTransport", "Client", "Transport"},
	"smtp":    {"Dial", "SendMail"},
	"pgx":     {"Connect", "ConnectConfig"},
	"pgconn":  {"Connect", "ConnectConfig"},
	"pgxpool": {"New", "NewWithConfig"},
}

func TestOnlyKnownFilesOpenConnections(t *testing.T) {
	set, files := source(t)
	used := map[string]bool{}
	for _, f := range files {
		if f.test || within(f.dir, outside...) {
			continue
		}
		ast.Inspect(f.syntax, func(n ast.Node) bool {
			if !opens(n) {
				return true
			}
			if used[f.name] = true; dialers[f.name] == "" {
				t.Errorf("%s: only these files open connections: %v; another one needs a row here and in docs/links.md", f.position(set, n.Pos()), dialers)
			}
			return true
		})
	}
	for name := range dialers {
		if !used[name] {
			t.Errorf("%s opens no connection: take its row away", name)
		}
	}
}

func opens(n ast.Node) bool {
	used, ok := n.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	from, ok := used.X.(*ast.Ident)
	return ok && slices.Contains(opening[from.Name], used.Sel.Name)
}
