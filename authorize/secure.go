package authorize

import (
	"context"
	"strings"

	"settled/authorize/checkout"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/authorize/threeds"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
)

// paySecurely serves silentpay of a merchant whose card holders are authenticated. The merchant's own page shows them what
// their bank wants; nothing is sent to the center before that is over.
func (g *Gateway) paySecurely(ctx context.Context, c *tenants.Caller, r settle.OpenRequest, k protocol.Card) (*reply, error) {
	if err := c.Require(protocol.InClientIP); err != nil {
		return nil, err
	}
	o, err := g.openSecure(ctx, c, r)
	if err != nil {
		return nil, err
	}
	if !payment.Unpaid(o) {
		a, err := g.stored(ctx, c, o.ID)
		if err != nil {
			return nil, err
		}
		return a.repeated(), nil
	}
	a, failure, err := g.secure.Enroll(ctx, settle.PayRequest{Merchant: o.Merchant, Order: o.ID, Means: order.MeansCard, PAN: k.PAN, CardExpiry: k.Expiry, Number: 1},
		c.Text(protocol.InBrowserInfo))
	if err == nil {
		g.codes.Keep(payment.Attempt{Merchant: o.Merchant, Order: o.ID, Payment: a.Operation}, k.CVV)
		err = g.beginSecure(ctx, c, o.ID, &a, failure)
	}
	return g.storedOrError(ctx, c, o, err)
}

// storedOrError answers what the books say of the order, also when somebody else went on with it.
func (g *Gateway) storedOrError(ctx context.Context, c *tenants.Caller, o *settle.Order, err error) (*reply, error) {
	if err != nil && !payment.Overtaken(err) {
		return nil, err
	}
	return g.stored(ctx, c, o.ID)
}

// openSecure makes the order of a payment, or finds the one that the same request made. Its cardholder has the time of the
// merchant's page.
func (g *Gateway) openSecure(ctx context.Context, c *tenants.Caller, r settle.OpenRequest) (o *settle.Order, err error) {
	ctx, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	c.Fingerprint = r.Fingerprint
	r.PayBefore = g.now().Add(c.Settings.Page.PayWithin())
	if r.Details, err = withDetails(r.Details, protocol.Details{payment.ViaDetail: payment.ViaServer}); err != nil {
		return nil, err
	}
	o, _, err = g.books.Open(ctx, r)
	return o, err
}

// beginSecure goes as far as it can without the browser.
func (g *Gateway) beginSecure(ctx context.Context, c *tenants.Caller, id int64, a *authentication.Authentication, failure error) error {
	books, cancel := payment.Patient(ctx)
	defer cancel()
	o, err := g.books.Order(books, c.Merchant.ID, id)
	switch {
	case err != nil:
		return err
	case a.Required != int16(threeds.IsEnrolled):
		_, err = g.secure.Unenrolled(ctx, o, a, failure)
	case a.MethodURL == "":
		err = g.askBank(ctx, c, o, a)
	}
	return err
}

// serverQuestion is what the bank is told when the browser is known by the words of the merchant's server only.
func (g *Gateway) serverQuestion(c *tenants.Caller, o *settle.Order, a *authentication.Authentication) (threeds.Request, error) {
	kept, err := payment.DetailsOf(o)
	if err != nil {
		return threeds.Request{}, err
	}
	r := g.checkout.Purchase(o, kept, c.Base)
	ip, told := c.Text(protocol.InClientIP), c.Text(protocol.InBrowserInfo)
	if ip == "" {
		ip = kept.Of(protocol.InClientIP)
	}
	if told == "" {
		told = a.Browser
	}
	r.Browser = threeds.Browser{Accept: checkout.Said(c.Text(protocol.InAcceptHeader), "*/*"), UserAgent: checkout.Said(c.Text(protocol.InUserAgent), "unknown"), Language: "en", IP: checkout.AddressOf(ip)}
	if c.Language == protocol.Russian {
		r.Browser.Language = "ru"
	}
	checkout.AddScript(&r.Browser, told)
	return r, nil
}

// askBank has the cardholder authenticated by what the merchant's server says of the browser.
func (g *Gateway) askBank(ctx context.Context, c *tenants.Caller, o *settle.Order, a *authentication.Authentication) error {
	r, err := g.serverQuestion(c, o, a)
	if err != nil {
		return err
	}
	_, err = g.secure.Ask(ctx, o, a, r)
	return err
}

// continuePayment serves get3dsecver2: it goes on with a payment after the cardholder's bank has looked at the browser, and
// tells where it is.
func (g *Gateway) continuePayment(ctx context.Context, c *tenants.Caller) (*reply, error) {
	id, _, err := c.BillNumber()
	if err != nil {
		return nil, err
	}
	c.ReadLanguage(c.Settings.Language())
	ctx = context.WithoutCancel(ctx) // from here on the work does not end with the caller
	books, cancel := payment.Patient(ctx)
	defer cancel()
	o, err := g.books.Order(books, c.Merchant.ID, id)
	if err != nil {
		return nil, err
	}
	a, err := o.Authenticating(books, g.authentications)
	switch {
	case err != nil:
		return nil, err
	case a == nil || !g.secure.Has():
	case a.State == authentication.Method && g.now().Before(a.ExpiresAt):
		err = g.askBank(ctx, c, o, a)
	default:
		_, _, err = g.secure.Follow(ctx, o, a)
	}
	return g.storedOrError(ctx, c, o, err)
}

// SecureData tells the 3-D Secure of an order's last payment to the merchant's server, nil when it had none.
func (g *Gateway) secureData(ctx context.Context, c *tenants.Caller, o *settle.Order) (*protocol.SecureData, error) {
	all, err := g.authentications.Of(ctx, o.Merchant, o.ID)
	if err != nil || len(all) == 0 || !g.secure.Has() {
		return nil, err
	}
	a := &all[len(all)-1]
	values := &protocol.SecureData{protocol.SecureVersion: "2.0", protocol.SecureServerID: a.ServerID, protocol.SecureResult: a.Status, protocol.SecureECI: indicator(a.ECI)}
	switch {
	case a.Required != int16(threeds.IsEnrolled):
		values[protocol.SecureServerID] = ""
	case a.State == authentication.Method && a.MethodURL != "":
		values[protocol.SecureMethodURL], values[protocol.SecureMethodData] = a.MethodURL, threeds.MethodData(a.ServerID, g.checkout.SecureURL(c.Base, checkout.MethodPath, o))
	case a.State == authentication.Challenge:
		s, err := g.secure.Server.Result(ctx, a.ServerID)
		if err != nil {
			return nil, err
		}
		values[protocol.SecureChallenge], values[protocol.SecureChallengeURL], values[protocol.SecureChallengeRequest] = a.Status, s.Challenge.URL, s.Challenge.Request
	case a.CompletedAt != nil:
		values[protocol.SecureChallenge] = "F"
	}
	return values, nil
}

// indicator is the ECI as merchants are told it: 5 authenticated, 6 attempted, 7 neither.
func indicator(eci string) string {
	switch strings.TrimPrefix(eci, "0") {
	case "2", "5":
		return "5"
	case "1", "6":
		return "6"
	case "0", "7":
		return "7"
	}
	return ""
}
