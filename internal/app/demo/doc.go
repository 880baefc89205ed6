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
//	[NewPlan]    what buyers and merchants will do (orders, confirmations, cancels, refunds, double clicks), from a seed
//	channels.go  how orders come: payment page, host to host, QR code, subscriptions, stored cards
//	shops.go     the configuration: three centers that differ only in data, a dozen merchants
//	stage.go     sets up database, keys, centers and the server itself
//	world.go     the partner bank, the 3-D Secure server, and the merchants' own servers
//	play.go      merchants at their terminals
//	buyers.go    buyers on the payment page and with the bank's app; browser.go is their browser
//	secure.go    cardholders of merchants that take cards themselves; later.go what merchants ask for without them
//	night.go     cut-off, file, delivery, the center's judgment, reply
//	ties.go      the same money counted in places that know nothing of each other; counts.go the same for orders and notices
//	report.go    what is printed and written
package demo
