package main

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/authorize/tenants"
	"settled/internal/config"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/order"

	"github.com/spf13/cobra"
)

func newMerchant() *cobra.Command {
	return group("merchant", "Merchants and their settings", newMerchantList(), newMerchantShow(), newMerchantCheck(), newMerchantAdd(),
		newMerchantSet(), newMerchantPassword(), newMerchantSecret())
}

// counter is where settings are looked at and changed: the configuration and a terminal, no database.
type counter struct {
	*cobra.Command
	environment config.Environment
	json        bool
}

// atCounter is a command that works on the configuration file. args is cobra's rule for its arguments.
func atCounter(use, short string, args cobra.PositionalArgs, do func(c *counter, args []string) error) *cobra.Command {
	var asJSON bool
	c := &cobra.Command{Use: use, Short: short, Args: args, RunE: func(c *cobra.Command, args []string) error {
		e, err := environment()
		if err != nil {
			return err
		}
		return do(&counter{Command: c, environment: e, json: asJSON}, args)
	}}
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// changing is a command on the configuration file that changes it, and leaves an event of that kind. Its first argument, if it has one, names the merchant.
func changing(use, short string, args cobra.PositionalArgs, kind events.Kind, do func(c *counter, args []string, e *events.Event) error) *cobra.Command {
	var reason string
	c := atCounter(use, short, args, func(c *counter, args []string) error {
		if err := checkReason(reason); err != nil {
			return err
		}
		e := events.Event{Kind: kind, Object: events.Object{Kind: "merchant"}, After: asked(c.Command), Reason: events.Clip(reason)}
		if len(args) > 0 {
			e.Object.ID = events.Clip(args[0])
		}
		return onFiles(c.Command, e, func(e *events.Event) error { return do(c, args, e) })
	})
	c.Annotations = map[string]string{eventOf: string(kind)}
	c.Flags().StringVar(&reason, "reason", "", "why; kept with who did it")
	return c
}

// print prints v as JSON if that is asked for, else what show prints.
func (c *counter) print(v any, show func(t *rows)) error {
	if c.json {
		return printJSON(c.OutOrStdout(), v)
	}
	t := table(c.Command)
	show(t)
	return t.flush()
}

// merchant finds the merchant that an argument names.
func (c *counter) merchant(text string) (*config.Config, *config.Merchant, error) {
	id, err := merchantID(text)
	if err != nil {
		return nil, nil, err
	}
	cfg, err := c.environment.Load()
	if err != nil {
		return nil, nil, err
	}
	i := slices.IndexFunc(cfg.Merchants, func(m config.Merchant) bool { return m.ID == id })
	if i < 0 {
		return nil, nil, fmt.Errorf("%w: %d", config.ErrNoMerchant, id)
	}
	return cfg, &cfg.Merchants[i], nil
}

func merchantID(text string) (int32, error) {
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id <= 0 {
		return 0, usageError{fmt.Errorf("%q is no number of a merchant", text)}
	}
	return int32(id), nil
}

// merchantLine is a merchant in a list.
type merchantLine struct {
	Merchant   int32    `json:"merchant"`
	Name       string   `json:"name"`
	Login      string   `json:"login"`
	Means      []string `json:"means"`
	Currencies []string `json:"currencies"`
	TestMode   bool     `json:"test_mode"`
	Notified   bool     `json:"notified"`
}

func newMerchantList() *cobra.Command {
	return atCounter("list", "List the merchants", exactly(0), func(c *counter, _ []string) error {
		cfg, err := c.environment.Load()
		if err != nil {
			return err
		}
		lines := []merchantLine{}
		for _, m := range cfg.Merchants {
			lines = append(lines, lineOf(&m))
		}
		return c.print(lines, func(t *rows) {
			t.row("merchant", "name", "login", "means", "currencies", "test mode", "notified")
			for _, l := range lines {
				t.row(l.Merchant, l.Name, l.Login, strings.Join(l.Means, ","), strings.Join(l.Currencies, ","), yesNo(l.TestMode), yesNo(l.Notified))
			}
		})
	})
}

func lineOf(m *config.Merchant) merchantLine {
	l := merchantLine{Merchant: m.ID, Name: m.Name, Login: m.Login, TestMode: m.TestMode, Notified: m.Notify.URL != "", Means: []string{}, Currencies: []string{}}
	for _, means := range offered(m) {
		l.Means = append(l.Means, means.String())
	}
	for _, r := range m.Routes {
		for _, currency := range r.Currencies {
			if !slices.Contains(l.Currencies, currency.String()) {
				l.Currencies = append(l.Currencies, currency.String())
			}
		}
	}
	return l
}

// offered are the means that buyers of a merchant can choose from.
func offered(m *config.Merchant) []order.Means {
	var out []order.Means
	if m.Page.Card {
		out = append(out, order.MeansCard)
	}
	if m.Page.Instant {
		out = append(out, order.MeansInstant)
	}
	return out
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// merchantSetting is a setting as it is in force: what the file leaves out has its default.
type merchantSetting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

func newMerchantShow() *cobra.Command {
	return atCounter("show ID", "Show every setting of a merchant as it is in force; secrets only as present or not", exactly(1), func(c *counter, args []string) error {
		_, m, err := c.merchant(args[0])
		if err != nil {
			return err
		}
		all := settingsOf(m)
		return c.print(all, func(t *rows) {
			for _, s := range all {
				t.row(s.Key, otherwise(s.Value, "-"))
			}
		})
	})
}

func settingsOf(m *config.Merchant) []merchantSetting {
	var all []merchantSetting
	add := func(key string, value any) { all = append(all, merchantSetting{key, fmt.Sprint(value)}) }
	add("id", m.ID)
	add("name", m.Name)
	add("clearing_name", m.RecordName())
	add("street", m.Street)
	add("city", m.City)
	add("postal", m.Postal)
	add("region", m.Region)
	add("country", m.Country)
	add("mcc", m.MCC)
	add("currency", m.Default)
	add("login", m.Login)
	add("secret_word", present(len(m.SecretWord.Reveal()) > 0))
	add("test_mode", m.TestMode)
	add("language", word(m.Russian, "ru", "en"))
	add("charset", m.Charset)
	add("old_currencies", m.OldCurrencies)
	addPage(add, &m.Page)
	addProofs(add, m)
	for i := range m.Routes {
		addRoute(add, fmt.Sprintf("routes[%d].", i), &m.Routes[i])
	}
	return all
}

func addPage(add func(string, any), p *tenants.Page) {
	var means []string
	for _, one := range offered(&config.Merchant{Page: *p}) {
		means = append(means, one.String())
	}
	add("page.means", strings.Join(means, ","))
	add("page.timeout", p.Timeout)
	add("page.attempts", p.Attempts)
	add("page.return_url", p.ReturnURL)
	add("page.return_hosts", strings.Join(p.ReturnHosts, ","))
	add("page.return_ok_url", p.ReturnOK)
	add("page.return_no_url", p.ReturnNo)
	add("page.after", word(p.ShowResult, "result", "shop"))
	add("page.one_click", p.OneClick)
	add("page.one_click_code", p.AskCode)
	add("page.recurring", p.Recurring)
	add("page.three_ds", p.ThreeDS)
	add("page.auto_number", p.AutoNumber)
	add("page.links", string(p.Links))
	add("page.required", strings.Join(p.Required, ","))
}

func addProofs(add func(string, any), m *config.Merchant) {
	add("proofs.checkvalue", m.Proofs.Checkvalue)
	add("proofs.signature", m.Proofs.Signature)
	add("proofs.public_key", present(m.Proofs.PublicKey != nil))
	add("proofs.sha256", m.Proofs.SHA256)
	add("proofs.no_delimiters", m.Proofs.Joined)
	add("proofs.answers", word(m.Proofs.RSA, "rsa", "md5"))
	add("notifications.url", m.Notify.URL)
	if m.Notify.URL == "" {
		return
	}
	add("notifications.protocol", word(m.Notify.SOAP, "soap", "post"))
	add("notifications.answer", word(m.Notify.PlainAnswer, "http", "xml"))
	add("notifications.send", strings.Join(told(m.Merchant.Notify), ","))
	add("notifications.only_successful", m.Merchant.Notify.OnlySuccessful)
	add("notifications.signing_key", present(m.Notify.Signer.Signs()))
	add("notifications.allow_private", m.Notify.AllowPrivate)
}

func addRoute(add func(string, any), at string, r *settle.Route) {
	var currencies []string
	for _, currency := range r.Currencies {
		currencies = append(currencies, currency.String())
	}
	add(at+"center", r.Center.Name)
	add(at+"currencies", strings.Join(currencies, ","))
	add(at+"terminal", r.Terminal)
	add(at+"acceptor", r.Acceptor)
	add(at+"confirm_within", r.ConfirmWithin)
	add(at+"mit_confirm_within", r.MITConfirmWithin)
	add(at+"mdr_bps", r.MDRBPS)
	add(at+"mdr_invoiced", r.MDRInvoiced)
	add(at+"return_mdr", r.ReturnMDR)
	if !r.Ends.IsZero() {
		add(at+"ends", r.Ends.Format(time.RFC3339))
	}
}

// told names the operations whose outcomes are told.
func told(n settle.Notify) []string {
	var out []string
	for _, o := range []struct {
		name string
		on   bool
	}{{"payments", n.Payments}, {"confirmations", n.Confirmations}, {"cancellations", n.Cancellations}} {
		if o.on {
			out = append(out, o.name)
		}
	}
	return out
}

func word(first bool, yes, no string) string {
	if first {
		return yes
	}
	return no
}

func present(is bool) string { return word(is, "present", "none") }
