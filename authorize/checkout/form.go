package checkout

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
)

// errForeign is answered for a form that did not come from our page.
var errForeign = &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Status: http.StatusForbidden, Detail: "form is not of this page"}

// submit takes a form of the order's page. A form of an earlier attempt, of another place that the order was at, or of a revoked generation,
// does nothing: the browser is shown where the order is now.
func (v *visit) submit() error {
	if !v.in.posting.Take(v.c.Source) {
		return tenants.ErrTooMany
	}
	if v.r.Header.Get("Sec-Fetch-Site") != "" && sameOrigin.Check(v.r) != nil {
		return errForeign
	}
	f, err := v.c.Fields(v.r)
	if err != nil {
		return err
	}
	from, ok := v.in.unseal(domainForm, string(f[page.FieldSession]))
	switch {
	case !ok && v.in.outOfDate(string(f[page.FieldSession])):
		return v.again()
	case !ok || from.Merchant != v.order.Merchant || from.Order != v.order.ID:
		return errForeign
	case from != payment.AttemptOf(v.order):
		return v.again()
	}
	return v.act(f)
}

// sameOrigin refuses forms that browsers say come from elsewhere. Those that do not say are known by the token alone.
var sameOrigin = http.NewCrossOriginProtection()

// act does what the form asks for, if the order is where the form belongs.
func (v *visit) act(f form) error {
	ctx := context.WithoutCancel(v.r.Context()) // from here on the work does not end with the browser
	books, cancel := payment.Patient(ctx)
	defer cancel()
	body, err := v.body(books)
	if err != nil {
		return err
	}
	asked := string(f[page.FieldDo])
	switch body := body.(type) {
	case page.Payment:
		switch asked {
		case page.DoPay:
			return v.pay(ctx, f, body)
		case page.DoDelete:
			return v.forget(books, f[page.FieldDelete])
		}
	case page.Method:
		if asked == page.DoContinue {
			return v.continueSecure(ctx)
		}
	case page.QR:
		ctx, cancel := context.WithTimeout(ctx, visitTimeout)
		defer cancel()
		return v.leaveCode(ctx, asked)
	}
	return v.again()
}

// pay takes the buyer's data and the card, and pays.
func (v *visit) pay(ctx context.Context, f form, shown page.Payment) error {
	if !v.in.declining.Open(v.c.Source) {
		return tenants.ErrTooMany
	}
	shown.Chosen, shown.Errors = page.Means(f[page.FieldMeans]), map[string]page.Problem{}
	data := v.readCustomer(f, &shown)
	byCard := shown.Ticked() == page.MeansCard
	var k protocol.Card
	if byCard {
		var err error
		books, cancel := payment.Patient(ctx)
		defer cancel()
		k, err = v.readCard(books, f, &shown, data)
		defer k.CVV.Wipe()
		if err != nil {
			return err
		}
	}
	if len(shown.Errors) > 0 {
		shown.Notice, shown.Decline = page.NoticeNone, nil
		v.class = protocol.ClassRefused
		return v.show(http.StatusUnprocessableEntity, shown)
	}
	if err := v.untested(k.PAN); err != nil {
		return err
	}
	if err := v.complete(ctx, data); err != nil {
		return err
	}
	keep := byCard && shown.Another && shown.Save && v.wallet()
	err := v.begin(ctx, byCard, k, keep, v.toldBrowser(f))
	if err != nil && !payment.Overtaken(err) {
		return err
	}
	return v.again()
}

// toldBrowser is what the page's script says of the browser.
func (v *visit) toldBrowser(f form) string {
	told, _ := v.c.Guard(protocol.InBrowserInfo, f[page.FieldBrowser])
	return string(told)
}

func (v *visit) begin(ctx context.Context, byCard bool, k protocol.Card, keep bool, browser string) error {
	if byCard {
		return v.payByCard(ctx, k, keep, browser)
	}
	ctx, cancel := context.WithTimeout(ctx, visitTimeout)
	defer cancel()
	return v.in.instant.Begin(ctx, v.order)
}

// readCustomer reads the data that the page asked for, and marks what is missing or wrong.
func (v *visit) readCustomer(f form, shown *page.Payment) protocol.Details {
	shown.Fields = v.fields(f)
	data := protocol.Details{"clientip": v.c.Source}
	for i := range shown.Fields {
		field := &shown.Fields[i]
		id, _ := protocol.Named(field.Name)
		kept, _ := v.c.Guarded(id, []byte(field.Value)) // no field of a buyer is refused
		text := strings.TrimSpace(string(kept))
		switch {
		case text == "" && field.Value != "":
			shown.Errors[field.Name] = page.ProblemFormat
		case text == "":
			shown.Errors[field.Name] = page.ProblemRequired
		case utf8.RuneCountInString(text) > id.Max(), id == protocol.InEmail && !looksLikeEmail(text), id.Second() == protocol.OnPhone && !looksLikePhone(text):
			shown.Errors[field.Name] = page.ProblemFormat
		}
		field.Value, data[id.Detail()] = text, text
	}
	return data
}

// complete keeps what the buyer said with the order.
func (v *visit) complete(ctx context.Context, data protocol.Details) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	for name, value := range data {
		v.kept[name] = value
	}
	if v.decided, err = payment.DecisionsIn(v.order.ID, v.kept); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	return v.in.books.Complete(ctx, v.order.Merchant, v.order.ID, text)
}
