package checkout

import "strings"

// form holds the fields of a form of the page. They point into the body of the call, which is wiped after the request.
type form map[string][]byte

func looksLikeEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(s, " ,;") && !strings.Contains(host, "@") &&
		!strings.HasPrefix(host, ".") && !strings.HasSuffix(host, ".")
}

func looksLikePhone(s string) bool {
	count := 0
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			count++
		case !strings.ContainsRune("+-() .", c):
			return false
		}
	}
	return count >= 5
}
