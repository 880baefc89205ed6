package install

import (
	"errors"
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/roles"
	"settled/internal/settings"

	"golang.org/x/crypto/ssh"
)

// Questions are what is asked, in this order.
func Questions() []Question {
	return []Question{
		{Flag: "environment", Asks: "What it is for; live moves money", Words: []string{"test", "live"},
			field: func(a *Answers) *string { return &a.Environment }, standard: same("test")},
		{Flag: "url", Asks: "Scheme and host under which shops and buyers reach it", field: func(a *Answers) *string { return &a.URL },
			standard: inTest("http://127.0.0.1:8080"), check: publicURL},
		{Flag: "database", Asks: "The database, as a URL for its owner: postgres://OWNER:PASSWORD@HOST/DATABASE", field: func(a *Answers) *string { return &a.Database },
			check: database},
		{Flag: "center", Asks: "The processing center; pcsim is the simulator, on this host", Words: []string{CenterSim, CenterDual, CenterSingle},
			field: func(a *Answers) *string { return &a.Center }, standard: inTest(CenterSim), check: noSimInLive},
		{Flag: "center-name", Asks: "Its name, a part of file names", field: func(a *Answers) *string { return &a.CenterName }, standard: same("PC-A")},
		{Flag: "center-address", Asks: "Its online host, as host:port", field: func(a *Answers) *string { return &a.Address },
			standard: ofSim("127.0.0.1:7583"), check: address},
		{Flag: "acquirer", Asks: "Our id there, in messages and files, 11 digits", field: func(a *Answers) *string { return &a.Acquirer }, standard: ofSim("00000012345"), check: elevenDigits},
		{Flag: "acquirer-bin", Asks: "Our acquirer BIN, 6 digits", field: func(a *Answers) *string { return &a.BIN }, standard: ofSim("412345"), asked: Answers.clears},
		{Flag: "sftp-address", Asks: "Its file server, as host:port", field: func(a *Answers) *string { return &a.SFTP },
			standard: ofSim("127.0.0.1:7022"), asked: Answers.clears, check: address},
		{Flag: "sftp-user", Asks: "Our login at the file server", field: func(a *Answers) *string { return &a.SFTPUser }, standard: ofSim("acquirer"), asked: Answers.clears},
		{Flag: "sftp-host-key", Asks: "The public key of the file server, as in authorized_keys: ssh-ed25519 AAAA…", field: func(a *Answers) *string { return &a.HostKey },
			asked: func(a Answers) bool { return a.clears() && !a.sim() }, check: hostKey},
		{Flag: "country", Asks: "Country of the first merchant, ISO 3166, three letters", field: func(a *Answers) *string { return &a.Country }, check: country},
		{Flag: "currency", Asks: "The merchant's currency, ISO 4217", field: func(a *Answers) *string { return &a.Currency }, check: currency},
		{Flag: "zone", Asks: "Time zone of accounting and cut-offs, such as Europe/Minsk", field: func(a *Answers) *string { return &a.Zone }, check: zone},
		{Flag: "merchant", Asks: "Number of the first merchant (Merchant_ID)", field: func(a *Answers) *string { return &a.Merchant }, standard: same("100001"), check: number},
		{Flag: "merchant-name", Asks: "The merchant's name, as buyers read it, 22 characters at most", field: func(a *Answers) *string { return &a.Name }},
		{Flag: "street", Asks: "The merchant's street", field: func(a *Answers) *string { return &a.Street }, standard: inTest("Street 1")},
		{Flag: "city", Asks: "The merchant's city", field: func(a *Answers) *string { return &a.City }, standard: inTest("City")},
		{Flag: "postal", Asks: "The merchant's postal code", field: func(a *Answers) *string { return &a.Postal }, standard: inTest("00000")},
		{Flag: "mcc", Asks: "The merchant's category code (MCC), 4 digits", field: func(a *Answers) *string { return &a.MCC }, standard: inTest("5999")},
		{Flag: "terminal", Asks: "The merchant's terminal at the center", field: func(a *Answers) *string { return &a.Terminal }, standard: ofSim("T0000001")},
		{Flag: "acceptor", Asks: "The merchant's card acceptor id there", field: func(a *Answers) *string { return &a.Acceptor }, standard: ofSim("MERCHANT0000001")},
	}
}

// same stands for no answer.
func same(text string) func(Answers) string { return func(Answers) string { return text } }

// inTest stands for no answer where no money moves.
func inTest(text string) func(Answers) string {
	return func(a Answers) string {
		if a.live() {
			return ""
		}
		return text
	}
}

// ofSim stands for no answer when the center is the simulator, whose own it is.
func ofSim(text string) func(Answers) string {
	return func(a Answers) string {
		if !a.sim() {
			return ""
		}
		return text
	}
}

func publicURL(a Answers, text string) error {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.Path != "" || u.RawQuery != "" || u.User != nil:
		return fmt.Errorf("%q is not a scheme and a host, as https://pay.shop.by", text)
	case a.live() && u.Scheme != "https":
		return errors.New("a live installation is reached by https")
	}
	return nil
}

func database(_ Answers, text string) error {
	_, err := roles.Login{}.Unlocked(text)
	return err
}

func noSimInLive(a Answers, text string) error {
	if a.live() && text == CenterSim {
		return errors.New("the simulator moves no money: it is for tests")
	}
	return nil
}

func address(_ Answers, text string) error {
	var c settings.Checker
	if c.Address("", text); len(c.Problems) > 0 {
		return errors.New(c.Problems[0].Why)
	}
	return nil
}

var (
	elevenForm  = regexp.MustCompile(`^[0-9]{11}$`)
	countryForm = regexp.MustCompile(`^[A-Z]{3}$`)
)

func elevenDigits(_ Answers, text string) error {
	if !elevenForm.MatchString(text) {
		return fmt.Errorf("%q is not 11 digits", text)
	}
	return nil
}

func hostKey(_ Answers, text string) error {
	_, _, _, _, err := ssh.ParseAuthorizedKey([]byte(text))
	return err
}

func country(_ Answers, text string) error {
	if !countryForm.MatchString(text) {
		return fmt.Errorf("%q is not three capital letters, as BLR", text)
	}
	return nil
}

func currency(_ Answers, text string) error {
	_, err := money.ParseCurrency(text)
	return err
}

func zone(_ Answers, text string) error {
	if _, err := time.LoadLocation(text); err != nil || text == "Local" {
		return fmt.Errorf("%q is no IANA time zone", text)
	}
	return nil
}

func number(_ Answers, text string) error {
	if id, err := strconv.ParseInt(text, 10, 32); err != nil || id < 1 || strconv.FormatInt(id, 10) != text {
		return fmt.Errorf("%q is no positive number", text)
	}
	return nil
}
