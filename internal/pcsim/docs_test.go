package pcsim_test

import (
	"cmp"
	"fmt"
	"os"
	"strings"
	"testing"

	"settled/internal/pcsim"
)

// TestDocumentedTables keeps docs/pcsim.md equal to the tables of the code.
func TestDocumentedTables(t *testing.T) {
	doc, err := os.ReadFile("../../docs/pcsim.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, table := range map[string]string{
		"test cards": cardTable(), "3-D Secure cards": acsTable(), "reject codes": rejectTable(), "test amounts": amountTable(),
	} {
		if !strings.Contains(string(doc), table) {
			t.Errorf("docs/pcsim.md does not have this table of %s:\n%s", name, table)
		}
	}
}

func cardTable() string {
	var b strings.Builder
	b.WriteString("| Card | DE 39 | Merchant is told | Outcome |\n|---|---|---|---|\n")
	for _, c := range pcsim.Cards() {
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", c.PAN, cmp.Or(c.ActionCode, "–"), cmp.Or(c.Response, "–"), c.Means)
	}
	return b.String()
}

func acsTable() string {
	var b strings.Builder
	b.WriteString("| Card | Takes part | Status | In the end | Outcome |\n|---|--:|---|---|---|\n")
	for _, c := range pcsim.ACSCards() {
		fmt.Fprintf(&b, "| `%s` | %d | %s | %s | %s |\n", c.PAN, c.Enrolled, cmp.Or(c.Status, "–"), cmp.Or(c.Final, "–"), c.Means)
	}
	return b.String()
}

func rejectTable() string {
	var b strings.Builder
	b.WriteString("| Code | Element | Class | Means |\n|---|---|---|---|\n")
	for _, r := range pcsim.RejectCodes() {
		fmt.Fprintf(&b, "| %s | %s | %s | %s |\n", r.Code, r.Element, r.Class, r.Means)
	}
	return b.String()
}

func amountTable() string {
	var b strings.Builder
	b.WriteString("| Amount | Outcome |\n|--:|---|\n")
	for _, a := range pcsim.TestAmounts() {
		fmt.Fprintf(&b, "| %d.%02d | %s |\n", a.Minor/100, a.Minor%100, a.Means)
	}
	return b.String()
}

// TestCards checks that the cards can be told apart and are Luhn-valid.
func TestCards(t *testing.T) {
	seen := map[string]bool{}
	outcomes := map[pcsim.Outcome]int{}
	for _, c := range pcsim.Cards() {
		if seen[c.PAN] || !luhn(c.PAN) || c.Means == "" {
			t.Errorf("card %+v", c)
		}
		seen[c.PAN] = true
		outcomes[c.Outcome]++
	}
	for o := pcsim.Approve; o <= pcsim.CreditRefused; o++ {
		if n := outcomes[o]; n == 0 || n > 1 && o != pcsim.Approve && o != pcsim.Decline {
			t.Errorf("outcome %d has %d cards", o, n)
		}
	}
}
