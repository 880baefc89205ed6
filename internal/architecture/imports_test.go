package architecture

import (
	"slices"
	"strings"
	"testing"
)

// mayImport lists, for each room, the rooms of ours that its code may import, besides itself. Imports run one way: what is
// not listed is forbidden, and a room that is not listed may not exist.
var mayImport = map[string][]string{
	"cmd/settled":      {"authorize", "clearing", "settle", "schedules", "migrations", "internal"},
	"cmd/pcsim":        {"internal/pcsim", "fileformats", "internal/money"},
	"internal/app":     {"authorize", "clearing", "settle", "schedules", "fileformats", "migrations", "internal"},
	"internal/console": slices.Concat([]string{"authorize", "clearing", "settle", "fileformats", "internal/config"}, ground),
	"internal/work":    slices.Concat([]string{"clearing", "settle", "internal/config"}, ground),
	"internal/config":  slices.Concat([]string{"settle", "clearing", "authorize/online", "authorize/tenants", "authorize/notify", "authorize/protocol", "fileformats/iso8583"}, ground),
	"authorize":        slices.Concat([]string{"settle", "fileformats/iso8583", "fileformats/authlog"}, ground),
	"authorize/checkout": slices.Concat([]string{"settle", "authorize/payment", "authorize/telling", "authorize/tenants", "authorize/protocol",
		"authorize/page", "authorize/instant", "authorize/threeds"}, wire),
	"authorize/payment": slices.Concat([]string{"settle", "authorize/tenants", "authorize/protocol", "authorize/online", "authorize/instant",
		"authorize/threeds", "fileformats/iso8583", "fileformats/authlog", "internal/postgres"}, wire),
	"authorize/telling":  slices.Concat([]string{"settle", "authorize/protocol", "authorize/threeds"}, wire),
	"authorize/tenants":  slices.Concat([]string{"settle", "authorize/notify", "authorize/protocol"}, wire),
	"authorize/protocol": slices.Concat([]string{"authorize/charset"}, wire),
	"authorize/charset":  {},
	"clearing": slices.Concat([]string{"settle", "clearing/centerlog", "clearing/delivery", "clearing/dial", "clearing/files", "clearing/format",
		"clearing/inbox", "clearing/pages", "clearing/remote", "clearing/rows", "clearing/states", "clearing/store"}, ground),
	"settle":                ground,
	"settle/read":           slices.Concat([]string{"settle", "settle/order", "settle/ledger"}, ground),
	"settle/reconcile":      slices.Concat([]string{"settle"}, ground),
	"settle/gauges":         {"settle"},
	"settle/stored":         {},
	"schedules":             {},
	"fileformats":           {"internal/money"},
	"migrations":            {"internal/postgres/roles"},
	"internal/money":        {},
	"internal/listing":      {"internal/money"},
	"internal/settings":     {},
	"internal/secretfile":   {},
	"internal/vault":        {"internal/secretfile"},
	"internal/telemetry":    {"internal/vault"},
	"internal/postgres":     {"migrations"},
	"internal/pcsim":        {"fileformats", "internal/money"},
	"internal/architecture": {},

	"settle/authentication": {"settle/stored", "internal/postgres"},
	"settle/breaks":         {"internal/money", "internal/postgres", "internal/vault"},
	"settle/credential":     {"settle/order", "internal/postgres", "internal/vault"},
	"settle/events":         {"internal/postgres", "internal/vault"},
	"settle/fees":           {"internal/money", "settle/ledger"},
	"settle/funds":          {"internal/money"},
	"settle/ledger":         {"internal/money", "internal/postgres"},
	"settle/notification":   {"settle/stored", "internal/vault"},
	"settle/order":          {},
	"settle/subscription":   {"settle/credential", "settle/order", "settle/stored", "internal/money", "internal/postgres"},
	"settle/processes":      {"internal/postgres"},
	"settle/turns":          {},
	"settle/wish": {"settle/breaks", "settle/credential", "settle/order", "settle/stored", "settle/subscription",
		"internal/postgres", "internal/vault"},
	"clearing/centerlog": {"clearing/dial", "clearing/remote", "clearing/rows", "clearing/states", "fileformats/authlog", "settle", "internal/postgres",
		"internal/vault"},
	"clearing/delivery": {"clearing/dial", "clearing/files", "clearing/pages", "clearing/remote", "clearing/rows", "clearing/states", "clearing/store",
		"settle/breaks", "internal/postgres", "internal/vault"},
	"clearing/inbox": {"clearing/dial", "clearing/format", "clearing/remote", "clearing/rows", "clearing/states", "clearing/store",
		"internal/postgres", "internal/vault"},
	"clearing/dial":                 {"clearing/pages", "clearing/remote", "clearing/rows", "settle/breaks", "internal/postgres", "internal/vault"},
	"clearing/files":                {"clearing/rows", "clearing/states", "internal/postgres"},
	"clearing/pages":                {},
	"clearing/rows":                 {"clearing/states", "internal/postgres"},
	"clearing/states":               {"settle"},
	"clearing/remote":               {},
	"clearing/store":                slices.Concat([]string{"settle", "clearing/states"}, ground),
	"clearing/format":               {"internal/money", "internal/settings"},
	"clearing/format/formats":       {"clearing/format", "internal/settings"},
	"clearing/format/delimitedfile": {"clearing/format", "fileformats", "internal/money", "internal/settings"},
	"clearing/format/ipmfile":       {"clearing/format", "fileformats", "internal/money", "internal/settings"},
}

// ground is what everything else stands on.
var ground = []string{"schedules", "internal/money", "internal/listing", "internal/settings", "internal/postgres", "internal/secretfile", "internal/vault", "internal/telemetry"}

// wire is what a room that knows no books may use.
var wire = []string{"internal/money", "internal/vault"}

// room is the longest key of mayImport that dir is in, "" for none.
func room(dir string) string {
	best := ""
	for name := range mayImport {
		if within(dir, name) && len(name) > len(best) {
			best = name
		}
	}
	return best
}

func TestImportsRunOneWay(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		from := room(f.dir)
		if from == "" {
			t.Errorf("%s: no such room; add it to the design first", f.name)
			continue
		}
		for _, imported := range f.imports {
			target, ours := strings.CutPrefix(imported, module+"/")
			if !ours || within(target, from) || f.test && (isTestPackage(target) || within(target, inTests...)) {
				continue
			}
			if !within(target, mayImport[from]...) {
				t.Errorf("%s imports %s: %s may import only %v", f.name, target, from, mayImport[from])
			}
		}
	}
}

// inTests are rooms that any test may use besides: a real database and a real center at the other end.
var inTests = []string{"internal/postgres", "internal/pcsim", "internal/money", "fileformats"}

// TestTheNightKnowsNoFormat: of formats the night knows package format alone. Its tests bring one.
func TestTheNightKnowsNoFormat(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		if f.test || !within(f.dir, "clearing") || within(f.dir, "clearing/format") {
			continue
		}
		for _, imported := range f.imports {
			if target := strings.TrimPrefix(imported, module+"/"); within(target, "clearing/format") && target != "clearing/format" {
				t.Errorf("%s imports %s: the night knows formats by clearing/format alone", f.name, target)
			}
		}
	}
}

// TestOnlineAndNightMeetInTheBooks holds for tests too.
func TestOnlineAndNightMeetInTheBooks(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		for _, imported := range f.imports {
			target := strings.TrimPrefix(imported, module+"/")
			if within(f.dir, "authorize") && within(target, "clearing") || within(f.dir, "clearing") && within(target, "authorize") {
				t.Errorf("%s imports %s: authorize and clearing meet in settle only", f.name, target)
			}
		}
	}
}

func TestSimulatorIsIndependent(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		for _, imported := range f.imports {
			target, ours := strings.CutPrefix(imported, module+"/")
			if within(f.dir, "internal/pcsim", "cmd/pcsim") && ours && !within(target, "internal/pcsim", "fileformats", "internal/money") {
				t.Errorf("%s imports %s: the simulator shares nothing with us but codecs", f.name, target)
			}
		}
	}
}

// TestTestCodeStaysOutOfBinaries: only packages that are for tests import testing, and only tests import those.
func TestTestCodeStaysOutOfBinaries(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		if f.test {
			continue
		}
		for _, imported := range f.imports {
			if within(imported, "testing") || isTestPackage(imported) {
				t.Errorf("%s imports %s", f.name, imported)
			}
		}
	}
}

// impure are imports that mean input, output, a clock or a goroutine.
var impure = []string{
	"net", "net/http", "os", "os/exec", "log", "log/slog", "syscall", "sync", "database/sql", "io/ioutil", "math/rand", "math/rand/v2",
	"github.com/jackc", "github.com/prometheus", "github.com/riverqueue", "github.com/pkg/sftp", "golang.org/x/crypto/ssh",
}

// pure are the rooms of plain functions.
var pure = []string{"fileformats", "clearing/format", "schedules", "internal/money", "internal/listing"}

func TestPureRoomsDoNoInputOrOutput(t *testing.T) {
	_, files := source(t)
	for _, f := range files {
		if f.test || !within(f.dir, pure...) {
			continue
		}
		for _, imported := range f.imports {
			if within(imported, "github.com/jackc", "github.com/prometheus", "github.com/riverqueue") || slices.Contains(impure, imported) {
				t.Errorf("%s imports %s: %v are pure", f.name, imported, pure)
			}
		}
	}
}
