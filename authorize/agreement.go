package authorize

import (
	"settled/authorize/protocol"
	"settled/internal/money"
	"settled/settle"
	"time"
)

// agreement is what a buyer agrees to.
type agreement struct {
	min, max money.Amount
	days     int
	until    time.Time // last date
}

// readAgreement checks what the buyer of a first recurring payment agrees to; nil when it is none.
func readAgreement(c *caller, currency money.Currency, now time.Time) (*agreement, error) {
	indicator, err := c.Number(protocol.InRecurringIndicator, 0, 1, 0)
	if err != nil {
		return nil, err
	}
	if indicator == 0 {
		return nil, refuseRecurring(c)
	}
	switch {
	case !c.settings.Page.Recurring:
		return nil, protocol.Refuse(protocol.FirstProhibited, protocol.OnRecurring, "recurring payments are not available")
	case c.Has(protocol.InCustomerNumber):
		return nil, protocol.Refuse(protocol.FirstProhibited, protocol.InCustomerNumber.Second(), "CustomerNumber must not be sent with recurring parameters")
	}
	if err := c.Require(protocol.TermParams...); err != nil {
		return nil, err
	}
	return readSchedule(c, currency, now)
}

// refuseRecurring refuses a part of the set without the indicator. An indicator of 0 switches it off.
func refuseRecurring(c *caller) error {
	for _, id := range protocol.TermParams {
		if c.Names(id) && !c.Has(protocol.InRecurringIndicator) {
			return c.Require(protocol.InRecurringIndicator)
		}
	}
	return nil
}

func (r *agreement) terms() *settle.Terms {
	return &settle.Terms{Min: r.min.Minor, Max: r.max.Minor, PeriodDays: r.days, LastDate: r.until}
}

func readSchedule(c *caller, currency money.Currency, now time.Time) (*agreement, error) {
	var r agreement
	var err error
	if r.min, err = c.AmountOf(protocol.InRecurringMinAmount, currency); err != nil {
		return nil, err
	}
	if r.max, err = c.AmountOf(protocol.InRecurringMaxAmount, currency); err != nil {
		return nil, err
	}
	if r.days, err = c.Number(protocol.InRecurringPeriod, 1, protocol.MaxSmall, 0); err != nil {
		return nil, err
	}
	r.until, err = time.Parse(dayFormat, c.Text(protocol.InRecurringMaxDate))
	switch {
	case err != nil:
		return nil, protocol.Unreadable(protocol.InRecurringMaxDate, "is not a date of the form DD.MM.YYYY")
	case r.until.Add(24 * time.Hour).Before(now):
		return nil, protocol.Invalid(protocol.InRecurringMaxDate, "has passed")
	case r.min.Minor > r.max.Minor:
		return nil, protocol.Invalid(protocol.InRecurringMinAmount, "exceeds RecurringMaxAmount")
	}
	return &r, nil
}

// agreedOf is what the buyer of an order agrees to, nil when the order's payment is an ordinary one.
func agreedOf(o *settle.Order) *agreement {
	t := o.Terms
	if t == nil {
		return nil
	}
	amount := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: o.Original.Currency} }
	return &agreement{min: amount(t.Min), max: amount(t.Max), days: t.PeriodDays, until: t.LastDate}
}

// dayFormat is how days stand in requests.
const dayFormat = "02.01.2006"
