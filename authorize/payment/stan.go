package payment

import (
	"settled/settle"
)

// stan formats the trace number of an exchange as the wire wants it.
func stan(exchange int64) string {
	n := settle.STAN(exchange)
	var b [6]byte
	for i := 5; i >= 0; i-- {
		b[i] = '0' + byte(n%10)
		n /= 10
	}
	return string(b[:])
}
