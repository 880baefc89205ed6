package protocol

import (
	"bytes"
	"compress/gzip"
	"net/http/httptest"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"

	"settled/internal/money"
)

// readAs reads a body of a type, with headers, as a service would that takes every parameter.
func readAs(kind, body string, headers ...string) (*Call, error) {
	r := httptest.NewRequest("POST", "/", strings.NewReader(body))
	r.Header.Set("Content-Type", kind)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	c := NewCall(FormatXML, nil, Knowledge{Charset: func(merchant int32) string { return map[int32]string{123456: "windows-1251"}[merchant] }})
	err := c.Read(r)
	return c, err
}

// latin1 and cyrillic1251 are the bytes of a text in the charsets.
func latin1(s string) string       { b, _ := charmap.ISO8859_1.NewEncoder().String(s); return b }
func cyrillic1251(s string) string { b, _ := charmap.Windows1251.NewEncoder().String(s); return b }

// Text comes in the charsets that clients use, said in every place where they say it.
func TestCharsets(t *testing.T) {
	const form, xml = "application/x-www-form-urlencoded", "<?xml version='1.0' encoding='%'?>"
	soap := func(encoding, name string) string {
		return strings.Replace(xml, "%", encoding, 1) + `<e:Envelope xmlns:e="` + soapNS + `"><e:Body><q><lastname>` + name + `</lastname></q></e:Body></e:Envelope>`
	}
	for name, c := range map[string]struct{ kind, body, want string }{
		"UTF-8":                         {form, "Lastname=Иванов", "Иванов"},
		"utf8":                          {form + "; charset=utf8", "Lastname=Иванов", "Иванов"},
		"ASCII":                         {form + "; charset=us-ascii", "Lastname=Ivanov", "Ivanov"},
		"windows-1251 declared":         {form + "; charset=Windows-1251", "Lastname=" + cyrillic1251("Иванов"), "Иванов"},
		"Latin-1 declared":              {form + "; charset=ISO-8859-1", "Lastname=Andr%E9", "André"},
		"windows-1251 of a page":        {form, "Lastname=" + cyrillic1251("Иванов") + "&_charset_=windows-1251", "Иванов"},
		"windows-1251 of a shop":        {form, "Lastname=%C8%E2%E0%ED%EE%E2&Merchant_ID=123456", "Иванов"},
		"UTF-8 of a shop of 1251":       {form, "Merchant_ID=123456&Lastname=Иванов", "Иванов"},
		"declared UTF-8 of the shop":    {form + "; charset=utf-8", "Merchant_ID=123456&Lastname=Иванов", "Иванов"},
		"JSON, 1251":                    {"application/json; charset=windows-1251", `{"Lastname":"` + cyrillic1251("Иванов") + `"}`, "Иванов"},
		"JSON after a mark":             {"application/json", "\xef\xbb\xbf" + `{"Lastname":"Иванов"}`, "Иванов"},
		"JSON as text":                  {"text/json", `{"Lastname":"Иванов"}`, "Иванов"},
		"SOAP, utf8":                    {"text/xml", soap("utf8", "Иванов"), "Иванов"},
		"SOAP, ASCII":                   {"text/xml", soap("us-ascii", "Ivanov"), "Ivanov"},
		"SOAP as XML":                   {"application/xml", soap("UTF-8", "Иванов"), "Иванов"},
		"SOAP after a mark":             {"text/xml", "\xef\xbb\xbf" + soap("utf-8", "Иванов"), "Иванов"},
		"SOAP, 1251 in the declaration": {"text/xml", soap("windows-1251", cyrillic1251("Иванов")), "Иванов"},
		"SOAP, 1251 in the header":      {"text/xml; charset=windows-1251", soap("utf-8", cyrillic1251("Иванов")), "Иванов"},
		"SOAP, Latin-1":                 {"text/xml", soap("ISO-8859-1", latin1("André")), "André"},
		"SOAP, a header that is wrong":  {"text/xml; charset=utf-8", soap("windows-1251", cyrillic1251("Иванов")), "Иванов"},
		"SOAP, a program's UTF-16":      {"text/xml", soap("utf-16", "Иванов"), "Иванов"},
	} {
		got, err := readAs(c.kind, c.body)
		if err != nil || got.Text(inLastName) != c.want {
			t.Errorf("%s: %q, %v", name, got.Text(inLastName), err)
		}
	}
	for name, c := range map[string]struct{ kind, body string }{
		"a number in no charset":      {form, "OrderNumber=%C8%E2&Merchant_ID=654321"},
		"JSON in no charset":          {"application/json", "{\"OrderNumber\":\"\xc8\xe2\"}"},
		"SOAP in no charset":          {"text/xml", soap("utf-8", "\xc8")},
		"SOAP in one that is unknown": {"text/xml", soap("koi8-r", "a")},
		"unknown in the header":       {form + "; charset=koi8-r", "Lastname=a"},
	} {
		if _, err := readAs(c.kind, c.body); firstOf(err) != FirstFormat {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is proven is the bytes that were sent.
func TestProofsAreOfTheBytesSent(t *testing.T) {
	number := cyrillic1251("Ж<1")
	proof := checkValue("secret", "123456;"+number+";1.00;RUB")
	for name, c := range map[string][2]string{
		"form": {"application/x-www-form-urlencoded", "Merchant_ID=123456&OrderNumber=" + number + "&OrderAmount=1.00&OrderCurrency=RUB&Checkvalue=" + proof},
		"JSON": {"application/json; charset=windows-1251", `{"Merchant_ID":123456,"OrderNumber":"` + number + `","OrderAmount":"1.00","OrderCurrency":"RUB","Checkvalue":"` + proof + `"}`},
	} {
		got, err := readAs(c[0], c[1])
		if err == nil {
			err = checked.Check(got, money.BYN)
		}
		if err != nil || got.Text(InOrderNumber) != "Ж1" {
			t.Errorf("%s: %q, %v", name, got.Text(InOrderNumber), err)
		}
	}
}

func zipped(text string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, _ = w.Write([]byte(text))
	_ = w.Close()
	return b.String()
}

// A compressed body is bounded by what it holds, not by what it weighs.
func TestCompressedBodies(t *testing.T) {
	const form = "application/x-www-form-urlencoded"
	c, err := readAs(form, zipped("Lastname=Ivanov"), "Content-Encoding", "gzip")
	if err != nil || c.Text(inLastName) != "Ivanov" {
		t.Errorf("%q, %v", c.Text(inLastName), err)
	}
	whole := zipped("Lastname=" + strings.Repeat("x", 1000))
	for name, body := range map[string]string{"a bomb": zipped(strings.Repeat("a=b&", 1<<20)), "not zipped": "Lastname=a", "empty": "", "cut": whole[:len(whole)-6]} {
		if _, err := readAs(form, body, "Content-Encoding", "gzip"); err == nil || name == "a bomb" && firstOf(err) != FirstGeneral {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := readAs(form, "a=b", "Content-Encoding", "br"); firstOf(err) != FirstFormat {
		t.Errorf("another encoding: %v", err)
	}
}
