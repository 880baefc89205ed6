package instant

import (
	"fmt"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"pgregory.net/rapid"

	"settled/internal/money"
)

func TestUnitSpelling(t *testing.T) {
	for _, test := range []struct {
		amount          money.Amount
		rubles, kopecks string
	}{
		{rub(0), `"0.00"`, `0`},
		{rub(1), `"0.01"`, `1`},
		{rub(99), `"0.99"`, `99`},
		{rub(100), `"1.00"`, `100`},
		{rub(25000), `"250.00"`, `25000`},
		{rub(MaxMinor), `"9999999999.99"`, `999999999999`},
		{money.Amount{Minor: 250, Currency: money.JPY}, `"250"`, `250`},
		{money.Amount{Minor: 250, Currency: money.KWD}, `"0.250"`, `250`},
	} {
		if got := string(Rubles.encode(test.amount)); got != test.rubles {
			t.Errorf("%s in rubles is %s, want %s", test.amount, got, test.rubles)
		}
		if got := string(Kopecks.encode(test.amount)); got != test.kopecks {
			t.Errorf("%s in kopecks is %s, want %s", test.amount, got, test.kopecks)
		}
	}
}

// TestUnitsConvert: what one unit writes it reads back, the other unit refuses it, and it means the same money by a
// second way of counting.
func TestUnitsConvert(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount{
			Minor:    rapid.Int64Range(0, MaxMinor).Draw(t, "minor"),
			Currency: rapid.SampledFrom([]money.Currency{money.RUB, money.BYN, money.JPY, money.KWD}).Draw(t, "currency"),
		}
		for _, u := range []Unit{Rubles, Kopecks} {
			raw := u.encode(a)
			if back, err := u.decode(raw, a.Currency); err != nil || back != a {
				t.Fatalf("%s in %s is %s, read back as %s, %v", a, u, raw, back, err)
			}
			if got, err := (Rubles + Kopecks - u).decode(raw, a.Currency); err == nil {
				t.Fatalf("%s, written in %s, is %s in the other unit", raw, u, got)
			}
		}
		if a.Currency == money.RUB {
			if want := fmt.Sprintf("\"%d.%02d\"", a.Minor/100, a.Minor%100); string(Rubles.encode(a)) != want {
				t.Fatalf("%d kopecks are %s", a.Minor, Rubles.encode(a))
			}
		}
	})
}

// TestUnitsAreStrict: any text that is read is the one spelling of what it is read as.
func TestUnitsAreStrict(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`"?-?[0-9]{0,14}([.][0-9]{0,3})?([eE][0-9])?"?`).Draw(t, "text")
		for _, u := range []Unit{Rubles, Kopecks} {
			if a, err := u.decode(jsontext.Value(text), money.RUB); err == nil && string(u.encode(a)) != text {
				t.Fatalf("%s is read as %s in %s", text, a, u)
			}
		}
	})
	for _, u := range []Unit{0, Rubles, Kopecks} {
		for _, text := range []string{``, `null`, `""`, `"`, `-1`, `"-1.00"`, `1.0`, `1e2`, `"1e2"`, `00`, `"00.00"`, `"1"`, `"1.0"`, `"1.000"`,
			`1000000000000`, `"10000000000.00"`, `9223372036854775808`, `true`, `{}`, `" 1.00"`} {
			if a, err := u.decode(jsontext.Value(text), money.RUB); err == nil {
				t.Errorf("%s in %s is read as %s", text, u, a)
			}
		}
	}
}

func TestUnitNames(t *testing.T) {
	for _, u := range []Unit{Rubles, Kopecks} {
		var back Unit
		text, err := u.MarshalText()
		if err != nil || back.UnmarshalText(text) != nil || back != u {
			t.Errorf("%s is read back as %s", text, back)
		}
	}
	if _, err := ParseUnit("cents"); err == nil {
		t.Error("cents are a unit")
	}
}
