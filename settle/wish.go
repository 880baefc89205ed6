package settle

import (
	"time"

	"settled/settle/order"
)

// WishKind is what a buyer asked for with a payment, to be done when it is approved.
type WishKind int16

// The kinds of wishes. The numbers are stored.
const (
	WishKeep      WishKind = 1 // that the merchant keeps the card for the buyer's next payment
	WishSubscribe WishKind = 2 // that a subscription begins
)

// String names the kind.
func (k WishKind) String() string {
	if k == WishSubscribe {
		return "begin a subscription"
	}
	return "keep a card"
}

// approval is an order that this transaction made paid, or one of whose payment this transaction learned more.
type approval struct {
	merchant int32
	order    int64
	consent  string // the partner bank's token of an instant payment; empty: none, or a card
}

// granted is a wish whose order is paid, with what it is done from.
type granted struct {
	Merchant    int32 `db:"merchant_id"`
	Order       int64 `db:"order_id"`
	Kind        WishKind
	Means       order.Means
	Customer    string
	Card        []byte
	CardMask    string
	CardExpiry  string
	NetworkID   string
	CompletedAt time.Time
	Due         bool // it was tried before
}

// DueWish is a wish of a paid order that could not be done with the approval.
type DueWish struct {
	Merchant int32 `db:"merchant_id"`
	Order    int64 `db:"order_id"`
	Kind     WishKind
	Means    order.Means
	Attempts int16 // this one included
}
