package authorize

import (
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
	"time"
)

// ways are the means that orders can be paid by.
type ways struct {
	directory *settle.Directory
	instant   bool // there is a partner bank
	now       func() time.Time
}

// wanted are those that merchant and order want to offer: each needs both.
func (w ways) wanted(m *Merchant, kept protocol.Details) []settle.Means {
	var wanted []settle.Means
	if m.Page.Card && kept.Of(protocol.InCardPayment) != "0" {
		wanted = append(wanted, settle.MeansCard)
	}
	if m.Page.Instant && w.instant && kept.Of(protocol.InFastPayPayment) != "0" {
		wanted = append(wanted, settle.MeansInstant)
	}
	return wanted
}

// payable returns nil when an amount can be paid by a means now.
func (w ways) payable(m *settle.Merchant, means settle.Means, original money.Amount, twoStage bool) error {
	q, err := w.directory.Quote(m, means, original, w.now())
	if err == nil && twoStage && !q.Route.Center.Capabilities.TwoStage {
		err = settle.ErrTwoStage
	}
	return err
}

// checkBrand refuses a card, by its mask, whose brand the center that an amount goes to does not take.
func (w ways) checkBrand(m *settle.Merchant, original money.Amount, mask string) error {
	q, err := w.directory.Quote(m, settle.MeansCard, original, w.now())
	if err != nil {
		return err
	}
	return q.Route.Center.CheckBrand(mask)
}
