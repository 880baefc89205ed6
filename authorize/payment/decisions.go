package payment

import (
	"encoding/json"
	"errors"
	"fmt"

	"github.com/google/uuid"

	"settled/authorize/protocol"
	"settled/settle"
)

// ErrDetails is wrapped when the details of an order cannot be read: what was decided of it is not guessed.
var ErrDetails = errors.New("payment: details of order cannot be read")

// The details of an order that are decisions, beside those that merchants and buyers sent.
const (
	// StoredDetail names the stored card that the payment of an opened order is tried with; empty: none.
	StoredDetail = "storedcard"
	// ViaDetail says how an order came, when that was not by the page.
	ViaDetail = "via"
	// ViaServer stands in it for a payment of the merchant's server.
	ViaServer = "server"
)

// Decisions are what was decided when an order was opened, and since.
type Decisions struct {
	Proven bool      // its shop has proven that the order, and with it the number of the buyer, is its own
	Server bool      // it is a payment of the merchant's server, which shows the pages
	Stored uuid.UUID // the stored card that its payment is tried with; zero: none
}

// DetailsOf reads the details of an order, nil when it has none. The error wraps ErrDetails.
func DetailsOf(o *settle.Order) (protocol.Details, error) {
	if o.Details == nil {
		return nil, nil
	}
	var kept protocol.Details
	if err := json.Unmarshal(o.Details, &kept); err != nil {
		return nil, fmt.Errorf("%w: details of order %d: not texts by name", ErrDetails, o.ID)
	}
	return kept, nil
}

// DecisionsOf reads what was decided of an order. The error wraps ErrDetails.
func DecisionsOf(o *settle.Order) (Decisions, error) {
	kept, err := DetailsOf(o)
	if err != nil {
		return Decisions{}, err
	}
	return DecisionsIn(o.ID, kept)
}

// DecisionsIn reads what was decided from the details of an order. The error wraps ErrDetails and says what is wrong.
func DecisionsIn(order int64, kept protocol.Details) (d Decisions, err error) {
	wrong := func(name string) error {
		return fmt.Errorf("%w: details of order %d: %s is none of its values", ErrDetails, order, name)
	}
	var flags [2]bool
	for i, flag := range [...]struct{ name, set string }{{protocol.ProvenDetail, "1"}, {ViaDetail, ViaServer}} {
		switch kept[flag.name] {
		case "":
		case flag.set:
			flags[i] = true
		default:
			return Decisions{}, wrong(flag.name)
		}
	}
	if id := kept[StoredDetail]; id != "" {
		if d.Stored, err = uuid.Parse(id); err != nil {
			return Decisions{}, wrong(StoredDetail)
		}
	}
	d.Proven, d.Server = flags[0], flags[1]
	return d, nil
}
