package doctor

import (
	"context"
	"log/slog"
	"math"
	"time"

	"settled/authorize/online"
	"settled/internal/config"
)

// judgeLife says how long a certificate is still valid, and what to do before it is not.
func (p *patient) judgeLife(whose string, ends time.Time, do string) []Finding {
	left := ends.Sub(p.now)
	days := int(math.Floor(left.Hours() / 24))
	switch {
	case left <= 0:
		return found(Bad, "%s has ended on %s: %s", whose, ends.Format(time.DateOnly), do)
	case left < forgotWithin:
		return found(Bad, "%s ends in %d days: %s", whose, days, do)
	case left < renewWithin:
		return found(Warning, "%s ends in %d days: %s", whose, days, do)
	}
	return found(Good, "%s is valid for %d more days", whose, days)
}

// ownCertificates looks at those that we show to centers.
func ownCertificates(_ context.Context, p *patient) (all []Finding) {
	for _, c := range p.config.Centers {
		ends, err := c.Online.TLS.Ends()
		switch {
		case err != nil:
			all = append(all, found(Bad, "our certificate for %s cannot be read: %v", c.Name, err)...)
		case !ends.IsZero():
			all = append(all, p.judgeLife("our certificate for "+c.Name, ends, "have the center sign a new one and put it into "+c.Online.TLS.CertificateFile)...)
		}
	}
	if len(all) == 0 {
		return found(Good, "no center is shown a certificate of ours")
	}
	return all
}

// links asks each online host once.
func links(ctx context.Context, p *patient) (all []Finding) {
	for _, c := range p.config.Centers {
		if c.Instant == nil {
			all = append(all, p.judgeLink(ctx, c)...)
		}
	}
	if len(all) == 0 {
		return found(Good, "no center has an online host")
	}
	return all
}

func (p *patient) judgeLink(ctx context.Context, c config.Center) []Finding {
	o, err := c.Online.Options()
	if err != nil {
		return found(Bad, "%s: %v", c.Name, err)
	}
	o.Name, o.Now, o.Logger, o.EchoTimeout = c.Name, p.at, slog.New(slog.DiscardHandler), lookPatience
	sight, err := online.Look(ctx, o)
	if err != nil {
		return found(Bad, "%s at %s cannot be paid at: %v; see the network, and ask the center by another way whether its certificate or key changed", c.Name, c.Online.Address, err)
	}
	if sight.TLS == "" {
		return found(Good, "%s at %s answers, in the clear", c.Name, c.Online.Address)
	}
	return p.judgeLife(c.Name+" at "+c.Online.Address+" answers by "+sight.TLS+"; its certificate", sight.Ends, "ask the center when it changes it, and whether ca_file or pins have to follow")
}

// lookPatience bounds the look at one host, so that one that is silent leaves time for the others.
const lookPatience = 4 * time.Second
