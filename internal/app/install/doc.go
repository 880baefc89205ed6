// Package install writes a new installation: a directory with configuration, keys, secrets and what processes have in their environment, and
// the tables, roles and logins of a database that nobody uses yet.
//
// Questions are what is asked, each with its flag; Answers become files (files.go, templates), which are checked as settled config check does, before
// the database is touched (database.go). All files come into being at once, by the renaming of their directory; nothing that is there is changed.
package install
