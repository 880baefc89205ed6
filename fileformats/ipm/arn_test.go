package ipm

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestARNDays(t *testing.T) {
	minsk, err := time.LoadLocation("Europe/Minsk")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		at   time.Time
		want string
	}{
		{"worked example", time.Date(2026, 11, 21, 12, 0, 0, 0, time.UTC), "25123456325000000000019"},
		{"last day of a year", time.Date(2026, 12, 31, 23, 59, 0, 0, time.UTC), "25123456365000000000015"},
		{"last day of a leap year", time.Date(2028, 12, 31, 0, 0, 0, 0, time.UTC), "25123458366000000000012"},
		{"leap day", time.Date(2028, 2, 29, 0, 0, 0, 0, time.UTC), "25123458060000000000012"},
		{"first day in the zone of the center", time.Date(2026, 12, 31, 21, 30, 0, 0, time.UTC).In(minsk), "25123457001000000000012"},
	}
	for _, tt := range tests {
		got, err := NewARN(512345, tt.at, 1).Append(nil, Standard)
		if err != nil || string(got[:22]) != tt.want[:22] {
			t.Errorf("%s: got %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
}

func TestCheckDigit(t *testing.T) {
	for digits, want := range map[string]byte{
		"7992739871": '3', "541333008901044": '2', "411111111111111": '1', "2512345632500000000001": '9',
		"2512345632500000000002": '7', "": '0',
	} {
		if got := LuhnDigit([]byte(digits)); got != want {
			t.Errorf("%s: got %c, want %c", digits, got, want)
		}
	}
}

// slowLuhn is the rule in words: from the right, double every second digit, starting with the last before the check
// digit; the sum of all digits of the results must be divisible by ten.
func slowLuhn(s string) bool {
	sum, double := 0, false
	for i := len(s) - 1; i >= 0; i-- {
		d := int(s[i] - '0')
		if double {
			d *= 2
		}
		sum += d/10 + d%10
		double = !double
	}
	return sum%10 == 0
}

func TestAnyARNSurvives(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		day := time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).AddDate(0, 0, rapid.IntRange(0, 10000).Draw(t, "day"))
		want := NewARN(rapid.Uint32Max(999_999).Draw(t, "bin"), day, rapid.Uint64Max(99_999_999_999).Draw(t, "sequence"))
		for _, d := range []Dialect{Standard, SmartVista} {
			b, err := want.Append(nil, d)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := ParseARN(b, d); err != nil || got != want {
				t.Fatalf("%s: got %+v, %v, want %+v", b, got, err, want)
			}
			if d == Standard && !slowLuhn(string(b)) {
				t.Fatalf("%s fails the Luhn test", b)
			}
			if d == SmartVista && (b[0] != '9' || b[22] != '0') {
				t.Fatalf("%s is not in the SmartVista form", b)
			}
		}
		b, _ := want.Append(nil, Standard)
		i := rapid.IntRange(1, 22).Draw(t, "position")
		b[i] = '0' + (b[i]-'0'+byte(rapid.IntRange(1, 9).Draw(t, "change")))%10
		if _, err := ParseARN(b, Standard); err == nil {
			t.Fatalf("%s with a changed digit was accepted", b)
		}
	})
}

func TestARNRefuses(t *testing.T) {
	for _, a := range []ARN{{BIN: 1_000_000, YearDay: 1}, {YearDay: 0}, {YearDay: 367}, {YearDay: 9999}, {YearDay: 1, Sequence: 1e11}} {
		if b, err := a.Append([]byte("keep"), Standard); !errors.Is(err, ErrValue) || string(b) != "keep" {
			t.Errorf("%+v: %s, %v", a, b, err)
		}
	}
	for _, s := range []string{"", "2512345632500000000001", "25123456325000000000018", "2512345632500000000001X", "25123459999000000000016"} {
		if _, err := ParseARN([]byte(s), Standard); !errors.Is(err, ErrValue) {
			t.Errorf("%s: %v", s, err)
		}
	}
}
