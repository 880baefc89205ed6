package config

import (
	"regexp"
	"strings"

	"settled/internal/money"
	"settled/internal/settings"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"

	"golang.org/x/text/language"
)

var (
	loginForm   = regexp.MustCompile(`^[A-Za-z0-9_]{8,20}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

// The longest names: in records, and, where a name for these is given beside it, as buyers read it.
const (
	longestClearingName = 22
	longestName         = 100
)

func (c *checker) merchant(at place, f MerchantFile) Merchant {
	if f.ID < 1 {
		c.fail(at.at("id"), "a positive number is needed")
	}
	if !country(f.Country) {
		c.fail(at.at("country"), "%q is no ISO 3166 country of three letters", f.Country)
	}
	c.atMost(at.at("region"), f.Region, 3)
	longest := longestName
	if f.ClearingName == "" {
		longest = longestClearingName
	}
	c.atMost(at.at("clearing_name"), f.ClearingName, longestClearingName)
	c.digits(at.at("mcc"), f.MCC, 4, 4)
	m := &settle.Merchant{
		ID: f.ID, Name: c.text(at.at("name"), f.Name, longest), ClearingName: f.ClearingName, Street: c.text(at.at("street"), f.Street, 45),
		City: c.text(at.at("city"), f.City, 13), Postal: c.text(at.at("postal"), f.Postal, 10), Region: f.Region, Country: f.Country,
		MCC: f.MCC, Default: c.currency(at.at("currency"), f.Currency),
	}
	for i, r := range f.Routes {
		m.Routes = append(m.Routes, c.route(at.at("routes", i), r))
	}
	c.routed(at, m)
	c.writable(at, &f, m)
	if !loginForm.MatchString(f.Login) {
		c.fail(at.at("login"), "%q is not 8 to 20 Latin letters, digits and underscores", f.Login)
	}
	if !strings.HasPrefix(f.PasswordHash, "$argon2id$") {
		c.fail(at.at("password_hash"), "an argon2id hash is needed; make one with: settled password-hash")
	}
	c.ownPassword(at.at("password_hash"), f.PasswordHash)
	out := Merchant{Merchant: m, Login: f.Login, PasswordHash: f.PasswordHash, TestMode: c.environment == vault.Test, SecretWord: c.secretWord(at, f),
		Russian: oneOf(c, at.at("language"), f.Language, "en", "ru") == "ru",
		Charset: oneOf(c, at.at("charset"), f.Charset, "utf-8", "windows-1251", "iso-8859-1"), OldCurrencies: f.OldCurrencies,
		Page: c.page(at.at("page"), f.Page, m)}
	out.CardTesting = c.cardTesting(at.at("card_testing"), f.CardTesting)
	out.Notify, m.Notify = c.notify(at.at("notifications"), f.Notifications)
	out.SecretWordFile = c.resolve(f.SecretWordFile)
	out.Proofs = c.proofs(at.at("proofs"), f.Proofs, out.SecretWord)
	c.ordered(at, f, out.Page)
	return out
}

// country tells whether a code is that of a country in ISO 3166, and has a number there, which messages carry.
func country(code string) bool {
	region, err := language.ParseRegion(code)
	return err == nil && countryForm.MatchString(code) && region.IsCountry() && region.ISO3() == code && region.M49() != 0
}

func (c *checker) secretWord(at place, f MerchantFile) vault.Secret {
	switch {
	case f.SecretWord != "" && f.SecretWordFile != "":
		c.fail(at.at("secret_word_file"), "give secret_word or secret_word_file, not both")
	case f.SecretWord != "":
		c.unsafe(at.at("secret_word"), "whoever reads this file reads it: settled merchant secret %d puts a new one into a file of its own", f.ID)
		return vault.NewSecret([]byte(f.SecretWord))
	}
	secret := c.secretFile(at.at("secret_word_file"), f.SecretWordFile)
	c.strong(at.at("secret_word_file"), secret.Reveal(), settings.LeastSecret, f.Login, f.Name)
	return secret
}

// routed finds currencies without a center, or with two for one means. A contract that ends may be followed by another.
func (c *checker) routed(at place, m *settle.Merchant) {
	type way struct {
		means    order.Means
		currency money.Currency
	}
	seen, takes := map[way]bool{}, map[way]bool{}
	for i, r := range m.Routes {
		means := order.MeansCard
		if r.Center != nil {
			means = r.Means()
		}
		for j, currency := range r.Currencies {
			w := way{means, currency}
			if seen[w] {
				c.fail(at.at("routes", i, "currencies", j), "%s has a route already", currency)
			}
			seen[w] = seen[w] || r.Ends.IsZero()
			takes[w] = true
		}
	}
	if !takes[way{order.MeansCard, m.Default}] && !takes[way{order.MeansInstant, m.Default}] {
		c.fail(at.at("routes"), "no route takes the merchant's currency %s", m.Default)
	}
}

func (c *checker) route(at place, f RouteFile) settle.Route {
	center := c.centers[f.Center]
	if center == nil {
		c.fail(at.at("center"), "there is no center %q", f.Center)
	}
	r := settle.Route{
		Center: center, Terminal: c.text(at.at("terminal"), f.Terminal, 8), Acceptor: c.text(at.at("acceptor"), f.Acceptor, 15),
		ConfirmWithin:    c.within(at.at("confirm_within"), f.ConfirmWithin, settle.DefaultConfirmWithin, minute, 31*day),
		MITConfirmWithin: c.within(at.at("mit_confirm_within"), f.MITConfirmWithin, 0, minute, 31*day),
		MDRBPS:           c.share(at.at("mdr_bps"), f.MDRBPS), MDRInvoiced: f.MDRInvoiced, ReturnMDR: f.ReturnMDR,
	}
	if center != nil {
		r.Ends = c.instant(at.at("ends"), f.Ends, center.Zone)
	}
	if f.MDRInvoiced && f.ReturnMDR {
		c.fail(at.at("return_mdr"), "an invoiced price cannot be given back out of the merchant's money: take away return_mdr or mdr_invoiced")
	}
	if len(f.Currencies) == 0 {
		c.fail(at.at("currencies"), "at least one currency is needed")
	}
	for i, text := range f.Currencies {
		r.Currencies = append(r.Currencies, c.currency(at.at("currencies", i), text))
	}
	return r
}
