package delimitedfile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"settled/clearing/format"
	"settled/fileformats/delimited"
	"settled/internal/settings"
)

// The keys of format_options.
const (
	keyDelimiter = "delimiter"
	keyLineEnd   = "line_end"
	keyAmounts   = "amounts"
	keyColumns   = "columns"
)

// delimiters are the characters that part fields, by the words of configurations.
var delimiters = map[string]byte{"caret": '^', "pipe": '|', "semicolon": ';', "comma": ',', "tab": '\t'}

// FromSettings makes the format of a center from what its configuration says. Where anything is wrong it returns nil and all of it.
func FromSettings(s format.Settings, c format.Center) (format.Format, []settings.Problem) {
	var r settings.Checker
	for key, given := range map[string]bool{"charset": s.Charset != "", "blocked": s.Blocked, "dialect": s.Dialect != "", "forwarder": s.Forwarder != ""} {
		if given {
			r.Fail(key, "files of format %s have none", Name)
		}
	}
	member := r.Digits("member", s.Member, 1, 11)
	if member == 0 && strings.Trim(s.Member, "0") == "" && s.Member != "" {
		r.Fail("member", "%q is no member", s.Member)
	}
	f := &Format{member: fmt.Sprintf("%011d", member), bin: uint32(r.Digits("acquirer_bin", s.Acquirer, 6, 6)), zone: c.Zone}
	f.profile = profile(&r, s.Options)
	f.profile.Test = format.ReadMode(&r, s.Mode, c.Test) == format.Test
	if len(r.Problems) > 0 {
		return nil, r.Problems
	}
	return f, nil
}

// profile reads the options of the format.
func profile(r *settings.Checker, options map[string]string) delimited.Profile {
	at := func(key string) string { return format.OptionKey(key) }
	words := []string{"caret", "pipe", "semicolon", "comma", "tab"}
	p := delimited.Profile{
		Delimiter: delimiters[r.Word(at(keyDelimiter), options[keyDelimiter], words...)],
		CRLF:      r.Word(at(keyLineEnd), options[keyLineEnd], "lf", "crlf") == "crlf",
		Minor:     r.Word(at(keyAmounts), options[keyAmounts], "decimal", "minor") == "minor",
	}
	if columns := options[keyColumns]; columns != "" {
		p.Columns = strings.Fields(columns)
	}
	for _, key := range slices.Sorted(maps.Keys(options)) {
		if !slices.Contains([]string{keyDelimiter, keyLineEnd, keyAmounts, keyColumns}, key) {
			r.Fail(at(key), "is no option of format %s", Name)
		}
	}
	if err := p.Check(); err != nil && p.Delimiter != 0 {
		r.Fail(at(keyColumns), "%v", err)
	}
	return p
}
