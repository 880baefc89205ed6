// Package format is what the night needs of a file format, in the night's own words: what a record says, what bytes hold, what
// a center answered.
//
//	write ─ records to exact bytes: header, records, trailer, control totals ([Format.NewWriter])
//	verify ─ stored bytes back to identity, messages and sums, by a pass that trusts nothing but the bytes ([Format.Verify])
//	read ─ a reply to entries: file refused, record refused, sums accepted ([Format.NewReplyReader])
//	locate ─ the records behind message numbers, in a part of the stored bytes ([Format.Locate])
//	name ─ names, identities and numbers of files ([Format.FileName], [Format.FileID], [Limits])
//
// A format is an adapter to a codec of package fileformats, in a folder beside this one. It owns the settings of its center,
// their defaults and checks. It knows neither database, vault, network nor clock, and no rules about money: prices, postings and
// what becomes of a refused record are the books'. A further format is a further folder, and a line in package formats.
package format
