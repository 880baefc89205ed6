package authorize_test

import (
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"settled/authorize"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
)

// syntaxes are the ways to write a request, by name.
var syntaxes = map[string]struct {
	kind  string
	write func(path string, p params) string
}{
	"form": {"application/x-www-form-urlencoded", func(_ string, p params) string { return p.encode() }},
	"JSON": {"application/json", func(_ string, p params) string { return object(p) }},
	"SOAP": {"text/xml", func(path string, p params) string { return envelope(described[path].Request, p) }},
}

// object writes parameters as a JSON object of strings, in the order of their names.
func object(p params) string {
	var members []string
	for _, name := range slices.Sorted(maps.Keys(p)) {
		members = append(members, quote(name)+":"+quote(p[name]))
	}
	return "{" + strings.Join(members, ",") + "}"
}

// from posts a body as somebody whose source is given, so that one test's wrong passwords do not lock another.
func (w *world) from(source, path, kind, body string) reply {
	w.t.Helper()
	request := w.request(path, kind, body)
	request.Header.Set("X-Test-Source", source)
	return w.do(request)
}

// snapshot is every row of every table, as a count and a sum of hashes for each table. Tokens of transactions, which say nothing
// of money, are left out.
func (w *world) snapshot() map[string]string {
	w.t.Helper()
	owner := pgtest.Owner(w.t, w.Pool)
	rows, err := owner.Query(w.t.Context(), `SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'commits' ORDER BY 1`)
	check(w.t, err)
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(w.t, err)
	var parts []string
	for _, table := range tables {
		name := pgx.Identifier{table}.Sanitize()
		parts = append(parts, fmt.Sprintf(`SELECT %s::regclass::text, count(*) || ' rows, ' || coalesce(sum(hashtextextended(t::text, 0)), 0) FROM %s t`,
			"'"+name+"'", name))
	}
	rows, err = owner.Query(w.t.Context(), strings.Join(parts, " UNION ALL "))
	check(w.t, err)
	state := map[string]string{}
	var table, content string
	_, err = pgx.ForEachRow(rows, []any{&table, &content}, func() error { state[table] = content; return nil })
	check(w.t, err)
	for id, c := range w.centers {
		state[fmt.Sprint("center ", id)] = fmt.Sprint(c.Books().Requests, " requests")
	}
	return state
}

// unchanged checks that nothing was written and nothing sent since a snapshot.
func (w *world) unchanged(what string, before map[string]string) {
	w.t.Helper()
	if diff := cmp.Diff(before, w.snapshot()); diff != "" {
		w.t.Errorf("%s changed something: %s", what, diff)
	}
}

// routesServed are the routes that the gateway measures, which are all that it has but descriptions and static files.
func (w *world) routesServed() []string {
	w.t.Helper()
	families, err := w.registry.Gather()
	check(w.t, err)
	routes := map[string]bool{}
	for _, f := range families {
		if f.GetName() != "settled_api_requests_total" {
			continue
		}
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if l.GetName() == "route" {
					routes[l.GetValue()] = true
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(routes))
}

// Every route is either a service, which the tests of this package take from the table of services, or a page that is
// listed here and abused as the others are. Old paths only say what to call instead: TestOldPaths.
func TestEveryRouteIsTested(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	routes := slices.DeleteFunc(w.routesServed(), func(route string) bool { return slices.Contains(authorize.OldPathsForTest(), route) })
	for _, route := range routes {
		if _, service := described[route]; !service && pages[route] == nil {
			t.Errorf("%s is neither a service nor a page of these tests", route)
		}
	}
	if len(routes) != len(described)+len(pages) {
		t.Errorf("%d routes are served: %v", len(routes), routes)
	}
	for path := range described {
		if w.examples()[path] == nil {
			t.Errorf("%s has no example", path)
		}
		break // examples fails for each that lacks one
	}
}

// logLine is how every line of the log begins. A text that got into the log with its own line ends would begin lines
// that do not.
var logLine = regexp.MustCompile(`^time=\S+ level=(DEBUG|INFO|WARN|ERROR) msg=`)

// checkLog checks that every line of the log is a line of the log.
func (w *world) checkLog() {
	w.t.Helper()
	for line := range strings.Lines(w.logs.String()) {
		if !logLine.MatchString(line) {
			w.t.Errorf("a line of the log that nobody logged: %q", line)
		}
	}
}

// nonce is what differs between two pages that are the same.
var nonce = regexp.MustCompile(` nonce="[^"]*"`)

// checkvalueOf proves a text with the first merchant's secret word.
func checkvalueOf(x string) string {
	hexOf := func(s string) string { sum := md5.Sum([]byte(s)); return hex.EncodeToString(sum[:]) }
	return strings.ToUpper(hexOf(strings.ToUpper(hexOf("secret") + hexOf(x))))
}
