package postgres

import (
	"net"
	"time"
)

// A peer that vanished is noticed within half a minute, in both directions: by probes where nothing is said, and by the limit of
// unanswered data where something is.
const (
	keepIdle     = 10 * time.Second
	keepInterval = 5 * time.Second
	keepCount    = 3
	userTimeout  = 25 * time.Second
)

// dialer dials with probes and, where the system has it, the limit of unanswered data.
func dialer() *net.Dialer {
	return &net.Dialer{Control: limitUnanswered,
		KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: keepIdle, Interval: keepInterval, Count: keepCount}}
}
