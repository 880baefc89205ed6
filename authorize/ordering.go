package authorize

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"strconv"
	"time"

	"settled/internal/money"
	"settled/settle"
)

// orderAccepts says what becomes of each parameter of an order for the page.
var orderAccepts = takings([]in{inMerchant, inOrderNumber, inOrderAmount}, orderParams, []in{inDelay, inRecurringIndicator},
	append([]in{inOrderCurrency}, recurringParams[:]...))

const (
	defaultTimeout  = 60 * time.Minute
	defaultAttempts = 3
)

// openOrder makes the order that a request asks for, or finds the one that the same request made.
func (g *Gateway) openOrder(ctx context.Context, c *caller) (*settle.Order, error) {
	r, err := g.readOrder(c)
	if err != nil {
		return nil, err
	}
	if !g.opening.take(c.merchant.ID) {
		return nil, errTooMany
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), settleTimeout)
	defer cancel()
	o, _, err := g.Books.Open(ctx, r)
	return o, err
}

// readOrder checks everything that can be refused without a trace.
func (g *Gateway) readOrder(c *caller) (r settle.OpenRequest, err error) {
	if err = g.findMerchant(c); err != nil {
		return r, err
	}
	c.readLanguage(c.settings.language())
	if err = c.settings.Proofs.check(c.call, c.merchant.Default); err != nil {
		return r, err
	}
	if err = checkLink(c); err != nil {
		return r, err
	}
	r = settle.OpenRequest{Merchant: c.merchant, OrderNumber: c.text(inOrderNumber), Customer: c.text(inCustomerNumber),
		Tries: c.settings.Page.attempts(), PayBefore: g.Now().Add(c.settings.Page.timeout())}
	if r.OrderNumber == "" && c.settings.Page.AutoNumber {
		r.OrderNumber = autoNumber(g.Now())
	}
	if err = c.require(inOrderAmount); err == nil && r.OrderNumber == "" {
		err = c.require(inOrderNumber)
	}
	if err != nil {
		return r, err
	}
	if r.Original, err = c.orderAmount(); err != nil {
		return r, err
	}
	return r, g.readTerms(c, &r)
}

// readTerms reads how the order is to be paid.
func (g *Gateway) readTerms(c *caller, r *settle.OpenRequest) error {
	delay, err := c.number(inDelay, 0, 1, 0)
	if err != nil {
		return err
	}
	r.TwoStage = delay == 1
	if err = c.checkAddresses(); err != nil {
		return err
	}
	recurring, err := readRecurring(c, r.Original.Currency, g.Now())
	if err != nil {
		return err
	}
	if r.Means, err = g.firstMeans(c, r); err != nil {
		return err
	}
	if recurring != nil {
		r.Terms = recurring.terms()
	}
	r.Details, r.Fingerprint = c.pageDetails(), g.orderFingerprint(r, recurring)
	if c.proves() { // without the proof nobody comes to the page of an order that has it
		sum := g.Vault.Fingerprint("proven page order", r.Fingerprint)
		r.Fingerprint = sum[:]
	}
	return nil
}

// checkLink refuses orders in addresses as the merchant's settings say. Who has an address can change it.
func checkLink(c *caller) error {
	switch {
	case !c.link || c.settings.Page.Links == LinksTaken:
		return nil
	case c.settings.Page.Links == LinksProven:
		if c.proves() {
			return nil
		}
		return c.require(inCheckvalue)
	}
	return refuse(errProhibited, onService, "the merchant takes no orders from addresses: send a form by POST")
}

// findMerchant finds out whose order it is. What proves it, if the merchant wants proof, is the check value.
func (g *Gateway) findMerchant(c *caller) error {
	if err := c.require(inMerchant); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(c.text(inMerchant), 10, 32) // set made sure that it is a number
	settings, known := g.Merchants[int32(id)]
	if !known {
		return refuse(errNotFound, onEnterprise, "no such merchant")
	}
	merchant, _ := g.Directory.Merchant(int32(id))
	c.is(merchant, &settings)
	return nil
}

func (p *Page) attempts() int {
	if p.Attempts == 0 {
		return defaultAttempts
	}
	return p.Attempts
}

func (p *Page) timeout() time.Duration {
	if p.Timeout == 0 {
		return defaultTimeout
	}
	return p.Timeout
}

// autoNumber makes an order number: the date, and 40 random bits.
func autoNumber(now time.Time) string {
	var b [5]byte
	_, _ = rand.Read(b[:])
	return now.UTC().Format("20060102-") + base32.StdEncoding.EncodeToString(b[:])
}

// firstMeans is the first of the means that the order can be paid with. When there is none, the error says why.
func (g *Gateway) firstMeans(c *caller, r *settle.OpenRequest) (settle.Means, error) {
	for _, id := range [...]in{inCardPayment, inFastPayPayment} {
		if _, err := c.number(id, 0, 1, 1); err != nil {
			return 0, err
		}
	}
	kept := details{lowerASCII(params[inCardPayment].name): c.text(inCardPayment), lowerASCII(params[inFastPayPayment].name): c.text(inFastPayPayment)}
	wanted := g.wantedMeans(c.settings, kept)
	if len(wanted) == 0 {
		return 0, refuse(errProhibited, onMeans, "no means of payment is left for the order")
	}
	var first error
	for _, means := range wanted {
		switch err := g.payable(r.Merchant, means, r.Original, r.TwoStage); {
		case err == nil:
			return means, nil
		case first == nil:
			first = err
		}
	}
	return 0, first
}

// wantedMeans are those that merchant and order want to offer: each needs both.
func (g *Gateway) wantedMeans(m *Merchant, kept details) []settle.Means {
	var wanted []settle.Means
	if m.Page.Card && kept.of(inCardPayment) != "0" {
		wanted = append(wanted, settle.MeansCard)
	}
	if m.Page.Instant && len(g.Banks) > 0 && kept.of(inFastPayPayment) != "0" {
		wanted = append(wanted, settle.MeansInstant)
	}
	return wanted
}

// payable returns nil when an amount can be paid by a means now.
func (g *Gateway) payable(m *settle.Merchant, means settle.Means, original money.Amount, twoStage bool) error {
	q, err := g.Directory.Quote(m, means, original, g.Now())
	if err == nil && twoStage && !q.Route.Center.Capabilities.TwoStage {
		err = settle.ErrTwoStage
	}
	return err
}

// checkBrand refuses a card, by its mask, whose brand the center that an amount goes to does not take.
func (g *Gateway) checkBrand(m *settle.Merchant, original money.Amount, mask string) error {
	q, err := g.Directory.Quote(m, settle.MeansCard, original, g.Now())
	if err != nil {
		return err
	}
	return q.Route.Center.CheckBrand(mask)
}

// readRecurring checks what the buyer of a first recurring payment agrees to; nil when it is none.
func readRecurring(c *caller, currency money.Currency, now time.Time) (*recurring, error) {
	indicator, err := c.number(inRecurringIndicator, 0, 1, 0)
	if err != nil {
		return nil, err
	}
	if indicator == 0 {
		return nil, refuseRecurring(c)
	}
	switch {
	case !c.settings.Page.Recurring:
		return nil, refuse(errProhibited, onRecurring, "recurring payments are not available")
	case c.has(inCustomerNumber):
		return nil, refuse(errProhibited, params[inCustomerNumber].second, "CustomerNumber must not be sent with recurring parameters")
	}
	if err := c.require(recurringParams[:]...); err != nil {
		return nil, err
	}
	return readSchedule(c, currency, now)
}

// refuseRecurring refuses a part of the set without the indicator. An indicator of 0 switches it off.
func refuseRecurring(c *caller) error {
	for _, id := range recurringParams {
		if c.named[id] && !c.has(inRecurringIndicator) {
			return c.require(inRecurringIndicator)
		}
	}
	return nil
}

// recurring is what a buyer agrees to.
type recurring struct {
	min, max money.Amount
	days     int
	until    time.Time // last date
}

func (r *recurring) terms() *settle.Terms {
	return &settle.Terms{Min: r.min.Minor, Max: r.max.Minor, PeriodDays: r.days, LastDate: r.until}
}

const dayFormat = "02.01.2006"

func readSchedule(c *caller, currency money.Currency, now time.Time) (*recurring, error) {
	var r recurring
	var err error
	if r.min, err = c.amountOf(inRecurringMinAmount, currency); err != nil {
		return nil, err
	}
	if r.max, err = c.amountOf(inRecurringMaxAmount, currency); err != nil {
		return nil, err
	}
	if r.days, err = c.number(inRecurringPeriod, 1, maxSmall, 0); err != nil {
		return nil, err
	}
	r.until, err = time.Parse(dayFormat, c.text(inRecurringMaxDate))
	switch {
	case err != nil:
		return nil, unreadable(inRecurringMaxDate, "is not a date of the form DD.MM.YYYY")
	case r.until.Add(24 * time.Hour).Before(now):
		return nil, invalid(inRecurringMaxDate, "has passed")
	case r.min.Minor > r.max.Minor:
		return nil, invalid(inRecurringMinAmount, "exceeds RecurringMaxAmount")
	}
	return &r, nil
}

// detailsOf reads the details of an order; what is not ours is nothing.
func detailsOf(o *settle.Order) details {
	var kept details
	if json.Unmarshal(o.Details, &kept) != nil {
		return nil
	}
	return kept
}

// orderFingerprint tells an identical request from a different one of the same order number: what is paid, how, and by
// whom. What the buyer may change on the page is not part of it.
func (g *Gateway) orderFingerprint(r *settle.OpenRequest, agreed *recurring) []byte {
	var plain [512]byte
	b := append(plain[:0], r.OrderNumber...)
	b = append(b, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(r.Merchant.ID))
	b = binary.BigEndian.AppendUint64(b, uint64(r.Original.Minor))
	b = binary.BigEndian.AppendUint16(b, uint16(r.Original.Currency))
	b = strconv.AppendBool(b, r.TwoStage)
	b = append(append(b, 0), r.Customer...)
	if agreed != nil {
		b = append(b, 0)
		b = binary.BigEndian.AppendUint64(b, uint64(agreed.min.Minor))
		b = binary.BigEndian.AppendUint64(b, uint64(agreed.max.Minor))
		b = binary.BigEndian.AppendUint32(b, uint32(agreed.days))
		b = agreed.until.AppendFormat(b, dayFormat)
	}
	sum := g.Vault.Fingerprint("page order", b)
	return sum[:]
}

// agreedOf is what the buyer of an order agrees to, nil when the order's payment is an ordinary one.
func agreedOf(o *settle.Order) *recurring {
	t := o.Terms
	if t == nil {
		return nil
	}
	amount := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: o.Original.Currency} }
	return &recurring{min: amount(t.Min), max: amount(t.Max), days: t.PeriodDays, until: t.LastDate}
}
