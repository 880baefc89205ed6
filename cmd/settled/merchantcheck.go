package main

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"settled/authorize/protocol"
	"settled/internal/config"
	"settled/internal/money"
	"settled/settle"

	"github.com/spf13/cobra"
)

// shopCheck is what a merchant's shop can do now, and what it lacks.
type shopCheck struct {
	Merchant      int32         `json:"merchant"`
	Name          string        `json:"name"`
	Environment   string        `json:"environment"`
	Page          string        `json:"page,omitempty"` // where orders for the payment page go; empty: to the host that is asked
	Requests      string        `json:"requests"`       // what proves orders for the page
	Answers       string        `json:"answers"`        // what proves our answers
	Notifications string        `json:"notifications"`
	ReturnOK      string        `json:"return_ok"`
	ReturnNo      string        `json:"return_no"`
	Quotes        []quoteLine   `json:"quotes"`
	Missing       []missingLine `json:"missing"`
}

// quoteLine is how an order in a currency would be paid by a means.
type quoteLine struct {
	Means    string     `json:"means"`
	Currency string     `json:"currency"` // of the order
	Paid     string     `json:"paid"`     // currency of the payment
	Rate     string     `json:"rate"`
	Source   string     `json:"source,omitempty"`
	Until    *time.Time `json:"until,omitempty"` // end of the rate
	Center   string     `json:"center"`
}

// missingLine is something that a shop may miss.
type missingLine struct {
	Key string `json:"key"` // that would give it
	Why string `json:"why"`
}

func newMerchantCheck() *cobra.Command {
	return atCounter("check ID", "Tell what a merchant's shop can do now, and what is missing; ends with 3 when nothing can be paid", exactly(1),
		func(c *counter, args []string) error {
			cfg, m, err := c.merchant(args[0])
			if err != nil {
				return err
			}
			check := checkShop(cfg, m, time.Now())
			if err := c.print(check, func(t *rows) { check.show(t, cfg.Zone) }); err != nil {
				return err
			}
			if len(check.Quotes) == 0 {
				return errRed
			}
			return nil
		})
}

func checkShop(cfg *config.Config, m *config.Merchant, now time.Time) shopCheck {
	s := shopCheck{Merchant: m.ID, Name: m.Name, Environment: string(cfg.Environment), Requests: requestProof(&m.Proofs), Answers: answerProof(m),
		Notifications: notificationsOf(m), ReturnOK: otherwise(m.Page.ReturnOK, m.Page.ReturnURL), ReturnNo: otherwise(m.Page.ReturnNo, m.Page.ReturnURL),
		Quotes: quotes(cfg, m, now)}
	if cfg.PublicURL != "" {
		s.Page = cfg.PublicURL + "/pay/order.cfm"
	}
	s.Missing = missing(cfg, m, &s, now)
	return s
}

func requestProof(p *protocol.Proofs) string {
	proof := "none needed"
	switch {
	case p.Checkvalue && p.Signature:
		proof = "check value and signature"
	case p.Checkvalue:
		proof = "check value"
	case p.Signature:
		proof = "signature"
	}
	if p.Joined {
		proof += ", without delimiters"
	}
	return proof
}

func answerProof(m *config.Merchant) string {
	switch {
	case m.Proofs.RSA:
		return "signature"
	case len(m.SecretWord.Reveal()) > 0:
		return "check value"
	}
	return "none"
}

func notificationsOf(m *config.Merchant) string {
	if m.Notify.URL == "" {
		return "none"
	}
	text := strings.Join(told(m.Merchant.Notify), ", ")
	if m.Merchant.Notify.OnlySuccessful {
		text = "successful " + text
	}
	return text + " to " + m.Notify.URL
}

func otherwise(first, second string) string {
	if first != "" {
		return first
	}
	return second
}

// quotes are the currencies that an order can be in, by each means that is offered.
func quotes(cfg *config.Config, m *config.Merchant, now time.Time) []quoteLine {
	out := []quoteLine{}
	for _, means := range offered(m) {
		for _, currency := range orderCurrencies(cfg, m) {
			q, err := cfg.Directory.Quote(m.Merchant, means, money.Amount{Minor: 1_000_000, Currency: currency}, now)
			if err != nil {
				continue // neither taken nor convertible
			}
			line := quoteLine{Means: means.String(), Currency: currency.String(), Paid: q.Amount.Currency.String(), Rate: q.Rate, Source: q.Source,
				Center: q.Route.Center.Name}
			if rate, ok := cfg.Directory.RateAt(currency, q.Amount.Currency, now); ok && currency != q.Amount.Currency && !rate.ValidTo.IsZero() {
				line.Until = &rate.ValidTo
			}
			out = append(out, line)
		}
	}
	return out
}

// orderCurrencies are those of the routes, then those with a rate to the merchant's own.
func orderCurrencies(cfg *config.Config, m *config.Merchant) []money.Currency {
	var out []money.Currency
	add := func(c money.Currency) {
		if !slices.Contains(out, c) {
			out = append(out, c)
		}
	}
	for _, r := range m.Routes {
		for _, currency := range r.Currencies {
			add(currency)
		}
	}
	for _, rate := range cfg.Directory.Rates() {
		if rate.To == m.Default {
			add(rate.From)
		}
	}
	return out
}

// soon is when the end of a rate is worth a word.
const soon = 7 * 24 * time.Hour

func missing(cfg *config.Config, m *config.Merchant, s *shopCheck, now time.Time) []missingLine {
	out := []missingLine{}
	say := func(when bool, key, why string) {
		if when {
			out = append(out, missingLine{key, why})
		}
	}
	say(len(s.Quotes) == 0, "page.means", "nothing can be paid on the payment page")
	say(s.Page == "", "public_url", "addresses of the payment page name the host that was asked, which customers may not reach")
	say(!m.Proofs.Checkvalue && !m.Proofs.Signature, "proofs.checkvalue", "anybody can make orders in the shop's name")
	say(m.Proofs.Joined, "proofs.no_delimiters", "without delimiters a digit can be moved from the amount to the order's number: the shop must compare the amounts it is told")
	say(s.Answers == "none", "secret_word_file", "the shop cannot tell our answers from others")
	say(s.Notifications == "none", "notifications.url", "the shop is not told outcomes and has to ask")
	say(s.ReturnOK == "" || s.ReturnNo == "", "page.return_url", "customers stay here unless the order says where they go")
	say(m.Page.Card && !m.Page.ThreeDS, "page.three_ds", "card holders are not authenticated: the shop bears the risk of fraud")
	for _, means := range m.Means() {
		say(!slices.Contains(offered(m), means), "page.means", "there is a route for "+means.String()+" payments, but they are not offered")
	}
	for _, rate := range endingRates(cfg, m, now) {
		say(true, "rates", fmt.Sprintf("the rate from %s ends at %s and none follows: orders in %s are refused then", rate.From,
			rate.ValidTo.In(cfg.Zone).Format("2006-01-02 15:04"), rate.From))
	}
	return out
}

// endingRates are those in use that end soon, without another that goes on from there.
func endingRates(cfg *config.Config, m *config.Merchant, now time.Time) []settle.RateEntry {
	var out []settle.RateEntry
	for _, currency := range orderCurrencies(cfg, m) {
		rate, ok := cfg.Directory.RateAt(currency, m.Default, now)
		if !ok || rate.ValidTo.IsZero() || rate.ValidTo.Sub(now) > soon {
			continue
		}
		if _, follows := cfg.Directory.RateAt(currency, m.Default, rate.ValidTo); !follows {
			out = append(out, rate)
		}
	}
	return out
}

func (s *shopCheck) show(t *rows, zone *time.Location) {
	t.row("merchant", fmt.Sprintf("%d %s (%s)", s.Merchant, s.Name, s.Environment))
	for _, line := range [][2]string{{"payment page", s.Page}, {"orders are proven by", s.Requests}, {"answers are proven by", s.Answers},
		{"told", s.Notifications}, {"return after success", s.ReturnOK}, {"return otherwise", s.ReturnNo}} {
		t.row(line[0], otherwise(line[1], "-"))
	}
	for _, q := range s.Quotes {
		text := fmt.Sprintf("%s at %s", q.Currency, q.Center)
		if q.Paid != q.Currency {
			text = fmt.Sprintf("%s as %s at %s, rate %s of %s", q.Currency, q.Paid, q.Center, q.Rate, q.Source)
		}
		if q.Until != nil {
			text += ", until " + q.Until.In(zone).Format("2006-01-02 15:04")
		}
		t.row("takes by "+q.Means, text)
	}
	for _, line := range s.Missing {
		t.row("missing "+line.Key, line.Why)
	}
}
