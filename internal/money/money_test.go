package money_test

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"settled/internal/money"
)

const (
	clf money.Currency = 990
	usn money.Currency = 997
)

func TestCurrencyTable(t *testing.T) {
	if got := len(money.Currencies()); got != 165 {
		t.Errorf("%d currencies, want 165", got)
	}
	seen := map[string]bool{}
	for _, c := range money.Currencies() {
		alpha, numeric := c.String(), c.Numeric()
		if seen[alpha] || seen[numeric] {
			t.Errorf("%s %s occurs twice", alpha, numeric)
		}
		seen[alpha], seen[numeric] = true, true
		byAlpha, err1 := money.ParseCurrency(alpha)
		byNumeric, err2 := money.CurrencyFromNumeric(numeric)
		if err1 != nil || err2 != nil || byAlpha != c || byNumeric != c || len(alpha) != 3 || c.Name() == "" {
			t.Errorf("%s: %v %v, %v %v, %q", alpha, byAlpha, err1, byNumeric, err2, c.Name())
		}
	}
}

// The lists of the standard: whatever is not named here has two decimals.
func TestExponentsByISO4217(t *testing.T) {
	want := map[string]int{}
	for exponent, codes := range map[int]string{
		0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
		3: "BHD IQD JOD KWD LYD OMR TND",
		4: "CLF UYW",
	} {
		for code := range strings.FieldsSeq(codes) {
			want[code] = exponent
		}
	}
	got := map[string]int{}
	for _, c := range money.Currencies() {
		if c.Exponent() != 2 {
			got[c.String()] = c.Exponent()
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCodesInForce(t *testing.T) {
	for code, numeric := range map[string]string{
		"BYN": "933", "XCG": "532", "XAD": "396", "SLE": "925", "VED": "926", "VES": "928", "ZWG": "924", "MRU": "929",
		"STN": "930", "ALL": "008", "AMD": "051", "UZS": "860", "EUR": "978",
	} {
		if c, err := money.ParseCurrency(code); err != nil || c.Numeric() != numeric {
			t.Errorf("%s = %s, %v, want %s", code, c.Numeric(), err, numeric)
		}
	}
	for _, code := range []string{"ANG", "BGN", "BYR", "CUC", "HRK", "SLL", "VEF", "ZWL", "XAU", "XXX", "XTS", "byn", "BY", "BYNN", ""} {
		if _, err := money.ParseCurrency(code); !errors.Is(err, money.ErrUnknownCurrency) {
			t.Errorf("ParseCurrency(%q) = %v", code, err)
		}
	}
	for _, code := range []string{"", "8", "0008", "+33", "975", "999", "000", "93x", "65536"} {
		if _, err := money.CurrencyFromNumeric(code); !errors.Is(err, money.ErrUnknownCurrency) {
			t.Errorf("CurrencyFromNumeric(%q) = %v", code, err)
		}
	}
}

func TestCurrencyOutsideTheTable(t *testing.T) {
	var none money.Currency
	if none.Valid() || none.String() != "000" || none.Exponent() != 0 || none.Name() != "" {
		t.Errorf("no currency is %v, exponent %d, name %q", none, none.Exponent(), none.Name())
	}
	if _, err := none.MarshalText(); !errors.Is(err, money.ErrUnknownCurrency) {
		t.Errorf("MarshalText: %v", err)
	}
	c := money.EUR
	if err := c.UnmarshalText([]byte("eur")); !errors.Is(err, money.ErrUnknownCurrency) || c != money.EUR {
		t.Errorf("UnmarshalText left %v, %v", c, err)
	}
}

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		text     string
		currency money.Currency
		minor    int64
		err      error
	}{
		{"12.34", money.BYN, 1234, nil},
		{"12", money.BYN, 1200, nil},
		{"12.3", money.BYN, 1230, nil},
		{"0012.3000", money.BYN, 1230, nil},
		{"0", money.BYN, 0, nil},
		{"12.34", money.KWD, 12340, nil},
		{"1.999", money.KWD, 1999, nil},
		{"100.00", money.JPY, 100, nil},
		{"999999999999999.99", money.BYN, 99999999999999999, nil},
		{"0.0001", clf, 1, nil},
		{"922337203685477.5807", clf, math.MaxInt64, nil},
		{"922337203685477.5808", clf, 0, money.ErrOverflow},
		{"12.345", money.USD, 0, money.ErrPrecision},
		{"100.50", money.JPY, 0, money.ErrPrecision},
		{"1000000000000000", money.BYN, 0, money.ErrSyntax},
		{"", money.BYN, 0, money.ErrSyntax},
		{".5", money.BYN, 0, money.ErrSyntax},
		{"5.", money.BYN, 0, money.ErrSyntax},
		{"1.2.3", money.BYN, 0, money.ErrSyntax},
		{"-1", money.BYN, 0, money.ErrSyntax},
		{"+1", money.BYN, 0, money.ErrSyntax},
		{" 1", money.BYN, 0, money.ErrSyntax},
		{"1,00", money.BYN, 0, money.ErrSyntax},
		{"1e2", money.BYN, 0, money.ErrSyntax},
		{"1_0", money.BYN, 0, money.ErrSyntax},
		{"١", money.BYN, 0, money.ErrSyntax},
		{"1", 0, 0, money.ErrUnknownCurrency},
	} {
		got, err := money.Parse(tt.text, tt.currency)
		if got.Minor != tt.minor || !errors.Is(err, tt.err) || (tt.err == nil && got.Currency != tt.currency) {
			t.Errorf("Parse(%q, %s) = %d, %v, want %d, %v", tt.text, tt.currency, got.Minor, err, tt.minor, tt.err)
		}
	}
}

func TestDecimal(t *testing.T) {
	for _, tt := range []struct {
		amount money.Amount
		want   string
	}{
		{money.Amount{Minor: 1234, Currency: money.BYN}, "12.34 BYN"},
		{money.Amount{Minor: 5, Currency: money.KWD}, "0.005 KWD"},
		{money.Amount{Minor: -5, Currency: money.USD}, "-0.05 USD"},
		{money.Amount{Minor: -5, Currency: money.JPY}, "-5 JPY"},
		{money.Amount{Minor: 0, Currency: usn}, "0.00 USN"},
		{money.Amount{Minor: math.MinInt64, Currency: money.BYN}, "-92233720368547758.08 BYN"},
		{money.Amount{Minor: 7}, "7 000"},
	} {
		if got := tt.amount.String(); got != tt.want {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}

func TestRoundingExamples(t *testing.T) {
	for _, tt := range []struct{ minor, bps, want int64 }{
		{199, 250, 5}, {1999, 250, 50}, {1, 250, 0}, {20, 250, 1}, {19, 250, 0}, {-20, 250, -1}, {20, -250, -1},
		{math.MaxInt64, 10_000, math.MaxInt64}, {math.MinInt64, 10_000, math.MinInt64}, {0, 250, 0},
	} {
		if got, err := money.BasisPoints(tt.minor, tt.bps); got != tt.want || err != nil {
			t.Errorf("BasisPoints(%d, %d) = %d, %v, want %d", tt.minor, tt.bps, got, err, tt.want)
		}
	}
	if _, err := money.BasisPoints(math.MaxInt64, 10_001); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("overflow: %v", err)
	}
	if _, err := money.MulDiv(1, 1, 0); !errors.Is(err, money.ErrArgument) {
		t.Errorf("division by zero: %v", err)
	}
	if _, err := money.MulDiv(math.MinInt64, 1, -1); !errors.Is(err, money.ErrOverflow) {
		t.Errorf("negated smallest: %v", err)
	}
}

var anyCurrency = rapid.SampledFrom(money.Currencies())

func TestParseReadsBackDecimal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount{Minor: rapid.Int64Range(0, 999_999_999_999_999).Draw(t, "minor"), Currency: anyCurrency.Draw(t, "currency")}
		got, err := money.Parse(a.Decimal(), a.Currency)
		if err != nil || got != a {
			t.Fatalf("Parse(%s) = %v, %v", a.Decimal(), got, err)
		}
	})
}

func TestAddAndSubAgainstBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a := money.Amount{Minor: rapid.Int64().Draw(t, "a"), Currency: money.BYN}
		b := money.Amount{Minor: rapid.Int64().Draw(t, "b"), Currency: money.BYN}
		check := func(name string, got money.Amount, err error, want *big.Int) {
			if want.IsInt64() != (err == nil) || err == nil && got.Minor != want.Int64() {
				t.Fatalf("%v %s %v = %v, %v, want %v", a, name, b, got, err, want)
			}
			if err != nil && !errors.Is(err, money.ErrOverflow) {
				t.Fatal(err)
			}
		}
		x, y := big.NewInt(a.Minor), big.NewInt(b.Minor)
		sum, err := a.Add(b)
		check("+", sum, err, new(big.Int).Add(x, y))
		difference, err := a.Sub(b)
		check("-", difference, err, new(big.Int).Sub(x, y))
	})
	one, other := money.Amount{Minor: 1, Currency: money.BYN}, money.Amount{Minor: 1, Currency: money.EUR}
	if _, err := one.Add(other); !errors.Is(err, money.ErrCurrencyMismatch) {
		t.Errorf("BYN + EUR: %v", err)
	}
	if _, err := one.Sub(other); !errors.Is(err, money.ErrCurrencyMismatch) {
		t.Errorf("BYN - EUR: %v", err)
	}
}

func TestMulDivAgainstBigIntegers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := rapid.Int64().Draw(t, "a"), rapid.Int64().Draw(t, "b")
		c := rapid.Int64().Filter(func(c int64) bool { return c != 0 }).Draw(t, "c")
		got, err := money.MulDiv(a, b, c)
		want := roundedQuotient(a, b, c)
		if want.IsInt64() != (err == nil) || err == nil && got != want.Int64() {
			t.Fatalf("MulDiv(%d, %d, %d) = %d, %v, want %v", a, b, c, got, err, want)
		}
	})
}

// roundedQuotient is floor(|ab|/|c| + 1/2) with the sign of ab/c.
func roundedQuotient(a, b, c int64) *big.Int {
	product := new(big.Int).Mul(big.NewInt(a), big.NewInt(b))
	sign := product.Sign() * big.NewInt(c).Sign()
	divisor := new(big.Int).Abs(big.NewInt(c))
	twice := product.Abs(product).Lsh(product, 1)
	twice.Add(twice, divisor).Quo(twice, divisor.Lsh(divisor, 1))
	return twice.Mul(twice, big.NewInt(int64(sign)))
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"12.34", "0", "1.", ".1", "999999999999999.9999", "-1", "1e5"} {
		f.Add(seed, uint16(933))
		f.Add(seed, uint16(392))
		f.Add(seed, uint16(990))
	}
	f.Fuzz(func(t *testing.T, text string, code uint16) {
		a, err := money.Parse(text, money.Currency(code))
		if err != nil {
			return
		}
		again, err := money.Parse(a.Decimal(), a.Currency)
		if err != nil || again != a || a.Minor < 0 {
			t.Errorf("%q is %v, which reads back as %v, %v", text, a, again, err)
		}
	})
}
