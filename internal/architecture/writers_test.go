package architecture

import (
	"go/ast"
	"go/token"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// writers says which packages write which table: insert, change or delete its rows, or copy into it. Everybody may read. A table has
// one writer where it can, and the tables of the books have only packages of settle.
var writers = map[string][]string{
	"authentications":       {"settle/authentication", "settle/retention"},
	"authorization_logs":    {"clearing/centerlog"},
	"balances":              {"settle/ledger"},
	"batch_totals":          {"settle/totals"},
	"batches":               {"clearing", "clearing/files"},
	"break_notes":           {"settle/breaks"},
	"breaks":                {"settle/breaks"},
	"center_looks":          {"clearing"},
	"centers":               {"settle"},
	"cheques":               {"settle", "settle/retention"},
	"commits":               {"internal/postgres"},
	"contracts":             {"settle"},
	"credentials":           {"settle/credential", "settle/retention"},
	"delivery_attempts":     {"clearing/delivery"},
	"epochs":                {"settle/epoch"},
	"erasures":              {"settle/retention"},
	"events":                {"settle/events"},
	"file_resends":          {"clearing/delivery"},
	"file_sequences":        {"clearing"},
	"files":                 {"clearing", "clearing/delivery"},
	"funds":                 {"settle/funds"},
	"id_blocks":             {"settle", "settle/epoch"},
	"id_jumps":              {"settle/epoch"},
	"inbox_files":           {"clearing/inbox"},
	"instant_payments":      {"settle"},
	"key_checks":            {"settle/keyring"},
	"key_revocations":       {"settle/keyring"},
	"leases":                {"internal/work", "internal/postgres"},
	"link_failures":         {"clearing/dial"},
	"lost_files":            {"clearing"},
	"notifications":         {"settle", "settle/notification"},
	"open_holds":            {"settle"},
	"open_orders":           {"settle"},
	"operations":            {"settle"},
	"orders":                {"settle", "settle/retention"},
	"owed_exchanges":        {"settle"},
	"postings":              {"settle", "settle/ledger"},
	"processes":             {"settle/processes"},
	"record_changes":        {"settle"},
	"records":               {"settle"},
	"rejects":               {"settle", "settle/verdict"},
	"replans":               {"clearing"},
	"replies":               {"clearing", "clearing/inbox"},
	"river_job":             {"internal/work"},
	"rolled_days":           {"settle/ledger"},
	"schedule_runs":         {"internal/work"},
	"schedules":             {"internal/work"},
	"server_life":           {"internal/postgres"},
	"service_calls":         {"settle/turns"},
	"subscription_payments": {"settle/subscription"},
	"subscriptions":         {"settle/subscription"},
	"transactions":          {"settle"},
	"unknown_approvals":     {"settle/reconcile"},
	"windows":               {"clearing"},
	"wishes":                {"settle/wish"},
}

// writing are the statements that write a table, with its name.
var writing = []*regexp.Regexp{
	regexp.MustCompile(`\bINSERT\s+INTO\s+(?:public\.)?([a-z_]+)`),
	regexp.MustCompile(`\bUPDATE\s+(?:public\.)?([a-z_]+)(?:\s+(?:AS\s+)?[a-z_]+)?\s+SET\b`),
	regexp.MustCompile(`\bDELETE\s+FROM\s+(?:public\.)?([a-z_]+)`),
}

// written are the tables that the code of a file writes, as far as their names stand in its strings.
func written(f file) map[string]token.Pos {
	tables := map[string]token.Pos{}
	for _, text := range texts(f.syntax) {
		for _, statement := range writing {
			for _, m := range statement.FindAllStringSubmatch(text.value, -1) {
				tables[m[1]] = text.at
			}
		}
	}
	ast.Inspect(f.syntax, func(n ast.Node) bool {
		c, ok := n.(*ast.CompositeLit)
		if !ok || !isSelector(c.Type, "pgx", "Identifier") || len(c.Elts) != 1 {
			return true
		}
		if l, ok := c.Elts[0].(*ast.BasicLit); ok {
			tables[strings.Trim(l.Value, `"`)] = l.Pos()
		}
		return true
	})
	return tables
}

// TestTablesHaveTheirWriters keeps the tables of a room from being written by another.
func TestTablesHaveTheirWriters(t *testing.T) {
	set, files := source(t)
	found := map[string][]string{}
	for _, f := range files {
		if f.test || within(f.dir, "migrations") || within(f.dir, bench) {
			continue
		}
		for table, at := range written(f) {
			found[table] = append(found[table], f.dir)
			if !slices.Contains(writers[table], f.dir) {
				t.Errorf("%s: %s is not written here but by %v", f.position(set, at), table, writers[table])
			}
		}
	}
	for _, table := range slices.Sorted(maps.Keys(writers)) {
		for _, dir := range writers[table] {
			if !slices.Contains(found[table], dir) {
				t.Errorf("%s is not written by %s any more: take it out of the table", table, dir)
			}
		}
	}
}
