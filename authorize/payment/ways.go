package payment

import (
	"time"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/order"
)

// Ways are the means that orders can be paid by.
type Ways struct {
	Directory *settle.Directory
	Instant   bool // there is a partner bank
	Now       func() time.Time
}

// Wanted are those that merchant and order want to offer: each needs both.
func (w Ways) Wanted(m *tenants.Merchant, kept protocol.Details) []order.Means {
	var wanted []order.Means
	if m.Page.Card && kept.Of(protocol.InCardPayment) != "0" {
		wanted = append(wanted, order.MeansCard)
	}
	if m.Page.Instant && w.Instant && kept.Of(protocol.InFastPayPayment) != "0" {
		wanted = append(wanted, order.MeansInstant)
	}
	return wanted
}

// Payable returns nil when an amount can be paid by a means now.
func (w Ways) Payable(m *settle.Merchant, means order.Means, original money.Amount, twoStage bool) error {
	q, err := w.Directory.Quote(m, means, original, w.Now())
	if err == nil && twoStage && !q.Route.Center.Capabilities.TwoStage {
		err = settle.ErrTwoStage
	}
	return err
}

// CheckBrand refuses a card, by its mask, whose brand the center that an amount goes to does not take.
func (w Ways) CheckBrand(m *settle.Merchant, original money.Amount, mask string) error {
	q, err := w.Directory.Quote(m, order.MeansCard, original, w.Now())
	if err != nil {
		return err
	}
	return q.Route.Center.CheckBrand(mask)
}
