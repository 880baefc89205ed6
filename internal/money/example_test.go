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

// A billed fee of 1.00 is shared among three records in proportion to their amounts.
func ExampleApportion() {
	fmt.Println(money.Apportion(100, []int64{5000, 3000, 1000}))
	fmt.Println(money.Split(100, 3))
	// Output:
	// [56 33 11] <nil>
	// [34 33 33] <nil>
}

// A provider that writes Chilean pesos with two decimals.
func ExampleRescale() {
	fmt.Println(money.Rescale(150_000, 2, 0))
	fmt.Println(money.Rescale(150_050, 2, 0))
	// Output:
	// 1500 <nil>
	// 0 money: more decimals than the currency has: 150050 units from 2 to 0 decimals
}
