package authorize_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"settled/authorize"
	"settled/internal/pcsim"
)

// requireAll is set where every program that tests use has to be there.
const requireAll = "SETTLED_REQUIRE_ALL"

// lacking skips the test, or fails it where nothing may be missing.
func lacking(t *testing.T, what string) {
	t.Helper()
	if os.Getenv(requireAll) == "1" {
		t.Fatalf("%s is missing", what)
	}
	t.Skipf("%s is missing", what)
}

// described are all services.
var described = authorize.ServicesForTest()

// wsdl is a service description, as far as names refer to names.
type wsdl struct {
	Schema struct {
		Inner    string `xml:",innerxml"`
		Elements []struct {
			Name string `xml:"name,attr"`
		} `xml:"element"`
	} `xml:"types>schema"`
	Messages []struct {
		Name  string `xml:"name,attr"`
		Parts []struct {
			Element string `xml:"element,attr"`
			Type    string `xml:"type,attr"`
		} `xml:"part"`
	} `xml:"message"`
	PortType struct {
		Name   string `xml:"name,attr"`
		Input  Named  `xml:"operation>input"`
		Output Named  `xml:"operation>output"`
	} `xml:"portType"`
	Binding struct {
		Name      string `xml:"name,attr"`
		Type      string `xml:"type,attr"`
		Operation struct {
			Name string `xml:"name,attr"`
		} `xml:"operation"`
	} `xml:"binding"`
	Port struct {
		Binding string `xml:"binding,attr"`
		Address struct {
			Location string `xml:"location,attr"`
		} `xml:"address"`
	} `xml:"service>port"`
}

type Named struct {
	Message string `xml:"message,attr"`
}

// Every service has a description whose names find each other and whose address is the service's.
func TestDescriptions(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for path, service := range described {
		r := w.get(strings.TrimSuffix(path, "cfm") + "wsdl")
		var d wsdl
		if err := xml.Unmarshal([]byte(r.body), &d); err != nil || r.status != http.StatusOK || !strings.HasPrefix(r.header.Get("Content-Type"), "text/xml") {
			t.Fatalf("%s: %v %d %v", path, err, r.status, r.header)
		}
		local := func(name string) string { return name[strings.Index(name, ":")+1:] }
		switch {
		case d.Port.Address.Location != w.server.URL+path, local(d.Port.Binding) != d.Binding.Name, local(d.Binding.Type) != d.PortType.Name,
			d.Binding.Operation.Name != service.Operation, len(d.Messages) != 2, local(d.PortType.Input.Message) != d.Messages[0].Name,
			local(d.PortType.Output.Message) != d.Messages[1].Name:
			t.Errorf("%s: %+v", path, d)
		}
		for i, e := range d.Schema.Elements {
			if local(d.Messages[i].Parts[0].Element) != e.Name {
				t.Errorf("%s: message %d is %+v, not %s", path, i, d.Messages[i], e.Name)
			}
		}
	}
	if r := w.get("/charge/charge.cfm"); r.status != http.StatusMethodNotAllowed {
		t.Errorf("GET of a service: %d", r.status)
	}
	if r := w.post("/charge/charge.wsdl", "text/xml", ""); r.status != http.StatusMethodNotAllowed {
		t.Errorf("POST of a description: %d", r.status)
	}
	w.options.PublicURL, w.options.Registerer = "https://pay.example.by/a&b/", nil
	w.open()
	if r := w.get("/charge/charge.wsdl"); !strings.Contains(r.body, `location="https://pay.example.by/a&amp;b/charge/charge.cfm"`) {
		t.Errorf("configured address: %s", r.body)
	}
}

func (w *world) get(path string) reply {
	w.t.Helper()
	request, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.server.URL+path, nil)
	check(w.t, err)
	return w.do(request)
}

// xmllint runs the checker of libxml over a text.
func xmllint(t *testing.T, text string, args ...string) {
	t.Helper()
	program, err := exec.LookPath("xmllint")
	if err != nil {
		lacking(t, "xmllint (Debian: libxml2-utils)")
	}
	c := exec.CommandContext(t.Context(), program, append(args, "--noout", "--nonet", "-")...)
	c.Stdin = strings.NewReader(text)
	if out, err := c.CombinedOutput(); err != nil {
		t.Errorf("xmllint %v: %v\n%s\n%s", args, err, out, text)
	}
}

// XML answers are well-formed, and those with an internal DTD are valid by it, errors included.
func TestXMLIsValid(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	for path, p := range w.examples() {
		for _, p := range []params{p, p.with(params{"Password": ""}), credentials()} {
			w.turn(path)
			body, args := w.form(path, p.with(params{"Format": "3"})).body, []string{}
			if strings.Contains(body, "<!DOCTYPE") {
				args = append(args, "--valid")
			} else if path == pay || path == charge || path == cancel {
				t.Errorf("%s has no DTD", path)
			}
			xmllint(t, body, args...)
		}
	}
}

// wantDocuments checks what tools of Java and .NET demand of a description (WS-I Basic Profile): literal documents, each message one
// part that is an element of the schema, and no request that another operation has, too.
func wantDocuments(t *testing.T, path, text string) {
	t.Helper()
	var d wsdl
	check(t, xml.Unmarshal([]byte(text), &d))
	seen := map[string]bool{}
	for i, m := range d.Messages {
		if len(m.Parts) != 1 || m.Parts[0].Element != "tns:"+d.Schema.Elements[i].Name || m.Parts[0].Type != "" || seen[m.Parts[0].Element] {
			t.Errorf("%s: message %+v", path, m)
		}
		seen[m.Parts[0].Element] = true
	}
	for _, no := range []string{`style="rpc"`, `use="encoded"`, "encodingStyle"} {
		if strings.Contains(text, no) {
			t.Errorf("%s: the description has %s", path, no)
		}
	}
	if strings.Count(text, `use="literal"`) != 2 || strings.Count(text, `style="document"`) != 1 || len(d.Messages) != 2 || len(d.Schema.Elements) != 2 {
		t.Errorf("%s: %s", path, text)
	}
}

// Requests and answers in the document style are valid by the schemas of their descriptions.
func TestSOAPFollowsItsSchemas(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	asked := w.examples()
	for path, service := range described {
		request := service.Request
		if service.RPC {
			request += "RequestParams"
		}
		text := w.get(path + "?wsdl").body
		wantDocuments(t, path, text)
		w.turn(path)
		from, to := strings.Index(text, "<xsd:schema"), strings.Index(text, "</types>")
		schema := strings.Replace(text[from:to], "<xsd:schema ", `<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema" `, 1)
		name := filepath.Join(t.TempDir(), "schema.xsd")
		check(t, os.WriteFile(name, []byte(schema), 0o600))
		for _, envelope := range []string{envelope(request, asked[path]), w.post(path, "text/xml; charset=utf-8", envelope(request, asked[path])).body} {
			from, to = strings.Index(envelope, "<soapenv:Body>"), strings.Index(envelope, "</soapenv:Body>")
			body := strings.Replace(envelope[from+len("<soapenv:Body>"):to], ">", ` xmlns:ws="http://www.paysecure.ru/ws/">`, 1)
			xmllint(t, body, "--schema", name)
		}
	}
}

func writeElements(b *bytes.Buffer, p params) {
	for name, value := range p {
		name = strings.ToLower(name)
		b.WriteString("<" + name + ">")
		_ = xml.EscapeText(b, []byte(value))
		b.WriteString("</" + name + ">")
	}
}

// envelope wraps parameters, in lower case.
func envelope(request string, p params) string {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?><soapenv:Envelope xmlns:soapenv="http://schemas.xmlsoap.org/soap/envelope/" ` +
		`xmlns:ws="http://www.paysecure.ru/ws/"><soapenv:Header/><soapenv:Body><ws:` + request + `>`)
	writeElements(&b, p)
	b.WriteString(`</ws:` + request + `></soapenv:Body></soapenv:Envelope>`)
	return b.String()
}

// soap posts an envelope.
func (w *world) soap(path string, p params) reply {
	w.t.Helper()
	return w.post(path, "text/xml; charset=utf-8", envelope(described[path].Request, p))
}

// remote is a call that the generic SOAP client makes, and what came of it.
type remote struct {
	path      string
	WSDL      string `json:"wsdl"`
	Operation string `json:"operation"`
	Args      params `json:"args"`
}

type heard struct {
	Answer map[string]any
	Fault  map[string]any
}

// at finds a value by the names that lead to it; of several elements of a name, the last one counts.
func (h heard) at(path string) any {
	var v any = h.Answer
	for name := range strings.SplitSeq(path, "/") {
		if many, ok := v.([]any); ok && len(many) > 0 {
			v = many[len(many)-1]
		}
		m, _ := v.(map[string]any)
		if v = m[name]; v == nil {
			return nil
		}
		if typed, ok := v.(map[string]any); ok && typed["$value"] != nil {
			v = typed["$value"]
		}
	}
	return v
}

// A generic SOAP client that knows only the descriptions pays, confirms, asks, cancels, and sees a fault.
func TestGenericClient(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	bill := w.paid(paymentOf("A-1").with(params{"Delay": "1"}))
	low := func(p params) params {
		out := params{}
		for name, value := range p {
			out[strings.ToLower(name)] = value
		}
		return out
	}
	who := low(credentials())
	calls := []remote{
		{path: pay, Args: low(paymentOf("A-2"))},
		{path: charge, Args: who.with(params{"billnumber": bill, "amount": "100.00", "currency": "BYN", "language": "EN"})},
		{path: orderState, Args: who.with(params{"ordernumber": "A-1"})},
		{path: cancel, Args: who.with(params{"billnumber": bill, "amount": "40.00", "currency": "BYN"})},
		{path: wsCancel, Args: who.with(params{"billnumber": bill})},
		{path: orderResult, Args: who.with(params{"ordernumber": "A-1"})},
		{path: charge, Args: who.with(params{"billnumber": bill, "password": "Wrong2026Word"})},
		{path: orderState, Args: who.with(params{"ordernumber": "nothing & nobody"})},
	}
	calls = append(calls, remote{path: charge, WSDL: "?wsdl", Operation: "charge", Args: who.with(params{"billnumber": bill, "amount": "100.00", "currency": "BYN"})},
		remote{path: charge, WSDL: "?wsdl", Operation: "charge", Args: who.with(params{"billnumber": bill, "password": "Wrong2026Word"})})
	told := w.callWithNode(calls)
	if got := told[8].at("return/billnumber"); got != bill+".2" {
		t.Errorf("a confirmation as a document: %v", told[8])
	}
	for i, want := range []map[string]any{
		{"return/responsecode": "AS000", "return/ordernumber": "A-2", "return/ordercomment": "Order & more"},
		{"return/responsecode": "AS000", "return/amount": "100.00", "return/billnumber": bill + ".2", "return/orderstate": "PartialDelayed"},
		{"orderstate/order/orderstate": "PartialDelayed", "orderstate/order/billnumber": bill},
		{"return/responsecode": "AS000", "return/amount": "40.00", "return/operationtype": "300"},
		{"order/orderstate": "Canceled", "order/operation/amount": "197.40", "order/operation/billnumber": bill + ".4"},
		{"orderresult/order/orderstate": "Canceled", "orderresult/order/operation/billnumber": bill + ".4"},
	} {
		for path, value := range want {
			if got := told[i].at(path); got != value {
				t.Errorf("%s: %s is %v, not %v: %v", calls[i].path, path, got, value, told[i])
			}
		}
	}
	for i, want := range map[int][2]string{6: {"7", "102"}, 7: {"10", "201"}, 9: {"7", "102"}} {
		if f := told[i].Fault; f["faultcode"] != want[0] || f["faultstring"] != want[1] {
			t.Errorf("fault %d: %v", i, told[i])
		}
	}
	if n := len(w.order(100001, bill).Operations); n != 4 {
		t.Errorf("%d operations", n)
	}
}

// callWithNode makes calls with the client in testdata.
func (w *world) callWithNode(calls []remote) []heard {
	t := w.t.(*testing.T)
	t.Helper()
	node, err := exec.LookPath("node")
	if err != nil {
		lacking(t, "node (Debian: nodejs)")
	}
	if _, err := os.Stat("testdata/soapclient/node_modules/soap"); err != nil {
		lacking(t, "npm's soap (run npm ci in authorize/testdata/soapclient)")
	}
	for i := range calls {
		if calls[i].WSDL != "" { // the description in the document style
			calls[i].WSDL = w.server.URL + calls[i].path + calls[i].WSDL
			continue
		}
		calls[i].WSDL, calls[i].Operation = w.server.URL+strings.TrimSuffix(calls[i].path, "cfm")+"wsdl", described[calls[i].path].Operation
	}
	input, err := json.Marshal(calls)
	check(t, err)
	c := exec.CommandContext(t.Context(), node, "client.mjs")
	c.Dir, c.Stdin = "testdata/soapclient", bytes.NewReader(input)
	var complaint bytes.Buffer
	c.Stderr = &complaint
	out, err := c.Output()
	if err != nil {
		t.Fatalf("client: %v: %s", err, complaint.String())
	}
	var told []heard
	check(t, json.Unmarshal(out, &told))
	if len(told) != len(calls) {
		t.Fatalf("%d answers: %s", len(told), out)
	}
	return told
}
