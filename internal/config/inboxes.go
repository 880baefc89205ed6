package config

import (
	"cmp"
	"regexp/syntax"
	"strings"

	"settled/clearing/format/formats"
)

// inboxesApart refuses two centers that would take each other's replies: one directory, and patterns that one name could
// match both. Patterns are told apart by the letters that they begin with.
func (c *checker) inboxesApart(all []CenterFile) {
	type inbox struct{ address, user, dir string }
	seen := map[inbox][]int{}
	for i, center := range all {
		if center.Clearing == nil {
			continue
		}
		sftp := center.Clearing.SFTP
		box := inbox{strings.ToLower(sftp.Address), sftp.User, sftp.Inbox()}
		for _, other := range seen[box] {
			if overlap(replyPattern(all[other]), replyPattern(center)) {
				c.fail(place{"centers", i, "clearing", "replies", "pattern"}, "%s and %s look for replies in one directory, and a name could match the patterns of both: let them begin differently, such as ^RPY_(?P<file>ACQ_%s_.+)",
					all[other].Name, center.Name, center.Name)
			}
		}
		seen[box] = append(seen[box], i)
	}
}

func replyPattern(center CenterFile) string {
	return cmp.Or(center.Clearing.Replies.Pattern, formats.ReplyPattern(center.Clearing.Format))
}

// overlap tells that it cannot be excluded that a name matches both patterns.
func overlap(a, b string) bool {
	first, second := literalStart(a), literalStart(b)
	return strings.HasPrefix(first, second) || strings.HasPrefix(second, first)
}

// literalStart is what every name begins with that matches the pattern, as far as it is easily seen.
func literalStart(pattern string) string {
	parsed, err := syntax.Parse(pattern, syntax.Perl)
	if err != nil {
		return ""
	}
	var b strings.Builder
	literals(parsed, &b)
	return b.String()
}

// literals writes what an expression begins with, and reports whether that is all of it.
func literals(r *syntax.Regexp, b *strings.Builder) (all bool) {
	switch r.Op {
	case syntax.OpBeginText, syntax.OpEmptyMatch:
		return true
	case syntax.OpLiteral:
		if r.Flags&syntax.FoldCase != 0 {
			return false
		}
		b.WriteString(string(r.Rune))
		return true
	case syntax.OpCapture:
		return literals(r.Sub[0], b)
	case syntax.OpConcat:
		for _, sub := range r.Sub {
			if !literals(sub, b) {
				return false
			}
		}
		return true
	}
	return false
}
