// Package formats lists the formats that a center's configuration can name. It is the one place where a further format is added.
package formats

import (
	"cmp"

	"settled/clearing/format"
	"settled/clearing/format/delimitedfile"
	"settled/clearing/format/ipmfile"
	"settled/internal/settings"
)

// entry is a format: how it is made of settings, and which names of answers it has where a center has no others.
type entry struct {
	name         string
	make         func(format.Settings, format.Center) (format.Format, []settings.Problem)
	replyPattern string
}

// known are all formats; the first is that of a center whose configuration names none.
var known = []entry{
	{ipmfile.Name, ipmfile.FromSettings, ipmfile.ReplyPattern},
	{delimitedfile.Name, delimitedfile.FromSettings, delimitedfile.ReplyPattern},
}

// named is the format of that name, nil for none.
func named(name string) *entry {
	for i := range known {
		if known[i].name == Named(name) {
			return &known[i]
		}
	}
	return nil
}

// New makes the format of a center. Where a setting is wrong, or no format has the name, it returns nil and everything that is wrong.
func New(name string, s format.Settings, c format.Center) (format.Format, []settings.Problem) {
	e := named(name)
	if e == nil {
		var names []string
		for _, e := range known {
			names = append(names, e.name)
		}
		var check settings.Checker
		check.Word("format", name, names...)
		return nil, check.Problems
	}
	return e.make(s, c)
}

// Named is the name of the format of a center whose configuration says name, or nothing.
func Named(name string) string { return cmp.Or(name, known[0].name) }

// ReplyPattern matches the names of answers to files of a format, where a center has no others; its group "file" is the name of the
// file answered, without extension.
func ReplyPattern(name string) string {
	if e := named(name); e != nil {
		return e.replyPattern
	}
	return known[0].replyPattern
}
