// Package processes says which processes of an installation work, and which configuration each has: a person who changed the configuration
// sees who has taken it up, and who has not.
//
// It works on the table processes, which no other package writes. Each process writes its own row, again and again; one that is not written for a
// minute is that of a process that ended.
package processes
