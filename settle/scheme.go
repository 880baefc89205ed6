package settle

// Brand is the payment scheme of a card, as configurations name it. The empty brand is none that we know.
type Brand string

// The brands.
const (
	Visa       Brand = "visa"
	Mastercard Brand = "mastercard"
	Mir        Brand = "mir"
	Belkart    Brand = "belkart"
	Maestro    Brand = "maestro"
	Amex       Brand = "amex"
	Diners     Brand = "diners"
	JCB        Brand = "jcb"
	UnionPay   Brand = "unionpay"
)

// Brands are all that can be told by the number of a card.
var Brands = []Brand{Visa, Mastercard, Mir, Belkart, Maestro, Amex, Diners, JCB, UnionPay}
