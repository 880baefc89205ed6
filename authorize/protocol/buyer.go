package protocol

import (
	"bytes"
	"net/netip"
	"unicode/utf8"
)

// leniency is what becomes of a value that cannot be taken as it was sent.
type leniency uint8

const (
	refused leniency = iota // the request is refused
	cut                     // it is cut to what fits, because its beginning is still of use
	leftOut                 // it is left out, because a part of it would be another value
)

// describing are the parameters that describe the buyer and what he buys. They move no money and are signed by nobody, so they never
// stop a sale.
var describing = [InCount]leniency{
	inLastName: cut, inFirstName: cut, inMiddleName: cut, InCardholder: cut, inAddress: cut, inCity: cut, InOrderComment: cut,
	inBillComment: cut, inComment: cut,
	InEmail: leftOut, inHomePhone: leftOut, inWorkPhone: leftOut, inMobilePhone: leftOut, inFax: leftOut, inCountry: leftOut,
	inState: leftOut, inZip: leftOut, InLanguage: leftOut, InClientIP: leftOut, InMobileDevice: leftOut, InUserAgent: cut, InAcceptHeader: cut,
}

// DescribesBuyer tells that a parameter stops no sale.
func (id Parameter) DescribesBuyer() bool { return describing[id] != refused }

// lenient notes that a value of a parameter is not taken, if that stops nothing; else it returns the error.
func (c *Call) lenient(id Parameter, err error) error {
	if err == nil || !id.DescribesBuyer() {
		return err
	}
	c.noted = append(c.noted, noted{id, leftOut})
	return nil
}

// shorten cuts a value that is too long, or leaves it out; nil says that it is left out.
func (c *Call) shorten(id Parameter, v []byte) []byte {
	if c.noted = append(c.noted, noted{id, describing[id]}); describing[id] == leftOut {
		return nil
	}
	end := 0
	for range params[id].max {
		_, size := utf8.DecodeRune(v[end:])
		end += size
	}
	clear(v[end:])
	return bytes.TrimRight(v[:end], " ")
}

// checkClientIP leaves out an address that is none.
func (c *Call) checkClientIP() {
	if _, err := netip.ParseAddr(c.Text(InClientIP)); err != nil && c.Has(InClientIP) {
		c.values[InClientIP], c.noted = nil, append(c.noted, noted{InClientIP, leftOut})
	}
}

// MerchantDigits is whom the request names, if that is a number.
func (c *Call) MerchantDigits() []byte {
	if v := c.values[InMerchant]; digits(v) {
		return v
	}
	return nil
}

// NotTaken says which parameters were not taken as they were sent, never what they held.
func (c *Call) NotTaken() []string {
	var names []string
	for _, n := range c.noted {
		how := " left out"
		if n.how == cut {
			how = " cut"
		}
		names = append(names, params[n.id].name+how)
	}
	return names
}
