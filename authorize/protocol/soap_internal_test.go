package protocol

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"unicode"
)

// envelope wraps parameters as clients of the sectioned services do.
func envelope(params string) string {
	return `<soapenv:Envelope xmlns:soapenv="` + soapNS + `" xmlns:ws="` + wsNS + `"><soapenv:Header/><soapenv:Body><ws:WSCancelRequestParams>` +
		params + `</ws:WSCancelRequestParams></soapenv:Body></soapenv:Envelope>`
}

func readSOAP(body string) (*Call, error) {
	c := &Call{body: []byte(body), syntax: syntaxes["text/xml"], Format: FormatSOAP}
	return c, c.parseSOAP()
}

// What clients write in different ways is read alike.
func TestSOAPRequests(t *testing.T) {
	const params = `<merchant_id>100001</merchant_id><billnumber>5100001000000001</billnumber><amount>10.00</amount>`
	for name, text := range map[string]string{
		"plain":          envelope(params),
		"declared":       "\ufeff<?xml version='1.0' encoding=\"utf-8\" standalone='no' ?>\r\n" + envelope(params) + "\n<!-- end -->\n",
		"other prefixes": strings.ReplaceAll(envelope(params), "soapenv", "S"),
		"no prefixes":    strings.NewReplacer("soapenv:", "", "xmlns:soapenv", "xmlns").Replace(envelope(params)),
		"own namespace":  envelope(`<a:Merchant_ID xmlns:a="urn:x" a:type="xsd:string">100001</a:Merchant_ID><BILLNUMBER >5100001000000001</BILLNUMBER ><amount>10<![CDATA[.0]]>&#48;</amount>`),
		"unknown":        envelope(params + `<customer><email>a@b</email><amount>1</amount></customer><other/>`),
		"declared below": `<e:Envelope xmlns:e="` + soapNS + `"><b:Body xmlns:b="` + soapNS + `"><x>` + params + `</x></b:Body></e:Envelope>`,
		"SOAP 1.2":       strings.ReplaceAll(envelope(params), soapNS, soap12NS),
		"header":         strings.Replace(envelope(params), "<soapenv:Header/>", `<soapenv:Header><a soapenv:mustUnderstand="0">1<b/></a></soapenv:Header>`, 1),
		"nothing, twice": envelope(`<amount xsi:nil="true"/><currency xsi:nil="true"/>` + params),
		"comments":       strings.ReplaceAll(envelope("<!-- x -->"+params+"\n<!-- y -->"), "><", "> <!-- - --> <"),
	} {
		c, err := readSOAP(text)
		if err != nil || c.Text(InMerchant) != "100001" || c.Text(InBillNumber) != "5100001000000001" || c.Text(InAmount) != "10.00" {
			t.Errorf("%s: %v %q", name, err, c.values)
		}
		if want := map[bool]Format{false: FormatSOAP, true: formatSOAP12}[name == "SOAP 1.2"]; c.Format != want {
			t.Errorf("%s: format %d", name, c.Format)
		}
	}
}

// What is not plainly a SOAP envelope is refused, and so is a value that could be read in two ways.
func TestSOAPRefusals(t *testing.T) {
	deep := strings.Repeat("<a>", 20) + strings.Repeat("</a>", 20)
	for name, c := range map[string]struct {
		text   string
		second int
	}{
		"nothing":            {"", onPacket},
		"text":               {"hello", onPacket},
		"other root":         {"<a/>", onPacket},
		"no namespace":       {"<Envelope><Body><x/></Body></Envelope>", onPacket},
		"undeclared prefix":  {"<e:Envelope><e:Body><x/></e:Body></e:Envelope>", onPacket},
		"no body":            {`<Envelope xmlns="` + soapNS + `"><Header/></Envelope>`, onPacket},
		"empty body":         {`<Envelope xmlns="` + soapNS + `"><Body/></Envelope>`, onPacket},
		"foreign body":       {`<e:Envelope xmlns:e="` + soapNS + `"><Body><x/></Body></e:Envelope>`, onPacket},
		"two elements":       {strings.Replace(envelope(""), "</soapenv:Body>", "<x/></soapenv:Body>", 1), onPacket},
		"after the body":     {strings.Replace(envelope(""), "</soapenv:Envelope>", "<x/></soapenv:Envelope>", 1), onPacket},
		"after the envelope": {envelope("") + "<x/>", onPacket},
		"text after":         {envelope("") + "x", onPacket},
		"text between":       {envelope("x"), onPacket},
		"document type":      {"<!DOCTYPE a>" + envelope(""), onPacket},
		"entities":           {`<!DOCTYPE a [<!ENTITY b "c">]>` + envelope("<login>&b;</login>"), onPacket},
		"unknown entity":     {envelope("<login>&nbsp;</login>"), onPacket},
		"entity without end": {envelope("<login>a&amp</login>"), onPacket},
		"forbidden number":   {envelope("<login>&#0;</login>"), onPacket},
		"number too large":   {envelope("<login>&#x110000;</login>"), onPacket},
		"signed number":      {envelope("<login>&#-65;</login>"), onPacket},
		"instruction":        {envelope("<?php x?>"), onPacket},
		"late declaration":   {" <?xml version='1.0'?>" + envelope(""), onPacket},
		"version 1.1":        {"<?xml version='1.1'?>" + envelope(""), onPacket},
		"other encoding":     {"<?xml version='1.0' encoding='koi8-r'?>" + envelope(""), onPacket},
		"not UTF-8":          {envelope("<login>\xff</login>"), onPacket},
		"control character":  {envelope("<login>\x01</login>"), onPacket},
		"mismatch":           {envelope("<login>a</Login>"), onPacket},
		"cut":                {envelope("")[:200], onPacket},
		"cut in a tag":       {envelope("")[:20], onPacket},
		"too deep":           {envelope(deep), onPacket},
		"attributes":         {envelope("<a " + strings.Repeat("x", 3) + "=1/>"), onPacket},
		"attribute twice":    {envelope("<a b='1' b='2'/>"), onPacket},
		"attributes touch":   {envelope("<a b='1'c='2'/>"), onPacket},
		"markup in a value":  {envelope("<a b='<'/>"), onPacket},
		"two colons":         {envelope("<a:b:c/>"), onPacket},
		"bad comment":        {envelope("<!-- a -- b -->"), onPacket},
		"mandatory header":   {strings.Replace(envelope(""), "<soapenv:Header/>", `<soapenv:Header><a soapenv:mustUnderstand="1"/></soapenv:Header>`, 1), onPacket},
		"given twice":        {envelope("<amount>1</amount><x:Amount>2</x:Amount>"), 108},
		"elsewhere":          {envelope(`<amount href="#a"/>`), 108},
		"structure":          {envelope("<amount><value>1</value></amount>"), 108},
		"comment in a value": {envelope("<amount>1<!-- -->0</amount>"), 108},
	} {
		_, err := readSOAP(c.text)
		var f *Fault
		if !errors.As(err, &f) || f.First != FirstFormat || f.Second != c.second {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A value of several parts, as one of many, stands in the call's own buffer, which is wiped.
func TestSOAPReadsInPlace(t *testing.T) {
	text := []byte(envelope("<cardnumber>4111&#49;1<![CDATA[11]]>1111<![CDATA[1111]]></cardnumber><cvc2><![CDATA[1]]>2&#x33;</cvc2>"))
	c := &Call{body: text, syntax: syntaxes["text/xml"]}
	if err := c.parseSOAP(); err != nil {
		t.Fatal(err)
	}
	if c.Text(InCardNumber) != "4111111111111111" || c.Text(InCVC) != "123" {
		t.Fatalf("%q", c.values)
	}
	clear(text)
	if v := c.values[InCVC]; !bytes.Equal(v, make([]byte, len(v))) {
		t.Errorf("a copy of the code: %q", v)
	}
	if v := c.values[InCardNumber]; !bytes.Equal(v, make([]byte, len(v))) {
		t.Errorf("a copy of the number: %q", v)
	}
}

// Whatever is taken, a second reader of XML takes, too, and finds the same values.
func FuzzSOAP(f *testing.F) {
	f.Add(envelope(`<merchant_id>1</merchant_id><login a="b">x&amp;<![CDATA[<y>]]>&#x42;</login><o><p/></o>`))
	f.Add("<?xml version='1.0'?>" + strings.ReplaceAll(envelope("<!-- - --><Amount xmlns='u'>1\r\n2</Amount>"), soapNS, soap12NS))
	f.Fuzz(func(t *testing.T, text string) {
		c, err := readSOAP(text)
		if err != nil {
			return
		}
		other, err := independently(text)
		if err != nil {
			t.Fatalf("taken, but: %v", err)
		}
		for id, v := range c.values {
			want := string(params[id].strip.Apply([]byte(other[lowerASCII(params[id].name)])))
			if v != nil && string(v) != want {
				t.Errorf("%s is %q, not %q", params[id].name, v, want)
			}
		}
	})
}

// independently reads the texts of elements at the depth of parameters with the standard library, the last of each name
// that is not empty.
func independently(text string) (map[string]string, error) {
	d := xml.NewDecoder(strings.NewReader(strings.TrimPrefix(text, "\ufeff")))
	found, depth, name, value := map[string]string{}, 0, "", ""
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			return found, nil
		}
		if err != nil {
			return nil, err
		}
		switch token := token.(type) {
		case xml.StartElement:
			if depth++; depth == 4 {
				name, value = strings.ToLower(token.Name.Local), ""
			}
		case xml.CharData:
			if depth == 4 {
				value += string(token)
			}
		case xml.EndElement:
			if depth--; depth == 3 && strings.IndexFunc(value, unicode.IsGraphic) >= 0 {
				found[name] = value
			}
		}
	}
}
