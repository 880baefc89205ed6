package checkout

import (
	"context"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/authorize/threeds"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"

	tags "golang.org/x/text/language"
)

// payByCard pays with a card, after its holder is authenticated where the merchant wants that.
func (v *visit) payByCard(ctx context.Context, k protocol.Card, keep bool, browser string) error {
	r := settle.PayRequest{Merchant: v.order.Merchant, Order: v.order.ID, Means: order.MeansCard, PAN: k.PAN, CardExpiry: k.Expiry,
		Keep: keep, Number: v.order.PaymentNumber + 1}
	if v.in.secure.Secures(v.settings) {
		return v.paySecurely(ctx, r, k, browser)
	}
	f, err := v.in.cards.FilingOf(ctx, v.order, v.decided)
	if err != nil {
		return err
	}
	books, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	p, err := v.in.books.Pay(books, r)
	if err != nil {
		return err
	}
	request := v.in.cards.Request(p, k)
	f.Mark(&request, p)
	result, known := v.in.cards.Perform(ctx, p, request)
	v.note(payment.Outcome{Result: result, Known: known})
	return nil
}

// note counts what a payment by card came to.
func (v *visit) note(out payment.Outcome) {
	switch {
	case !out.Known:
		v.class = protocol.ClassInProcess
	case !out.Approved:
		v.class = protocol.ClassDeclined
		v.in.declining.Take(v.c.Source)
	}
	if out.Known && out.Response != protocol.ResponseReception { // else nobody said anything of the card
		p := v.paid()
		p.Approved = out.Approved
		v.in.tests.Note(&p)
	}
}

// paid is the payment of this visit, before it is made or after.
func (v *visit) paid() tenants.Paid {
	p := tenants.Paid{Merchant: v.order.Merchant, Source: v.c.Source, Card: v.card, Mask: v.order.CardMask}
	if !v.card.IsZero() {
		p.Mask = v.card.Mask()
	}
	return p
}

// untested refuses a payment by a card that looks like the trying of cards. A zero card is none.
func (v *visit) untested(card vault.PAN) error {
	if card.IsZero() {
		return nil
	}
	v.card = card
	p := v.paid()
	return v.in.tests.Refuses(&p)
}

// paySecurely begins the 3-D Secure of a payment and goes as far as it can without the browser.
func (v *visit) paySecurely(ctx context.Context, r settle.PayRequest, k protocol.Card, browser string) error {
	if len(browser) > protocol.InBrowserInfo.Max() {
		browser = ""
	}
	a, failure, err := v.in.secure.Enroll(ctx, r, browser)
	if err != nil {
		return err
	}
	v.in.codes.Keep(payment.Attempt{Merchant: r.Merchant, Order: r.Order, Payment: a.Operation}, k.CVV)
	if err := v.reload(ctx); err != nil {
		return err
	}
	switch {
	case a.Required != int16(threeds.IsEnrolled):
		return v.noted(v.in.secure.Unenrolled(ctx, v.order, &a, failure))
	case a.MethodURL != "":
		v.class = protocol.ClassInProcess
		return nil
	}
	return v.noted(v.in.secure.Ask(ctx, v.order, &a, v.question(&a)))
}

// noted counts an outcome that may have been overtaken.
func (v *visit) noted(out payment.Outcome, err error) error {
	if err == nil {
		v.note(out)
	}
	return err
}

// continueSecure goes on after the bank has looked at the browser, or has not.
func (v *visit) continueSecure(ctx context.Context) error {
	a, err := v.in.secure.Authenticating(ctx, v.order)
	if a != nil && err == nil && a.State == authentication.Method {
		err = v.noted(v.in.secure.Ask(ctx, v.order, a, v.question(a)))
	}
	if err != nil && !payment.Overtaken(err) {
		return err
	}
	return v.again()
}

// unaskedFor is how long an authentication without a look at the browser may stand before another request asks for it: the
// process that began it has died.
const unaskedFor = 30 * time.Second

// settleSecure goes on with an authentication that waits, as far as the 3-D Secure server knows more.
func (v *visit) settleSecure() error {
	ctx := context.WithoutCancel(v.r.Context())
	a, err := v.in.secure.Authenticating(ctx, v.order)
	if a == nil || err != nil || !v.in.secure.Has() {
		return err
	}
	over := !v.in.now().Before(a.ExpiresAt)
	switch {
	case a.State == authentication.Challenge || over:
		var out payment.Outcome
		if v.challenge, out, err = v.in.secure.Follow(ctx, v.order, a); out.Known {
			v.note(out)
		}
	case a.MethodURL == "" && a.Required == int16(threeds.IsEnrolled) && v.in.now().Sub(a.StartedAt) > unaskedFor:
		err = v.noted(v.in.secure.Ask(ctx, v.order, a, v.question(a)))
	default:
		return nil
	}
	if err != nil && !payment.Overtaken(err) {
		return err
	}
	return v.reload(ctx)
}

// secureBody is the page of a payment that waits for 3-D Secure.
func (v *visit) secureBody(a *authentication.Authentication) page.Body {
	switch {
	case a.State == authentication.Method && a.MethodURL != "":
		return page.Method{URL: a.MethodURL, Data: threeds.MethodData(a.ServerID, v.in.SecureURL(v.in.Address(v.r), MethodPath, v.order))}
	case v.challenge.URL != "":
		return page.Challenge{URL: v.challenge.URL, Request: v.challenge.Request, SessionData: v.in.seal(domainSecure, payment.AttemptOf(v.order))}
	}
	return page.Wait{}
}

// SecureURL is an address of ours for the cardholder's bank; it says which authentication it is about.
func (c *Pages) SecureURL(base, path string, o *settle.Order) string {
	return base + path + "?session=" + url.QueryEscape(c.seal(domainSecure, payment.AttemptOf(o)))
}

// question is what the bank is told of the purchase, the shop and the browser.
func (v *visit) question(a *authentication.Authentication) threeds.Request {
	r := v.in.Purchase(v.order, v.kept, v.in.Address(v.r))
	r.Browser = v.browser(a.Browser)
	return r
}

// Purchase is what the bank is told of a purchase and its shop.
func (c *Pages) Purchase(o *settle.Order, kept protocol.Details, base string) threeds.Request {
	r := threeds.Request{Purpose: threeds.ForPayment, Expiry: o.CardExpiry, Cardholder: kept.Of(protocol.InCardholder), Email: kept.Of(protocol.InEmail),
		Amount: o.Amount, At: c.now(), NotificationURL: c.SecureURL(base, challengePath, o), Merchant: c.acceptor(o)}
	if n := utf8.RuneCountInString(r.Cardholder); n < 2 || n > 45 {
		r.Cardholder = ""
	}
	if !looksLikeEmail(r.Email) || strings.ContainsFunc(r.Email, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.Email = ""
	}
	if agreed := payment.AgreedOf(o); agreed != nil {
		r.Purpose, r.Recurring = threeds.ForRecurring, threeds.Recurring{Until: agreed.Until, Days: min(agreed.Days, 9999)}
	}
	return r
}

// acceptor is the merchant of an order as its acquirer knows it.
func (c *Pages) acceptor(o *settle.Order) threeds.Merchant {
	merchant, _ := c.directory.Merchant(o.Merchant)
	m := threeds.Merchant{AcquirerBIN: c.centers[o.Center].Acquirer, Name: firstRunes(merchant.Name, 40), MCC: merchant.MCC}
	if route := merchant.Serves(o.Center, o.Amount.Currency); route != nil {
		m.Acceptor = route.Acceptor
	}
	if region, err := tags.ParseRegion(merchant.Country); err == nil && region.IsCountry() {
		m.Country = countryNumber(region.M49())
	}
	return m
}

// countryNumber writes a code of a country in three digits.
func countryNumber(code int) string { return strconv.Itoa(1000 + code)[1:] }

func firstRunes(s string, n int) string {
	for i := range s {
		if n--; n < 0 {
			return s[:i]
		}
	}
	return s
}

// browser is what the buyer's browser says of itself, by its headers and by the page's script.
func (v *visit) browser(told string) threeds.Browser {
	h := v.r.Header
	b := threeds.Browser{Accept: Said(h.Get("Accept"), "*/*"), UserAgent: Said(h.Get("User-Agent"), "unknown"), Language: "en", IP: AddressOf(v.c.Source)}
	if v.language() == page.Russian {
		b.Language = "ru"
	}
	AddScript(&b, told)
	return b
}

// AddressOf reads the address of a browser.
func AddressOf(text string) netip.Addr {
	ip, err := netip.ParseAddr(text)
	if err != nil {
		return netip.IPv4Unspecified()
	}
	return ip.WithZone("")
}

// AddScript adds what the page's script told.
func AddScript(b *threeds.Browser, told string) {
	said, ok := page.ParseBrowser(told)
	if !ok {
		return
	}
	b.Script, b.Width, b.Height, b.ColorDepth, b.ZoneMinutes = true, said.Width, said.Height, said.ColorDepth, said.ZoneMinutes
	if tag, err := tags.Parse(said.Language); err == nil && len(tag.String()) <= maxTag {
		b.Language = tag.String()
	}
}

// maxHeader bounds the headers that banks are told of, maxTag the language, in bytes. What a buyer sends must not make our request larger
// than a server takes.
const (
	maxHeader = 1024
	maxTag    = 35
)

// Said is a header as far as banks are told of it: printable ASCII, without what would be written longer in JSON or mark up a page.
func Said(header, otherwise string) string {
	text := firstRunes(strings.TrimSpace(strings.Map(plainRune, header)), maxHeader)
	if text == "" {
		return otherwise
	}
	return text
}

func plainRune(r rune) rune {
	if r < ' ' || r > '~' || strings.ContainsRune(`"\<>`, r) {
		return -1
	}
	return r
}

// findSecure reads the order whose authentication a bank's form is about: the form has brought back what we signed.
func (v *visit) findSecure(session string) (payment.Attempt, error) {
	a, ok := v.in.unseal(domainSecure, session)
	if !ok {
		return a, errNoSession
	}
	return a, v.load(a)
}

// bankFields reads a form that the cardholder's bank made the browser send.
func (v *visit) bankFields() (form, error) {
	if v.r.Method != http.MethodPost {
		return nil, &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Status: http.StatusMethodNotAllowed, Detail: "use POST"}
	}
	if !v.in.posting.Take(v.c.Source) {
		return nil, tenants.ErrTooMany
	}
	return v.c.Fields(v.r)
}

// serveMethod takes the word of the cardholder's bank that it has looked at the browser.
func (v *visit) serveMethod() error {
	f, err := v.bankFields()
	if err != nil {
		return err
	}
	at, err := v.findSecure(v.query.Get("session"))
	if err != nil {
		return err
	}
	id, err := threeds.ParseMethodData(string(f["threeDSMethodData"]))
	if err != nil {
		return protocol.Refuse(protocol.FirstFormat, protocol.OnNothing, "threeDSMethodData cannot be read")
	}
	if err := v.in.authentications.MethodCompleted(v.r.Context(), at.Merchant, at.Order, id); err != nil {
		return err
	}
	return v.show(http.StatusOK, page.MethodDone{})
}

// serveChallenge takes the browser back from the cardholder's bank. What it brings only says that the bank is done; what
// came of it the 3-D Secure server is asked.
func (v *visit) serveChallenge() error {
	f, err := v.bankFields()
	if err != nil {
		return err
	}
	session := string(f["threeDSSessionData"])
	if session == "" {
		session = v.query.Get("session")
	}
	at, err := v.findSecure(session)
	if err != nil {
		return err
	}
	if at != payment.AttemptOf(v.order) {
		return v.back()
	}
	said, err := threeds.ParseChallengeResult(string(f["cres"]))
	if err != nil {
		return protocol.Refuse(protocol.FirstFormat, protocol.OnNothing, "cres cannot be read")
	}
	a, err := v.order.Authenticating(v.r.Context(), v.in.authentications)
	switch {
	case err != nil:
		return err
	case a != nil && a.ServerID != said.ServerTransID:
		return protocol.Refuse(protocol.FirstValue, protocol.OnNothing, "cres is of another authentication")
	}
	if err := v.settleSecure(); err != nil {
		return err
	}
	return v.back()
}

// back ends a bank's form: the buyer of a page of ours goes back to it, one of a merchant's own page has nothing more to see.
func (v *visit) back() error {
	if v.decided.Server {
		h := v.w.Header()
		h.Set("Content-Type", "text/plain; charset=utf-8")
		h["Cache-Control"], h["X-Content-Type-Options"] = protocol.NoStore, protocol.NoSniff
		_, _ = v.w.Write([]byte("OK\n")) // who went away needs no answer
		return nil
	}
	return v.again()
}
