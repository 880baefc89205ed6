package authorize_test

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"mime/multipart"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/authorize"
	"settled/authorize/page"
	"settled/authorize/tenants"
	"settled/internal/pcsim"
)

// betweenDigits are what stands between the groups of the card numbers of these tests.
var betweenDigits = []string{"", " ", "-", ".", "\u00a0", "/", " - ", "\u2011"}

// canaries are card numbers, and codes of cards, that were sent where none belongs, with where that was.
type canaries struct {
	random  *rand.Rand
	numbers map[string]string // 16 digits
	codes   map[string]string
}

func newCanaries() *canaries {
	return &canaries{rand.New(rand.NewPCG(5, 6)), map[string]string{}, map[string]string{}}
}

// number is a new card number, written in groups.
func (c *canaries) number(where string) string {
	pan := c.plain(where)
	between := betweenDigits[len(c.numbers)%len(betweenDigits)]
	return strings.Join([]string{pan[:4], pan[4:8], pan[8:12], pan[12:]}, between)
}

// code is a new value under a name that means a card's code.
func (c *canaries) code(where string) string {
	code := fmt.Sprintf("Canary%06dEnd", c.random.IntN(1_000_000))
	c.codes[code] = where
	return code
}

// seek tells, at most three times for each place, what of the canaries content holds, whatever stands between the digits.
func (c *canaries) seek(t *testing.T, where string, content []byte) {
	var window []byte
	gap, told := 0, 0
	say := func(what, from string) {
		if told++; told <= 3 {
			t.Errorf("%s, sent as %s, is in %s", what, from, where)
		}
	}
	for _, b := range content {
		switch {
		case '0' <= b && b <= '9':
			if window, gap = append(window, b), 0; len(window) > 16 {
				window = window[1:]
			}
			if from, sent := c.numbers[string(window)]; sent {
				say("a card number", from)
			}
		case 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || gap == 4:
			window = window[:0]
		default:
			gap++
		}
	}
	for code, from := range c.codes {
		if bytes.Contains(content, []byte(code)) {
			say("a code", from)
		}
	}
}

// cheque is a ChequeItems with card data wherever it can hold some.
func (c *canaries) cheque(where string) string {
	return fmt.Sprintf(`{"items":[{"name":"A %s","price":"1.00","quantity":1,"amount":"1.00","note":"\u0034%s","n":%s,"%s":"x","cvv":"%s","Track2":"%s","pin":"%s"}]}`,
		c.number(where), c.number(where)[1:], c.plain(where), c.number(where), c.code(where), c.code(where), c.code(where))
}

// plain is a new card number of digits only.
func (c *canaries) plain(where string) string {
	pan := testPAN(c.random)
	c.numbers[pan] = where
	return pan
}

// filled returns a request with card data under a name, and with what it needs beside.
func (c *canaries) filled(p params, name, where string) params {
	switch name {
	case "ChequeItems":
		return p.with(params{name: c.cheque(where)})
	case "PaymentToken":
		return p.with(params{name: tokenOf(c.number(where), c.number(where))})
	case "ListParameters":
		return p.with(params{name: "Gift,cid," + "pin", "Gift": "{\"cvv\":\"123\"} " + c.number(where), "cid": c.code(where), "pin": c.code(where)})
	}
	return p.with(params{name: c.number(where)})
}

// multipartOf writes parameters as multipart/form-data.
func multipartOf(t *testing.T, p params) (kind, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, name := range slices.Sorted(maps.Keys(p)) {
		check(t, w.WriteField(name, p[name]))
	}
	check(t, w.Close())
	return w.FormDataContentType(), b.String()
}

// Whatever a merchant's server, a shop's form, a link or a buyer sends: a card number, written in any way, in any field of any service but
// the card number's own, in any syntax, and codes of cards under their names, are in no row, file, log line, answer, page, notification
// or metric. The fields are those of the tables that requests are read by: a new one is tried without a change here.
func TestCardDataIsKeptNowhere(t *testing.T) {
	w, shop := newShopWorld(t, tenants.Notify{AllowPrivate: true})
	w.keeps()
	w.shop(func(m *tenants.Merchant) { m.Page.Required, m.Page.Links = page.CustomerFields, tenants.LinksTaken })
	c := newCanaries()
	var seen strings.Builder
	sent := 0
	token := w.kept(paymentOf("kept"), "buyer-7")
	first := w.paid(recurring("first"))
	bases := map[string]func(n string) params{
		pay:      paymentOf,
		tokenPay: func(n string) params { return tokenPayment(n, token, "buyer-7") },
		rp:       func(n string) params { w.elapse(first); return next(first, n) },
		charge: func(n string) params {
			return credentials().with(params{"Billnumber": w.paid(paymentOf(n).with(params{"Delay": "1"}))})
		},
		cancel:      func(n string) params { return credentials().with(params{"Billnumber": w.paid(paymentOf(n))}) },
		wsCancel:    func(n string) params { return credentials().with(params{"Billnumber": w.paid(paymentOf(n))}) },
		orderState:  func(string) params { return credentials().with(params{"OrderNumber": "kept"}) },
		orderResult: func(string) params { return credentials().with(params{"OrderNumber": "kept"}) },
		orderPage:   func(n string) params { return shopOrder(n) },
		payRequest:  func(n string) params { return shopOrder(n) },
	}
	var orders []string
	for path, taken := range authorize.TakenForTest() {
		base := bases[path]
		if base == nil {
			base = func(string) params { return credentials() }
		}
		needs := authorize.ServicesForTest()[path].Needs
		for i, name := range append(slices.Clone(documentedParameters), "Unknown") {
			has := slices.Contains(taken, name) || slices.Contains(needs, name)
			for j, syntax := range []string{"form", "multipart", "JSON", "SOAP", "link"} {
				if !has && (i+j)%5 != 0 || (path == orderPage) != (syntax == "link") && (path == orderPage || syntax == "link") && syntax != "form" && syntax != "multipart" {
					continue
				}
				where := fmt.Sprintf("%s of %s in %s", name, path, syntax)
				number := fmt.Sprintf("N%d", sent)
				p := c.filled(base(number), name, where)
				sent++
				w.Clock.Advance(time.Second)
				source := fmt.Sprint("source", sent)
				var r reply
				switch syntax {
				case "multipart":
					kind, body := multipartOf(t, p)
					r = w.from(source, path, kind, body)
				case "link":
					r = w.send(http.MethodGet, path+"?"+p.encode(), "", "X-Test-Source", source)
				case "SOAP":
					if path == payRequest {
						continue
					}
					fallthrough
				default:
					r = w.from(source, path, syntaxes[syntax].kind, syntaxes[syntax].write(path, p))
				}
				fmt.Fprintln(&seen, r.header, r.body)
				orders = append(orders, number)
			}
		}
	}
	w.buyersTypeCards(c, &seen)
	w.tellEverything(c, orders, shop, &seen)
	t.Logf("%d requests, %d card numbers, %d codes", sent, len(c.numbers), len(c.codes))
	families, err := w.registry.Gather()
	check(t, err)
	c.seek(t, "an answer", []byte(seen.String()))
	c.seek(t, "the log", []byte(w.logs.String()))
	c.seek(t, "a notification", []byte(strings.Join(shop.heard(), "\n")))
	c.seek(t, "a metric", []byte(fmt.Sprint(families)))
	w.sweepDatabase(func(where string, content []byte) { c.seek(t, where, content) })
}

// buyersTypeCards fills in the payment page with card numbers in each of its fields.
func (w *world) buyersTypeCards(c *canaries, seen *strings.Builder) {
	w.t.Helper()
	for i, name := range append([]string{"BrowserInfo", "Cardholder", "Unknown", "Means", "SavedCard", "Expiry"}, page.CustomerFields...) {
		w.Clock.Advance(30 * time.Second)
		path := w.opened(shopOrder(fmt.Sprint("typed", i)))
		fields := typed(pcsim.CardApproved)
		for _, other := range page.CustomerFields {
			fields[other] = "Minsk"
		}
		fields["Email"], fields["HomePhone"], fields["MobilePhone"] = "a@b.example", "+375291234567", "+375291234567"
		where := name + " of the page"
		for range 2 {
			fmt.Fprintln(seen, w.submit(path, fields.with(params{name: c.number(where)})), w.follow(path))
		}
		fmt.Fprintln(seen, w.submit(path, fields), w.follow(path), w.json(orderResult, credentials().with(params{"OrderNumber": fmt.Sprint("typed", i)})))
	}
}

// tellEverything asks for all orders in all formats, and has the shop told, whose server answers with card numbers.
func (w *world) tellEverything(c *canaries, orders []string, shop *shop, seen *strings.Builder) {
	w.t.Helper()
	formats := slices.Sorted(maps.Keys(formats))
	for i, number := range orders {
		ask := credentials().with(params{"OrderNumber": number, "Format": formats[i%len(formats)]})
		fmt.Fprintln(seen, w.form(orderResult, ask).body, w.form(orderState, ask).body)
	}
	for _, answer := range []string{"<x>" + c.number("words of the shop's server") + "</x>", "<result firstcode=\"" + c.number("a code of the shop's server") + "\"/>",
		`<soap:Envelope xmlns:soap="http://schemas.xmlsoap.org/soap/envelope/"><soap:Body><soap:Fault><faultcode>1</faultcode><faultstring>` +
			c.number("a fault of the shop's server") + "</faultstring></soap:Fault></soap:Body></soap:Envelope>"} {
		shop.answers(http.StatusOK, answer)
		w.tell()
		w.Clock.Advance(time.Hour)
	}
	shop.answers(http.StatusInternalServerError, c.number("an error of the shop's server"))
	w.tell()
	if len(shop.heard()) == 0 {
		w.t.Error("the shop was told nothing")
	}
}

// Bill numbers that were given out are told as they are, also those that look like a card's; the next one, which nobody has, is not.
func TestBillNumbersInCommentsStay(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := ""
	for i := 0; bill == "" && i < 40; i++ {
		if number := w.paid(paymentOf(fmt.Sprint("B-", i))); luhn(number) {
			bill = number
		}
	}
	unused := int64(5_100001_900000000)
	for !luhn(fmt.Sprint(unused)) {
		unused++
	}
	comment := func(number, text string) string {
		w.paid(paymentOf(number).with(params{"OrderComment": text, "ListParameters": "Gift", "Gift": text}))
		return w.column1(`SELECT (details::jsonb->>'ordercomment') || (details::jsonb->>'list.Gift') FROM orders WHERE ordernumber = '` + number + `'`)
	}
	if got := comment("C-1", "again "+bill+".1"); got != strings.Repeat("again "+bill+".1", 2) {
		t.Errorf("kept as %q", got)
	}
	if got := comment(bill+".2", fmt.Sprint(unused)); strings.Contains(got, fmt.Sprint(unused)) || strings.Count(got, "******") != 2 {
		t.Errorf("kept as %q", got)
	}
}
