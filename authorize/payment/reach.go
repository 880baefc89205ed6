package payment

import (
	"settled/authorize/instant"
	"settled/authorize/online"
	"time"
)

// Center is how a processing center is reached.
type Center struct {
	Host     online.Host
	Acquirer string // our institution at the center (ISO 8583 DE32), 1 to 11 digits
}

// Bank is how the partner bank of an instant center is reached.
type Bank struct {
	Client *instant.Client
	QRLife time.Duration // how long a code can be paid; default 10 min
}

func (b Bank) life() time.Duration {
	if b.QRLife == 0 {
		return 10 * time.Minute
	}
	return b.QRLife
}
