package authorize_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"settled/authorize"
	"settled/internal/pcsim"
)

// emptyValues says for every parameter what an empty value is to the services that have it, required ones left out: "refused" where
// its absence means something that money or an answer depends on, "absent" elsewhere. A parameter that has no row fails.
var emptyValues = map[string]string{
	"Amount": "refused", "Currency": "refused", "AutoDeposit": "refused", "ExternalConfirmId": "refused", "Externalrefundid": "refused",
	"Delay": "refused", "RecurringIndicator": "refused", "RecurringMinAmount": "set", "RecurringMaxAmount": "set", "RecurringPeriod": "set",
	"RecurringMaxDate": "set", "Operationstate": "refused", "Operationtype": "refused", "MeanType_ID": "refused", "DateTimeMode": "refused",
	"TestMode": "absent", "OrderCurrency": "absent", "Format": "absent", "Language": "absent", "ClientIP": "absent", "OrderComment": "absent",
	"Cardtype": "absent", "Cardholder": "absent", "Cvc2": "absent", "Lastname": "absent", "Firstname": "absent", "Middlename": "absent",
	"Email": "absent", "Address": "absent", "HomePhone": "absent", "WorkPhone": "absent", "MobilePhone": "absent", "Fax": "absent",
	"Country": "absent", "State": "absent", "City": "absent", "Zip": "absent", "CancelReason": "absent", "ZipFlag": "absent",
	"StartYear": "absent", "StartMonth": "absent", "StartDay": "absent", "StartHour": "absent", "StartMin": "absent", "EndYear": "absent",
	"EndMonth": "absent", "EndDay": "absent", "EndHour": "absent", "EndMin": "absent", "Signature": "absent", "Checkvalue": "absent",
	"URL_RETURN": "absent", "URL_RETURN_OK": "absent", "URL_RETURN_NO": "absent", "CardPayment": "absent", "FastPayPayment": "absent",
	"MobileDevice": "absent", "CustomerNumber": "absent", "OrderMaxPoints": "absent", "Disable3DS": "absent", "Prepayment": "absent",
	"RecurringCount": "absent", "RecurringPeriodScale": "absent", "ChequeItems": "absent", "ListParameters": "absent", "TokenType": "absent",
	"UserAgent": "absent", "AcceptHeader": "absent", "BrowserInfo": "absent", "OrderNumber": "absent", "Billnumber": "absent",
}

// emptyAt are the services that treat a parameter otherwise.
var emptyAt = map[string]string{resultByDate + " TestMode": "refused"}

// stripping are texts of which nothing is left, or that were empty from the start.
var stripping = []string{"", ` "<>' `, "\x01\x02"}

// writings are all ways to write a request, multipart/form-data included.
var writings = map[string]struct {
	kind  string
	write func(params) string
}{
	"form": {"application/x-www-form-urlencoded", params.encode},
	"JSON": {"application/json", object},
	"SOAP": {"text/xml", func(p params) string { return envelope("any", p) }},
	"multipart": {"multipart/form-data; boundary=edge", func(p params) string {
		var b strings.Builder
		for name, value := range p {
			fmt.Fprintf(&b, "--edge\r\nContent-Disposition: form-data; name=%q\r\n\r\n%s\r\n", name, value)
		}
		return b.String() + "--edge--\r\n"
	}},
}

func TestEmptyIsNotAbsent(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	for path, takes := range authorize.TakenForTest() {
		number, usual := 0, map[string]int{}
		ask := func(syntax, name, value string) (first, second int) {
			w.Clock.Advance(11 * time.Minute)
			number++
			p := w.whole(path, fmt.Sprint(path, number))
			if name != "" {
				p[name] = value
			}
			return w.outcome(w.from("shop", path, writings[syntax].kind, writings[syntax].write(p)))
		}
		for syntax := range writings {
			usual[syntax], _ = ask(syntax, "", "")
		}
		for _, name := range takes {
			want, known := emptyValues[name]
			if at, otherwise := emptyAt[path+" "+name]; otherwise {
				want = at
			}
			if !known {
				t.Errorf("%s of %s has no row: say what an empty one is", name, path)
			}
			for syntax := range writings {
				if path == orderPage && (syntax == "JSON" || syntax == "SOAP") {
					continue // which it refuses altogether
				}
				for _, value := range stripping {
					if want == "absent" && value != "" || syntax == "SOAP" && value == stripping[2] {
						continue
					}
					first, second := ask(syntax, name, value)
					if refused := first == 3 || first == 4; want == "absent" && first != usual[syntax] || want != "absent" && !refused {
						t.Errorf("%s in %s with %s=%q: %d/%d, not %s", path, syntax, name, value, first, second, want)
					}
				}
			}
		}
	}
}

var pageCodes = regexp.MustCompile(`(\d+)/(\d+): |"firstcode":(\d+),"secondcode":(\d+)`)

// outcome reads the codes of an answer of any service, those of the payment page too.
func (w *world) outcome(r reply) (first, second int) {
	w.t.Helper()
	switch m := pageCodes.FindStringSubmatch(r.body); {
	case strings.Contains(r.body, "<title>Payment"), r.body == "" && r.status == http.StatusOK:
	case m != nil:
		_, err := fmt.Sscan(m[1]+m[3]+" "+m[2]+m[4], &first, &second)
		check(w.t, err)
	default:
		return w.codes(r.body)
	}
	return first, second
}

// A request that names an amount in words that the service does not have moves nothing.
func TestMisspeltAmounts(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	names := []string{"OrderAmount", "Amuont", "AMOUNT_", "amounts", "Order_Amount", "refund_amount", "amount[0]", "Sum", "Summa", "Total", "price",
		"Quantity", "qty", "OrderCurrency", "Curency", "Prepayment", "RecurringMaxAmount", "AmountToRefund"}
	for _, path := range []string{charge, cancel, wsCancel} {
		paid := w.call(pay, paymentOf("M"+path).with(params{"Delay": "1"})).Order["billnumber"]
		for _, name := range names {
			for syntax, s := range writings {
				if syntax == "SOAP" && strings.ContainsAny(name, "[") {
					continue
				}
				r := w.from("shop", path, s.kind, s.write(credentials().with(params{"Billnumber": paid, name: "10.00"})))
				if first, _ := w.codes(r.body); first != 4 {
					t.Errorf("%s in %s with %s: %s", path, syntax, name, r.body)
				}
			}
		}
		o := w.call(orderResult, credentials().with(params{"Billnumber": paid})).Bare[0]
		if o["orderstate"] != "Delayed" {
			t.Errorf("%s: order is %s", path, o["orderstate"])
		}
	}
}

// What a service never had, and does not mean money, is skipped as ever; so is another name of what is given.
func TestHarmlessNames(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	paid := w.call(pay, paymentOf("H-1")).Order["billnumber"]
	more := params{"Account": "7", "OrderNumber": "H-1", "OrderComment": "x", "Checkvalue": "x", "Delay": "0", "comment_of_shop": "y", "OrderAmount": "237.40",
		"OrderCurrency": "BYN", "costumer": "z", "GenerateReceipt": "1", "Tax": "novat"}
	r := w.form(cancel, credentials().with(params{"Billnumber": paid, "Amount": "10.00", "Currency": "BYN"}).with(more))
	if first, second := w.codes(r.body); first != 0 {
		t.Errorf("%d/%d", first, second)
	}
	for name, first := range map[string]int{"Dellay": 4, "OrderCurency": 4, "Currency": 4, "relaxed": 0, "currency_of_shop": 0, "OrderCurrency": 0} {
		p := paymentOf("H-" + name).with(params{"OrderCurrency": "", name: "BYN"})
		if got, second := w.codes(w.form(pay, p).body); got != first {
			t.Errorf("payment with %s: %d/%d", name, got, second)
		}
	}
}

// An element that says that it holds nothing is as good as absent.
func TestNilElement(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	paid := w.call(pay, paymentOf("N-1")).Order["billnumber"]
	nothing := ` xsi:nil="true" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"`
	body := envelope("MakeCancel", credentials().with(params{"billnumber": paid, "amount": "x", "currency": "x"}))
	body = strings.NewReplacer("<amount>x</amount>", "<amount"+nothing+"/>", "<currency>x</currency>", "<currency"+nothing+"></currency>").Replace(body)
	r := w.post(cancel, "text/xml", body)
	if !strings.Contains(r.body, "Canceled") {
		t.Error(r.body)
	}
}

// whole is a request of a service that is served with nothing but what it needs.
func (w *world) whole(path, number string) params {
	switch path {
	case pay:
		return paymentOf(number).with(params{"OrderComment": "", "ClientIP": "", "Email": "", "OrderCurrency": ""})
	case orderPage, payRequest:
		return shopOrder(number).with(params{"Delay": ""})
	case resultByDate:
		return credentials()
	case orderState:
		return credentials().with(params{"OrderNumber": "none"})
	case orderResult:
		return credentials().with(params{"OrderNumber": "none", "Billnumber": "5100001999999999"})
	}
	p := maps.Clone(credentials())
	p["OrderNumber"], p["OrderAmount"], p["Billnumber"], p["PaymentToken"] = number, "1.00", "5100001999999999", `{"Token":"8d5f2c1e-5b7d-4e80-9a61-c2d4e6f80a1b","CustomerNumber":"x"}`
	if path == charge || path == cancel || path == wsCancel {
		delete(p, "OrderAmount")
	}
	return p
}
