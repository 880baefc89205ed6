package order

// Means is what a buyer pays an order with. The numbers are stored.
type Means int16

// The means of payment.
const (
	MeansCard    Means = 1 // bank card
	MeansInstant Means = 2 // instant payment through the payer's bank
)

// String returns "card" or "instant", "" for anything else.
func (m Means) String() string {
	switch m {
	case MeansCard:
		return "card"
	case MeansInstant:
		return "instant"
	}
	return ""
}
