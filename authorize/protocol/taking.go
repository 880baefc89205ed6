package protocol

import (
	"slices"
)

// Taking is what a service does with a parameter.
type Taking uint8

// Takings makes the table of a service from lists of parameters, of which later ones count.
func Takings(needs, takes, must, guards []Parameter) (table [InCount]Taking) {
	for use, list := range map[Taking][]Parameter{Taken: slices.Concat(needs, takes), guarded: guards, exact: must} {
		for _, id := range list {
			table[id] = max(table[id], use)
		}
	}
	return table
}

const (
	Skipped Taking = iota // the service does not have it
	Taken                 // an empty value counts as an absent one
	guarded               // its absence means something: no other name may be meant for it
	exact                 // the same, and an empty value is refused
)
