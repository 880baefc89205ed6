package config

import (
	"bytes"
	"strings"
)

// maxLayout bounds the table of layOut: pairs of lines.
const maxLayout = 1 << 24

// layOut writes the encoded text fresh in the layout of old: lines that say the same stay as they were, and so do blank
// lines, which the encoder drops. The result may be wrong where indentation differs; the caller compares what it says.
func layOut(old, fresh []byte) []byte {
	a, b := strings.SplitAfter(string(old), "\n"), strings.SplitAfter(string(fresh), "\n")
	if len(a)*len(b) > maxLayout {
		return fresh
	}
	says, want := plainLines(a), plainLines(b)
	common := commonLines(says, want)
	var out bytes.Buffer
	i, j := 0, 0
	for i < len(a) || j < len(b) {
		switch {
		case i < len(a) && j < len(b) && says[i] == want[j]:
			out.WriteString(a[i])
			i, j = i+1, j+1
		case i < len(a) && says[i] == "" && !fits(common, skipBlank(says, i), j):
			out.WriteString(a[i])
			i++
		case j == len(b) || i < len(a) && says[i] != "" && common[i+1][j] >= common[i][j+1]:
			i++
		default:
			out.WriteString(b[j])
			j++
		}
	}
	return out.Bytes()
}

// fits reports whether the line b[j] is new and belongs before a[i], which stays: writing it first loses nothing. New lines
// go before the blank lines that end what they belong to.
func fits(common [][]int32, i, j int) bool {
	return j+1 < len(common[i]) && i+1 < len(common) && common[i][j] == common[i][j+1] && common[i][j] > common[i+1][j]
}

// skipBlank is the first line from i on that says something.
func skipBlank(says []string, i int) int {
	for i < len(says)-1 && says[i] == "" {
		i++
	}
	return i
}

// commonLines is the table of the longest common subsequence: [i][j] is how many lines a[i:] and b[j:] have in common.
func commonLines(a, b []string) [][]int32 {
	table := make([][]int32, len(a)+1)
	for i := range table {
		table[i] = make([]int32, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				table[i][j] = table[i+1][j+1] + 1
			} else {
				table[i][j] = max(table[i+1][j], table[i][j+1])
			}
		}
	}
	return table
}

var spaceAndQuotes = strings.NewReplacer(" ", "", "\t", "", "\n", "", "\r", "", `"`, "", "'", "")

// plainLines is what lines say, however they are spaced and quoted.
func plainLines(lines []string) []string {
	out := make([]string, len(lines))
	for i, line := range lines {
		out[i] = spaceAndQuotes.Replace(line)
	}
	return out
}
