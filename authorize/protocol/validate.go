package protocol

import (
	"fmt"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
)

// maxMinor bounds amounts in minor units: 15 digits.
const maxMinor = 1_000_000_000_000_000

// Invalid refuses the value of a parameter.
func Invalid(id Parameter, why string) error {
	return Refuse(FirstValue, params[id].second, params[id].name+" "+why)
}

// Unreadable refuses the form of a parameter.
func Unreadable(id Parameter, why string) error {
	return Refuse(FirstFormat, params[id].second, params[id].name+" "+why)
}

// AmountOf reads an amount and its currency: decimal text with a point or a comma.
func (c *Call) AmountOf(amount Parameter, currency money.Currency) (money.Amount, error) {
	a, err := money.Parse(strings.Replace(c.Text(amount), ",", ".", 1), currency)
	switch {
	case err != nil:
		return a, Unreadable(amount, fmt.Sprintf("is not a decimal amount with at most %d decimals", currency.Exponent()))
	case a.Minor == 0, a.Minor >= maxMinor:
		return a, Invalid(amount, "is out of range")
	}
	return a, nil
}

// oldCurrencies are codes that clients still send, of currencies that have another one today.
var oldCurrencies = map[string]string{"RUR": "RUB", "BYR": "BYN"}

// CurrencyOf reads a currency by its code of letters (ISO 4217).
func (c *Call) CurrencyOf(id Parameter) (money.Currency, error) {
	code := strings.ToUpper(c.Text(id))
	if now, old := oldCurrencies[code]; old && c.OldCurrencies {
		code = now
	}
	cur, err := money.ParseCurrency(code)
	if err != nil {
		return 0, Invalid(id, "is not a currency")
	}
	return cur, nil
}

// Part reads the amount of a confirmation or cancel: with its currency, or neither for everything.
func (c *Call) Part() (*money.Amount, error) {
	switch {
	case !c.Has(InAmount) && !c.Has(InCurrency):
		return nil, nil
	case !c.Has(InAmount):
		return nil, c.Require(InAmount)
	case !c.Has(InCurrency):
		return nil, c.Require(InCurrency)
	}
	cur, err := c.CurrencyOf(InCurrency)
	if err != nil {
		return nil, err
	}
	a, err := c.AmountOf(InAmount, cur)
	return &a, err
}

// BillNumber reads a bill number, plain or extended by the number of an operation; 0 when it is plain.
func (c *Call) BillNumber() (id int64, operation int16, err error) {
	if err := c.Require(InBillNumber); err != nil {
		return 0, 0, err
	}
	plain, extension, extended := strings.Cut(c.Text(InBillNumber), ".")
	bad := Unreadable(InBillNumber, "is not a bill number")
	if len(plain) != 15 && len(plain) != 16 || !digits(plain) {
		return 0, 0, bad
	}
	if id, err = strconv.ParseInt(plain, 10, 64); err != nil {
		return 0, 0, bad
	}
	if !extended {
		return id, 0, nil
	}
	n, err := strconv.ParseInt(extension, 10, 16)
	if err != nil || n < 1 || len(extension) > 3 || !digits(extension) {
		return 0, 0, bad
	}
	return id, int16(n), nil
}

// Number reads a parameter of digits within bounds. Where it is missing, Number returns otherwise.
func (c *Call) Number(id Parameter, low, high, otherwise int) (int, error) {
	v := c.values[id]
	if v == nil {
		return otherwise, nil
	}
	if !digits(v) {
		return 0, Unreadable(id, "is not a number")
	}
	n, err := strconv.Atoi(string(v))
	if err != nil || n < low || n > high {
		return 0, Invalid(id, fmt.Sprintf("is not within %d and %d", low, high))
	}
	return n, nil
}

// ReadLanguage decides the language of texts: one that we lack is the other one.
func (c *Call) ReadLanguage(otherwise Language) {
	switch strings.ToUpper(c.Text(InLanguage)) {
	case "":
		c.Language = otherwise
	case "EN":
		c.Language = English
	case "RU":
		c.Language = Russian
	default:
		c.Language, c.noted = otherwise, append(c.noted, noted{InLanguage, leftOut})
	}
}

var externalShape = regexp.MustCompile(`^[A-Za-z0-9_-]{10,100}$`)

// External reads a merchant's own key of an operation: 10 to 100 letters, digits, hyphens and underscores.
func (c *Call) External(id Parameter) (string, error) {
	v := c.Text(id)
	if v != "" && !externalShape.MatchString(v) {
		return "", Unreadable(id, "must be 10 to 100 letters, digits, - and _")
	}
	return v, nil
}

// Card is what a payment request says about the card.
type Card struct {
	PAN    vault.PAN
	Expiry string // YYMM
	CVV    vault.Secret
}

// ReadCard checks number, expiry and verification code, and that the number belongs into the environment: test numbers
// never reach a live center, nor others a test center. The caller wipes the code.
func (c *Call) ReadCard(now time.Time, e vault.Environment) (Card, error) {
	var k Card
	if err := c.Require(InCardNumber, InExpireMonth, InExpireYear, InCVC); err != nil {
		return k, err
	}
	if !digits(c.values[InCardNumber]) {
		return k, Unreadable(InCardNumber, "is not a number")
	}
	var err error
	if k.PAN, err = vault.ParsePAN(c.values[InCardNumber]); err != nil {
		return k, Invalid(InCardNumber, "is not a card number")
	}
	if !e.Accepts(k.PAN) {
		return k, Invalid(InCardNumber, "does not belong into a "+string(e)+" installation")
	}
	if k.Expiry, err = c.expiry(now); err != nil {
		return k, err
	}
	if k.CVV, err = vault.ParseCVV(append([]byte(nil), c.values[InCVC]...)); err != nil {
		return k, Unreadable(InCVC, "must be 3 or 4 digits")
	}
	return k, nil
}

// expiry reads month and year as YYMM. A card is valid to the end of its month, wherever on Earth that ends last.
func (c *Call) expiry(now time.Time) (string, error) {
	month, err := c.Number(InExpireMonth, 1, 12, 0)
	if err != nil {
		return "", err
	}
	year, err := c.Number(InExpireYear, 2000, 2099, 0)
	if err != nil {
		return "", err
	}
	if Expired(month, year, now) {
		return "", Refuse(FirstValue, onExpiry, "card has expired")
	}
	return YYMM(year, month), nil
}

// Expired tells that a card's last month is over everywhere on Earth.
func Expired(month, year int, now time.Time) bool {
	last := now.UTC().Add(-12 * time.Hour)
	return year < last.Year() || year == last.Year() && month < int(last.Month())
}

// YYMM writes the last month of a card as centers and books have it.
func YYMM(year, month int) string {
	return string([]byte{'0' + byte(year/10%10), '0' + byte(year%10), '0' + byte(month/10), '0' + byte(month%10)})
}

// CheckAddresses refuses addresses that a browser cannot be sent to, and those of other hosts than the merchant lists; no list is
// any host.
func (c *Call) CheckAddresses(hosts []string) error {
	for _, id := range [...]Parameter{InURLReturn, InURLReturnOK, InURLReturnNo} {
		if !c.Has(id) {
			continue
		}
		u, err := url.Parse(c.Text(id))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, " ;,'\"") {
			return Invalid(id, "is not an http or https address")
		}
		if len(hosts) > 0 && !slices.Contains(hosts, strings.ToLower(u.Hostname())) {
			return Invalid(id, "leads to a host that the merchant does not list")
		}
	}
	return nil
}
