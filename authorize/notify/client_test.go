package notify

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

const (
	taken   = `<?xml version="1.0" encoding="UTF-8"?><pushpaymentresult firstcode="0" secondcode="0"><order><billnumber>500000000000001</billnumber><packetdate>Sun, 22 Nov 2026 01:02:03 GMT</packetdate></order></pushpaymentresult>`
	wrapped = `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Header><x/></s:Header><s:Body>%</s:Body></s:Envelope>`
)

func soap(body string) string { return strings.Replace(wrapped, "%", body, 1) }

// answers of servers and what they lead to. A column is the kind of answer that the settings expect.
var answers = []struct {
	name    string
	soap    bool
	status  int
	body    string
	outcome Outcome
	codes   string
}{
	{"taken", false, 200, taken, Delivered, "0/0"},
	{"taken, by the codes alone", false, 200, `<pushpaymentresult firstcode="0" secondcode="0"/>`, Delivered, "0/0"},
	{"taken, after a byte order mark and blanks", false, 200, "\xEF\xBB\xBF\r\n " + taken, Delivered, "0/0"},
	{"taken, in windows-1251", false, 200, "<?xml version=\"1.0\" encoding=\"windows-1251\"?><pushpaymentresult firstcode=\"0\" secondcode=\"0\"><order><billnumber>1</billnumber><packetdate>\xC2\xF1</packetdate></order></pushpaymentresult>", Delivered, "0/0"},
	{"taken, in Latin-1", false, 200, "<?xml version='1.0' encoding='ISO-8859-1'?>" + `<pushpaymentresult firstcode="0" secondcode="0"><order><packetdate>` + "\xE9</packetdate></order></pushpaymentresult>", Delivered, "0/0"},
	{"taken, in utf8 without a hyphen", false, 200, `<?xml version="1.0" encoding="utf8"?>` + taken[strings.Index(taken, "<p"):], Delivered, "0/0"},
	{"taken, in ASCII", false, 200, `<?xml version="1.0" encoding="us-ascii"?>` + taken[strings.Index(taken, "<p"):], Delivered, "0/0"},
	{"taken, in no charset that it says", false, 200, `<pushpaymentresult firstcode="0" secondcode="0">` + "\xC2\xF1\xE5</pushpaymentresult>", Delivered, "0/0"},
	{"taken, with other letters and attributes", false, 201, `<PushPaymentResult FirstCode=" 0" SecondCode="0 " count="1"><order/></PushPaymentResult>`, Delivered, "0/0"},
	{"refused", false, 200, `<pushpaymentresult firstcode="5" secondcode="107"/>`, Refused, "5/107"},
	{"refused, not self-closed", false, 200, `<pushpaymentresult firstcode="0" secondcode="1"></pushpaymentresult>`, Refused, "0/1"},
	{"refused with an error status", false, 500, `<pushpaymentresult firstcode="5" secondcode="107"/>`, Silent, ""},
	{"not found", false, 404, taken, Silent, ""},
	{"redirected", false, 302, taken, Silent, ""},
	{"empty", false, 200, "", Silent, ""},
	{"a page", false, 200, "<!DOCTYPE html><html><body>Hello</body></html>", Silent, ""},
	{"OK", false, 200, "OK", Silent, ""},
	{"another document", false, 200, "<result firstcode=\"0\" secondcode=\"0\"/>", Silent, ""},
	{"no codes", false, 200, "<pushpaymentresult/>", Silent, ""},
	{"one code", false, 200, `<pushpaymentresult firstcode="0"/>`, Silent, ""},
	{"codes in words", false, 200, `<pushpaymentresult firstcode="zero" secondcode="zero"/>`, Silent, ""},
	{"codes without end", false, 200, `<pushpaymentresult firstcode="` + strings.Repeat("0", 60) + `" secondcode="0"/>`, Silent, ""},
	{"cut off", false, 200, taken[:len(taken)-8], Silent, ""},
	{"a document type", false, 200, `<!DOCTYPE p [<!ENTITY a "0">]>` + `<pushpaymentresult firstcode="&a;" secondcode="0"/>`, Silent, ""},
	{"an external entity", false, 200, `<!DOCTYPE p SYSTEM "file:///etc/passwd"><pushpaymentresult firstcode="0" secondcode="0"/>`, Silent, ""},
	{"an entity of nowhere", false, 200, `<pushpaymentresult firstcode="0" secondcode="0">&boom;</pushpaymentresult>`, Silent, ""},
	{"an instruction", false, 200, `<?php echo 1 ?>` + taken, Silent, ""},
	{"another charset", false, 200, `<?xml version="1.0" encoding="utf-7"?><pushpaymentresult firstcode="0" secondcode="0"/>`, Silent, ""},
	{"very deep", false, 200, strings.Repeat("<pushpaymentresult>", 3000), Silent, ""},
	{"too long", false, 200, taken + strings.Repeat(" ", maxAnswer), Silent, ""},
	{"as long as may be", false, 200, taken + strings.Repeat(" ", maxAnswer-len(taken)), Delivered, "0/0"},

	{"SOAP: taken", true, 200, soap(`<PushPaymentResultResponse xmlns="http://www.paysecure.ru/ws/"/>`), Delivered, "/"},
	{"SOAP: taken with a value", true, 202, soap(`<ws:PushPaymentResultResponse xmlns:ws="http://www.paysecure.ru/ws/"><return>0</return></ws:PushPaymentResultResponse>`), Delivered, "/"},
	{"SOAP: taken with an empty body", true, 200, soap(""), Delivered, "/"},
	{"SOAP: refused", true, 200, soap(`<s:Fault><faultcode>7</faultcode><faultstring> 102 </faultstring><detail><x>1</x></detail></s:Fault>`), Refused, "7/102"},
	{"SOAP: refused with 500", true, 500, soap(`<s:Fault><faultcode>7</faultcode><faultstring>102</faultstring><detail/></s:Fault>`), Refused, "7/102"},
	{"SOAP: broken", true, 500, soap(`<s:Fault><faultcode>s:Server</faultcode><faultstring>out of memory</faultstring></s:Fault>`), Silent, ""},
	{"SOAP: error without a fault", true, 500, soap(`<a/>`), Silent, ""},
	{"SOAP: not allowed", true, 403, soap(`<a/>`), Silent, ""},
	{"SOAP: the answer to a form", true, 200, taken, Silent, ""},
	{"SOAP: no body", true, 200, `<s:Envelope xmlns:s="a"><s:Header/></s:Envelope>`, Silent, ""},
	{"SOAP: cut off", true, 200, strings.TrimSuffix(soap(`<a/>`), "</s:Envelope>"), Silent, ""},
	{"SOAP: fault cut off", true, 200, `<s:Envelope xmlns:s="a"><s:Body><s:Fault><faultcode>7</faultcode>`, Silent, ""},
	{"SOAP: empty", true, 200, "", Silent, ""},
}

func TestAnswers(t *testing.T) {
	for _, tt := range answers {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if tt.status == 302 {
					w.Header().Set("Location", "/elsewhere")
				}
				if r.URL.Path == "/elsewhere" {
					t.Error("followed a redirect")
				}
				w.WriteHeader(tt.status)
				_, _ = io.WriteString(w, tt.body)
			}))
			defer server.Close()
			a := New(Options{}).Send(t.Context(), Address{URL: server.URL, SOAP: tt.soap, AllowPrivate: true}, Message{Body: []byte("a=b")})
			if a.Outcome != tt.outcome || a.Outcome != Silent && a.First+"/"+a.Second != tt.codes {
				t.Errorf("%+v, want %v %s", a, tt.outcome, tt.codes)
			}
			if (a.Err != nil) != (a.Outcome == Silent) {
				t.Errorf("outcome %v with error %v", a.Outcome, a.Err)
			}
			if a.Err != nil && strings.Contains(a.Err.Error(), server.URL) {
				t.Errorf("the error tells the address: %v", a.Err)
			}
		})
	}
}

// The header says what the charset is of a document that does not.
func TestCharsetOfTheHeader(t *testing.T) {
	const text = `<pushpaymentresult firstcode="0" secondcode="0">` + "\xC2\xF1\xE5</pushpaymentresult>"
	for kind, want := range map[string]Outcome{"text/xml; charset=windows-1251": Delivered, "text/xml; charset=utf-7": Silent} {
		if a, _ := read(Address{}, 200, kind, strings.NewReader(text)); a.Outcome != want {
			t.Errorf("%s: %+v", kind, a)
		}
	}
}

func TestPlainAnswer(t *testing.T) {
	for status, want := range map[int]Outcome{200: Delivered, 204: Silent, 201: Silent, 301: Silent, 404: Silent, 500: Silent} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status) }))
		if a := New(Options{}).Send(t.Context(), Address{URL: server.URL, PlainAnswer: true, AllowPrivate: true}, Message{}); a.Outcome != want {
			t.Errorf("status %d: %+v", status, a)
		}
		server.Close()
	}
}

func TestRequest(t *testing.T) {
	var method, kind, action, body string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, _ := io.ReadAll(r.Body)
		method, kind, action, body = r.Method, r.Header.Get("Content-Type"), r.Header.Get("SOAPAction"), string(text)
	}))
	defer server.Close()
	to := Address{URL: server.URL + "/notify?shop=1", AllowPrivate: true, PlainAnswer: true}
	New(Options{}).Send(t.Context(), to, Message{Body: Form([]Field{{"ordernumber", "A & b"}, {"empty", ""}, {"lastname", "Ю+"}})})
	if method != "POST" || kind != "application/x-www-form-urlencoded; charset=utf-8" || action != "" || body != "ordernumber=A+%26+b&empty=&lastname=%D0%AE%2B" {
		t.Errorf("%s %s %q %s", method, kind, action, body)
	}
	to.SOAP = true
	New(Options{}).Send(t.Context(), to, Message{Body: Envelope([]Field{{"ordernumber", "A<&>\x01Ю"}}, []Field{{"amount", "1.00"}}, []Field{{"checkvalue", "F"}})})
	const want = `<?xml version="1.0" encoding="UTF-8"?>` + "\n" + `<soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" xmlns:ws="http://www.paysecure.ru/ws/"><soapenv:Header/>` +
		"<soapenv:Body><ws:PushPaymentResult><order><ordernumber>A&lt;&amp;&gt;\uFFFDЮ</ordernumber><operation><amount>1.00</amount></operation><checkvalue>F</checkvalue></order></ws:PushPaymentResult></soapenv:Body></soapenv:Envelope>"
	if kind != "text/xml; charset=utf-8" || action != `"http://www.paysecure.ru/ws/PushPaymentResult"` || body != want {
		t.Errorf("%s %q %s", kind, action, body)
	}
}

func TestServerWithoutAnswer(t *testing.T) {
	release := make(chan struct{})
	slow := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(200)
		w.(http.Flusher).Flush()
		<-release
	}))
	defer slow.Close()
	defer close(release)
	cut := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		connection, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			connection.Close()
		}
	}))
	defer cut.Close()
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, url := range map[string]string{"slow": slow.URL, "cut": cut.URL, "gone": gone.URL} {
		if a := New(Options{Timeout: 200 * time.Millisecond}).Send(t.Context(), Address{URL: url, AllowPrivate: true}, Message{}); a.Outcome != Silent || a.Err == nil {
			t.Errorf("%s: %+v", name, a)
		}
	}
}

// TestCertificates: a server must prove who it is, also in a private network, and speak a version that is not broken.
func TestCertificates(t *testing.T) {
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, taken) }))
	defer server.Close()
	old := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, taken) }))
	old.TLS = &tls.Config{MaxVersion: tls.VersionTLS11, MinVersion: tls.VersionTLS10}
	old.StartTLS()
	defer old.Close()
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	roots.AddCert(old.Certificate())
	unknown := x509.UnknownAuthorityError{}
	if a := New(Options{}).Send(t.Context(), Address{URL: server.URL, AllowPrivate: true}, Message{}); !errors.As(a.Err, &unknown) {
		t.Errorf("a certificate of nobody: %+v", a)
	}
	if a := New(Options{Roots: roots}).Send(t.Context(), Address{URL: server.URL, AllowPrivate: true}, Message{}); a.Outcome != Delivered {
		t.Errorf("a good certificate: %+v", a)
	}
	if a := New(Options{Roots: roots}).Send(t.Context(), Address{URL: old.URL, AllowPrivate: true}, Message{}); a.Outcome != Silent {
		t.Errorf("TLS 1.1: %+v", a)
	}
}

// TestNoProxy sets a proxy in the environment, which would connect wherever it is asked to.
func TestNoProxy(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	shop := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	defer shop.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	names := &dns{answers: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	url := strings.Replace(shop.URL, "127.0.0.1", "shop.example", 1)
	a := New(Options{Resolver: names.start(t)}).Send(t.Context(), Address{URL: url, PlainAnswer: true, AllowPrivate: true}, Message{})
	if a.Outcome != Delivered {
		t.Errorf("%+v", a)
	}
}

func FuzzAnswer(f *testing.F) {
	for _, a := range answers {
		f.Add(a.soap, []byte(a.body))
	}
	f.Fuzz(func(t *testing.T, soap bool, body []byte) {
		a, err := read(Address{SOAP: soap}, 200, "text/xml", strings.NewReader(string(body)))
		if err == nil && a.Outcome == Silent || err != nil && a.Outcome != Silent {
			t.Errorf("%+v, %v", a, err)
		}
		if len(a.First) > maxCode || len(a.Second) > maxCode {
			t.Errorf("long codes: %+v", a)
		}
	})
}
