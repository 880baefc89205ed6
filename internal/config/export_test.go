package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// RuledSections are the sections that have rules.
func RuledSections() []string { return slices.Sorted(maps.Keys(rules)) }

// RuledKeys are the keys of a section that have a rule, in order.
func RuledKeys(section string) []string {
	return slices.Sorted(slices.Values(strings.Fields(rules[section].live + " " + rules[section].start)))
}

// TakenUp are the rows of docs/config.md: the sections that running processes take up, in whole or in part.
func TakenUp() (rows []string) {
	for _, section := range RuledSections() {
		r := rules[section]
		switch keys := "`" + strings.Join(strings.Fields(r.live), "`, `") + "`"; {
		case r.live == "":
		case r.start == "":
			come := map[bool]string{true: "every key; entries may come and go", false: "every key"}[r.comes]
			rows = append(rows, fmt.Sprintf("| `%s` | %s |", section, come))
		default:
			rows = append(rows, fmt.Sprintf("| `%s` | %s |", section, keys))
		}
	}
	return rows
}
