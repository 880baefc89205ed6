package authorize

import (
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
)

// caller is a request with who makes it, once that is known.
type caller struct {
	*protocol.Call
	source   string           // where the request comes from
	base     string           // where we are reached, without a path
	merchant *settle.Merchant // nil until it is known
	settings *Merchant
	// fingerprint is that of the order which the request asks for under InOrderNumber, nil until it is known, and where the
	// service asks for none.
	fingerprint []byte
}

// is makes a merchant the one who calls.
func (c *caller) is(m *settle.Merchant, settings *Merchant) {
	c.merchant, c.settings, c.OldCurrencies = m, settings, settings.OldCurrencies
}

// orderAmount is the amount to pay, in the merchant's own currency unless the request names one.
func (c *caller) orderAmount() (money.Amount, error) {
	cur, err := c.merchant.Default, error(nil)
	if c.Has(protocol.InOrderCurrency) {
		cur, err = c.CurrencyOf(protocol.InOrderCurrency)
	}
	if err != nil {
		return money.Amount{}, err
	}
	return c.AmountOf(protocol.InOrderAmount, cur)
}
