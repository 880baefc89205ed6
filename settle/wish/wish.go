package wish

import (
	"time"

	"settled/settle/order"
)

// Kind is what a buyer asked for with a payment, to be done when it is approved.
type Kind int16

// The kinds of wishes. The numbers are stored.
const (
	Keep      Kind = 1 // that the merchant keeps the card for the buyer's next payment
	Subscribe Kind = 2 // that a subscription begins
)

// String names the kind.
func (k Kind) String() string {
	if k == Subscribe {
		return "begin a subscription"
	}
	return "keep a card"
}

// Approval is an order that a transaction made paid, or one of whose payment it learned more.
type Approval struct {
	Merchant int32
	Order    int64
	Consent  string // the partner bank's token of an instant payment; empty: none, or a card
}

// granted is a wish whose order is paid, with what it is done from.
type granted struct {
	Merchant    int32 `db:"merchant_id"`
	Order       int64 `db:"order_id"`
	Kind        Kind
	Means       order.Means
	Customer    string
	Card        []byte
	CardMask    string
	CardExpiry  string
	NetworkID   string
	CompletedAt time.Time
	Due         bool // it was tried before
}

// Due is a wish of a paid order that could not be done with the approval.
type Due struct {
	Merchant int32 `db:"merchant_id"`
	Order    int64 `db:"order_id"`
	Kind     Kind
	Means    order.Means
	Attempts int16 // this one included
}
