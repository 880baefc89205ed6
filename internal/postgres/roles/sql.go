package roles

import (
	"fmt"
	"slices"
	"strings"
)

// Script is what an administrator runs with psql: the roles, their rights, and how logins become members. It may be run any number of times.
func (d Database) Script() string {
	var b strings.Builder
	fmt.Fprintf(&b, "-- The roles of database %s and their rights (docs/roles.md). Run as an administrator, or as the owner with CREATEROLE:\n"+
		"--   psql -X -v ON_ERROR_STOP=1 -d %s -f FILE\nBEGIN;\n", d.Name, d.Name)
	whole := d
	whole.There = All()
	for _, sql := range append(d.creations(), whole.grants()...) {
		b.WriteString(sql + ";\n")
	}
	b.WriteString("COMMIT;\n\n-- Each process logs in by itself, as a member of its role:\n")
	for _, r := range All() {
		fmt.Fprintf(&b, "--   CREATE ROLE %s LOGIN PASSWORD '…' IN ROLE %s;\n", quoted(d.Named(r)+"_1"), quoted(d.Named(r)))
	}
	return b.String()
}

// creations make the roles, those that exist left alone.
func (d Database) creations() (all []string) {
	for _, r := range All() {
		all = append(all, makeRole(d.Named(r), "NOLOGIN"))
	}
	return all
}

// makeRole makes a role that is not there, as CREATE ROLE with these words.
func makeRole(name, words string) string {
	return fmt.Sprintf("DO $$ BEGIN IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '%s') THEN CREATE ROLE %s %s; END IF; END $$",
		strings.ReplaceAll(name, "'", "''"), quoted(name), words)
}

// grants take every right from the roles that are there, and give what the table says.
func (d Database) grants() (all []string) {
	if d.Legacy {
		all = append(all, d.end(Legacy)...)
		all = append(all, d.granted(Legacy, App)...)
	}
	for _, r := range d.There {
		all = append(all, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM "+quoted(d.Named(r)), "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM "+quoted(d.Named(r)),
			"REVOKE ALL ON ALL FUNCTIONS IN SCHEMA public FROM "+quoted(d.Named(r)))
		all = append(all, d.granted(d.Named(r), r)...)
	}
	for _, b := range besides {
		all = append(all, "REVOKE ALL ON "+b.object+" FROM PUBLIC")
	}
	if len(d.Missing()) == 0 {
		all = append(all, d.doors()...)
	}
	return all
}

// end takes from a role what it had when rights stood in migrations, also of tables to come.
func (d Database) end(role string) []string {
	owner, role := quoted(d.Owner), quoted(role)
	return []string{
		"REVOKE ALL ON SCHEMA public FROM " + role, "REVOKE ALL ON ALL TABLES IN SCHEMA public FROM " + role, "REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM " + role,
		"ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " IN SCHEMA public REVOKE ALL ON TABLES FROM " + role,
		"ALTER DEFAULT PRIVILEGES FOR ROLE " + owner + " IN SCHEMA public REVOKE ALL ON SEQUENCES FROM " + role,
	}
}

// doors say who may come into the database at all, and that only the owner makes anything there.
func (d Database) doors() []string {
	members := make([]string, 0, len(All())+1)
	for _, r := range All() {
		members = append(members, d.Named(r))
	}
	if d.Legacy {
		members = append(members, Legacy)
	}
	return []string{
		"GRANT USAGE, CREATE ON SCHEMA public TO " + quoted(d.Owner), // which had it as everybody, in a database of an older server
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"REVOKE CONNECT, TEMPORARY ON DATABASE " + quoted(d.Name) + " FROM PUBLIC",
		"GRANT CONNECT ON DATABASE " + quoted(d.Name) + " TO " + quoted(members...),
	}
}

// granted are the rights of a role, given to a name.
func (d Database) granted(name string, r Role) []string {
	to := " TO " + quoted(name)
	all := []string{"GRANT USAGE ON SCHEMA public" + to}
	on := func(verb string, may func(right) bool) {
		if tables := those(may); len(tables) > 0 {
			all = append(all, "GRANT "+verb+" ON "+quoted(tables...)+to)
		}
	}
	on("SELECT", func(t right) bool { return t.read(r) && !t.partly(r) })
	for _, t := range those(func(t right) bool { return t.read(r) && t.partly(r) }) {
		all = append(all, "GRANT SELECT ("+quoted(slices.Clone(d.open[t])...)+") ON "+quoted(t)+to)
	}
	on("INSERT", func(t right) bool { return t.of(r).insert })
	on("DELETE", func(t right) bool { return t.of(r).remove })
	for _, t := range rights {
		if t.of(r).update {
			all = append(all, "GRANT UPDATE ("+quoted(strings.Fields(t.changes)...)+") ON "+quoted(t.table)+to)
		}
		if t.erases != "" && r.has(Work) {
			all = append(all, "GRANT UPDATE ("+quoted(strings.Fields(t.erases)...)+") ON "+quoted(t.table)+to)
		}
	}
	return append(all, more(r, to)...)
}

// more are the rights to what is no table.
func more(r Role, to string) (all []string) {
	if r == Backup {
		all = append(all, "GRANT SELECT ON ALL SEQUENCES IN SCHEMA public"+to)
	}
	for _, b := range besides {
		if slices.ContainsFunc(b.to, r.has) {
			all = append(all, "GRANT "+b.verb+" ON "+b.object+to)
		}
	}
	return all
}

// has tells that a role has the rights of another one.
func (r Role) has(other Role) bool { return r == other || r == App && (other == API || other == Work) }

func those(may func(right) bool) (tables []string) {
	for _, t := range rights {
		if may(t) {
			tables = append(tables, t.table)
		}
	}
	return tables
}

// of is what a role may do with a table beside reading it.
func (t right) of(r Role) verbs {
	switch r {
	case API:
		return t.api
	case Work:
		return t.work
	case App:
		return verbs{t.api.insert || t.work.insert, t.api.update || t.work.update, t.api.remove || t.work.remove}
	case Console, Auditor, Backup:
	}
	return reads
}

// read tells that a role may read a table.
func (t right) read(r Role) bool { return !slices.Contains(strings.Fields(t.closed), string(r)) }

// partly tells that a table has columns that a role may not read.
func (t right) partly(r Role) bool {
	return slices.ContainsFunc(sealed, func(s sealedColumn) bool { return s.table == t.table && !s.read(r) })
}

// read tells that a role may read a column.
func (s sealedColumn) read(r Role) bool { return !slices.Contains(strings.Fields(s.closed), string(r)) }
