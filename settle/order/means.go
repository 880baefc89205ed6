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

// CardExpires formats the expiry of a card, YYMM, as MM/YY; anything else is empty.
func CardExpires(yymm string) string {
	if len(yymm) != 4 {
		return ""
	}
	return yymm[2:] + "/" + yymm[:2]
}
