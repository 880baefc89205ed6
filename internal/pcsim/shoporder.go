package pcsim

import (
	"crypto/md5" // what the protocol demands; it proves nothing against anybody who knows the secret word
	"encoding/hex"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/charmap"
)

// ShopTerms are what a buyer agrees to who begins a subscription. Amounts are in the currency of the order.
type ShopTerms struct {
	// Min and Max bound later payments, in minor units.
	Min, Max int64
	// Days is the shortest time between two payments.
	Days int
	// Until is the day of the last payment.
	Until time.Time
}

// ShopOrder is an order that a buyer is sent to the gateway with.
type ShopOrder struct {
	// Number is OrderNumber.
	Number string
	// Amount is OrderAmount and OrderCurrency.
	Amount money.Amount
	// Comment is OrderComment; empty: none.
	Comment string
	// Language is EN or RU; empty: the merchant's.
	Language string
	// TwoStage asks for a hold that the shop confirms.
	TwoStage bool
	// Means is "card", "instant", or empty: the buyer chooses.
	Means string
	// Buyer is CustomerNumber, for One Click; empty: none.
	Customer string
	// Terms begin a subscription; nil: none. They exclude Buyer.
	Terms *ShopTerms
}

// OrderForm is the form that a buyer's browser posts to /pay/order.cfm, with its check value, in the charset of the shop's
// pages.
func (s *Shop) OrderForm(o ShopOrder) url.Values { return s.encoded(s.orderForm(o)) }

// orderForm is OrderForm in UTF-8.
func (s *Shop) orderForm(o ShopOrder) url.Values {
	f := url.Values{"Merchant_ID": {strconv.Itoa(int(s.opt.Merchant))}, "OrderNumber": {o.Number}, "OrderAmount": {o.Amount.Decimal()},
		"OrderCurrency": {o.Amount.Currency.String()}, "Delay": {"0"}}
	for name, value := range map[string]string{"OrderComment": o.Comment, "Language": o.Language, "CustomerNumber": o.Customer} {
		if value != "" {
			f.Set(name, value)
		}
	}
	if o.TwoStage {
		f.Set("Delay", "1")
	}
	if shop := s.URL(); shop != "" {
		f.Set("URL_RETURN_OK", shop+"/ok")
		f.Set("URL_RETURN_NO", shop+"/no")
	}
	switch o.Means {
	case "card":
		f.Set("FastPayPayment", "0")
	case "instant":
		f.Set("CardPayment", "0")
	}
	if t := o.Terms; t != nil {
		t.set(f, o.Amount.Currency)
	}
	x := []string{f.Get("Merchant_ID"), o.Number, f.Get("OrderAmount"), f.Get("OrderCurrency")}
	if o.Customer != "" {
		x = append(x, o.Customer)
	}
	f.Set("Checkvalue", s.checkvalue(strings.Join(x, s.delimiter())))
	return f
}

// delimiter stands between the values that a check value proves.
func (s *Shop) delimiter() string {
	if s.opt.NoDelimiters {
		return ""
	}
	return ";"
}

// charset is that of the forms that the shop's pages send.
func (s *Shop) charset() string {
	if s.opt.Windows1251 {
		return "windows-1251"
	}
	return "utf-8"
}

// encoded is a form in the charset of the shop's pages. What the charset does not have becomes a character reference, as browsers
// write it.
func (s *Shop) encoded(f url.Values) url.Values {
	if !s.opt.Windows1251 {
		return f
	}
	out := url.Values{}
	for name, values := range f {
		for _, v := range values {
			text, err := encoding.HTMLEscapeUnsupported(charmap.Windows1251.NewEncoder()).String(v)
			if err != nil { // not UTF-8: sent as it is
				text = v
			}
			out.Add(name, text)
		}
	}
	return out
}

func (t *ShopTerms) set(f url.Values, c money.Currency) {
	f.Set("RecurringIndicator", "1")
	f.Set("RecurringMinAmount", money.Amount{Minor: t.Min, Currency: c}.Decimal())
	f.Set("RecurringMaxAmount", money.Amount{Minor: t.Max, Currency: c}.Decimal())
	f.Set("RecurringPeriod", strconv.Itoa(t.Days))
	f.Set("RecurringMaxDate", t.Until.Format("02.01.2006"))
}

// checkvalue is UPPER(md5(UPPER(md5(secret word) + md5(x)))).
func (s *Shop) checkvalue(x string) string {
	sum := func(text string) string {
		hash := md5.Sum([]byte(text))
		return hex.EncodeToString(hash[:])
	}
	return strings.ToUpper(sum(strings.ToUpper(sum(s.opt.SecretWord) + sum(x))))
}

// good is something that the shop sells, with its prices in minor units.
type good struct {
	id     string
	en, ru string
	about  [2]string
	color  string
	prices map[money.Currency]int64
}

// shopCurrencies are those that every good has a price in.
var shopCurrencies = []money.Currency{money.RUB, money.BYN, money.USD, money.EUR}

var goods = []good{
	{"tea", "Herbal tea", "Травяной чай", [2]string{"Mint, thyme and willowherb, 100 g", "Мята, чабрец и иван-чай, 100 г"}, "#5b8c5a",
		prices(49000, 1790, 599, 549)},
	{"mug", "Stoneware mug", "Керамическая кружка", [2]string{"Fired twice, holds 350 ml", "Двойной обжиг, 350 мл"}, "#b5651d",
		prices(129000, 4500, 1490, 1390)},
	{"lamp", "Reading lamp", "Настольная лампа", [2]string{"Warm light, four steps", "Тёплый свет, четыре ступени"}, "#c9a227",
		prices(540000, 18900, 6200, 5700)},
	{"box", "Monthly book box", "Книжная коробка на месяц", [2]string{"Two new books every month; good as a subscription", "Две новые книги каждый месяц; удобно по подписке"}, "#3e5c76",
		prices(199000, 6900, 2290, 2090)},
}

func prices(amounts ...int64) map[money.Currency]int64 {
	out := map[money.Currency]int64{}
	for i, amount := range amounts {
		out[shopCurrencies[i]] = amount
	}
	return out
}

func goodNamed(id string) *good {
	i := slices.IndexFunc(goods, func(g good) bool { return g.id == id })
	if i < 0 {
		return nil
	}
	return &goods[i]
}

// shopSale is an order as the shop remembers it.
type shopSale struct {
	ShopOrder
	at    time.Time
	state ShopAnswer // the last that the gateway said of it
	first string     // order number that this is a later payment of; empty: none
}

// maxShopOrders bounds what a shop remembers.
const maxShopOrders = 1000

// sell notes an order under a number of its own.
func (s *Shop) sell(o ShopOrder, first string) *shopSale {
	s.mu.Lock()
	defer s.mu.Unlock()
	o.Number = fmt.Sprintf("%s-%d", s.prefix, len(s.orders)+1)
	sale := &shopSale{ShopOrder: o, at: s.opt.Now(), first: first}
	s.orders = append(s.orders, sale)
	return sale
}

// full tells that the shop remembers as many orders as it can.
func (s *Shop) full() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.orders) >= maxShopOrders
}

// sold returns what the shop remembers of an order, as a copy.
func (s *Shop) sold(number string) (shopSale, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.Number == number {
			return *o, true
		}
	}
	return shopSale{}, false
}

// learn notes what the gateway said of an order, if it is one of the shop's. The currency that was paid in stays, where the
// answer does not name it.
func (s *Shop) learn(a ShopAnswer) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, o := range s.orders {
		if o.Number != a.OrderNumber {
			continue
		}
		if a.Currency == "" {
			a.Amount, a.Currency = o.state.Amount, o.state.Currency
		}
		o.state = a
	}
}
