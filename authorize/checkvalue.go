package authorize

import (
	"crypto/md5"
	"encoding/hex"
	"strings"
)

// checkValue is the check value of an order's state: it lets a merchant see that the answer is ours. The scheme is the
// protocol's and fixed (RFC 1321 digests); empty when the merchant has no secret word.
func (c *call) checkValue(r *record) string {
	if c.settings.SecretWord == "" {
		return ""
	}
	return checkValue(c.settings.SecretWord, signedState(c, r))
}

// checkValue is UPPER(md5(UPPER(md5(salt) + md5(text)))), each md5 in lower-case hexadecimal before it is raised.
func checkValue(salt, text string) string {
	return strings.ToUpper(md5Hex(strings.ToUpper(md5Hex(salt) + md5Hex(text))))
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s))
	return hex.EncodeToString(sum[:])
}
