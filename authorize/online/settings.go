package online

import (
	"time"

	"settled/internal/settings"
)

// Settings is the section of a configuration that says how a center's online host is reached: its keys, as a person writes them.
type Settings struct {
	Address     string        `yaml:"address"`
	Acquirer    string        `yaml:"acquirer"` // our id in messages, at most 11 digits
	Connections int           `yaml:"connections,omitempty"`
	Timeout     time.Duration `yaml:"timeout,omitempty"`
	Echo        time.Duration `yaml:"echo,omitempty"`
}

// The times of a host whose settings say nothing else.
const (
	standardTimeout = 30 * time.Second
	standardEcho    = 30 * time.Second
)

// maxConnections is how many connections to a host may be kept up.
const maxConnections = 64

// Checked returns the settings with the times of those that were left out, and what is wrong with them. A number of connections
// that is left out is the client's.
func (s Settings) Checked() (Settings, []settings.Problem) {
	var c settings.Checker
	if s.Connections < 0 || s.Connections > maxConnections {
		c.Fail("connections", "%d is not between 1 and %d", s.Connections, maxConnections)
	}
	c.Digits("acquirer", s.Acquirer, 1, 11)
	c.Address("address", s.Address)
	s.Timeout = c.Within("timeout", s.Timeout, standardTimeout, 10*time.Millisecond, 5*time.Minute)
	s.Echo = c.Within("echo", s.Echo, standardEcho, time.Second, time.Hour)
	return s, c.Problems
}

// Options are those of a client of the host, as far as the settings say them.
func (s Settings) Options() Options {
	return Options{Address: s.Address, Connections: s.Connections, Timeout: s.Timeout, EchoInterval: s.Echo}
}
