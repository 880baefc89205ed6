package protocol

import (
	"crypto/md5" //nolint:gosec // the protocol proves with MD5
	"encoding/hex"
	"strings"
)

// checkValue is UPPER(md5(UPPER(md5(salt) + md5(text)))), each md5 in lower-case hexadecimal before UPPER makes it capitals.
func checkValue(salt, text string) string {
	return strings.ToUpper(md5Hex(strings.ToUpper(md5Hex(salt) + md5Hex(text))))
}

func md5Hex(s string) string {
	sum := md5.Sum([]byte(s)) //nolint:gosec // the protocol proves with MD5
	return hex.EncodeToString(sum[:])
}
