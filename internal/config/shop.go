package config

import (
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"settled/authorize/notify"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
)

// customerFields are the parameters that a page can ask buyers for.
var customerFields = []string{"Lastname", "Firstname", "Middlename", "Email", "Address", "HomePhone", "WorkPhone", "MobilePhone",
	"Country", "State", "City", "Zip"}

func (c *checker) page(at place, f PageFile, m *settle.Merchant) tenants.Page {
	p := tenants.Page{Timeout: c.within(at.at("timeout"), f.Timeout, tenants.StandardTimeout, time.Second, 31*day), Attempts: f.Attempts,
		ReturnURL: c.optionalURL(at.at("return_url"), f.ReturnURL), ReturnOK: c.optionalURL(at.at("return_ok_url"), f.ReturnOKURL),
		ReturnNo: c.optionalURL(at.at("return_no_url"), f.ReturnNoURL), ShowResult: oneOf(c, at.at("after"), f.After, "shop", "result") == "result",
		OneClick: f.OneClick, AskCode: f.AskCode, Recurring: f.Recurring, ThreeDS: f.ThreeDS,
		Unproven: oneOf(c, at.at("three_ds_unavailable"), f.ThreeDSUnavailable, "refuse", "pass") == "pass", AutoNumber: f.AutoNumber,
		Links: oneOf(c, at.at("links"), f.Links, tenants.LinksTaken, tenants.LinksProven, tenants.LinksRefused), Required: c.buyerFields(at.at("required"), f.Required)}
	p.ReturnHosts = c.returnHosts(at, f)
	p.Card, p.Instant = c.means(at.at("means"), f.Means, m)
	if p.Attempts = p.Tries(); p.Attempts < 1 || p.Attempts > 10 {
		c.fail(at.at("attempts"), "%d is not between 1 and 10", p.Attempts)
	}
	if p.ThreeDS && !c.authenticates {
		c.fail(at.at("three_ds"), "needs three_ds at the top of the file")
	}
	return p
}

// cardTesting reads when cards count as tried. Below the least, a family that pays or a card that is typed wrong would.
func (c *checker) cardTesting(at place, f CardTestingFile) tenants.CardTesting {
	s := tenants.CardTesting{Off: f.Off, Declines: f.Declines, Run: f.Run, BIN: f.BIN, Stop: f.Stop}
	s.Fill()
	for _, n := range []struct {
		key         string
		value, from int
	}{{"declines", s.Declines, 5}, {"run", s.Run, 3}, {"bin", s.BIN, 10}} {
		if n.value < n.from || n.value > 10000 {
			c.fail(at.at(n.key), "%d is not between %d and 10000", n.value, n.from)
		}
	}
	s.Stop = c.within(at.at("stop"), s.Stop, tenants.StandardStop, time.Minute, 7*day)
	return s
}

// hostForm is the name of a host, or an address of version 4, as it stands in addresses of the web.
var hostForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$`)

// returnHosts are the hosts that buyers may be sent to. The merchant's own addresses lead there, too.
func (c *checker) returnHosts(at place, f PageFile) []string {
	for i, host := range f.ReturnHosts {
		if !hostForm.MatchString(host) {
			c.fail(at.at("return_hosts", i), "%q is no name of a host in lower case, without scheme and port", host)
		}
	}
	for key, address := range map[string]string{"return_url": f.ReturnURL, "return_ok_url": f.ReturnOKURL, "return_no_url": f.ReturnNoURL} {
		u, err := url.Parse(address)
		if address != "" && err == nil && len(f.ReturnHosts) > 0 && !slices.Contains(f.ReturnHosts, strings.ToLower(u.Hostname())) {
			c.fail(at.at(key), "%s is not one of return_hosts", u.Hostname())
		}
	}
	return f.ReturnHosts
}

func (c *checker) optionalURL(at place, text string) string {
	if text == "" {
		return ""
	}
	return c.url(at, text, false)
}

// means are those that are offered: all that the merchant has routes for, unless the file lists some of them.
func (c *checker) means(at place, list []string, m *settle.Merchant) (card, instant bool) {
	have := map[string]bool{}
	for i := range m.Routes {
		if m.Routes[i].Center == nil {
			return false, false // said already, at the route
		}
		have[m.Routes[i].Means().String()] = true
	}
	if list == nil {
		return have["card"], have["instant"]
	}
	for i, word := range list {
		if oneOf(c, at.at(i), word, "card", "instant"); !have[word] && (word == "card" || word == "instant") {
			c.fail(at.at(i), "the merchant has no route for %s payments", word)
		}
	}
	return slices.Contains(list, "card"), slices.Contains(list, "instant")
}

func (c *checker) buyerFields(at place, list []string) []string {
	var out []string
	for i, word := range list {
		same := slices.IndexFunc(customerFields, func(field string) bool { return strings.EqualFold(field, word) })
		if same < 0 {
			c.fail(at.at(i), "%q is not one of %s", word, strings.Join(customerFields, ", "))
			continue
		}
		out = append(out, customerFields[same])
	}
	return out
}

func (c *checker) proofs(at place, f ProofsFile, secretWord vault.Secret) protocol.Proofs {
	p := protocol.Proofs{Checkvalue: f.Checkvalue, Signature: f.Signature, PublicKey: c.publicKey(at.at("public_key_file"), f.PublicKeyFile, f.ShortPublicKey),
		SHA256: f.SHA256, Joined: f.NoDelimiters, RSA: oneOf(c, at.at("answers"), f.Answers, "md5", "rsa") == "rsa"}
	p.Covers = c.covered(at.at("covers"), f.Covers)
	if p.Joined && p.Covers != (protocol.Covered{}) {
		c.fail(at.at("covers"), "nothing can be covered without delimiters: nobody could tell where a value ends")
	}
	if p.Checkvalue && len(secretWord.Reveal()) == 0 {
		c.fail(at.at("checkvalue"), "needs the merchant's secret word")
	}
	if p.Signature && f.PublicKeyFile == "" {
		c.fail(at.at("signature"), "needs public_key_file")
	}
	if p.RSA && !c.signs {
		c.fail(at.at("answers"), "rsa needs signing_key_file at the top of the file")
	}
	return p
}

func (c *checker) covered(at place, list []string) (v protocol.Covered) {
	fields := map[string]*bool{"OrderMaxPoints": &v.MaxPoints, "CustomerNumber": &v.Customer, "Disable3DS": &v.Disable3DS, "Prepayment": &v.Prepayment}
	for i, word := range list {
		oneOf(c, at.at(i), word, "OrderMaxPoints", "CustomerNumber", "Disable3DS", "Prepayment")
		if field := fields[word]; field != nil {
			*field = true
		}
	}
	return v
}

// notifyPorts are those that notifications may go to in a live installation.
var notifyPorts = []string{"", "80", "443", "8080", "8443"}

func (c *checker) notify(at place, f NotificationsFile) (n tenants.Notify, told settle.Notify) {
	n = tenants.Notify{URL: f.URL, SOAP: oneOf(c, at.at("protocol"), f.Protocol, "post", "soap") == "soap",
		PlainAnswer: oneOf(c, at.at("answer"), f.Answer, "xml", "http") == "http", AllowPrivate: f.AllowPrivate,
		Signer: c.signer(at.at("signing_key_file"), f.SigningKeyFile)}
	if f.AllowPrivate {
		c.unsafe(at.at("allow_private"), "is for test installations only")
	}
	if f.URL == "" {
		if len(f.Send) > 0 || f.OnlySuccessful || f.Protocol != "" || f.Answer != "" || f.SigningKeyFile != "" {
			c.fail(at.at("url"), "is missing: without it nothing is sent")
		}
		return tenants.Notify{}, told
	}
	c.notifyURL(at.at("url"), f)
	return n, c.told(at.at("send"), f)
}

// signer reads the keys that sign a merchant's notifications; none sign nothing.
func (c *checker) signer(at place, name string) notify.Signer {
	text := c.secretFile(at, name)
	if text.IsZero() {
		return notify.Signer{}
	}
	s, err := notify.ReadSigner(text.Reveal())
	if err != nil {
		c.fail(at, "%v", err)
	}
	return s
}

// notifyURL finds addresses that would be told in the clear, in a live installation, and those that could never be reached: wrong
// ports, and numbers of private networks.
func (c *checker) notifyURL(at place, f NotificationsFile) {
	u, err := url.Parse(c.url(at, f.URL, true))
	if err != nil || f.AllowPrivate {
		return
	}
	if !slices.Contains(notifyPorts, u.Port()) {
		c.fail(at, "port %s is not one of 80, 443, 8080, 8443", u.Port())
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err == nil && (!ip.IsGlobalUnicast() || ip.IsPrivate()) || u.Hostname() == "localhost" {
		c.fail(at, "%s is in a private network", u.Hostname())
	}
}

// told says which outcomes are told: of all operations, unless the file lists some of them.
func (c *checker) told(at place, f NotificationsFile) settle.Notify {
	list := f.Send
	if list == nil {
		list = []string{"payments", "confirmations", "cancellations"}
	}
	for i, word := range list {
		oneOf(c, at.at(i), word, "payments", "confirmations", "cancellations")
	}
	return settle.Notify{Payments: slices.Contains(list, "payments"), Confirmations: slices.Contains(list, "confirmations"),
		Cancellations: slices.Contains(list, "cancellations"), OnlySuccessful: f.OnlySuccessful}
}
