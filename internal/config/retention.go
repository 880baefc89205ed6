package config

import (
	"settled/internal/settings"
	"settled/settle/retention"
)

// retention reads for how long what is kept. The rest of the configuration says for how long it is needed at least.
func (c *checker) retention(s retention.Settings, cfg *Config) retention.Periods {
	at := place{"retention"}
	periods, problems := s.Periods(needsOf(cfg))
	c.take(at, problems)
	if missing := periods.Missing(); len(missing) > 0 {
		c.opened(at, "card numbers or personal data of these classes are never erased: "+settings.List(missing)+" (docs/retention.md)")
	}
	return periods
}

// needsOf is the longest that any hold and any center may take.
func needsOf(cfg *Config) (n retention.Needs) {
	for _, center := range cfg.Centers {
		if center.Clearing != nil {
			n.Reply = max(n.Reply, center.Clearing.ReplyTimeout, center.Clearing.WeakTimeout)
		}
	}
	for _, m := range cfg.Merchants {
		for _, r := range m.Routes {
			n.Hold = max(n.Hold, r.ConfirmWithin, r.MITConfirmWithin)
		}
	}
	return n
}
