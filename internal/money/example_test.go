package money_test

import (
	"fmt"

	"settled/internal/money"
)

func ExampleParse() {
	for _, currency := range []money.Currency{money.BYN, money.KWD, money.JPY} {
		amount, err := money.Parse("12.34", currency)
		fmt.Println(amount.Minor, err)
	}
	// Output:
	// 1234 <nil>
	// 12340 <nil>
	// 0 money: more decimals than the currency has: "12.34" of JPY
}

func ExampleAmount_Sub() {
	paid := money.Amount{Minor: 10037, Currency: money.BYN}
	due := money.Amount{Minor: 10000, Currency: money.BYN}
	fmt.Println(due.Sub(paid))
	// Output: -0.37 BYN <nil>
}

// A merchant fee of 2.5 % on three amounts: 4.975, 49.975 and 0.025 minor units.
func ExampleBasisPoints() {
	for _, sale := range []money.Amount{{199, money.JPY}, {1999, money.KWD}, {1, money.BYN}} {
		fee, err := money.BasisPoints(sale.Minor, 250)
		fmt.Println(sale, "→", money.Amount{Minor: fee, Currency: sale.Currency}, err)
	}
	// Output:
	// 199 JPY → 5 JPY <nil>
	// 1.999 KWD → 0.050 KWD <nil>
	// 0.01 BYN → 0.00 BYN <nil>
}
