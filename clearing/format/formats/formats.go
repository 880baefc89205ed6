// Package formats lists the formats that a center's configuration can name. It is the one place where a further format is added.
package formats

import (
	"cmp"
	"maps"
	"slices"

	"settled/clearing/format"
	"settled/clearing/format/ipmfile"
)

// known makes formats of settings, by name.
var known = map[string]func(format.Settings, format.Center) (format.Format, []format.Problem){
	ipmfile.Name: ipmfile.FromSettings,
}

// Default is the format of a center whose configuration names none.
const Default = ipmfile.Name

// Names are those of the formats, in order.
func Names() []string { return slices.Sorted(maps.Keys(known)) }

// New makes the format of a center. Where a setting is wrong, or no format has the name, it returns nil and everything that is wrong.
func New(name string, s format.Settings, c format.Center) (format.Format, []format.Problem) {
	var check format.Checker
	make := known[check.Word("format", cmp.Or(name, Default), Names()...)]
	if make == nil {
		return nil, check.Problems
	}
	return make(s, c)
}
