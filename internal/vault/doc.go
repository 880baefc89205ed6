// Package vault keeps card data: numbers encrypted at rest, verification codes in memory only, masks everywhere else.
//
// # Sealing
//
// A card number is sealed with AES-256-GCM under the active data key and bound to its row: the binding, such as
// "card/12/100000000000345", and the key's number are authenticated with it, so a ciphertext that is moved to another row
// does not open. Sealed bytes are
//
//	key number (2, big-endian) | nonce (12, random) | ciphertext | tag (16)
//
// and the same format seals chunks of files. One key seals at most 2³² values (random nonces): rotate it yearly, or
// sooner above ten million cards a day.
//
// # Keys
//
// The key file holds data keys, each wrapped by the key-encrypting key (KEK) with its number, use and state
// authenticated, so that no entry can be exchanged, renumbered or revived. Exactly one sealing key is active; the others
// are retired and only open. The KEK is kept apart: in a file of its own, in the environment, or with whoever a program asks (Place);
// a file for tests may hold it itself. Move changes the KEK and its place. Rotate adds an active key; a running Vault takes it up at
// Reload, and by itself when it meets a key number that it does not know.
//
// # Environments
//
// A key file is for a test or for a live installation, and its keys are bound to that label: what a test installation has
// sealed never opens in a live one. IsTestPAN knows the numbers that are reserved for tests; Environment.Accepts keeps them
// and real numbers apart.
//
// # Types that do not leak
//
// PAN and Secret print as a mask through every verb of fmt, encoding/json, encoding.TextMarshaler and log/slog, also
// where they are unexported fields of a printed struct. Only the methods named Reveal give the content.
package vault
