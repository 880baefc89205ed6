// Package tenants knows who calls: the merchants, their settings and passwords, and how much each may ask for.
//
// A [Caller] is a request of the protocol with the merchant who makes it. [Register] finds the merchant out, by login and password for
// services and by the number alone for orders on the payment page, which are proven otherwise. [Load] bounds the requests that are
// served at a time, [Limiter] how often somebody may do something.
//
// # Passwords
//
// Every request of a service carries a password. It is computed (argon2id) once and then recognized by a keyed hash for at most five
// minutes; whoever calls more often than each minute never waits for it again. Computations are bounded in number, so that they cannot
// exhaust memory, and credentials that were right within a day have places of their own: they never wait for guesses. Ten wrong passwords
// of a merchant from one source lock that pair for half an hour, a hundred of any merchants lock the source, a source being an address of
// IPv4 or a /64 of IPv6; of a /48 ten times as many do. Credentials that were right before stay good, and so does every other source. Once
// twenty sources guess at a merchant, each has three tries, one is computed at a time, and a person is told. Unknown merchant, wrong login
// and wrong password are told alike and cost the same.
//
// # Memory
//
// What is counted is counted in this process, in [Counts]: 65,536 sources for each limit, some 10 MiB, and nobody is forgotten while he
// counts.
//
// The package reads the directory of the books and changes nothing. It carries nothing out.
package tenants
