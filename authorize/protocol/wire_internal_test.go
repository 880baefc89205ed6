package protocol

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"testing/quick"
	"unicode/utf8"
)

func TestCheckValue(t *testing.T) {
	for text, want := range map[string]string{
		"123456;A-1;100.00;RUB":        "EBC5BF40F1F434D1B0CD29CBD1340E6C",
		"123456A-1100.00RUBApproved":   "13371E3E452ECBFB87212DBA17E0383D",
		"123456A-1100.00RUBIn Process": "564F2069D1B2BA6599E9E306DD52DB76",
	} {
		if got := checkValue("secret", text); got != want {
			t.Errorf("%s: %s", text, got)
		}
	}
}

func TestStrip(t *testing.T) {
	const all = `a< > " = ' / \ ( ) ; # + - . _ b`
	for kind, want := range map[strip]string{
		StripGeneral:     "a           + - . _ b",
		stripOrderNumber: `a=/\()#+-._b`,
		stripText:        `a  "  ' /  ( ) ; # + - . _ b`,
		StripCode:        `a<>"='();#b`,
	} {
		if got := string(kind.Apply([]byte(all))); got != want {
			t.Errorf("%d: %q, not %q", kind, got, want)
		}
	}
	if got := string(StripCode.Apply([]byte("oOОоé"))); got != "0000é" {
		t.Errorf("letters: %q", got)
	}
}

// Whatever an order holds, the answer is well-formed and gives the text back, in both formats.
func TestEncodersAreInverse(t *testing.T) {
	keep := func(text string) bool {
		text = string(stripText.Apply([]byte(strings.ToValidUTF8(text, "\uFFFD"))))
		a := single(Row{})
		a.Orders[0].Row[OutOrderComment] = text
		var x struct {
			Order struct {
				Comment string `xml:"ordercomment"`
			} `xml:"orders>order"`
		}
		var j struct {
			Root struct {
				Comment string `json:"ordercomment"`
			} `json:"silentpay"`
		}
		err := errors.Join(xml.Unmarshal(appendXML(nil, PaymentLayout, a), &x), json.Unmarshal(appendJSON(nil, PaymentLayout, a), &j))
		legal := strings.NewReplacer("\uFFFE", "\uFFFD", "\uFFFF", "\uFFFD").Replace(text)
		return err == nil && x.Order.Comment == legal && j.Root.Comment == text
	}
	for _, text := range []string{"]]>", "&amp;", "a&b\"'", "\u2028\uFFFE", "</ordercomment>", "Ёж 漢字 😀"} {
		if !keep(text) {
			t.Errorf("%q", text)
		}
	}
	if err := quick.Check(keep, nil); err != nil {
		t.Error(err)
	}
}

// BenchmarkWire reads a payment and writes its answer, in the three ways a request is written and in every format.
func BenchmarkWire(b *testing.B) {
	const form = "Merchant_ID=100001&Login=shop_login&Password=Secret2026Word&OrderNumber=A-1&OrderAmount=237.40&OrderCurrency=BYN&" +
		"Cardnumber=4111111111111111&Cardholder=TEST+CARD&Expiremonth=12&Expireyear=2028&Cvc2=123&Lastname=Ivanov&Email=ivan%40example.by"
	object := `{"` + strings.NewReplacer("=", `":"`, "&", `","`, "+", " ", "%40", "@").Replace(form) + `"}`
	var elements strings.Builder
	for pair := range strings.SplitSeq(strings.NewReplacer("+", " ", "%40", "@").Replace(form), "&") {
		name, value, _ := strings.Cut(pair, "=")
		elements.WriteString("<" + name + ">" + value + "</" + name + ">")
	}
	for _, c := range []struct {
		name, kind, body string
		format           Format
	}{
		{"FormCSV", "application/x-www-form-urlencoded", form, FormatCSV}, {"FormXML", "application/x-www-form-urlencoded", form, FormatXML},
		{"JSON", "application/json", object, FormatJSON}, {"SOAP", "text/xml", envelope(elements.String()), FormatSOAP},
	} {
		b.Run(c.name, func(b *testing.B) {
			a, k, out := single(Row{}), &Call{body: make([]byte, 0, 4<<10), syntax: syntaxes[c.kind]}, make([]byte, 0, 8<<10)
			b.ReportAllocs()
			for b.Loop() {
				k.body, k.values, k.received = append(k.body[:0], c.body...), [InCount][]byte{}, nil
				if err := k.syntax.parse(k); err != nil {
					b.Fatal(err)
				}
				out = encoders[c.format].write(out[:0], PaymentLayout, a)
			}
		})
	}
}

func requireKeys(t *testing.T, have map[string]any, want []string) {
	t.Helper()
	for _, name := range want {
		value, ok := have[name]
		_, number := value.(float64)
		if !ok || number != slices.Contains([]string{"amount", "orderamount", "rate", "testmode", "operationtype", "meantype_id"}, name) {
			t.Errorf("%s is %v", name, value)
		}
	}
}

// The internal DTD declares what the flat answer holds, in its order.
func TestDTD(t *testing.T) {
	for _, s := range []*Layout{PaymentLayout, ChargeLayout, CancelLayout} {
		a := single(Row{})
		a.Orders[0].Secure = &SecureData{SecureVersion: "2.0"}
		text := string(appendXML(nil, s, a))
		start, end := strings.Index(text, "<!DOCTYPE result ["), strings.Index(text, "]>")
		if start < 0 || end < start {
			t.Fatalf("no DTD in %s", text)
		}
		declared := text[start:end]
		model := declared[strings.Index(declared, "<!ELEMENT order (")+len("<!ELEMENT order ("):]
		model = strings.ReplaceAll(model[:strings.Index(model, ")")], "?", "")
		rest := text[end:]
		for _, name := range strings.Split(model, ", ") {
			i := strings.Index(rest, "<"+name+">")
			if i < 0 || name != "threedsdata" && !strings.Contains(declared, "<!ELEMENT "+name+" (#PCDATA)>") {
				t.Fatalf("%s is missing or out of order", name)
			}
			rest = rest[i:]
		}
	}
}

// No body makes the parser fail, and none is left behind.
func FuzzRead(f *testing.F) {
	f.Add("Merchant_ID=1&Login=a%20b&Cvc2=1-O&Format=5&OrderNumber=%zz&=&&x=", byte(0))
	f.Add(`{"Merchant_ID":1,"Login":"\u0041\ud83d\ude00","customer":{"a":[1]},"cvc2":"o1"}`, byte(1))
	f.Add(`{"Login":"\ud83d"}`, byte(1))
	f.Add("ListParameters=Gift&%47ift=%3Ca&ChequeItems=%7B%22items%22%3A%5B%5D%7D&CustomerNumber=0&URL_RETURN=%3Cx", byte(0))
	f.Add(`{"x":"y","ListParameters":"x","ChequeItems":{"items":[{"name":"<"}]}}`, byte(1))
	f.Add(envelope(`<merchant_id>1</merchant_id><n:LOGIN xmlns:n="x">a<![CDATA[b&]]>&#x41;</n:LOGIN><cvc2> 1-O </cvc2><other><x/></other>`), byte(2))
	f.Fuzz(func(t *testing.T, body string, kind byte) {
		r := httptest.NewRequest("POST", "/", strings.NewReader(body))
		r.Header.Set("Content-Type", []string{"application/x-www-form-urlencoded", "application/json", "text/xml"}[kind%3])
		c := &Call{Format: FormatXML}
		err := c.Read(r)
		for id, v := range c.values {
			if utf8.RuneCount(v) > params[id].max || !utf8.Valid(v) || params[id].strip != stripControl && strings.ContainsAny(string(v), "<>") {
				t.Errorf("%s is %q", params[id].name, v)
			}
		}
		if encoders[c.Format] == nil {
			t.Errorf("format %d", c.Format)
		}
		if err != nil {
			encoders[c.Format].write(nil, PaymentLayout, &Answer{Fault: faultIn(err)})
		}
		whole := c.body[:cap(c.body)]
		c.Release()
		for _, b := range whole {
			if b != 0 {
				t.Fatal("something is left in the buffer")
			}
		}
	})
}

// single answers with one order of one operation.
func single(r Row) *Answer { return &Answer{Orders: []Entry{{Row: r}}} }

// faultIn is the refusal that an error is; every error of the reading is one, and no error is an empty one.
func faultIn(err error) *Fault {
	f := &Fault{}
	errors.As(err, &f)
	return f
}

// Clients of the JSON answers need every one of these keys, and read these as numbers.
func TestJSONKeys(t *testing.T) {
	flat := strings.Fields(`ordernumber responsecode recommendation message customermessage ordercomment orderdate amount currency
		orderamount ordercurrency rate meantypename meansubtype meannumber cardholder cardexpirationdate issuebank bankcountry
		approvalcode protocoltypename processingname testmode orderstate operationtype billnumber slipno packetdate signature
		customer`)
	sections := strings.Fields(`billnumber ordernumber testmode ordercomment orderamount ordercurrency rate orderdate orderstate
		customer operations`)
	steps := strings.Fields(`billnumber operationtype operationstate amount currency ipaddress meantype_id meansubtype meannumber
		cardholder cardexpirationdate issuebank bankcountry responsecode message customermessage recommendation approvalcode
		protocoltypename processingname operationdate slipno`)
	for s, want := range map[*Layout][]string{PaymentLayout: flat, ChargeLayout: flat, CancelLayout: flat, WSCancelLayout: sections} {
		var got map[string]map[string]any
		if err := json.Unmarshal(appendJSON(nil, s, single(Row{})), &got); err != nil {
			t.Fatal(err)
		}
		fields := got[s.root]
		if s == WSCancelLayout {
			fields = fields["order"].(map[string]any)
			requireKeys(t, fields["operations"].([]any)[0].(map[string]any), steps)
		}
		requireKeys(t, fields, want)
	}
}
