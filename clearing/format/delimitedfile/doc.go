// Package delimitedfile is the adapter between the night and clearing files of delimited lines (docs/formats/delimited.md). Such files name
// themselves by member, date and cycle, and their answers name a refused record by a copy of its line: it is found by its reference.
package delimitedfile
