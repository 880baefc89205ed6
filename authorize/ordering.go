package authorize

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/binary"
	"encoding/json"
	"slices"
	"strconv"
	"time"

	"settled/authorize/protocol"
	"settled/internal/money"
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
	c.ReadLanguage(c.settings.language())
	if err = c.settings.Proofs.Check(c.Call, c.merchant.Default); err != nil {
		return r, err
	}
	if err = checkLink(c); err != nil {
		return r, err
	}
	r = settle.OpenRequest{Merchant: c.merchant, OrderNumber: c.Text(protocol.InOrderNumber), Customer: c.Text(protocol.InCustomerNumber),
		Tries: c.settings.Page.attempts(), PayBefore: g.Now().Add(c.settings.Page.timeout())}
	if r.OrderNumber == "" && c.settings.Page.AutoNumber {
		r.OrderNumber = autoNumber(g.Now())
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
	return r, g.readTerms(c, &r)
}

// readTerms reads how the order is to be paid.
func (g *Gateway) readTerms(c *caller, r *settle.OpenRequest) error {
	delay, err := c.Number(protocol.InDelay, 0, 1, 0)
	if err != nil {
		return err
	}
	r.TwoStage = delay == 1
	if err = c.CheckAddresses(); err != nil {
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
	r.Details, r.Fingerprint = c.PageDetails(), g.orderFingerprint(r, recurring)
	if c.Proves() { // without the proof nobody comes to the page of an order that has it
		sum := g.Vault.Fingerprint("proven page order", r.Fingerprint)
		r.Fingerprint = sum[:]
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

// findMerchant finds out whose order it is. What proves it, if the merchant wants proof, is the check value.
func (g *Gateway) findMerchant(c *caller) error {
	if err := c.Require(protocol.InMerchant); err != nil {
		return err
	}
	id, _ := strconv.ParseInt(c.Text(protocol.InMerchant), 10, 32) // set made sure that it is a number
	settings, known := g.Merchants[int32(id)]
	if !known {
		return protocol.Refuse(protocol.FirstNotFound, protocol.OnEnterprise, "no such merchant")
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
	for _, id := range [...]protocol.Parameter{protocol.InCardPayment, protocol.InFastPayPayment} {
		if _, err := c.Number(id, 0, 1, 1); err != nil {
			return 0, err
		}
	}
	kept := protocol.Details{protocol.InCardPayment.Detail(): c.Text(protocol.InCardPayment),
		protocol.InFastPayPayment.Detail(): c.Text(protocol.InFastPayPayment)}
	wanted := g.wantedMeans(c.settings, kept)
	if len(wanted) == 0 {
		return 0, protocol.Refuse(protocol.FirstProhibited, protocol.OnMeans, "no means of payment is left for the order")
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
func (g *Gateway) wantedMeans(m *Merchant, kept protocol.Details) []settle.Means {
	var wanted []settle.Means
	if m.Page.Card && kept.Of(protocol.InCardPayment) != "0" {
		wanted = append(wanted, settle.MeansCard)
	}
	if m.Page.Instant && len(g.Banks) > 0 && kept.Of(protocol.InFastPayPayment) != "0" {
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
	indicator, err := c.Number(protocol.InRecurringIndicator, 0, 1, 0)
	if err != nil {
		return nil, err
	}
	if indicator == 0 {
		return nil, refuseRecurring(c)
	}
	switch {
	case !c.settings.Page.Recurring:
		return nil, protocol.Refuse(protocol.FirstProhibited, protocol.OnRecurring, "recurring payments are not available")
	case c.Has(protocol.InCustomerNumber):
		return nil, protocol.Refuse(protocol.FirstProhibited, protocol.InCustomerNumber.Second(), "CustomerNumber must not be sent with recurring parameters")
	}
	if err := c.Require(protocol.TermParams...); err != nil {
		return nil, err
	}
	return readSchedule(c, currency, now)
}

// refuseRecurring refuses a part of the set without the indicator. An indicator of 0 switches it off.
func refuseRecurring(c *caller) error {
	for _, id := range protocol.TermParams {
		if c.Names(id) && !c.Has(protocol.InRecurringIndicator) {
			return c.Require(protocol.InRecurringIndicator)
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
	if r.min, err = c.AmountOf(protocol.InRecurringMinAmount, currency); err != nil {
		return nil, err
	}
	if r.max, err = c.AmountOf(protocol.InRecurringMaxAmount, currency); err != nil {
		return nil, err
	}
	if r.days, err = c.Number(protocol.InRecurringPeriod, 1, protocol.MaxSmall, 0); err != nil {
		return nil, err
	}
	r.until, err = time.Parse(dayFormat, c.Text(protocol.InRecurringMaxDate))
	switch {
	case err != nil:
		return nil, protocol.Unreadable(protocol.InRecurringMaxDate, "is not a date of the form DD.MM.YYYY")
	case r.until.Add(24 * time.Hour).Before(now):
		return nil, protocol.Invalid(protocol.InRecurringMaxDate, "has passed")
	case r.min.Minor > r.max.Minor:
		return nil, protocol.Invalid(protocol.InRecurringMinAmount, "exceeds RecurringMaxAmount")
	}
	return &r, nil
}

// detailsOf reads the details of an order; what is not ours is nothing.
func detailsOf(o *settle.Order) protocol.Details {
	var kept protocol.Details
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
