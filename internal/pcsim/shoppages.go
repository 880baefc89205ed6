package pcsim

import (
	"cmp"
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"settled/internal/money"
)

// shopView is what every page of the shop shows.
type shopView struct {
	Shop     string
	Language string // en or ru
	Other    string // the other one
	BankPage string // that plays the app; may be empty
	Page     any
}

// Text is a text of the shop in the language of the page.
func (v shopView) Text(key string) string { return shopText(v.Language, key) }

// languageOf is the language that the buyer chose, else English.
func languageOf(w http.ResponseWriter, r *http.Request) string {
	if chosen := r.URL.Query().Get("lang"); chosen == "ru" || chosen == "en" {
		http.SetCookie(w, &http.Cookie{Name: "lang", Value: chosen, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
		return chosen
	}
	if c, err := r.Cookie("lang"); err == nil && c.Value == "ru" {
		return "ru"
	}
	return "en"
}

// render writes a page of the shop.
func (s *Shop) render(w http.ResponseWriter, r *http.Request, status int, page *template.Template, content any) {
	v := shopView{Shop: s.opt.Name, Language: languageOf(w, r), Other: "ru", BankPage: s.opt.BankPage, Page: content}
	if v.Language == "ru" {
		v.Other = "en"
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	w.WriteHeader(status)
	_ = page.Execute(w, v)
}

// goodView is a good on the page.
type goodView struct {
	ID, Name, About string
	Color           template.CSS
	Prices          []string
}

func (s *Shop) showGoods(w http.ResponseWriter, r *http.Request) {
	language := languageOf(w, r)
	var list []goodView
	for _, g := range goods {
		v := goodView{ID: g.id, Name: g.name(language), About: g.about[0], Color: template.CSS(g.color)}
		if language == "ru" {
			v.About = g.about[1]
		}
		for _, c := range s.opt.Currencies {
			v.Prices = append(v.Prices, money.Amount{Minor: g.prices[c], Currency: c}.String())
		}
		list = append(list, v)
	}
	s.render(w, r, http.StatusOK, goodsPage, map[string]any{"Goods": list, "Currencies": s.opt.Currencies, "Cards": cards, "Secure": acsCards,
		"Code": ChallengeCode, "Amounts": amountViews()})
}

type amountView struct{ Major, Means string }

// amountViews are the bank's test amounts as they are typed.
func amountViews() (list []amountView) {
	for _, a := range testAmounts {
		list = append(list, amountView{money.Amount{Minor: a.Minor, Currency: money.RUB}.Decimal(), strings.ReplaceAll(a.Means, "`", "")})
	}
	return list
}

func (g *good) name(language string) string {
	if language == "ru" {
		return g.ru
	}
	return g.en
}

// buy makes an order of what the buyer chose, and shows the form that takes him to the gateway.
func (s *Shop) buy(w http.ResponseWriter, r *http.Request) {
	o, wrong := s.chosen(r)
	if wrong == "" && s.full() {
		wrong = "full"
	}
	if wrong != "" {
		s.render(w, r, http.StatusBadRequest, messagePage, shopText(languageOf(w, r), wrong))
		return
	}
	sale := s.sell(o, "")
	form := s.orderForm(sale.ShopOrder)
	s.render(w, r, http.StatusOK, checkoutPage, map[string]any{"Order": sale.ShopOrder, "Action": s.gatewayURL("/pay/order.cfm"), "Fields": fieldsOf(form), "Charset": s.charset()})
}

// chosen reads the form of the shop's first page; wrong names the text that says why it cannot be.
func (s *Shop) chosen(r *http.Request) (o ShopOrder, wrong string) {
	g := goodNamed(r.PostFormValue("good"))
	currency, err := money.ParseCurrency(r.PostFormValue("currency"))
	if g == nil || err != nil || !slices.Contains(s.opt.Currencies, currency) {
		return o, "unknown"
	}
	o = ShopOrder{Amount: money.Amount{Minor: g.prices[currency], Currency: currency}, Comment: g.en, Language: strings.ToUpper(r.PostFormValue("language")),
		Means: r.PostFormValue("means"), Customer: strings.TrimSpace(r.PostFormValue("customer"))}
	if o.Language == "RU" {
		o.Comment = g.ru
	}
	if typed := strings.TrimSpace(r.PostFormValue("amount")); typed != "" {
		if o.Amount, err = money.Parse(strings.Replace(typed, ",", ".", 1), currency); err != nil || o.Amount.Minor <= 0 {
			return o, "badamount"
		}
	}
	switch r.PostFormValue("kind") {
	case "two":
		o.TwoStage = true
	case "subscription":
		o.Customer = "" // the protocol takes one of both
		o.Terms = &ShopTerms{Min: 1, Max: 2 * o.Amount.Minor, Days: 1, Until: s.opt.Now().AddDate(1, 0, 0)}
	}
	return o, ""
}

// fieldView is a field of a form.
type fieldView struct{ Name, Value string }

func fieldsOf(form url.Values) []fieldView {
	var list []fieldView
	for name, values := range form {
		list = append(list, fieldView{name, values[0]})
	}
	slices.SortFunc(list, func(a, b fieldView) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// showReturn is where the gateway sends buyers back to. The address proves nothing, so the shop asks.
func (s *Shop) showReturn(w http.ResponseWriter, r *http.Request) {
	number := r.URL.Query().Get("ordernumber")
	a, err := s.State(r.Context(), number)
	if err != nil {
		s.render(w, r, http.StatusBadGateway, messagePage, fmt.Sprintf("%s: %v", shopText(languageOf(w, r), "notold"), err))
		return
	}
	a.BillNumber = a.bill()
	s.render(w, r, http.StatusOK, returnPage, map[string]any{"Answer": a, "Paid": paidState(a.OrderState), "Open": a.OrderState == "In Process"})
}

// paidState tells that an order in the state was paid, whatever was given back since.
func paidState(state string) bool {
	return slices.Contains([]string{"Approved", "Delayed", "PartialDelayed", "PartialCanceled"}, state)
}

// saleView is an order on the list, with what can be done with it.
type saleView struct {
	ShopOrder
	At, Bill, State, First, Currency string
	Confirm, Cancel, Charge          bool
}

func (s *Shop) showOrders(w http.ResponseWriter, r *http.Request) {
	s.listOrders(w, r, http.StatusOK, "")
}

func (s *Shop) listOrders(w http.ResponseWriter, r *http.Request, status int, note string) {
	s.mu.Lock()
	var list []saleView
	for _, o := range slices.Backward(s.orders) {
		state := o.state.OrderState
		list = append(list, saleView{ShopOrder: o.ShopOrder, At: o.at.Format("02.01 15:04:05"), Bill: o.state.bill(), State: state, First: o.first,
			Currency: cmp.Or(o.state.Currency, o.Amount.Currency.String()), Confirm: state == "Delayed", Cancel: paidState(state), Charge: o.Terms != nil && paidState(state)})
	}
	s.mu.Unlock()
	s.render(w, r, status, ordersPage, map[string]any{"Orders": list, "Note": note})
}

// actOnOrder is a button of the list of orders.
func (s *Shop) actOnOrder(w http.ResponseWriter, r *http.Request) {
	o, known := s.sold(r.PostFormValue("order"))
	if !known {
		s.listOrders(w, r, http.StatusNotFound, shopText(languageOf(w, r), "unknown"))
		return
	}
	note, err := s.do(r, o)
	if err == nil {
		_, err = s.State(r.Context(), o.Number)
	}
	if err != nil {
		s.listOrders(w, r, http.StatusBadGateway, err.Error())
		return
	}
	s.listOrders(w, r, http.StatusOK, note)
}

// do carries out what a button asks for, and says what the gateway answered.
func (s *Shop) do(r *http.Request, o shopSale) (note string, err error) {
	var a ShopAnswer
	amount, currency := strings.TrimSpace(r.PostFormValue("amount")), r.PostFormValue("currency")
	switch r.PostFormValue("do") {
	case "confirm":
		a, err = s.Confirm(r.Context(), o.state.bill(), amount, currency)
	case "cancel":
		a, err = s.Cancel(r.Context(), o.state.bill(), amount, currency)
	case "charge":
		a, err = s.chargeAgain(r.Context(), o)
	default:
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSpace(fmt.Sprintf("%s %s %s", a.BillNumber, a.ResponseCode, a.Message)), nil
}

// chargeAgain takes the next payment of a subscription: the same amount again.
func (s *Shop) chargeAgain(ctx context.Context, first shopSale) (ShopAnswer, error) {
	next := s.sell(ShopOrder{Amount: first.Amount, Comment: first.Comment}, first.Number)
	a, err := s.Charge(ctx, first.state.bill(), next.ShopOrder)
	if err == nil {
		a.OrderNumber = next.Number
		s.learn(a)
	}
	return a, err
}

func (s *Shop) showNotices(w http.ResponseWriter, r *http.Request) {
	all := s.Notices()
	slices.Reverse(all)
	s.render(w, r, http.StatusOK, noticesPage, all[:min(len(all), 100)])
}
