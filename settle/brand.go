package settle

import (
	"errors"
	"fmt"
	"slices"
)

// usualBrands are those of a center that does not name its own.
var usualBrands = []Brand{Visa, Mastercard, Mir, Belkart}

// ErrBrand says that the center of a payment does not take cards of that brand.
var ErrBrand = errors.New("settle: cards of this brand are not taken")

// brandRange is a range of numbers by their first four digits.
type brandRange struct {
	first, last string
	brand       Brand
}

var brandRanges = []brandRange{
	{"2200", "2204", Mir}, {"2221", "2720", Mastercard}, {"3000", "3099", Diners}, {"3400", "3499", Amex}, {"3500", "3599", JCB},
	{"3600", "3699", Diners}, {"3700", "3799", Amex}, {"3800", "3899", Diners}, {"4000", "4999", Visa}, {"5000", "5099", Maestro},
	{"5100", "5599", Mastercard}, {"5600", "5899", Maestro}, {"6200", "6299", UnionPay}, {"6300", "6399", Maestro},
	{"6700", "6799", Maestro}, {"8100", "8199", UnionPay}, {"9112", "9112", Belkart},
}

// BrandOf tells the brand of a card by its number, of which the mask is enough.
func BrandOf(number string) Brand {
	if len(number) < 4 {
		return ""
	}
	four := number[:4]
	for _, r := range brandRanges {
		if r.first <= four && four <= r.last {
			return r.brand
		}
	}
	return ""
}

// Takes returns the brands of the cards that the center takes; none when it is instant.
func (c *Center) Takes() []Brand {
	switch {
	case c.Capabilities.Instant:
		return nil
	case c.Brands == nil:
		return usualBrands
	}
	return c.Brands
}

// CheckBrand refuses a card, by its number or mask, whose brand the center does not take: ErrBrand.
func (c *Center) CheckBrand(number string) error {
	if brand := BrandOf(number); !slices.Contains(c.Takes(), brand) {
		return fmt.Errorf("%w: %q at center %s", ErrBrand, brand, c.Name)
	}
	return nil
}
