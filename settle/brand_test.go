package settle_test

import (
	"testing"

	"settled/settle"
	"settled/settle/order"
)

func TestBrandOf(t *testing.T) {
	for number, want := range map[string]settle.Brand{
		"4000": settle.Visa, "411111****1111": settle.Visa, "5099": settle.Maestro, "5100": settle.Mastercard, "5599": settle.Mastercard,
		"5600": settle.Maestro, "2220": "", "2221": settle.Mastercard, "2720": settle.Mastercard, "2721": "", "2199": "", "2200": settle.Mir,
		"2204": settle.Mir, "2205": "", "9112": settle.Belkart, "9111": "", "3528": settle.JCB, "3742": settle.Amex, "3056": settle.Diners,
		"6250": settle.UnionPay, "6304": settle.Maestro, "6759": settle.Maestro, "6011": "", "8171": settle.UnionPay, "": "", "411": "", "****": "",
	} {
		if got := settle.BrandOf(number); got != want {
			t.Errorf("%q is of %q, not of %q", number, got, want)
		}
	}
}

// A number of no known brand is refused everywhere, also where every brand is taken.
func TestUnknownBrand(t *testing.T) {
	every := settle.Center{Name: "PC-A", Brands: settle.Brands}
	if every.CheckBrand("601100****0004") == nil || every.CheckBrand("378282****0005") != nil {
		t.Error("a center of every brand takes what is of none, or refuses a brand")
	}
	bank := settle.Center{Name: "BANK", Capabilities: order.Capabilities{Instant: true}}
	if bank.CheckBrand("411111****1111") == nil {
		t.Error("an instant center takes a card")
	}
}
