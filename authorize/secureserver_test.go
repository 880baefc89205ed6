package authorize_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"settled/internal/pcsim"
	"settled/settle/authentication"
)

const continueSecure = "/get3dsecver2/get3dsecver2.cfm"

// serverPayment is an answer of silentpay or get3dsecver2 in JSON.
type serverPayment struct {
	Response string            `json:"responsecode"`
	State    string            `json:"orderstate"`
	Bill     string            `json:"billnumber"`
	Secure   map[string]string `json:"threedsdata"`
}

func (w *world) serverPay(path string, p params) serverPayment {
	w.t.Helper()
	body := w.form(path, p.with(params{"Format": "5"})).body
	var out map[string]serverPayment
	if err := json.Unmarshal([]byte(body), &out); err != nil {
		w.t.Fatalf("%v in %s", err, body)
	}
	for _, answer := range out {
		if answer.Response == "" {
			w.t.Fatalf("refused: %s", body)
		}
		return answer
	}
	return serverPayment{}
}

// continued asks get3dsecver2 about a payment.
func (w *world) continued(p serverPayment) serverPayment {
	w.t.Helper()
	bill, _, _ := strings.Cut(p.Bill, ".")
	return w.serverPay(continueSecure, credentials().with(params{"Billnumber": bill}))
}

func TestServerPaysWithoutAPage(t *testing.T) {
	w, _ := newSecurePage(t)
	p := w.serverPay(pay, paymentOf("H-1").with(params{"Cardnumber": "5413339999003017"}))
	if p.Response != "AS000" || p.Secure["challenge"] != "F" || p.Secure["eci"] != "5" || p.Secure["alphaauthresult"] != "Y" {
		t.Fatalf("authenticated: %+v", p)
	}
	if p = w.serverPay(pay, paymentOf("H-2").with(params{"Cardnumber": pcsim.CardNotEnrolled})); p.Response != "AS000" {
		t.Fatalf("not enrolled: %+v", p)
	}
	p = w.serverPay(pay, paymentOf("H-3").with(params{"Cardnumber": pcsim.CardRejected}))
	if p.Response != "AS108" || p.State != "Declined" {
		t.Fatalf("rejected: %+v", p)
	}
	told := w.form(orderResult, credentials().with(params{"Ordernumber": "H-1", "Format": "3"})).body
	if !strings.Contains(told, "<authresult>Y</authresult><authrequired>1</authrequired>") {
		t.Fatalf("order result: %s", told)
	}
	w.serverPay(pay, paymentOf("H-D").with(params{"Cardnumber": pcsim.CardDecoupled}))
	told = w.form(orderResult, credentials().with(params{"Ordernumber": "H-D", "Format": "3"})).body
	if !strings.Contains(told, "<authresult>C</authresult>") {
		t.Fatalf("asked in another way: %s", told)
	}
	if again := w.serverPay(pay, paymentOf("H-3").with(params{"Cardnumber": pcsim.CardRejected})); again.Bill == p.Bill || again.Response != "AS108" {
		t.Fatalf("tried again after a refusal that was told: %+v", again)
	}
	if first, second := w.codes(w.form(pay, paymentOf("H-4").with(params{"ClientIP": "", "Format": "3"})).body); first != 3 || second != 116 {
		t.Fatalf("without ClientIP: %d/%d", first, second)
	}
}

func TestServerPaysWithAChallenge(t *testing.T) {
	w, _ := newSecurePage(t)
	request := paymentOf("H-5").with(params{"Cardnumber": pcsim.CardChallenge})
	p := w.serverPay(pay, request)
	if p.Response != "AS110" || p.State != "In Process" || p.Secure["challenge"] != "C" || p.Secure["challengeurl"] == "" {
		t.Fatalf("payment: %+v", p)
	}
	if again := w.serverPay(pay, request); again.Bill != p.Bill || again.Secure["challengerequest"] != p.Secure["challengerequest"] {
		t.Fatalf("repeat: %+v", again)
	}
	typedCode := formOf(t, w.visitBank(bankForm{p.Secure["challengeurl"], url.Values{"creq": {p.Secure["challengerequest"]}}}))
	typedCode.fields.Set("code", pcsim.ChallengeCode)
	if r := w.bringBack(formOf(t, w.visitBank(typedCode))); r.body != "OK\n" {
		t.Fatalf("back from the bank: %d %s", r.status, r.body)
	}
	if state := w.state("H-5"); state != "Approved" {
		t.Fatalf("order is %s", state)
	}
	if final := w.serverPay(pay, request); final.Response != "AS000" || final.Bill != p.Bill {
		t.Fatalf("repeat after the end: %+v", final)
	}
}

func TestServerPaysAfterTheMethod(t *testing.T) {
	w, _ := newSecurePage(t)
	p := w.serverPay(pay, paymentOf("H-6").with(params{"Cardnumber": pcsim.CardMethod}))
	if p.Response != "AS110" || p.Secure["threeDSMethodURL"] == "" || p.Secure["threeDSMethodData"] == "" || p.Secure["version"] != "2.0" {
		t.Fatalf("payment: %+v", p)
	}
	frame := bankForm{p.Secure["threeDSMethodURL"], url.Values{"threeDSMethodData": {p.Secure["threeDSMethodData"]}}}
	w.bringBack(formOf(t, w.visitBank(frame)))
	if p = w.continued(p); p.Response != "AS000" || p.Secure["challenge"] != "F" {
		t.Fatalf("continued: %+v", p)
	}
	p = w.serverPay(pay, paymentOf("H-7").with(params{"Cardnumber": pcsim.CardMethod}))
	if p = w.continued(p); p.Response != "AS110" || p.Secure["challenge"] != "C" {
		t.Fatalf("continued without the method: %+v", p)
	}
	p = w.serverPay(pay, paymentOf("H-8").with(params{"Cardnumber": pcsim.CardDecoupled}))
	if p.Response != "AS110" || p.Secure["challenge"] != "D" {
		t.Fatalf("asked by other ways: %+v", p)
	}
	w.Clock.Advance(authentication.Within / 3)
	if p = w.continued(p); p.Response != "AS000" {
		t.Fatalf("after the cardholder has answered: %+v", p)
	}
}

func TestSecureDataStandsInEveryFormat(t *testing.T) {
	w, _ := newSecurePage(t)
	request := paymentOf("H-9").with(params{"Cardnumber": pcsim.CardChallenge})
	for format, want := range map[string]string{"1": "challenge:C;", "3": "<threedsdata><version>2.0</version>", "4": "<challenge>C</challenge>"} {
		if body := w.form(pay, request.with(params{"Format": format})).body; !strings.Contains(body, want) {
			t.Errorf("format %s: no %q in %s", format, want, body)
		}
	}
	xmllint(t, w.form(pay, request.with(params{"Format": "3"})).body, "--valid")
}
