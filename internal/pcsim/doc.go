// Package pcsim is a processing center as a program: the other side of the wire, for development, tests and the demo.
//
// A [Center] has three doors and one set of books.
//
//	online host   TCP, 2-byte frames, the ISO 8583:1993 dialect of fileformats/iso8583: authorizes, declines, stays
//	              silent, answers late or twice, reverses, refunds, answers inquiries
//	SFTP server   real SSH with its own host key; in/ takes our clearing files, out/ holds the replies
//	status        a JSON page for people, served by cmd/pcsim
//
// The books ([Books]) are the center's own: it keeps every authorization it gave, what was reversed, presented and
// credited, and judges each clearing file against them with its own checks. It shares nothing with the system under
// test but the codecs, so an error made on one side shows as a reject or a difference, not as an agreement of two copies
// of the same mistake.
//
// # Outcomes
//
// Test cards ([Cards]) have one documented outcome each. Any other card is decided by a hash of the seed, the card
// number, the amount, the currency and the merchant, against the shares of [Behavior]. The hash takes nothing that
// depends on the order of events (no trace number, no reference number, no clock), so one seed gives the same outcomes
// however the requests interleave.
//
// # Clearing
//
// [Center.Process] is one explicit step: it publishes the replies that are due, then reads every complete file in in/,
// judges it and writes one reply. Tests and the demo call it in lockstep with their virtual clock; [Center.Run] calls it
// each second for a center that runs alone. A file that the center cannot trust as a whole is answered by one file
// reject (1644/699). Otherwise the reply states what was accepted, per kind of message (1644/685), and names every record
// that was not (1644/691).
//
// # Partner bank
//
// A [Bank] is the other side of instant payments: an HTTP API, its own books, and the buyer's app ([Bank.Scan], and a page
// for people). Test amounts ([TestAmounts]) have one documented outcome each. It signs and reads amounts with its own
// code, and its clock moves by [Bank.Process] or [Bank.Run].
//
// # Shop
//
// A [Shop] is a merchant of the gateway, written from the merchants' protocol alone: signed order forms, the back office's
// calls, a receiver of notifications, and pages on which a person can buy something.
//
// State lives in memory: a restarted center has empty books and does not know earlier authorizations.
package pcsim
