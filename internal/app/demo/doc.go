// Package demo plays two business days and their nights: merchants that sell over HTTP, centers that answer over TCP and
// take files over SFTP, a real database in between, and a proof at the end that every total agrees.
//
// # Time is virtual, all else is real
//
// One clock, which the demo moves, is given to every part. Events are played in order of their virtual time, one at a
// time, so one seed gives the same orders, the same identifiers and the same file bytes every time. Recurring work is not
// left to timers: the functions that a worker calls are called at the virtual instants at which they are due.
//
// # The cast
//
//	[NewPlan]    what customers and merchants will do (orders, confirmations, cancels, refunds, double clicks), from a seed
//	shops.go     the configuration: three centers that differ only in data, a dozen merchants
//	stage.go     sets up database, keys, centers and the server itself
//	play.go      merchants and customers at their terminals
//	night.go     cut-off, file, delivery, the center's judgment, reply
//	ties.go      the same money counted in places that know nothing of each other
//	report.go    what is printed and written
package demo
