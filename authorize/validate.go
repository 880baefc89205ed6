package authorize

import (
	"fmt"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
	"settled/internal/vault"
)

// maxMinor bounds amounts in minor units: 15 digits.
const maxMinor = 1_000_000_000_000_000

// invalid refuses the value of a parameter.
func invalid(id in, why string) error {
	return refuse(errValue, params[id].second, params[id].name+" "+why)
}

// unreadable refuses the form of a parameter.
func unreadable(id in, why string) error {
	return refuse(errFormat, params[id].second, params[id].name+" "+why)
}

// amountOf reads an amount and its currency: decimal text with a point or a comma.
func (c *call) amountOf(amount in, currency money.Currency) (money.Amount, error) {
	a, err := money.Parse(strings.Replace(c.text(amount), ",", ".", 1), currency)
	switch {
	case err != nil:
		return a, unreadable(amount, fmt.Sprintf("is not a decimal amount with at most %d decimals", currency.Exponent()))
	case a.Minor == 0, a.Minor >= maxMinor:
		return a, invalid(amount, "is out of range")
	}
	return a, nil
}

// oldCurrencies are codes that clients still send, of currencies that have another one today.
var oldCurrencies = map[string]string{"RUR": "RUB", "BYR": "BYN"}

func (c *call) currencyOf(id in) (money.Currency, error) {
	code := strings.ToUpper(c.text(id))
	if now, old := oldCurrencies[code]; old && c.old {
		code = now
	}
	cur, err := money.ParseCurrency(code)
	if err != nil {
		return 0, invalid(id, "is not a currency")
	}
	return cur, nil
}

// part reads the amount of a confirmation or cancel: with its currency, or neither for everything.
func (c *call) part() (*money.Amount, error) {
	switch {
	case !c.has(inAmount) && !c.has(inCurrency):
		return nil, nil
	case !c.has(inAmount):
		return nil, c.require(inAmount)
	case !c.has(inCurrency):
		return nil, c.require(inCurrency)
	}
	cur, err := c.currencyOf(inCurrency)
	if err != nil {
		return nil, err
	}
	a, err := c.amountOf(inAmount, cur)
	return &a, err
}

// billNumber reads a bill number, plain or extended by the number of an operation; 0 when it is plain.
func (c *call) billNumber() (id int64, operation int16, err error) {
	if err := c.require(inBillNumber); err != nil {
		return 0, 0, err
	}
	plain, extension, extended := strings.Cut(c.text(inBillNumber), ".")
	bad := unreadable(inBillNumber, "is not a bill number")
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

func digits[T string | []byte](s T) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) > 0
}

// number reads a parameter of digits within bounds; otherwise is returned when it is missing.
func (c *call) number(id in, low, high, otherwise int) (int, error) {
	v := c.values[id]
	if v == nil {
		return otherwise, nil
	}
	if !digits(v) {
		return 0, unreadable(id, "is not a number")
	}
	n, err := strconv.Atoi(string(v))
	if err != nil || n < low || n > high {
		return 0, invalid(id, fmt.Sprintf("is not within %d and %d", low, high))
	}
	return n, nil
}

// readLanguage decides the language of texts: one that we lack is the other one.
func (c *call) readLanguage(otherwise language) {
	switch strings.ToUpper(c.text(inLanguage)) {
	case "":
		c.language = otherwise
	case "EN":
		c.language = english
	case "RU":
		c.language = russian
	default:
		c.language, c.noted = otherwise, append(c.noted, noted{inLanguage, leftOut})
	}
}

var externalShape = regexp.MustCompile(`^[A-Za-z0-9_-]{10,100}$`)

// external reads a merchant's own key of an operation: 10 to 100 letters, digits, hyphens and underscores.
func (c *call) external(id in) (string, error) {
	v := c.text(id)
	if v != "" && !externalShape.MatchString(v) {
		return "", unreadable(id, "must be 10 to 100 letters, digits, - and _")
	}
	return v, nil
}

// card is what a payment request says about the card.
type card struct {
	pan    vault.PAN
	expiry string // YYMM
	cvv    vault.Secret
}

// readCard checks number, expiry and verification code, and that the number belongs into the environment: test numbers
// never reach a live center, nor others a test center. The caller wipes the code.
func (c *call) readCard(now time.Time, e vault.Environment) (card, error) {
	var k card
	if err := c.require(inCardNumber, inExpireMonth, inExpireYear, inCVC); err != nil {
		return k, err
	}
	if !digits(c.values[inCardNumber]) {
		return k, unreadable(inCardNumber, "is not a number")
	}
	var err error
	if k.pan, err = vault.ParsePAN(c.values[inCardNumber]); err != nil {
		return k, invalid(inCardNumber, "is not a card number")
	}
	if !e.Accepts(k.pan) {
		return k, invalid(inCardNumber, "does not belong into a "+string(e)+" installation")
	}
	if k.expiry, err = c.expiry(now); err != nil {
		return k, err
	}
	if k.cvv, err = vault.ParseCVV(append([]byte(nil), c.values[inCVC]...)); err != nil {
		return k, unreadable(inCVC, "must be 3 or 4 digits")
	}
	return k, nil
}

// expiry reads month and year as YYMM. A card is valid to the end of its month, wherever on Earth that ends last.
func (c *call) expiry(now time.Time) (string, error) {
	month, err := c.number(inExpireMonth, 1, 12, 0)
	if err != nil {
		return "", err
	}
	year, err := c.number(inExpireYear, 2000, 2099, 0)
	if err != nil {
		return "", err
	}
	if expired(month, year, now) {
		return "", refuse(errValue, onExpiry, "card has expired")
	}
	return yymm(year, month), nil
}

// expired tells that a card's last month is over everywhere on Earth.
func expired(month, year int, now time.Time) bool {
	last := now.UTC().Add(-12 * time.Hour)
	return year < last.Year() || year == last.Year() && month < int(last.Month())
}

func yymm(year, month int) string {
	return string([]byte{'0' + byte(year/10%10), '0' + byte(year%10), '0' + byte(month/10), '0' + byte(month%10)})
}

// checkAddresses refuses addresses that a browser cannot be sent to.
func (c *call) checkAddresses() error {
	for _, id := range [...]in{inURLReturn, inURLReturnOK, inURLReturnNo} {
		if !c.has(id) {
			continue
		}
		u, err := url.Parse(c.text(id))
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsAny(u.Host, " ;,'\"") {
			return invalid(id, "is not an http or https address")
		}
	}
	return nil
}
