package checkout

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"unicode/utf8"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/vault"
	"settled/settle"
)

// form holds the fields of a form of the page. They point into the body of the call, which is wiped after the request.
type form map[string][]byte

// errForeign is answered for a form that did not come from our page.
var errForeign = &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Status: http.StatusForbidden, Detail: "form is not of this page"}

// submit takes a form of the order's page. A form of an earlier attempt, or of another place that the order was at, does
// nothing: the browser is shown where the order is now.
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

// pay takes the customer's data and the card, and pays.
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

func looksLikeEmail(s string) bool {
	name, host, ok := strings.Cut(s, "@")
	return ok && name != "" && strings.Contains(host, ".") && !strings.ContainsAny(s, " ,;") && !strings.Contains(host, "@") &&
		!strings.HasPrefix(host, ".") && !strings.HasSuffix(host, ".")
}

func looksLikePhone(s string) bool {
	count := 0
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			count++
		case !strings.ContainsRune("+-() .", c):
			return false
		}
	}
	return count >= 5
}

// complete keeps what the customer said with the order.
func (v *visit) complete(ctx context.Context, data protocol.Details) error {
	text, err := json.Marshal(data)
	if err != nil {
		return err
	}
	for name, value := range data {
		v.kept[name] = value
	}
	ctx, cancel := context.WithTimeout(ctx, payment.SettleTimeout)
	defer cancel()
	return v.in.books.Complete(ctx, v.order.Merchant, v.order.ID, text)
}

// readTypedCard reads what was typed as a card and marks what is wrong. The caller wipes the code.
func (v *visit) readTypedCard(f form, shown *page.Payment) (k protocol.Card, holder string) {
	wrong := shown.Errors
	number := onlyDigits(f[page.FieldNumber])
	var err error
	if k.PAN, err = vault.ParsePAN(number); len(number) == 0 {
		wrong[page.FieldNumber] = page.ProblemRequired
	} else if err != nil {
		wrong[page.FieldNumber] = page.ProblemFormat
	} else if !v.in.vault.Environment().Accepts(k.PAN) || errors.Is(v.in.ways.CheckBrand(v.merchant, v.order.Original, k.PAN.Mask()), settle.ErrBrand) {
		wrong[page.FieldNumber] = page.ProblemScheme
	}
	month, year, ok := page.ParseExpiry(string(f[page.FieldExpiry]))
	switch {
	case len(f[page.FieldExpiry]) == 0:
		wrong[page.FieldExpiry] = page.ProblemRequired
	case !ok:
		wrong[page.FieldExpiry] = page.ProblemFormat
	case protocol.Expired(month, year, v.in.now()):
		wrong[page.FieldExpiry] = page.ProblemExpired
	default:
		k.Expiry = protocol.YYMM(year, month)
	}
	code := protocol.StripCode.Apply(f[page.FieldCVC])
	if len(code) == 0 {
		wrong[page.FieldCVC] = page.ProblemRequired
	} else if k.CVV, err = vault.ParseCVV(bytes.Clone(code)); err != nil {
		wrong[page.FieldCVC] = page.ProblemFormat
	}
	return k, readHolder(f, shown)
}

// readHolder reads the name on the card: Latin letters, as it is embossed.
func readHolder(f form, shown *page.Payment) string {
	holder := strings.TrimSpace(string(protocol.StripGeneral.Apply(bytes.Clone(f[page.FieldHolder]))))
	latin := strings.IndexFunc(holder, func(r rune) bool {
		return !(r == ' ' || r == '-' || r == '.' || r == '\'' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z')
	}) < 0
	if digits := strings.ContainsAny(holder, "0123456789"); !digits {
		shown.Holder = holder // a name, whatever its letters: it may be shown again
	}
	switch {
	case holder == "":
		shown.Errors[page.FieldHolder] = page.ProblemRequired
	case !latin || len(holder) > protocol.InCardholder.Max():
		shown.Errors[page.FieldHolder] = page.ProblemFormat
	}
	return holder
}

// onlyDigits removes the spaces and hyphens that people type into card numbers, in place.
func onlyDigits(v []byte) []byte {
	n := 0
	for _, c := range v {
		if c != ' ' && c != '-' {
			v[n] = c
			n++
		}
	}
	clear(v[n:])
	return v[:n]
}
