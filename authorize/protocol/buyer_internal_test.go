package protocol

import (
	"net/url"
	"os"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestBuyerNeverStopsASale sends everything that cannot be taken, of every parameter that describes the buyer.
func TestBuyerNeverStopsASale(t *testing.T) {
	const rest = "&OrderNumber=A-1&OrderAmount=1.00"
	page, err := os.ReadFile("../../docs/protocol.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(page), "## What describes the buyer")
	for id, how := range describing {
		p := params[id]
		if how == refused {
			continue
		}
		if !strings.Contains(table, "`"+p.name+"`") {
			t.Errorf("docs/protocol.md does not say what becomes of %s", p.name)
		}
		long := strings.Repeat("я", p.max+5)
		for name, body := range map[string]string{
			"long":       p.name + "=" + url.QueryEscape(long) + rest,
			"no charset": p.name + "=%ff%fe" + rest,
			"no escape":  p.name + "=%zz" + rest,
			"twice":      p.name + "=RU&" + p.name + "=EN" + rest,
			"JSON null":  `{"` + p.name + `":null,"OrderNumber":"A-1","OrderAmount":1}`,
			"JSON list":  `{"` + p.name + `":["a"],"OrderNumber":"A-1","OrderAmount":1}`,
		} {
			c, err := readCall(t, body)
			if err != nil {
				t.Errorf("%s, %s: %v", p.name, name, err)
				continue
			}
			c.ReadLanguage(English)
			if !c.Has(InOrderNumber) || !c.Has(InOrderAmount) || len(c.noted) == 0 {
				t.Errorf("%s, %s: noted %v", p.name, name, c.noted)
			}
			if n := utf8.RuneCount(c.values[id]); name == "long" && (how == cut && n != p.max || how == leftOut && n != 0) {
				t.Errorf("%s: %d characters are left", p.name, n)
			}
		}
	}
	c, err := readCall(t, "State=Minskaya&ClientIP=10.0.0.1,+10.0.0.2&Language=BY&Country=Belarus&Lastname=Ivanov")
	if err != nil {
		t.Fatal(err)
	}
	if c.ReadLanguage(Russian); c.Language != Russian || c.Has(inState) || c.Has(InClientIP) || c.Has(inCountry) || c.Text(inLastName) != "Ivanov" {
		t.Errorf("read as %q", c.values)
	}
	for _, id := range []Parameter{InOrderNumber, InOrderAmount, InOrderCurrency, InCustomerNumber, InCardNumber, InChequeItems, InURLReturn} {
		if _, err := readCall(t, params[id].name+"="+strings.Repeat("9", params[id].max+1)); err == nil {
			t.Errorf("%s may be too long", params[id].name)
		}
	}
}
