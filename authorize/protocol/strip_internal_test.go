package protocol

import (
	"net/url"
	"slices"
	"strings"
	"testing"
)

// everyByte is each character that any rule removes, and some that none does.
const everyByte = "a< > \" = ' / \\ ( ) ; # + - . _ & %\x00\t\x7fb"

// TestStripRules is the table of the protocol: what is removed from which parameter, and what it may hold then.
func TestStripRules(t *testing.T) {
	const general = "a           + - . _ & %b"
	special := map[Parameter]string{
		InOrderNumber: `a=/\()#+-._&%b`, inBill: `a=/\()#+-._&%b`,
		InOrderComment: `a  "  ' /  ( ) ; # + - . _ & %b`, inAddress: `a  "  ' /  ( ) ; # + - . _ & %b`,
		inBillComment: `a  "  ' /  ( ) ; # + - . _ & %b`, inComment: `a  "  ' /  ( ) ; # + - . _ & %b`,
		InURLReturn: `a  " = ' / \ ( ) ; # + - . _ & %b`, InURLReturnOK: `a  " = ' / \ ( ) ; # + - . _ & %b`,
		InURLReturnNo:  `a  " = ' / \ ( ) ; # + - . _ & %b`,
		InCVC:          `a<>"='();#&%b`,
		InPaymentToken: `a< > " = ' / \ ( ) ; # + - . _ & %b`,
		InChequeItems:  `a< > " = ' / \ ( ) ; # + - . _ & %b`, InSignature: `a< > " = ' / \ ( ) ; # + - . _ & %b`,
	}
	for _, id := range BrowserParams { // for banks, as browsers say it
		special[id] = special[InSignature]
	}
	for id, p := range params {
		want, ok := special[Parameter(id)]
		if !ok {
			want = general
		}
		if got := string(p.strip.Apply([]byte(everyByte))); got != want {
			t.Errorf("%s: %q, not %q", p.name, got, want)
		}
	}
}

// TestLimits sends values at and beyond the limits of each parameter that has some.
func TestLimits(t *testing.T) {
	for id, c := range map[Parameter]struct{ good, bad []string }{
		InMerchant:             {[]string{"2147483647", "000002147483647"}, []string{"2147483648", "0000002147483647", "12x", "-1", "1.5"}},
		InRecurringIndicator:   {[]string{"0", "1", "2147483647"}, []string{"2147483648", "yes"}},
		InMeansType:            {[]string{"1", "33"}, []string{"VISA", "100000"}},
		InRecurringPeriod:      {[]string{"30", "32767"}, []string{"32768", "100000", "x"}},
		InRecurringCount:       {[]string{"32767"}, []string{"32768", "032767"}},
		InRecurringPeriodScale: {[]string{"1"}, []string{"32768", "-1"}},
		inPNR:                  {[]string{"999999999999999"}, []string{"9999999999999999", "A1"}},
		inIsConvert:            {[]string{"0", "4"}, []string{"5", "10", "x"}},
		InDelay:                {[]string{"0", "1", "2"}, []string{"10"}},
		InCVC:                  {[]string{"1234", "О1O", "1-2 3.4"}, []string{"12345"}},
		InOrderNumber:          {[]string{strings.Repeat("я", 128)}, []string{strings.Repeat("я", 129)}},
		InOrderComment:         {[]string{strings.Repeat("я", 4000), strings.Repeat("я", 4001)}, nil}, // describes the buyer: cut, not refused
		InURLReturn:            {[]string{"https://shop.example/back?a=b;c#d"}, []string{"https://" + strings.Repeat("x", 249)}},
		InCustomerNumber:       {[]string{strings.Repeat("9", 32)}, []string{strings.Repeat("9", 33)}},
	} {
		for _, value := range slices.Concat(c.good, c.bad) {
			call, err := readCall(t, params[id].name+"="+url.QueryEscape(value))
			bad := slices.Contains(c.bad, value)
			if bad != (firstOf(err) == FirstFormat) || !bad && !call.Has(id) {
				t.Errorf("%s=%s: %v", params[id].name, value, err)
			}
		}
	}
}

// Addresses lose what could end an attribute, also when it is put together by what was removed.
func TestStripAddress(t *testing.T) {
	for from, want := range map[string]string{
		"https://shop.example/a?b=c&d='e'":          "https://shop.example/a?b=c&d='e'",
		"https://shop.example/<script>":             "https://shop.example/script",
		"https://shop.example/%3Cscript%3escript":   "https://shop.example/scriptscript",
		"https://shop.example/%3%3CC%3%3e%3Ee":      "https://shop.example/",
		`https://shop.example/?a&&"b&&&&"c&"`:       `https://shop.example/?a&"b&"c&"`,
		"https://shop.example/%3Dstays%20&&stays%3": "https://shop.example/%3Dstays%20&&stays%3",
	} {
		if got := string(stripURL.Apply([]byte(from))); got != want {
			t.Errorf("%s: %s", from, got)
		}
		again := string(stripURL.Apply([]byte(want)))
		if again != want {
			t.Errorf("%s changes when it is stripped again: %s", want, again)
		}
	}
}
