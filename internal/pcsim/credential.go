package pcsim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"strconv"

	"settled/fileformats/iso8583"
)

// credential is what a payment says about authentication and a stored card, in DE 22 and in private data of DE 48.
type credential struct {
	pos        string // DE 22
	initiation string // 0022
	level      string // 0042
	value      string // 0043
	network    string // 0063
	directory  string // 0066
	cvv        string // 0092
}

func credentialOf(m *iso8583.Message) credential {
	c := credential{pos: m.Text(22)}
	for tag, v := range m.AllPDS() {
		switch tag {
		case iso8583.PDSInitiation:
			c.initiation = string(v)
		case iso8583.PDSSecurityLevel:
			c.level = string(v)
		case iso8583.PDSAuthenticationValue:
			c.value = string(v)
		case iso8583.PDSNetworkID:
			c.network = string(v)
		case iso8583.PDSDirectoryID:
			c.directory = string(v)
		case iso8583.PDSVerificationCode:
			c.cvv = string(v)
		}
	}
	return c
}

// Positions of DE 22, from 0: cardholder presence, card data input, cardholder authentication.
const (
	posPresence       = 4
	posInput          = 6
	posAuthentication = 7
)

// byMerchant tells whether the merchant began the payment, without the cardholder.
func (c *credential) byMerchant() bool { return c.initiation != "" && c.initiation[0] == 'M' }

// filed tells whether the card was not typed in but taken from where it is stored.
func (c *credential) filed() bool { return c.pos[posInput] == '7' }

// fault returns the action code for what is wrong with authentication, stored card and verification code; empty when
// nothing is.
func (c *credential) fault(pan string) string {
	switch {
	case len(c.pos) != 12 || !c.consistent():
		return iso8583.ActionSystemMalfunction
	case c.level != "" && !c.proven(pan):
		return iso8583.ActionSuspectedFraud
	case c.network != "" && !madeFor(c.network, pan), c.byMerchant() && c.network == "":
		return iso8583.ActionDoNotHonor
	case c.cvv == "" && !c.codeless(), c.cvv != "" && (c.byMerchant() || !verificationCode(c.cvv)):
		return iso8583.ActionVerificationCodeFailed
	}
	return ""
}

// consistent tells whether DE 22 and DE 48 say the same.
func (c *credential) consistent() bool {
	presence := byte('5') // electronic order
	switch c.initiation {
	case "":
		return c.pos[posPresence] == presence && !c.filed()
	case iso8583.InitiationCardOnFile:
	case iso8583.InitiationRecurring:
		return c.pos[posPresence] == presence && !c.filed()
	case iso8583.InitiationStanding:
		presence = '4'
	case iso8583.InitiationUnscheduled:
		presence = '1'
	default:
		return false
	}
	return c.pos[posPresence] == presence && (c.filed() || !c.byMerchant())
}

// proven tells whether the issuer of the card made the authentication value, for this level.
func (c *credential) proven(pan string) bool {
	status := ""
	switch c.level {
	case iso8583.SecurityLevelNone:
		return c.value == ""
	case iso8583.SecurityLevelFull:
		status = statusAuthenticated
	case iso8583.SecurityLevelAttempted:
		status = statusAttempted
	default:
		return false
	}
	typed := c.filed() || c.pos[posAuthentication] == map[string]byte{statusAuthenticated: 'X', statusAttempted: 'W'}[status]
	return typed && hmac.Equal([]byte(c.value), []byte(authenticationValue(pan, c.directory, status)))
}

// codeless tells whether the payment needs no verification code: the card is known from an earlier payment, or the
// cardholder was authenticated.
func (c *credential) codeless() bool {
	return c.initiation != "" && c.filed() && c.network != "" || c.level == iso8583.SecurityLevelFull
}

func verificationCode(v string) bool { return (len(v) == 3 || len(v) == 4) && digits(v) }

// Statuses of an authentication, as in 3-D Secure.
const (
	statusAuthenticated = "Y"
	statusAttempted     = "A"
	statusFailed        = "N"
	statusUnavailable   = "U"
	statusRejected      = "R"
	statusChallenge     = "C"
	statusDecoupled     = "D"
)

// issuerKey and networkKey stand for keys that issuers and the network have in common in the whole simulated world, so
// that what one center or access control server made is known to another, and after a restart.
const (
	issuerKey  = "pcsim: key of the issuers' authentication values"
	networkKey = "pcsim: key of the network's transaction ids"
)

// authenticationValue is the issuer's proof that it authenticated the holder of a card, or that it was tried: 20 bytes in
// base64. It belongs to one directory server transaction.
func authenticationValue(pan, directory, status string) string {
	mac := mark(issuerKey, pan, directory, status)
	return base64.StdEncoding.EncodeToString(mac[:20])
}

// networkID is the network's name of an approved payment: a letter (S when the payment says something about a stored
// card, else N), six characters of the payment's own, four that bind them to the card, and the date MMDD.
func (c *Center) networkID(e *entry, initiation string) string {
	kind := "N"
	if initiation != "" {
		kind = "S"
	}
	own := kind + letters(hash(strconv.FormatUint(c.opt.Seed, 10)+"\x00network\x00"+e.mti+e.terminal+e.stan+e.local+e.rrn), 6)
	date := e.at.In(c.opt.Location).Format("0102")
	return own + binding(own, e.pan, date) + date
}

// madeFor tells whether id names a payment that had to do with a stored card, and was made with this card.
func madeFor(id, pan string) bool {
	return len(id) == 15 && id[0] == 'S' && id[7:11] == binding(id[:7], pan, id[11:])
}

// binding is four characters that only the network can make.
func binding(own, pan, date string) string {
	mac := mark(networkKey, own, pan, date)
	return letters(uint64(mac[0])<<24|uint64(mac[1])<<16|uint64(mac[2])<<8|uint64(mac[3]), 4)
}

func mark(key string, parts ...string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	for _, part := range parts {
		mac.Write([]byte(part + "\x00"))
	}
	return mac.Sum(nil)
}
