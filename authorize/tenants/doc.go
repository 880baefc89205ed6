// Package tenants knows who calls: the merchants, their settings and passwords, and how much each may ask for.
//
// A [Caller] is a request of the protocol with the merchant who makes it. [Register] finds the merchant out, by login and password for
// services and by the number alone for orders on the payment page, which are proven otherwise. [Load] bounds the requests that are
// served at a time, [Limiter] how often somebody may do something.
//
// # Passwords
//
// Every request of a service carries a password. It is computed (argon2id) once and then recognized by a keyed hash for at most five
// minutes; computations are bounded in number, so that they cannot exhaust memory. Ten wrong passwords of a merchant from one source
// lock that pair for half an hour, a hundred of any merchants lock the source; credentials that were verified before stay good, and so
// does every other source. Unknown merchant, wrong login and wrong password are told alike and cost the same.
//
// The package reads the directory of the books and changes nothing. It carries nothing out.
package tenants
