package checkout

import (
	"settled/settle"
)

// brandTitles are the brands of cards as buyers know them.
var brandTitles = map[settle.Brand]string{settle.Visa: "Visa", settle.Mastercard: "Mastercard", settle.Mir: "Mir", settle.Belkart: "Belkart",
	settle.Maestro: "Maestro", settle.Amex: "American Express", settle.Diners: "Diners Club", settle.JCB: "JCB", settle.UnionPay: "UnionPay"}

// brandTitle is the brand of a card, by its mask, as buyers know it.
func brandTitle(mask string) string { return brandTitles[settle.BrandOf(mask)] }

// lastDigits is the end of a mask, as buyers know their card.
func lastDigits(mask string) string {
	if len(mask) < 4 {
		return ""
	}
	return "•••• " + mask[len(mask)-4:]
}
