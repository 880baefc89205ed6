package authorize

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"slices"
	"time"

	"settled/authorize/protocol"
	"settled/settle"
)

// orderParams are those of an order for the payment page, besides Merchant_ID, OrderNumber and OrderAmount. Which of
// them a service has no use for it takes without a word.
var orderParams = slices.Concat([]protocol.Parameter{protocol.InOrderCurrency, protocol.InOrderComment, protocol.InDelay,
	protocol.InLanguage, protocol.InTestMode}, protocol.BuyerParams,
	pageOnly, protocol.RecurringParams, []protocol.Parameter{protocol.InRecurringCount, protocol.InRecurringPeriodScale,
		protocol.InChequeItems, protocol.InListParameters})

// pageOnly are those that only orders for the page have.
var pageOnly = []protocol.Parameter{protocol.InSignature, protocol.InCheckvalue, protocol.InURLReturn, protocol.InURLReturnOK,
	protocol.InURLReturnNo, protocol.InCardPayment, protocol.InFastPayPayment,
	protocol.InMobileDevice, protocol.InCustomerNumber, protocol.InOrderMaxPoints, protocol.InDisable3DS, protocol.InPrepayment}

// orderAccepts says what becomes of each parameter of an order for the page.
var orderAccepts = protocol.Takings([]protocol.Parameter{protocol.InMerchant, protocol.InOrderNumber, protocol.InOrderAmount},
	orderParams, []protocol.Parameter{protocol.InDelay, protocol.InRecurringIndicator},
	append([]protocol.Parameter{protocol.InOrderCurrency}, protocol.TermParams...))

// openOrder makes the order that a request asks for, or finds the one that the same request made.
func (d *checkout) openOrder(ctx context.Context, c *caller) (*settle.Order, error) {
	r, err := d.readOrder(c)
	if err != nil {
		return nil, err
	}
	if !d.opening.take(c.merchant.ID) {
		return nil, errTooMany
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	o, _, err := d.books.Open(ctx, r)
	return o, err
}

// readOrder checks everything that can be refused without a trace.
func (d *checkout) readOrder(c *caller) (r settle.OpenRequest, err error) {
	if err = d.register.find(c); err != nil {
		return r, err
	}
	c.ReadLanguage(c.settings.language())
	if err = c.settings.Proofs.Check(c.Call, c.merchant.Default); err != nil {
		return r, err
	}
	if err = checkLink(c); err != nil {
		return r, err
	}
	r = settle.OpenRequest{Merchant: c.merchant, OrderNumber: c.Text(protocol.InOrderNumber), Customer: c.Text(protocol.InCustomerNumber),
		Tries: c.settings.Page.attempts(), PayBefore: d.now().Add(c.settings.Page.timeout())}
	if r.OrderNumber == "" && c.settings.Page.AutoNumber {
		r.OrderNumber = autoNumber(d.now())
	}
	if err = c.Require(protocol.InOrderAmount); err == nil && r.OrderNumber == "" {
		err = c.Require(protocol.InOrderNumber)
	}
	if err != nil {
		return r, err
	}
	if r.Original, err = c.orderAmount(); err != nil {
		return r, err
	}
	return r, d.readTerms(c, &r)
}

// readTerms reads how the order is to be paid.
func (d *checkout) readTerms(c *caller, r *settle.OpenRequest) error {
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return err
	}
	r.TwoStage = delay == 1
	if err = c.CheckAddresses(); err != nil {
		return err
	}
	recurring, err := readAgreement(c, r.Original.Currency, d.now())
	if err != nil {
		return err
	}
	if r.Means, err = d.firstMeans(c, r); err != nil {
		return err
	}
	if recurring != nil {
		r.Terms = recurring.terms()
	}
	r.Details, r.Fingerprint = c.PageDetails(), d.prints.order(r, recurring)
	if c.Proves() { // without the proof nobody comes to the page of an order that has it
		r.Fingerprint = d.prints.proven(r.Fingerprint)
	}
	return nil
}

// checkLink refuses orders in addresses as the merchant's settings say. Who has an address can change it.
func checkLink(c *caller) error {
	switch {
	case !c.Link || c.settings.Page.Links == LinksTaken:
		return nil
	case c.settings.Page.Links == LinksProven:
		if c.Proves() {
			return nil
		}
		return c.Require(protocol.InCheckvalue)
	}
	return protocol.Refuse(protocol.FirstProhibited, protocol.OnService, "the merchant takes no orders from addresses: send a form by POST")
}

// autoNumber makes an order number: the date, and 40 random bits.
func autoNumber(now time.Time) string {
	var b [5]byte
	_, _ = rand.Read(b[:])
	return now.UTC().Format("20060102-") + base32.StdEncoding.EncodeToString(b[:])
}

// firstMeans is the first of the means that the order can be paid with. When there is none, the error says why.
func (d *checkout) firstMeans(c *caller, r *settle.OpenRequest) (settle.Means, error) {
	for _, id := range [...]protocol.Parameter{protocol.InCardPayment, protocol.InFastPayPayment} {
		if _, err := c.Number(id, 0, 1, 1); err != nil {
			return 0, err
		}
	}
	kept := protocol.Details{protocol.InCardPayment.Detail(): c.Text(protocol.InCardPayment),
		protocol.InFastPayPayment.Detail(): c.Text(protocol.InFastPayPayment)}
	wanted := d.ways.wanted(c.settings, kept)
	if len(wanted) == 0 {
		return 0, protocol.Refuse(protocol.FirstProhibited, protocol.OnMeans, "no means of payment is left for the order")
	}
	var first error
	for _, means := range wanted {
		switch err := d.ways.payable(r.Merchant, means, r.Original, r.TwoStage); {
		case err == nil:
			return means, nil
		case first == nil:
			first = err
		}
	}
	return 0, first
}
