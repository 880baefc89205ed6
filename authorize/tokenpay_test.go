package authorize_test

import (
	"context"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"

	"settled/authorize/online"
	"settled/internal/pcsim"
	"settled/settle/settletest"
)

// anyToken is the token of a stored card, writtenToken what stands for it in documents.
var anyToken = regexp.MustCompile(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)

const writtenToken = "8d5f2c1e-5b7d-4e80-9a61-c2d4e6f80a1b"

// kept pays as a buyer whose card is kept, and returns the token of the card.
func (w *world) kept(p params, customer string) string {
	w.t.Helper()
	var answer struct {
		Pay struct {
			Response string `json:"responsecode"`
			Customer string `json:"customernumber"`
			Token    string `json:"token"`
		} `json:"silentpay"`
	}
	r := w.json(pay, p.with(params{"CustomerNumber": customer}))
	check(w.t, json.Unmarshal([]byte(r.body), &answer))
	if answer.Pay.Response != "AS000" || answer.Pay.Customer != customer || len(answer.Pay.Token) != 36 {
		w.t.Fatalf("payment with a card that is kept: %s", r.body)
	}
	return answer.Pay.Token
}

func tokenOf(token, customer string) string {
	return fmt.Sprintf(`{"Token":"%s","CustomerNumber":"%s"}`, token, customer)
}

// tokenPayment is a payment with a stored card.
func tokenPayment(number, token, customer string) params {
	return credentials().with(params{"OrderNumber": number, "OrderAmount": "12.30", "OrderCurrency": "BYN", "TokenType": "5",
		"PaymentToken": tokenOf(token, customer), "ClientIP": "10.0.0.1", "Lastname": "Ivanov", "Language": "EN"})
}

// A card that a buyer let the merchant keep pays by its token, in every syntax and format, once for each order.
func TestTokenPayment(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	token := w.kept(paymentOf("T-1"), "buyer-7")
	if again := w.kept(paymentOf("T-2"), "buyer-7"); again != token {
		t.Errorf("the same card is %s and %s", token, again)
	}
	for i, post := range []func(string, params) reply{w.form, w.json, w.soap} {
		p := tokenPayment(fmt.Sprintf("T-3-%d", i), token, "buyer-7")
		first := post(tokenPay, p)
		if !strings.Contains(first.body, "AS000") || strings.Contains(first.body, "AS100") || !strings.Contains(first.body, "411111****1111") {
			t.Errorf("%s", first.body)
		}
		if again := post(tokenPay, p).body; again != first.body {
			t.Errorf("again: %s", again)
		}
	}
	for _, format := range []string{"1", "3", "4", "5"} {
		r := w.form(tokenPay, tokenPayment("T-3-0", token, "buyer-7").with(params{"Format": format}))
		if !strings.Contains(r.body, "AS000") || !strings.Contains(r.body, "fraud_state") || !strings.Contains(r.body, token) {
			t.Errorf("format %s: %s", format, r.body)
		}
	}
	r := w.form(tokenPay, tokenPayment("T-4", token, "buyer-7").with(params{"Delay": "1", "Cvc2": "123"}))
	if !strings.Contains(r.body, "<orderstate>Delayed</orderstate>") {
		t.Errorf("two stages: %s", r.body)
	}
	result := w.json(orderResult, credentials().with(params{"OrderNumber": "T-4"})).body
	if !strings.Contains(result, `"customernumber":"buyer-7","token":"`+token+`"`) {
		t.Errorf("order result: %s", result)
	}
	if other := w.form(tokenPay, tokenPayment("T-4", token, "buyer-7").with(params{"OrderAmount": "1.00"})).body; !strings.Contains(other, "<faultcode>11</faultcode><faultstring>107</faultstring>") {
		t.Errorf("another amount: %s", other)
	}
}

// What the center is told of a card that is kept, and of one that is stored.
func TestStoredCardsAreTold(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	var said []online.Request
	listener := &listening{Host: w.options.Centers[settletest.FileCenter].Host, heard: &said}
	center := w.options.Centers[settletest.FileCenter]
	center.Host = listener
	w.options.Centers[settletest.FileCenter] = center
	w.keeps()
	token := w.kept(paymentOf("T-1"), "buyer-7")
	w.form(tokenPay, tokenPayment("T-2", token, "buyer-7"))
	bill := w.paid(recurring("S-1"))
	w.month()
	w.call(rp, next(bill, "S-2"))
	w.paid(paymentOf("T-3"))
	want := []online.Stored{online.SavesCard, online.CardOnFile, online.AgreesRecurring, online.Recurring, online.NotStored}
	if len(said) != len(want) {
		t.Fatalf("%d requests", len(said))
	}
	for i, r := range said {
		if named := r.NetworkID != ""; r.Stored != want[i] || named != (i == 1 || i == 3) {
			t.Errorf("request %d: %v, %q", i, r.Stored, r.NetworkID)
		}
	}
}

// listening is a host that notes what it is asked.
type listening struct {
	online.Host
	heard *[]online.Request
}

// Exchange notes the request.
func (l *listening) Exchange(ctx context.Context, r online.Request) (online.Answer, error) {
	*l.heard = append(*l.heard, r)
	return l.Host.Exchange(ctx, r)
}

// A token counts for its merchant and its buyer only, and all that is not found is told alike.
func TestTokenOfOthers(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	token, foreign := w.kept(paymentOf("T-1"), "buyer-7"), w.kept(otherPayment("T-1"), "buyer-7")
	deleted := w.kept(paymentOf("T-2").with(params{"Cardnumber": "5555555555554444"}), "buyer-8")
	list, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-8")
	check(t, err)
	check(t, w.Credentials().Forget(t.Context(), settletest.Merchant, "buyer-8", list[0].ID))
	subscription := *w.subscription(w.paid(recurring("S-1"))).Credential
	s := w.subscription(w.paid(recurring("S-2")))
	var bodies []string
	for what, p := range map[string]params{
		"another buyer":        {"PaymentToken": tokenOf(token, "buyer-8")},
		"another merchant":     {"PaymentToken": tokenOf(foreign, "buyer-7")},
		"a deleted card":       {"PaymentToken": tokenOf(deleted, "buyer-8")},
		"nobody's":             {"PaymentToken": tokenOf("00000000-0000-4000-8000-000000000000", "buyer-7")},
		"that of subscription": {"PaymentToken": tokenOf(subscription.String(), fmt.Sprintf("subscription/%d", s.Order))},
	} {
		r := w.json(tokenPay, tokenPayment("T-9", token, "buyer-7").with(p))
		if first, second := w.codes(r.body); first != 10 || second != 203 {
			t.Errorf("%s: %s", what, r.body)
		}
		bodies = append(bodies, r.body)
	}
	for _, b := range bodies {
		if b != bodies[0] {
			t.Errorf("told apart: %s, %s", b, bodies[0])
		}
	}
	if _, err := w.Books.ByNumber(t.Context(), settletest.Merchant, "T-9"); err == nil {
		t.Error("an order was made")
	}
}

// What is wrong with a token is told before anything is looked up.
func TestTokenRefused(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	token := w.kept(paymentOf("T-1"), "buyer-7")
	for what, test := range map[string]struct {
		change        params
		first, second int
	}{
		"no token type":      {params{"TokenType": ""}, 15, 218},
		"a wallet":           {params{"TokenType": "2"}, 15, 218},
		"an unknown type":    {params{"TokenType": "9"}, 5, 111},
		"no token":           {params{"PaymentToken": ""}, 3, 106},
		"no JSON":            {params{"PaymentToken": token}, 4, 106},
		"another member":     {params{"PaymentToken": strings.Replace(tokenOf(token, "buyer-7"), "}", `,"x":1}`, 1)}, 4, 106},
		"a member twice":     {params{"PaymentToken": strings.Replace(tokenOf(token, "buyer-7"), "}", `,"Token":"`+token+`"}`, 1)}, 4, 106},
		"more behind it":     {params{"PaymentToken": tokenOf(token, "buyer-7") + "x"}, 4, 106},
		"no customer":        {params{"PaymentToken": tokenOf(token, "")}, 4, 106},
		"no UUID":            {params{"PaymentToken": tokenOf("x", "buyer-7")}, 4, 106},
		"no code":            {params{"Cvc2": "1"}, 4, 115},
		"no number":          {params{"OrderNumber": ""}, 3, 107},
		"two stages, single": {params{"Delay": "1", "OrderCurrency": "USD"}, 5, 109},
	} {
		r := w.call(tokenPay, tokenPayment("T-9", token, "buyer-7").with(test.change))
		w.wantCodes(what, r, test.first, test.second)
	}
	r := w.form(tokenPay+"?PaymentToken=x", tokenPayment("T-9", token, "buyer-7"))
	if first, second := w.codes(r.body); first != 14 || second != 106 {
		t.Errorf("in the URL: %s", r.body)
	}
	if strings.Contains(w.logs.String(), token) {
		t.Error("a token is in the log")
	}
}

// A merchant that keeps no cards gets no token.
func TestNothingIsKept(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.json(pay, paymentOf("T-1").with(params{"CustomerNumber": "buyer-7"}))
	if !strings.Contains(r.body, `"token":""`) || !strings.Contains(r.body, "AS000") {
		t.Errorf("%s", r.body)
	}
	w.keeps()
	w.json(pay, paymentOf("T-2").with(params{"CustomerNumber": "buyer-7", "Cardnumber": pcsim.CardInsufficientFunds}))
	if list, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7"); err != nil || len(list) != 0 {
		t.Errorf("%d cards, %v", len(list), err)
	}
}
