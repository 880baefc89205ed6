package config

import (
	"cmp"
	"slices"

	"settled/authorize/online"
	"settled/clearing"
	"settled/clearing/format"
	"settled/clearing/format/formats"
	"settled/clearing/remote"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"
)

func (c *checker) center(at place, f CenterFile) Center {
	if f.ID < 1 || f.ID > 32767 {
		c.fail(at.at("id"), "a number from 1 to 32767 is needed")
	}
	center := &settle.Center{
		ID: int16(f.ID), Name: c.text(at.at("name"), f.Name, 40), Zone: c.zone(at.at("zone"), f.Zone),
		Capabilities: c.capabilities(at.at("capabilities"), f.Capabilities), Brands: c.brands(at.at("brands"), f),
		Costs: settle.Costs{InterchangeBPS: c.share(at.at("costs", "interchange_bps"), f.Costs.InterchangeBPS),
			SchemeBPS:  c.share(at.at("costs", "scheme_bps"), f.Costs.SchemeBPS),
			Processing: f.Costs.Processing, Invoiced: f.Costs.Invoiced},
	}
	c.centers[f.Name] = center
	if !f.Capabilities.Instant {
		c.writes[f.Name] = nil
	}
	out := Center{Center: center}
	c.reached(at, f, &out)
	if (f.Clearing != nil) != f.Capabilities.FinancialRecord {
		c.fail(at.at("clearing"), "a center has clearing exactly when it has capabilities.financial_record")
	}
	if f.Clearing != nil {
		out.Clearing = c.clearing(at.at("clearing"), *f.Clearing, format.Center{Zone: center.Zone, Acquirer: f.Online.Acquirer, Test: c.environment == vault.Test})
		center.Stream = cmp.Or(f.Clearing.Stream, formats.Named(f.Clearing.Format))
		if set := out.Clearing.Format; set != nil {
			c.writes[f.Name] = append(c.writes[f.Name], set.WritableRune)
		}
	}
	return out
}

// brands reads the brands of the cards that a center takes; nil when it names none.
func (c *checker) brands(at place, f CenterFile) []settle.Brand {
	if f.Brands != nil && (f.Capabilities.Instant || len(f.Brands) == 0) {
		c.fail(at, "a center for cards names at least one, one with capabilities.instant none: leave the key out")
	}
	var out []settle.Brand
	for i, text := range f.Brands {
		brand := settle.Brand(text)
		if !slices.Contains(settle.Brands, brand) {
			c.fail(at.at(i), "%q is not one of %s", text, list(settle.Brands))
		}
		if slices.Contains(out, brand) {
			c.fail(at.at(i), "%q is named twice", text)
		}
		out = append(out, brand)
	}
	return out
}

// reached reads how a center is reached: an instant one by its bank's API, every other by its online host.
func (c *checker) reached(at place, f CenterFile, out *Center) {
	if !f.Capabilities.Instant {
		out.Online = c.online(at.at("online"), f.Online)
		if f.Instant != nil {
			c.fail(at.at("instant"), "is for centers with capabilities.instant")
		}
		return
	}
	if f.Online != (online.Settings{}) {
		c.fail(at.at("online"), "a center with capabilities.instant has no online host")
	}
	out.Instant, out.LatePaid = c.instantBank(at.at("instant"), f.Instant)
}

// share checks a number of basis points.
func (c *checker) share(at place, bps int64) int64 {
	if bps < 0 || bps > 10_000 {
		c.fail(at, "%d is not between 0 and 10000 basis points", bps)
	}
	return bps
}

func (c *checker) capabilities(at place, f CapabilitiesFile) order.Capabilities {
	caps := order.Capabilities{
		FinancialRecord: f.FinancialRecord, TwoStage: f.TwoStage, PartialConfirm: f.PartialConfirm, MultiConfirm: f.MultiConfirm,
		ReversalPartial: f.ReversalPartial, Inquiry: f.Inquiry, ReleaseOnFinal: f.ReleaseOnFinal, Instant: f.Instant,
		MaxAmount: f.MaxAmount, Log: oneOf(c, at.at("authorization_log"), f.Log, order.LogNone, order.LogByFile, order.LogByLink),
		Refund: oneOf(c, at.at("refund"), f.Refund, order.RefundByFile, order.RefundByOnline),
	}
	if f.Instant && f.Refund == "" {
		caps.Refund = order.RefundByOnline
	}
	if f.MaxAmount < 0 || f.MaxAmount > order.MaxCarried {
		c.fail(at.at("max_amount"), "%d is not between 1 and %d minor units", f.MaxAmount, int64(order.MaxCarried))
	}
	switch {
	case f.Instant && caps.Log != order.LogNone:
		c.fail(at.at("authorization_log"), "an instant center has none: its payments are polled")
	case caps.Log == order.LogByFile && !f.FinancialRecord:
		c.fail(at.at("authorization_log"), "files need clearing.sftp; a single-message center answers on its link")
	case f.Instant && (f.FinancialRecord || f.TwoStage):
		c.fail(at.at("instant"), "money of an instant payment has moved when it is told: no financial_record and no two_stage")
	case f.MultiConfirm && !f.PartialConfirm:
		c.fail(at.at("multi_confirm"), "several confirmations need partial_confirm")
	case f.TwoStage && !f.FinancialRecord:
		c.fail(at.at("two_stage"), "a single-message center cannot hold: two_stage needs financial_record")
	case caps.Refund == order.RefundByFile && !f.FinancialRecord:
		c.fail(at.at("refund"), "refund by file needs financial_record")
	}
	return caps
}

// online reads how a center's online host is reached.
func (c *checker) online(at place, f online.Settings) online.Settings {
	s, problems := f.Checked(online.Installation{Live: c.environment == vault.Live, File: c.resolve})
	c.take(at, problems)
	c.endpoint(at.at("address"), f.Address)
	if s.TLS != nil {
		c.private(at.at("tls", "key_file"), s.TLS.KeyFile)
	}
	if s.MAC != nil {
		for key, file := range map[string]string{"key_file": s.MAC.KeyFile, "second_key_file": s.MAC.SecondKeyFile} {
			c.private(at.at("mac", key), file)
			c.strongKey(at.at("mac", key), file)
		}
	}
	return s
}

// clearing reads how a center takes clearing files. Of that, the calendars, the format and the files beside the configuration are read
// here; everything else is the night's.
func (c *checker) clearing(at place, f clearing.Settings, center format.Center) *clearing.Profile {
	sftp := at.at("sftp")
	profile, problems := f.Profile(clearing.Agreed{Format: c.format(at, f, center), Plan: c.plan(at, f, center.Zone), Acquirer: center.Acquirer,
		ReplyPattern: formats.ReplyPattern(f.Format), KeyFile: c.fileThere(sftp.at("key_file"), f.SFTP.KeyFile),
		Passphrase: c.fileThere(sftp.at("passphrase_file"), f.SFTP.Passphrase), PasswordFile: c.fileThere(sftp.at("password_file"), f.SFTP.PasswordFile)})
	c.endpoint(sftp.at("address"), f.SFTP.Address)
	c.privateKeys(sftp, profile.SFTP)
	c.strongLogin(sftp, profile.SFTP)
	c.take(at, problems)
	return &profile
}

// privateKeys wants the secrets of a login to be their owner's alone. A key that is encrypted may lie open.
func (c *checker) privateKeys(at place, login remote.Config) {
	c.private(at.at("password_file"), login.PasswordFile)
	c.private(at.at("passphrase_file"), login.PassphraseFile)
	if !remote.Encrypted(login.KeyFile) {
		c.private(at.at("key_file"), login.KeyFile)
	}
}

// format makes the format of a center's files, which owns its settings; nil when one of them is wrong.
func (c *checker) format(at place, f clearing.Settings, center format.Center) format.Format {
	form, problems := formats.New(f.Format, format.Settings{Charset: f.Charset, Blocked: f.Blocked, Dialect: f.Dialect, Mode: f.Mode,
		Member: f.Member, Acquirer: f.Acquirer, Forwarder: f.Forwarder, Options: f.Options}, center)
	c.take(at, problems)
	return form
}
