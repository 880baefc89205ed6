// Package ipm reads and writes clearing files of the IPM family: what we send to a processing center (sales, refunds and
// reversals) and what it sends back (rejects, exceptions, positions).
//
// # Layers
//
// A file is a run of records, each behind a four-byte big-endian length, ended by a zero length (VBS). On request of the
// center the run is cut into blocks of 1012 bytes with two fill bytes after each (1014 blocking). A record is one ISO
// 8583 message in the dialect [iso8583.IPM]. The first is the header, the last the trailer; both name the file
// ([FileID]), and the trailer carries two control totals ([Control]): the number of messages, and the plain sum of every
// amount whatever its currency or direction. docs/formats/ipm.md draws all of it.
//
// # Writing
//
// [Writer] streams: header, records, trailer, in buffers of at least 64 KiB, one Write each, no allocation per record. A
// record that cannot be encoded is refused with an [*Error] and leaves no trace in the file; an error of the
// destination is final. [Part] walks over the messages of a part of a file, so that a stored one is found without reading it all.
//
// # Reading
//
// [Reader] (our files) and [ReplyReader] (the center's) stream too. They tolerate what centers are known to do: zero
// bytes as block fill, an extra block of fill, a missing terminator. [Options].Strict refuses even that, and demands
// consecutive message numbers: it is for files of our own making. Every error is an [*Error] with record number and
// byte offset. An error inside one record leaves the following ones readable; an error of the framing is final.
//
// [Verify] reads a built file back and totals it from its bytes alone, so that a file is sent only when an independent
// pass agrees with the books.
//
// # Amounts and times
//
// Amounts are unsigned integers in minor units of the currency; direction is in the kind and in the reversal mark. Times
// are local to the card acceptor and have no zone.
package ipm
