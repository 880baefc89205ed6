package vault

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
)

// Each text holds a card number, and is told as on the right.
var cardsInText = map[string]string{
	"4111111111111111":                             "411111******1111",
	"card 4111 1111 1111 1111.":                    "card 4111 11** **** 1111.",
	"4111-1111-1111-1111":                          "4111-11**-****-1111",
	"4111.1111.1111.1111":                          "4111.11**.****.1111",
	"4111/1111/1111/1111":                          "4111/11**/****/1111",
	"4111_1111_1111_1111":                          "4111_11**_****_1111",
	"4111\u00a01111\u00a01111\u00a01111":           "4111\u00a011**\u00a0****\u00a01111",
	"4111\u20111111\u20131111\u20141111":           "4111\u201111**\u2013****\u20141111",
	"4111\u200b1111\u200b1111\u200b1111":           "4111\u200b11**\u200b****\u200b1111",
	"4111 - 1111 - 1111 - 1111":                    "4111 - 11** - **** - 1111",
	"4 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1":              "4 1 1 1 1 1 * * * * * * 1 1 1 1",
	"4111, 11111111 1111":                          "4111, 11****** 1111",
	"4111\n1111\r\n1111\t1111":                     "4111\n11**\r\n****\t1111",
	"4111&nbsp;1111&nbsp;1111&nbsp;1111":           "4111&nbsp;11**&nbsp;****&nbsp;1111",
	"https://a.b/?c=4111%201111%201111%201111&d=1": "https://a.b/?c=4111%2011**%20****%201111&d=1",
	"４１１１１１１１１１１１１１１１":                             "４１１１１１******１１１１",
	"٤١١١١١١١١١١١١١١١":                             "٤١١١١١******١١١١",
	"PAN4111111111111111x":                         "PAN411111******1111x",
	"0004111111111111111":                          "000411111******1111",
	"378282246310005":                              "378282*****0005",
	"3782 822463 10005":                            "3782 82**** *0005",
	"30569309025904":                               "305693****5904",
	"4222222222222":                                "422222***2222",
	"4222 222 222 222":                             "4222 22* **2 222",
	"6304000000000000000":                          "630400*********0000",
	"2200000000000004":                             "220000******0004",
	"9112000000000006":                             "911200******0006",
	"8600000000000007":                             "860000******0007",
	"+4111111111111111":                            "+411111******1111",
	"4111 1111 1111 1111 12/28":                    "4111 11** **** 1111 12/28",
	"on 2026-11-29 4111 1111 1111 1111":            "on 2026-11-29 4111 11** **** 1111",
	";4111111111111111=28122010000012300000?":      ";411111******1111=********************?",
	"4111111111111111D2812201":                     "411111******1111D*******",
	"%B4111111111111111^CARD/TEST^2812201000123?":  "%B411111******1111^CARD/TEST^*************?",
	"4111111111111111 and 378282246310005":         "411111******1111 and 378282*****0005",
	"пять 4111111111111111 рублей":                 "пять 411111******1111 рублей",
}

// notCards are texts that hold no card number, whatever they look like.
var notCards = []string{
	"", "4111111111111112", "411111******1111", "411111****1111",
	"1234567812345670",        // no issuer's
	"9999999999999995",        // no issuer's
	"20261130190557",          // a time
	"2026-11-30 19:05:57.123", // a time
	"1764529557123",           // a time in milliseconds
	"+375 29 123-45-67",       // a telephone number
	"+7 (495) 123-45-67, +375291234567",
	"+4915112345678", "+4915112345671", // of 13 digits
	"4810268032512", "4607025392201", // articles of Belarus and Russia
	"40817810099910004312",               // an account, of 20 digits
	"4111111111111111000000000000000001", // a row of 34 digits
	"41111111-1111-4111-8111-1111111111aa",
	"c4ca4111111111111111820dcc509a6f", // a digest
	"4111 words 1111 1111 1111",
	"12.50 EUR, 3 pieces, 37.50 EUR",
}

func TestScannerFindsCardNumbers(t *testing.T) {
	var s Scanner
	for text, want := range cardsInText {
		if !s.Holds([]byte(text)) {
			t.Errorf("%q: not found", text)
		}
		got, n := s.Mask([]byte(text))
		if string(got) != want || n == 0 {
			t.Errorf("%q becomes %q, %d found, want %q", text, got, n, want)
		}
		if s.Holds(got) {
			t.Errorf("%q still holds a card number", got)
		}
	}
	for _, text := range notCards {
		if got, n := s.Mask([]byte(text)); string(got) != text || n != 0 || s.Holds([]byte(text)) {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// TestScannerFindsEveryShape writes random numbers of all issuers' ranges in groups of random lengths.
func TestScannerFindsEveryShape(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var s Scanner
	between := []string{" ", "-", ".", "\u00a0", "/", " - ", "_", "\u2009", "%20", "&nbsp;"}
	for range 20_000 {
		number := randomCard(r)
		separator := between[r.IntN(len(between))]
		var text strings.Builder
		for i := range len(number) {
			if i > 0 && r.IntN(4) == 0 {
				text.WriteString(separator)
			}
			text.WriteByte(number[i])
		}
		got, n := s.Mask([]byte("no. " + text.String() + " ok"))
		if n == 0 && !isArticle(number) {
			t.Fatalf("%q: not found", text.String())
		}
		if n > 0 && digitsOf(string(got)) == number {
			t.Fatalf("%q is shown: %q", text.String(), got)
		}
	}
}

// randomCard makes a number of an issuer's range.
func randomCard(r *rand.Rand) string {
	issuer := issuers[r.IntN(len(issuers))]
	n := issuer.shortest + r.IntN(issuer.longest-issuer.shortest+1)
	number := []byte(issuer.first)
	for len(number) < n-1 {
		number = append(number, '0'+byte(r.IntN(10)))
	}
	for last := byte('0'); ; last++ {
		if full := string(number) + string(last); Luhn(full) {
			return full
		}
	}
}

func digitsOf(text string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, text)
}

// TestFalseAlarms measures how many numbers that are no card's are taken for one; docs/card-data.md tells at most so many.
func TestFalseAlarms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var s Scanner
	rate := func(make func() string) float64 {
		const tries = 30_000
		n := 0
		for range tries {
			if s.Holds([]byte(make())) {
				n++
			}
		}
		return 100 * float64(n) / tries
	}
	digits := func(begin string, n int) func() string {
		return func() string {
			text := []byte(begin)
			for len(text) < n {
				text = append(text, '0'+byte(r.IntN(10)))
			}
			return string(text)
		}
	}
	hex := func(n int) func() string {
		return func() string {
			var text strings.Builder
			for range n {
				fmt.Fprintf(&text, "%x", r.IntN(16))
			}
			return text.String()
		}
	}
	uuid := func() string {
		t := hex(32)()
		return t[:8] + "-" + t[8:12] + "-4" + t[13:16] + "-8" + t[17:20] + "-" + t[20:]
	}
	page, err := os.ReadFile("../../docs/card-data.md")
	if err != nil {
		t.Fatal(err)
	}
	for name, next := range map[string]func() string{
		"12 digits": digits("", 12), "13 digits": digits("", 13), "14 digits": digits("", 14), "15 digits": digits("", 15), "16 digits": digits("", 16),
		"17 digits": digits("", 17), "19 digits": digits("", 19), "20 digits": digits("", 20), "16 digits from 4 on": digits("4", 16),
		"16 digits from 1 on": digits("1", 16), "16 digits from 7 on": digits("7", 16), "16 digits from 2026 on": digits("2026", 16),
		"UUIDs": uuid, "MD5": hex(32),
	} {
		_, told, found := strings.Cut(string(page), "\n| "+name+" | ")
		most, err := strconv.ParseFloat(strings.Split(told, " ")[0], 64)
		if got := rate(next); !found || err != nil || got > most || got < most*0.8-0.1 {
			t.Errorf("%s: %.3f %%, told at most %g (%v)", name, got, most, err)
		}
	}
}

func TestScannerKnowsOurNumbers(t *testing.T) {
	s := Scanner{Ours: func(number string) bool { return number == "5100001000000006" }}
	got, n := s.Mask([]byte("bill 5100001000000006, card 5100001000000014"))
	if n != 1 || string(got) != "bill 5100001000000006, card 510000******0014" {
		t.Errorf("%d in %s", n, got)
	}
	phones := Scanner{Phones: true}
	if phones.Holds([]byte("4222222222222")) || !phones.Holds([]byte("4111 1111 1111 1111")) {
		t.Error("telephone numbers")
	}
}

func TestNamesOfSecrets(t *testing.T) {
	for name, want := range map[string]Named{
		"ccv": NamedCode, "CVV": NamedCode, "cvc": NamedCode, "CVC2": NamedCode, "cardCvv": NamedCode, "card_csc": NamedCode, "Track2": NamedCode,
		"track-2": NamedCode, "PINBlock": NamedCode, "securityCode": NamedCode, "cvv2_code": NamedCode, "mycvccode": NamedCode, "track2Data": NamedCode,
		"cid": NamedPerhaps, "CID": NamedPerhaps, "pin": NamedPerhaps, "cardPin": NamedPerhaps, "PIN_code": NamedPerhaps, "track": NamedPerhaps,
		"": NamedNothing, "tracking_number": NamedNothing, "shipping": NamedNothing, "incident": NamedNothing, "accViews": NamedNothing, "name": NamedNothing,
		"orderid": NamedNothing, "spinning": NamedNothing, "discount": NamedNothing, "price": NamedNothing,
	} {
		if got := NameOf(name); got != want {
			t.Errorf("%q means %d, not %d", name, got, want)
		}
	}
}

func TestCodesInTextAreHidden(t *testing.T) {
	for text, want := range map[string]string{
		"CVV: 123": "CVV: ***", "cvv2=1234 please": "cvv2=**** please", "cvc 123": "cvc ***", "cvv123": "cvv***", "cvv2123": "cvv2***", `{"ccv":"917"}`: `{"ccv":"***"}`,
		"cvv 12": "cvv 12", "cvv 12345": "cvv 12345", "room 123": "room 123", "pin 1234": "pin 1234", "cvvs 123": "cvvs 123", "": "", "cvv": "cvv", "cvv x 123": "cvv x 123",
	} {
		if got, n := MaskCodes([]byte(text)); string(got) != want || n > 0 != (text != want) {
			t.Errorf("%q becomes %q, %d found, want %q", text, got, n, want)
		}
	}
}

func TestJSONIsMasked(t *testing.T) {
	var s Scanner
	for text, want := range map[string]string{
		`{"items":[{"name":"A","price":1.50, "note":"4111 1111 1111 1111"}]}`: `{"items":[{"name":"A","price":1.50,"note":"4111 11** **** 1111"}]}`,
		`[{"n":4111111111111111}]`:                `[{"n":"411111******1111"}]`,
		`{"\u0034111111111111111":1}`:             `{"411111******1111":1}`,
		`{"n":"\u0034\u0031111111\u00311111111"}`: `{"n":"411111******1111"}`,
		`{"card":{"CVV":"123","exp":"12/28"}}`:    `{"card":{"CVV":"***","exp":"12/28"}}`,
		`{"cid":{"deep":[1,2]},"pin":4711,"x":1}`: `{"cid":"***","pin":"***","x":1}`,
		`{"a": 1 , "b":[ 4, 111 ]}`:               `{"a": 1 , "b":[ 4, 111 ]}`,
		`{broken 4111111111111111`:                `{broken 411111******1111`,
		`{"t":"cvv 123"}`:                         `{"t":"cvv ***"}`,
	} {
		got, found := s.MaskJSON([]byte(text))
		if string(got) != want || found.Any() != (text != want) {
			t.Errorf("%s becomes %s, want %s", text, got, want)
		}
	}
}
