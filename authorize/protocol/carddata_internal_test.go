package protocol

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"settled/internal/vault"
)

// TestEveryParameterHasACardRule is what a new parameter fails on until somebody decides what becomes of a card number in it.
func TestEveryParameterHasACardRule(t *testing.T) {
	const shortest = 13
	for id, rule := range cardRules {
		p := params[id]
		switch {
		case rule == 0:
			t.Errorf("%s has no rule", p.name)
		case rule == cardShort && p.max >= shortest:
			t.Errorf("%s has room for a card number", p.name)
		case rule != cardOwn && rule < cardMasked && describing[id] != refused && p.max >= shortest:
			t.Errorf("%s describes the buyer, and stops a sale", p.name)
		}
	}
}

// TestCardDataInParameters sends card data in each parameter, and looks at what is left of it and at what is said.
func TestCardDataInParameters(t *testing.T) {
	const number = "4111 1111 1111 1111"
	for id, rule := range cardRules {
		p := params[id]
		if rule == cardOwn || rule == cardShort {
			continue
		}
		value := map[Parameter]string{InChequeItems: `{"items":[{"name":"` + number + `","price":1,"quantity":1,"amount":1,"cvv":"917"}]}`}[Parameter(id)]
		if value == "" {
			value = number
		}
		c, err := readCall(t, p.name+"="+strings.NewReplacer(" ", "+", `"`, "%22").Replace(value))
		if f := faultIn(err); rule == cardRefused && (f.First != FirstProhibitedObject || f.Second != p.second || !strings.Contains(f.Detail, p.name)) ||
			rule != cardRefused && err != nil {
			t.Errorf("%s: %v", p.name, err)
		}
		if len(c.Cards) == 0 || c.Cards[0] != (CardFound{p.name, cardDone[rule]}) {
			t.Errorf("%s: noted %v", p.name, c.Cards)
		}
		left := c.Text(Parameter(id))
		if rule >= cardMasked && (left == "") != (rule == cardLeftOut) || strings.Contains(left, "11 1111 1111") || strings.Contains(left, "917") {
			t.Errorf("%s: %q is left", p.name, left)
		}
	}
}

// TestListedCardData names what means a code, and what only begins alike.
func TestListedCardData(t *testing.T) {
	for name, want := range map[string]string{"ccv": "14", "Track2": "14", "cid": "dropped", "card-pin": "dropped", "tracking": "kept", "shipping": "kept", "incident": "kept"} {
		c, err := readCall(t, "ListParameters=Gift,"+name+"&Gift=a&"+name+"=917")
		switch got := faultIn(err); {
		case want == "14":
			if err == nil || got.First != FirstProhibitedObject || len(c.listed) != 0 {
				t.Errorf("%s: %v, %d kept", name, err, len(c.listed))
			}
		case err != nil || len(c.listed) != map[string]int{"dropped": 1, "kept": 2}[want] || len(c.Cards) > 0 != (want == "dropped"):
			t.Errorf("%s: %v, %d kept, noted %v", name, err, len(c.listed), c.Cards)
		}
	}
	c, err := readCall(t, `{"ListParameters":"Data","Data":"{\"cvv\":\"917\",\"pan\":\"4111-1111-1111-1111\",\"n\":\"x\"}"}`)
	if err != nil || len(c.listed) != 1 || string(c.listed[0].value) != "{cvv:***,pan:4111-11**-****-1111,n:x}" {
		t.Errorf("%v: %d fields, %q", err, len(c.listed), c.listed[0].value)
	}
}

// TestBillNumbersAreNoCards takes a bill number of ours in a comment for what it is, when it was given out, and else not.
func TestBillNumbersAreNoCards(t *testing.T) {
	const bill = "5100001000000006" // with the check digit of a card
	if !vault.Issued(bill) {
		t.Fatal("it does not look like a card's")
	}
	c := &Call{bills: func(id int64) bool { return id == 5100001000000006 }}
	for text, want := range map[string]bool{bill: false, "again " + bill + ".1": false, "5100001000000014": true, "5555555555554444": true} {
		if _, found := c.scan(InOrderNumber, []byte(text)); found != want {
			t.Errorf("%s: found is %v", text, found)
		}
	}
	c.bills = nil
	if _, found := c.scan(InOrderNumber, []byte(bill)); !found {
		t.Error("who knows no bill numbers lets one pass")
	}
}

var update = flag.Bool("update", false, "write docs/card-data.md anew")

// TestCardRulesAreDocumented compares the table of docs/card-data.md with the one that requests are read by.
func TestCardRulesAreDocumented(t *testing.T) {
	const name, begin, end = "../../docs/card-data.md", "| parameter | a card number in it |\n|---|---|\n", "<!-- End of the generated part. -->"
	text, err := os.ReadFile(name)
	check(t, err)
	head, rest, begun := strings.Cut(string(text), begin)
	was, tail, ended := strings.Cut(rest, end)
	var table strings.Builder
	for _, rule := range cardRuleWords() {
		fmt.Fprintf(&table, "| `%s` | %s |\n", rule[0], rule[1])
	}
	table.WriteByte('\n')
	switch {
	case !begun || !ended:
		t.Fatalf("%s has no table", name)
	case *update:
		check(t, os.WriteFile(name, []byte(head+begin+table.String()+end+tail), 0o644))
	case was != table.String():
		t.Errorf("%s says\n%s, not\n%s", name, was, table.String())
	}
}

// cardRuleWords say what becomes of a card number in each parameter that has room for one.
func cardRuleWords() (all [][2]string) {
	words := map[cardRule]string{cardOwn: "belongs there, or nothing of the value is kept", cardRefused: "refused with `14/n`", cardMasked: "masked: `411111******1111`",
		cardMaskedIn: "masked within its JSON", cardLeftOut: "the parameter is left out"}
	for id, rule := range cardRules {
		if rule != cardShort {
			all = append(all, [2]string{params[id].name, words[rule]})
		}
	}
	return all
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
