// Package config reads what an installation is: the environment of the process ([Environment]) and one strict YAML file
// of calendars, rates, centers, merchants and schedules ([Load]).
//
// # Strict
//
// An unknown key, a key given twice, a value of the wrong kind, a name that refers to nothing: each is a [Problem] with
// the file, the line, the place in the file and the reason. All problems of a file are reported at once ([Problems]), and
// a file with a problem configures nothing.
//
// # Two shapes
//
// [File] is the file as a person writes it: texts and numbers, with its keys. [Config] is what it means: zones, calendars,
// plans of windows and the directory of centers and merchants, checked and cross-referenced. Programs that write a
// configuration, such as the demo, fill a File and load what they wrote.
//
// A room owns the keys, words, defaults and checks of its own section as a type that is decoded straight into and says what is wrong by
// key (clearing.Settings, online.Settings; package settings); what a merchant's page, proofs and notifications come to are types of the
// online side (tenants, protocol). This package owns files, lines, and what is made of several sections: calendars, rates, routes,
// test or live.
//
// # Test and live
//
// An installation is for tests or live, and says so at several places of the file, which have to agree: a mixed file
// configures nothing. Keys and card numbers are held to the same word (vault.Environment).
//
// # Edits
//
// [Edit] changes the file for an operator through the tree of YAML nodes, so that comments and order stay, and lays the
// result out as the file was. What Save writes has been read back and found valid.
//
// Secrets are not part of the file where that can be avoided: it names files that hold them. Relative names are relative
// to the directory of the configuration file.
package config
