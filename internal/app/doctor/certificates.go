package doctor

import (
	"context"
	"time"

	"settled/internal/app/edge"
	"settled/internal/config"
	"settled/internal/vault"
)

// A certificate is renewed while it has a month; one that has a week was forgotten.
const (
	renewWithin  = 30 * 24 * time.Hour
	forgotWithin = 7 * 24 * time.Hour
)

func certificates(_ context.Context, p *patient) (all []Finding) {
	for _, l := range p.Environment.Listeners(p.environmentOf()) {
		if l.Given() {
			all = append(all, p.certificate(l)...)
		}
	}
	if len(all) == 0 {
		return found(Good, "no listener has a certificate: what ends TLS in front of them has to be looked after by itself")
	}
	return all
}

// environmentOf is what the installation is for, as far as its configuration can be read; one that cannot is taken for one for tests.
func (p *patient) environmentOf() vault.Environment {
	if p.config == nil {
		return vault.Test
	}
	return p.config.Environment
}

// certificate says how long the certificate of a listener is valid by the clock of this host, which is what its clients go by.
func (p *patient) certificate(l config.Listener) []Finding {
	c, err := edge.OpenCertificate(l.Pair, p.environmentOf(), p.Wall)
	if err != nil {
		return found(Bad, "listener %s: %v: put the pair right; a running process shows the one before", l.Name, err)
	}
	end, left := c.Ends().UTC().Format(time.DateOnly), c.Ends().Sub(p.Wall())
	days := int(left / (24 * time.Hour))
	const renew = "renew it, no restart is needed"
	switch {
	case left <= 0:
		return found(Bad, "listener %s: its certificate ended %s, and clients refuse it: %s", l.Name, end, renew)
	case left < forgotWithin:
		return found(Bad, "listener %s: its certificate ends %s, in %d days: %s", l.Name, end, days, renew)
	case left < renewWithin:
		return found(Warning, "listener %s: its certificate ends %s, in %d days: %s", l.Name, end, days, renew)
	}
	return found(Good, "listener %s: its certificate ends %s, in %d days", l.Name, end, days)
}
