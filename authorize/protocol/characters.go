package protocol

func lowerASCII(s string) string {
	b := []byte(s)
	for i, c := range b {
		b[i] = lowerByte(c)
	}
	return string(b)
}

func lowerByte(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

func digits[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

// printable keeps what of an unknown name may stand in an answer: letters, digits and underscores, 32 at most. A caller
// who puts a card number where a name belongs does not get it repeated.
func printable(name string) string {
	out := make([]byte, 0, maxName)
	digits := 0
	for i := 0; i < len(name) && len(out) < maxName; i++ {
		switch c := name[i]; {
		case '0' <= c && c <= '9':
			if digits++; digits <= 6 {
				out = append(out, c)
			}
		case c == '_' || 'a' <= lowerByte(c) && lowerByte(c) <= 'z':
			out = append(out, c)
		}
	}
	return string(out)
}

// maxName is the longest parameter name looked at, in bytes; longer ones are unknown.
const maxName = 32
