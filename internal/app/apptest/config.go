// Package apptest gives the tests of package app, and of the packages beside it, one configuration to stand on: they differ in the center
// that they talk to and in nothing else.
package apptest

import "strings"

// head and tail stand before and after the center.
const (
	head = `
ledger: {zone: Europe/Minsk}
calendars: {all: {horizon: 2099-12-31}}
centers:
`
	tail = `
merchants:
  - id: 7
    name: Shop
    street: Nemiga 1
    city: Minsk
    postal: "220030"
    country: BLR
    mcc: "5411"
    currency: BYN
    login: merchant_7
    password_hash: $argon2id$v=19$m=8,t=1,p=1$c2V0dGxlZC1leGFtcGxlMQ$3qk6qVxjDYVSq2vP0m0cJgZV0d1k0n2b6b1hJ8Qm0oQ
    routes:
`
)

// Config is the text of a configuration with one center, an entry of the list "centers", one merchant, number 7, and its route to
// the center, such as "{center: PC-A, currencies: [BYN], terminal: T1, acceptor: A1}". The calendar "all" covers every day.
func Config(center, route string) string {
	return head + strings.Trim(center, "\n") + tail + "      - " + route + "\n"
}
