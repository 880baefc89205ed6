package checkout

import (
	"context"
	"net/http"
	"slices"
	"strings"

	"settled/authorize/page"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/telling"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/authentication"
	"settled/settle/order"
)

// servePage serves the page of an order: GET shows where it is, POST goes on from there.
func (v *visit) servePage() error {
	if v.r.Method != http.MethodPost && !v.in.viewing.Take(v.c.Source) {
		return tenants.ErrTooMany
	}
	if err := v.find(); err != nil {
		return err
	}
	switch v.r.Method {
	case http.MethodPost:
		return v.submit()
	case http.MethodGet, http.MethodHead:
	default:
		v.w.Header().Set("Allow", "GET, HEAD, POST")
		return &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Status: http.StatusMethodNotAllowed, Detail: "use GET or POST"}
	}
	if err := v.settleSecure(); err != nil {
		return err
	}
	body, err := v.body(v.r.Context())
	switch {
	case err != nil:
		return err
	case v.query.Get("type") == "json":
		return v.tellState(body)
	}
	return v.showState(body)
}

// stateAnswer is what a waiting page asks for, and what programs that pay for their users read.
type stateAnswer struct {
	Page        string `json:"page"` // that the order's page shows now
	OrderNumber string `json:"ordernumber"`
	BillNumber  string `json:"billnumber"`
	OrderState  string `json:"orderstate"`
	Amount      string `json:"amount"`
	Currency    string `json:"currency"`
	Merchant    string `json:"merchant"`
}

func (v *visit) tellState(body page.Body) error {
	o := v.order
	shown := body.Name()
	if result, ok := body.(page.Result); ok && result.Outcome != page.OutcomeInProcess {
		shown += "-" + string(result.Outcome) // so that a page that says "in process" learns of it
	}
	return v.tell(http.StatusOK, stateAnswer{Page: shown, OrderNumber: o.Number, BillNumber: v.bill(), OrderState: string(o.State()),
		Amount: o.Amount.Decimal(), Currency: o.Amount.Currency.String(), Merchant: v.merchant.Name})
}

// showState shows the page, or sends the buyer of a finished order back to the shop if the shop wants that.
func (v *visit) showState(body page.Body) error {
	result, finished := body.(page.Result)
	if !finished || result.Outcome == page.OutcomeInProcess {
		return v.show(http.StatusOK, body)
	}
	if address := shopURL(v.settings, v.order, v.kept); address != "" && !v.settings.Page.ShowResult {
		return v.redirect(address)
	}
	if v.r.URL.Path != resultPath { // programs that show the page watch for this name
		return v.redirect(resultPath + v.place())
	}
	return v.show(http.StatusOK, body)
}

// body is what the page of the order shows now.
func (v *visit) body(ctx context.Context) (page.Body, error) {
	o := v.order
	if o.Status != order.InProcess {
		return v.result(), nil
	}
	a, err := o.Authenticating(ctx, v.in.authentications)
	if err != nil {
		return nil, err
	}
	if a != nil {
		return v.secureBody(a), nil
	}
	if code, err := v.codeBody(ctx); code != nil || err != nil {
		return code, err
	}
	switch op := o.Payment(); {
	case inFlight(o):
		return page.Wait{}, nil
	case op != nil && op.State == settle.OperationInProcess:
		return v.finished(page.OutcomeInProcess, op), nil
	case !v.in.now().Before(o.PayBefore):
		return v.finished(page.OutcomeTimeout, nil), nil
	}
	return v.form(ctx)
}

// inFlight tells that a payment of the order is on its way to the center.
func inFlight(o *settle.Order) bool {
	return slices.ContainsFunc(o.Owed, func(e settle.Owed) bool { return e.Kind == settle.Authorization || e.Kind == settle.Purchase })
}

// result is the page of an order that has ended.
func (v *visit) result() page.Result {
	op := v.order.Payment()
	switch {
	case v.order.Status == order.TimedOut:
		return v.finished(page.OutcomeTimeout, op)
	case v.order.Status == order.Declined:
		return v.finished(page.OutcomeDeclined, op)
	case v.order.Status == order.Withdrawn:
		return v.finished(page.OutcomeWithdrawn, nil)
	case succeeded(v.order):
		if v.order.State() == order.StateDelayed {
			return v.finished(page.OutcomeReserved, op)
		}
		return v.finished(page.OutcomePaid, op)
	}
	return v.finished(page.OutcomeCanceled, op)
}

func (v *visit) finished(outcome page.Outcome, op *settle.Operation) page.Result {
	out := page.Result{Outcome: outcome, Bill: v.bill()}
	if op == nil {
		return out
	}
	out.At = telling.OperationTime(v.order, op)
	if mask, _ := v.order.CardOf(op); mask != "" {
		out.Means = strings.TrimSpace(brandTitle(mask) + " " + lastDigits(mask))
	}
	switch outcome {
	case page.OutcomeDeclined:
		out.Decline = v.decline(op)
	case page.OutcomePaid, page.OutcomeReserved:
		if t := v.order.PaymentTransaction(); t != nil {
			out.Approval = t.ApprovalCode
		}
	case page.OutcomeCanceled, page.OutcomeWithdrawn, page.OutcomeTimeout, page.OutcomeInProcess: // there is no more to say
	}
	return out
}

// decline says why an operation was declined, in words for the buyer.
func (v *visit) decline(op *settle.Operation) *page.Decline {
	said := protocol.WordsOf(op.Response, v.words())
	if op.Means == order.MeansInstant && op.Response == protocol.ResponseDeclined {
		said = protocol.InstantDeclined[v.words()]
	}
	return &page.Decline{Reason: said.Customer, Advice: said.Recommendation}
}

// marks are the brands of the cards that the order can be paid with.
func (v *visit) marks() []string {
	q, err := v.in.directory.Quote(v.merchant, order.MeansCard, v.order.Original, v.in.now())
	if err != nil {
		return nil
	}
	var titles []string
	for _, b := range q.Route.Center.Takes() {
		titles = append(titles, brandTitles[b])
	}
	return titles
}

// means are those that the page offers for the order.
func (v *visit) means() []page.Means {
	var offered []page.Means
	for _, m := range v.in.ways.Wanted(v.settings, v.kept) {
		if v.in.ways.Payable(v.merchant, m, v.order.Original, v.order.TwoStage) == nil {
			offered = append(offered, pageMeans[m])
		}
	}
	return offered
}

var pageMeans = map[order.Means]page.Means{order.MeansCard: page.MeansCard, order.MeansInstant: page.MeansQR}

// form is the page to pay on. After an attempt that failed it says why.
func (v *visit) form(ctx context.Context) (page.Body, error) {
	body := page.Payment{Means: v.means(), Fields: v.fields(nil), Holder: v.kept.Of(protocol.InCardholder), Recurring: v.recurring(false), Schemes: v.marks()}
	if len(body.Means) == 0 { // the rate or the route is gone
		return page.Failure{Reason: page.ReasonSystem}, nil
	}
	if err := v.offerStored(ctx, &body); err != nil {
		return nil, err
	}
	op := v.order.Payment()
	if op == nil {
		return body, nil
	}
	if op.Means == order.MeansInstant {
		return v.afterCode(ctx, body, op)
	}
	body.TriesLeft = int(v.order.TriesLeft)
	unconfirmed, err := v.unconfirmed(ctx, op)
	switch {
	case err != nil:
		return nil, err
	case unconfirmed:
		body.Notice = page.NoticeUnconfirmed
	case op.State == settle.OperationFailed:
		body.Decline = v.decline(op)
	}
	return body, nil
}

// afterCode is the page after an instant payment that was not made: its means stays chosen, and the reason is given. Who left the
// code for other means knows why.
func (v *visit) afterCode(ctx context.Context, body page.Payment, op *settle.Operation) (page.Body, error) {
	p, err := v.in.books.Instant(ctx, v.order)
	if err != nil || p == nil || p.LastError == payment.LeftForOthers {
		return body, err
	}
	if slices.Contains(body.Means, page.MeansQR) {
		body.Chosen = page.MeansQR
	}
	switch body.TriesLeft = int(v.order.TriesLeft); op.State {
	case settle.OperationTimedOut:
		body.Notice = page.NoticeExpired
	case settle.OperationFailed:
		body.Decline = v.decline(op)
	case settle.OperationInProcess, settle.OperationDone, settle.OperationPartial: // not a try that failed
	}
	return body, nil
}

// unconfirmed tells that a payment was not sent because its cardholder was not authenticated.
func (v *visit) unconfirmed(ctx context.Context, op *settle.Operation) (bool, error) {
	if op.Means != order.MeansCard || !v.settings.Page.ThreeDS {
		return false, nil
	}
	all, err := v.in.authentications.Of(ctx, v.order.Merchant, v.order.ID)
	return slices.ContainsFunc(all, func(a authentication.Authentication) bool {
		return a.Operation == op.Number && a.State == authentication.Failed
	}), err
}

// fields are the buyer's data that the merchant wants and the order lacks. typed are values to show again.
func (v *visit) fields(typed form) []page.Field {
	var list []page.Field
	for _, name := range page.CustomerFields {
		if slices.Contains(v.settings.Page.Required, name) && v.kept.Named(name) == "" {
			list = append(list, page.Field{Name: name, Value: string(typed[name]), Required: true})
		}
	}
	return list
}

// recurring says what the buyer agrees to beside this payment.
func (v *visit) recurring(subscription bool) *page.Recurring {
	agreed := payment.AgreedOf(v.order)
	if agreed == nil {
		return nil
	}
	return &page.Recurring{Subscription: subscription, Min: agreed.Min, Max: agreed.Max, Days: agreed.Days, Until: agreed.Until}
}
