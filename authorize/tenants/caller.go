package tenants

import (
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
)

// Caller is a request with who makes it, once that is known.
type Caller struct {
	*protocol.Call
	Source   string           // where the request comes from
	Base     string           // where we are reached, without a path
	Merchant *settle.Merchant // nil until it is known
	Settings *Merchant
	// Fingerprint is that of the order which the request asks for under InOrderNumber, zero until it is known, and where the
	// service asks for none.
	Fingerprint settle.Fingerprint
}

// is makes a merchant the one who calls.
func (c *Caller) is(m *settle.Merchant, settings *Merchant) {
	c.Merchant, c.Settings, c.OldCurrencies = m, settings, settings.OldCurrencies
}

// OrderAmount is the amount to pay, in the merchant's own currency unless the request names one.
func (c *Caller) OrderAmount() (money.Amount, error) {
	cur, err := c.Merchant.Default, error(nil)
	if c.Has(protocol.InOrderCurrency) {
		cur, err = c.CurrencyOf(protocol.InOrderCurrency)
	}
	if err != nil {
		return money.Amount{}, err
	}
	return c.AmountOf(protocol.InOrderAmount, cur)
}
