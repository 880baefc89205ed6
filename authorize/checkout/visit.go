package checkout

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"
	"strconv"
	"time"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/authorize/threeds"
	"settled/internal/vault"
	"settled/settle"
)

// visit is one request of a buyer's browser, or of a merchant's server that opens an order for one.
type visit struct {
	in    *Pages
	w     http.ResponseWriter
	r     *http.Request
	c     *tenants.Caller
	id    string // of the request, for the log
	query url.Values
	class protocol.Class
	first string // the query that leads back to the order's page, empty while no order is known

	order    *settle.Order
	kept     protocol.Details
	decided  payment.Decisions
	merchant *settle.Merchant
	settings *tenants.Merchant

	card      vault.PAN         // that the buyer pays with in this visit
	challenge threeds.Challenge // that the cardholder of the order is to pass, once it was asked for
}

// visitTimeout bounds a visit that changes nothing, and what a partner bank is asked for one.
const visitTimeout = 15 * time.Second

// run serves the request. A panic is an internal error; what it may have left behind is resolved as after a crash.
func (v *visit) run(serve func(*visit) error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			v.in.log.Error("panic", slog.String("route", v.r.URL.Path), slog.String("request", v.id), slog.String("stack", string(debug.Stack())))
			err = payment.ErrBug
		}
	}()
	defer v.in.load.Leave()
	if err := v.in.load.Enter(); err != nil {
		return err
	}
	if v.in.stalled() {
		return payment.ErrStalled
	}
	if err := protocol.CheckQuery(v.r.URL.RawQuery); err != nil {
		return err
	}
	v.query = v.r.URL.Query()
	ctx, cancel := context.WithTimeout(v.r.Context(), visitTimeout)
	defer cancel()
	v.r = v.r.WithContext(ctx)
	return serve(v)
}

// fail answers an error by a page that says its codes.
func (v *visit) fail(err error) {
	f := payment.FaultOf(err, protocol.OnNothing)
	v.class = f.Class()
	if v.class == protocol.ClassError {
		v.in.log.Error("request not served", slog.String("route", v.r.URL.Path), slog.String("request", v.id), slog.Any("error", err))
		v.w.Header().Set("Retry-After", "1")
	}
	body := page.Failure{Reason: page.ReasonRequest, Detail: fmt.Sprintf("%d/%d: %s", f.First, f.Second, f.Detail)}
	status := f.Status
	switch {
	case f.Second == protocol.OnRate:
		body.Reason, body.Detail = page.ReasonBusy, ""
	case v.class == protocol.ClassError:
		body.Reason, body.Detail = page.ReasonSystem, v.id
	case errors.Is(err, errNoSession):
		body = page.Failure{Reason: page.ReasonUnknown}
	case status == 0:
		status = http.StatusBadRequest
	}
	if err := v.show(status, body); err != nil {
		v.in.log.Error("page not shown", slog.String("route", v.r.URL.Path), slog.String("request", v.id), slog.Any("error", err))
		http.Error(v.w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// errNoSession is answered for a session that is none of ours, whoever's it may look like.
var errNoSession = &protocol.Fault{First: protocol.FirstNotFound, Second: protocol.OnOrder, Status: http.StatusNotFound, Detail: "no such payment"}

// find reads the order that the query names.
func (v *visit) find() error {
	a, ok := v.in.unseal(domainSession, v.query.Get("CFSID"))
	if !ok {
		return errNoSession
	}
	return v.load(a)
}

// load reads an order whose name a signature vouches for.
func (v *visit) load(a payment.Attempt) error {
	settings, known := v.in.register.Settings(a.Merchant)
	if !known {
		return errNoSession
	}
	ctx, cancel := context.WithTimeout(v.r.Context(), payment.SettleTimeout)
	defer cancel()
	o, err := v.in.books.Order(ctx, a.Merchant, a.Order)
	if errors.Is(err, settle.ErrNotFound) {
		return errNoSession
	}
	if err != nil {
		return err
	}
	v.settings = &settings
	v.merchant, _ = v.in.directory.Merchant(a.Merchant)
	return v.take(o)
}

// take makes an order the one that the visit is about.
func (v *visit) take(o *settle.Order) error {
	kept, err := payment.DetailsOf(o)
	if err != nil {
		return err
	}
	decided, err := payment.DecisionsIn(o.ID, kept)
	if err != nil {
		return err
	}
	v.order, v.kept, v.decided, v.first = o, kept, decided, v.in.sessionQuery(o)
	return nil
}

// reload reads the order again, after something was done with it.
func (v *visit) reload(ctx context.Context) error {
	ctx, cancel := payment.Patient(ctx)
	defer cancel()
	o, err := v.in.books.Order(ctx, v.order.Merchant, v.order.ID)
	if err != nil {
		return err
	}
	return v.take(o)
}

// again sends the browser to the page that the order is at now, so that a reload posts nothing again.
func (v *visit) again() error { return v.redirect(payPath + v.place()) }

// place is the query of the order's page in the language of this visit.
func (v *visit) place() string {
	if chosen := v.chosenLanguage(); chosen != "" {
		return v.first + "&Language=" + string(chosen)
	}
	return v.first
}

func (v *visit) redirect(address string) error {
	h := v.w.Header()
	h["Cache-Control"] = protocol.NoStore
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Location", address)
	v.w.WriteHeader(http.StatusSeeOther)
	return nil
}

// language of the page: as chosen on it, else as the order says, else as the merchant or the request does.
func (v *visit) language() page.Language {
	switch chosen := v.chosenLanguage(); {
	case chosen != "":
		return chosen
	case v.kept != nil:
		return page.Language(v.kept["language"])
	case v.c.Settings != nil, v.c.Language == protocol.Russian:
		return page.Language(protocol.LanguageNames[v.c.Language])
	}
	return page.English
}

func (v *visit) chosenLanguage() page.Language {
	for _, l := range [...]page.Language{page.English, page.Russian} {
		if v.query.Get("Language") == string(l) {
			return l
		}
	}
	return ""
}

// words is the language of texts that merchants are told in, too.
func (v *visit) words() protocol.Language {
	if v.language() == page.Russian {
		return protocol.Russian
	}
	return protocol.English
}

// show answers with a page.
func (v *visit) show(status int, body page.Body) error {
	if status == 0 {
		status = http.StatusOK
	}
	return page.Serve(v.w, status, v.view(body))
}

// view is everything around a body.
func (v *visit) view(body page.Body) *page.View {
	out := &page.View{Language: v.language(), Secure: v.in.overTLS(v.r), Now: v.in.now(), Body: body}
	if v.order == nil {
		return out
	}
	o := v.order
	if c, known := v.in.directory.Center(o.Center); known {
		out.Zone = c.Zone
	}
	out.Order = page.Order{Merchant: v.merchant.Name, Number: o.Number, Comment: v.kept.Of(protocol.InOrderComment), Amount: o.Amount,
		Original: o.Original, Rate: o.Rate, Source: v.rateSource()}
	if v.settings.TestMode {
		out.Test = &page.Test{}
	}
	out.Token = v.in.seal(domainForm, payment.AttemptOf(o))
	out.SessionURL, out.Action, out.StatusURL = payPath+v.place(), payPath+v.place(), payPath+v.first+"&type=json"
	for _, l := range [...]page.Language{page.Russian, page.English} {
		out.Languages = append(out.Languages, page.LanguageLink{Language: l, URL: payPath + v.first + "&Language=" + string(l)})
	}
	out.Deadline, out.ShopURL = o.PayBefore, shopURL(v.settings, o, v.kept)
	for _, success := range [...]bool{true, false} {
		if address := returnURL(v.settings, v.kept, success); address != "" {
			out.RedirectTo = append(out.RedirectTo, address)
		}
	}
	return out
}

// rateSource says who published the rate that the order was converted at, and for which day.
func (v *visit) rateSource() string {
	o := v.order
	if o.Original.Currency == o.Amount.Currency {
		return ""
	}
	entry, ok := v.in.directory.RateAt(o.Original.Currency, o.Amount.Currency, o.CreatedAt)
	if !ok || entry.Rate.String() != o.Rate {
		return ""
	}
	return entry.Source
}

// bill is the order's plain bill number.
func (v *visit) bill() string { return strconv.FormatInt(v.order.ID, 10) }
