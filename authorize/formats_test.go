package authorize_test

import (
	"bytes"
	"fmt"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/internal/pcsim"
)

// examples makes an order and returns a request of it for every service. A request can be made again: its answer is
// told from the books.
func (w *world) examples() map[string]params {
	w.t.Helper()
	bill := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	w.call(charge, credentials().with(params{"Billnumber": bill, "ExternalConfirmId": "example-02"}).with(ask("100.00")))
	w.call(cancel, credentials().with(params{"Billnumber": bill, "Externalrefundid": "example-03"}).with(ask("40.00")))
	w.call(wsCancel, credentials().with(params{"Billnumber": bill, "Externalrefundid": "example-01"}).with(ask("30.00")))
	w.keeps()
	token := w.kept(paymentOf("A-3"), "buyer-7")
	first := w.paid(recurring("A-4"))
	w.elapse(first)
	asked := map[string]params{
		tokenPay:    tokenPayment("A-5", token, "buyer-7"),
		rp:          next(first, "A-6"),
		pay:         paymentOf("A-2"),
		charge:      credentials().with(params{"Billnumber": bill, "ExternalConfirmId": "example-02"}).with(ask("100.00")),
		cancel:      credentials().with(params{"Billnumber": bill, "Externalrefundid": "example-03"}).with(ask("40.00")),
		wsCancel:    credentials().with(params{"Billnumber": bill, "Externalrefundid": "example-01"}).with(ask("30.00")),
		orderState:  credentials().with(params{"Ordernumber": "A-1"}),
		orderResult: credentials().with(params{"Ordernumber": "A-1"}),
		byDate:      credentials().with(params{"TestMode": "0"}),

		continueSecure: credentials().with(params{"Billnumber": bill}),
	}
	for path := range described {
		if asked[path] == nil {
			w.t.Errorf("there is no example of %s", path)
		}
	}
	return asked
}

// turn lets the time pass that a merchant has to wait between two requests of a service.
func (w *world) turn(path string) {
	if path == byDate {
		w.Clock.Advance(11 * time.Minute)
	}
}

// formats by their number, with what the type of an answer begins with.
var formats = map[string]string{"1": "text/plain", "3": "text/xml", "4": "text/xml", "5": "application/json"}

// Every service answers in every format and language as the files in testdata/answers say; -update writes them. Texts
// differ by language, everything else does not.
func TestAnswers(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked := w.examples()
	for _, service := range slices.Sorted(maps.Keys(asked)) {
		var b bytes.Buffer
		p := asked[service]
		for _, format := range slices.Sorted(maps.Keys(formats)) {
			for _, language := range []string{"EN", "RU"} {
				w.turn(service)
				r := w.form(service, p.with(params{"Format": format, "Language": language}))
				if r.status != 200 || !strings.HasPrefix(r.header.Get("Content-Type"), formats[format]+"; charset=utf-8") {
					t.Errorf("%s in format %s: %d %v", service, format, r.status, r.header)
				}
				fmt.Fprintf(&b, "== Format %s, %s\n%s\n", format, language, strings.TrimSpace(r.body))
			}
			fmt.Fprintf(&b, "== Format %s, refused\n%s\n", format,
				strings.TrimSpace(w.form(service, p.with(params{"Format": format, "Password": ""})).body))
		}
		compareGolden(t, "testdata/answers/"+strings.TrimSuffix(path.Base(service), ".cfm")+".txt", anyToken.ReplaceAllString(b.String(), writtenToken))
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	if *update {
		check(t, os.WriteFile(name, []byte(got), 0o644))
	}
	want, err := os.ReadFile(name)
	check(t, err)
	if diff := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s: %s", name, diff)
	}
}

// What a form gets that does not say what it wants.
func TestDefaults(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked := w.examples()
	const russian, english = "Операция выполнена успешно", "Completed successfully"
	defaults := map[string]struct{ begins, says string }{
		pay:         {"ordernumber:A-2;", english}, // the merchant's language
		charge:      {"ordernumber:A-1;", russian},
		rp:          {"ordernumber:A-6;", english},
		tokenPay:    {"<?xml version='1.0' encoding='utf-8'?>\n<soapenv:Envelope ", english},
		cancel:      {"<?xml version='1.0' encoding='utf-8'?>\n<SOAP-ENV:Envelope ", russian},
		wsCancel:    {"<?xml version='1.0' encoding='utf-8'?>\n<soapenv:Envelope ", russian},
		orderState:  {"<?xml version='1.0' encoding='utf-8'?>\n<soapenv:Envelope ", ""},
		orderResult: {"<?xml version='1.0' encoding='utf-8' standalone='yes'?>\n<result ", english},
		byDate:      {"billnumber:51", english},

		continueSecure: {"ordernumber:A-1;", english},
	}
	for path := range described {
		p, want := asked[path], defaults[path]
		if want.begins == "" {
			t.Errorf("what %s does by default is not said", path)
		}
		if r := w.form(path, p); !strings.HasPrefix(r.body, want.begins) || !strings.Contains(r.body, want.says) {
			t.Errorf("%s: %s", path, r.body)
		}
		refused := w.form(path, p.with(params{"Format": "2"})).body
		if first, second := w.codes(refused); first != 5 || second != 103 || strings.Contains(refused, "Envelope") != strings.Contains(want.begins, "Envelope") {
			t.Errorf("%s with an unknown format: %s", path, refused)
		}
	}
}

// A request in SOAP or JSON is answered in kind, whatever Format says, and SOAP in the envelope's version.
func TestAnswersInKind(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for path, p := range w.examples() {
		for _, p := range []params{p, p.with(params{"Password": ""})} {
			for _, format := range []string{"", "1", "3", "5", "9"} {
				p := p.with(params{"Format": format})
				soap := w.soap(path, p).body
				w.turn(path)
				json := w.json(path, p).body
				w.turn(path)
				if strings.Count(soap, "http://schemas.xmlsoap.org/soap/envelope/") != 1 || !strings.HasPrefix(json, "{") {
					t.Errorf("%s with Format=%s: %s %s", path, format, soap, json)
				}
			}
			text := strings.ReplaceAll(envelope(described[path].Request, p), "http://schemas.xmlsoap.org/soap/envelope/", "http://www.w3.org/2003/05/soap-envelope")
			r := w.post(path, `application/soap+xml; charset=utf-8; action="x"`, text)
			if r.header.Get("Content-Type") != "application/soap+xml; charset=utf-8" || strings.Count(r.body, "http://www.w3.org/2003/05/soap-envelope") != 1 {
				t.Errorf("%s in SOAP 1.2: %v %s", path, r.header, r.body)
			}
			xmllint(t, r.body)
			first, _ := w.codes(r.body)
			if refused := p["Password"] == ""; refused != (first == 3) || refused != strings.Contains(r.body, ":Code>") {
				t.Errorf("%s in SOAP 1.2: %s", path, r.body)
			}
		}
	}
}

// What a service does not have is skipped in every way a request is written, even where it would be wrong elsewhere.
func TestForeignParametersAreSkipped(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	p := credentials().with(params{"OrderNumber": "A-1", "Amount": strings.Repeat("9", 50), "Cvc2": "not a code"})
	for _, r := range []reply{w.form(orderState, p), w.json(orderState, p), w.soap(orderState, p)} {
		if first, second := w.codes(r.body); r.status != 200 || first != 0 || second != 0 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
}
