package checkout

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"slices"
	"time"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// OrderParams are those of an order for the payment page, besides Merchant_ID, OrderNumber and OrderAmount. Which of
// them a service has no use for it takes without a word.
var OrderParams = slices.Concat([]protocol.Parameter{protocol.InOrderCurrency, protocol.InOrderComment, protocol.InDelay,
	protocol.InLanguage, protocol.InTestMode}, protocol.BuyerParams,
	pageOnly, protocol.RecurringParams, []protocol.Parameter{protocol.InRecurringCount, protocol.InRecurringPeriodScale,
		protocol.InChequeItems, protocol.InListParameters})

// pageOnly are those that only orders for the page have.
var pageOnly = []protocol.Parameter{protocol.InSignature, protocol.InCheckvalue, protocol.InURLReturn, protocol.InURLReturnOK,
	protocol.InURLReturnNo, protocol.InCardPayment, protocol.InFastPayPayment,
	protocol.InMobileDevice, protocol.InCustomerNumber, protocol.InOrderMaxPoints, protocol.InDisable3DS, protocol.InPrepayment}

// OrderAccepts says what becomes of each parameter of an order for the page.
var OrderAccepts = protocol.Takings([]protocol.Parameter{protocol.InMerchant, protocol.InOrderNumber, protocol.InOrderAmount},
	OrderParams, []protocol.Parameter{protocol.InDelay, protocol.InRecurringIndicator},
	append([]protocol.Parameter{protocol.InOrderCurrency}, protocol.TermParams...))

// openOrder makes the order that a request asks for, or finds the one that the same request made: a proven request that was sent
// before uses up nothing of the limits.
func (d *Pages) openOrder(ctx context.Context, c *tenants.Caller) (o *settle.Order, repeats bool, err error) {
	r, err := d.readOrder(c)
	if err != nil {
		return nil, false, err
	}
	key := tenants.OrderKey{Merchant: c.Merchant.ID, Number: r.OrderNumber}
	if !c.Proves() && !d.guessing.Open(key) || !d.opening.Take(c.Merchant.ID) {
		return nil, false, tenants.ErrTooMany
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), payment.SettleTimeout)
	defer cancel()
	o, fresh, err := d.books.Open(ctx, r)
	if errors.Is(err, settle.ErrOrderExists) {
		d.guessing.Take(key)
	}
	repeats = err == nil && !fresh && c.Proves()
	if repeats {
		d.opening.GiveBack(c.Merchant.ID)
	}
	return o, repeats, err
}

// readOrder checks everything that can be refused without a trace.
func (d *Pages) readOrder(c *tenants.Caller) (r settle.OpenRequest, err error) {
	if err = d.register.Find(c); err != nil {
		return r, err
	}
	c.ReadLanguage(c.Settings.Language())
	if err = c.Settings.Proofs.Check(c.Call, c.Merchant.Default); err != nil {
		return r, err
	}
	if err = checkLink(c); err != nil {
		return r, err
	}
	r = settle.OpenRequest{Merchant: c.Merchant, OrderNumber: c.Text(protocol.InOrderNumber), Customer: c.Text(protocol.InCustomerNumber),
		Tries: c.Settings.Page.Tries(), PayBefore: d.now().Add(c.Settings.Page.PayWithin())}
	if r.OrderNumber == "" && c.Settings.Page.AutoNumber {
		r.OrderNumber = autoNumber(d.now())
	}
	if err = c.Require(protocol.InOrderAmount); err == nil && r.OrderNumber == "" {
		err = c.Require(protocol.InOrderNumber)
	}
	if err != nil {
		return r, err
	}
	if r.Original, err = c.OrderAmount(); err != nil {
		return r, err
	}
	return r, d.readTerms(c, &r)
}

// readTerms reads how the order is to be paid.
func (d *Pages) readTerms(c *tenants.Caller, r *settle.OpenRequest) error {
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return err
	}
	r.TwoStage = delay == 1
	if err = c.CheckAddresses(c.Settings.Page.ReturnHosts); err != nil {
		return err
	}
	recurring, err := payment.ReadAgreement(c, r.Original.Currency, d.now())
	if err != nil {
		return err
	}
	if r.Means, err = d.firstMeans(c, r); err != nil {
		return err
	}
	if recurring != nil {
		r.Terms = recurring.Terms()
	}
	r.Details, r.Fingerprint = c.PageDetails(), d.prints.Order(r, recurring)
	if c.Proves() { // without the proof nobody comes to the page of an order that has it
		r.Fingerprint = d.prints.Proven(r.Fingerprint)
	}
	return nil
}

// checkLink refuses orders in addresses as the merchant's settings say. Who has an address can change it.
func checkLink(c *tenants.Caller) error {
	switch {
	case !c.Link || c.Settings.Page.Links.Taken():
		return nil
	case c.Settings.Page.Links == tenants.LinksProven:
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
func (d *Pages) firstMeans(c *tenants.Caller, r *settle.OpenRequest) (order.Means, error) {
	for _, id := range [...]protocol.Parameter{protocol.InCardPayment, protocol.InFastPayPayment} {
		if _, err := c.Number(id, 0, 1, 1); err != nil {
			return 0, err
		}
	}
	kept := protocol.Details{protocol.InCardPayment.Detail(): c.Text(protocol.InCardPayment),
		protocol.InFastPayPayment.Detail(): c.Text(protocol.InFastPayPayment)}
	wanted := d.ways.Wanted(c.Settings, kept)
	if len(wanted) == 0 {
		return 0, protocol.Refuse(protocol.FirstProhibited, protocol.OnMeans, "no means of payment is left for the order")
	}
	var first error
	for _, means := range wanted {
		switch err := d.ways.Payable(r.Merchant, means, r.Original, r.TwoStage); {
		case err == nil:
			return means, nil
		case first == nil:
			first = err
		}
	}
	return 0, first
}
