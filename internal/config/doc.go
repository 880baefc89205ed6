// Package config reads what an installation is: the environment of the process ([Environment]) and one strict YAML file
// of calendars, centers, merchants and schedules ([Load]).
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
// Secrets are not part of the file where that can be avoided: it names files that hold them. Relative names are relative
// to the directory of the configuration file.
package config
