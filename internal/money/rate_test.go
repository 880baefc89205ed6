package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"settled/internal/money"
)

func TestParseRate(t *testing.T) {
	for _, good := range []string{"1", "91.2500", "0.00000001", "9999999999.99999999", "0010.0", "3.2715"} {
		r, err := money.ParseRate(good)
		if err != nil || r.IsZero() {
			t.Errorf("ParseRate(%q) = %v, %v", good, r, err)
		}
	}
	for _, bad := range []string{"", "0", "0.0", "-1", "+1", "1.", ".5", "1,5", "1e3", " 1", "1.123456789", "12345678901", "1.2.3", "１"} {
		if r, err := money.ParseRate(bad); !errors.Is(err, money.ErrSyntax) || !r.IsZero() {
			t.Errorf("ParseRate(%q) = %v, %v", bad, r, err)
		}
	}
}

func TestConvert(t *testing.T) {
	for _, tt := range []struct {
		minor int64
		from  money.Currency
		rate  string
		to    money.Currency
		want  int64
	}{
		{10000, money.USD, "3.2715", money.BYN, 32715},
		{1, money.USD, "3.5", money.BYN, 4}, // 3.5, half up
		{1, money.USD, "3.49999999", money.BYN, 3},
		{1234, money.JPY, "0.0214", money.BYN, 2641}, // 26.4076 BYN
		{1234, money.BYN, "46.7289", money.JPY, 577}, // 576.63
		{1234, money.KWD, "10.6", money.BYN, 1308},   // 13.0804
		{1, money.BYN, "0.00000001", money.BYN, 0},
		{-1, money.USD, "3.5", money.BYN, -4},
		{math.MaxInt64, money.BYN, "1", money.BYN, math.MaxInt64},
		{math.MinInt64, money.BYN, "1.00", money.BYN, math.MinInt64},
	} {
		r, err := money.ParseRate(tt.rate)
		if err != nil {
			t.Fatal(err)
		}
		got, err := r.Convert(money.Amount{Minor: tt.minor, Currency: tt.from}, tt.to)
		if want := (money.Amount{Minor: tt.want, Currency: tt.to}); err != nil || got != want {
			t.Errorf("%d %v at %s = %v, %v, want %v", tt.minor, tt.from, tt.rate, got, err, want)
		}
	}
}

func TestConvertRefuses(t *testing.T) {
	two, err := money.ParseRate("2")
	if err != nil {
		t.Fatal(err)
	}
	amount := money.Amount{Minor: math.MaxInt64, Currency: money.USD}
	if _, err := two.Convert(amount, money.BYN); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := two.Convert(amount, 0); !errors.Is(err, money.ErrUnknownCurrency) {
		t.Errorf("to no currency: %v", err)
	}
	if _, err := two.Convert(money.Amount{Minor: 1}, money.BYN); !errors.Is(err, money.ErrUnknownCurrency) {
		t.Errorf("from no currency: %v", err)
	}
	if _, err := (money.Rate{}).Convert(amount, money.BYN); !errors.Is(err, money.ErrArgument) {
		t.Errorf("no rate: %v", err)
	}
}

// TestConvertAgainstRationals compares with floor(|x| + 1/2) of the exact product.
func TestConvertAgainstRationals(t *testing.T) {
	currencies := []money.Currency{money.BYN, money.JPY, money.KWD, clf}
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`[0-9]{1,10}(\.[0-9]{1,8})?`).Draw(t, "rate")
		r, err := money.ParseRate(text)
		exact, _ := new(big.Rat).SetString(text)
		if (err == nil) != (exact.Sign() > 0) {
			t.Fatalf("ParseRate(%q): %v", text, err)
		}
		if err != nil {
			return
		}
		if written, _ := new(big.Rat).SetString(r.String()); written.Cmp(exact) != 0 || decimals(r.String()) != decimals(text) {
			t.Fatalf("%q is written as %q", text, r)
		}
		if again, err := money.ParseRate(r.String()); err != nil || again != r {
			t.Fatalf("%q reads back as %v, %v", text, again, err)
		}
		a := money.Amount{Minor: rapid.Int64().Draw(t, "minor"), Currency: rapid.SampledFrom(currencies).Draw(t, "from")}
		to := rapid.SampledFrom(currencies).Draw(t, "to")
		got, err := r.Convert(a, to)
		want := converted(a, exact, to)
		if want.IsInt64() != (err == nil) || err == nil && (got.Minor != want.Int64() || got.Currency != to) {
			t.Fatalf("%v at %v = %v, %v, want %v", a, r, got, err, want)
		}
	})
}

func decimals(text string) int {
	_, fraction, _ := strings.Cut(text, ".")
	return len(fraction)
}

func converted(a money.Amount, rate *big.Rat, to money.Currency) *big.Int {
	x := new(big.Rat).Mul(new(big.Rat).SetInt64(a.Minor), rate)
	for range to.Exponent() {
		x.Mul(x, big.NewRat(10, 1))
	}
	for range a.Currency.Exponent() {
		x.Quo(x, big.NewRat(10, 1))
	}
	sign := x.Sign()
	x.Abs(x).Add(x, big.NewRat(1, 2))
	whole := new(big.Int).Quo(x.Num(), x.Denom())
	return whole.Mul(whole, big.NewInt(int64(sign)))
}
