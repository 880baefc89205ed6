package remote

import "strconv"

// Printable is a name as it is kept: remote names are data.
func Printable(name string) string {
	quoted := strconv.QuoteToASCII(name)
	if len(name) <= 255 && quoted == `"`+name+`"` {
		return name
	}
	return quoted[:min(len(quoted), 255)]
}
