package payment

import (
	"time"

	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/subscription"
)

// agreement is what a buyer agrees to.
type agreement struct {
	Min, Max money.Amount
	Days     int
	Until    time.Time // last date
}

// ReadAgreement checks what the buyer of a first recurring payment agrees to; nil when it is none.
func ReadAgreement(c *tenants.Caller, currency money.Currency, now time.Time) (*agreement, error) {
	indicator, err := c.Number(protocol.InRecurringIndicator, 0, 1, 0)
	if err != nil {
		return nil, err
	}
	if indicator == 0 {
		return nil, refuseRecurring(c)
	}
	switch {
	case !c.Settings.Page.Recurring:
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
func refuseRecurring(c *tenants.Caller) error {
	for _, id := range protocol.TermParams {
		if c.Names(id) && !c.Has(protocol.InRecurringIndicator) {
			return c.Require(protocol.InRecurringIndicator)
		}
	}
	return nil
}

// Terms are what the books keep of it.
func (r *agreement) Terms() *subscription.Terms {
	return &subscription.Terms{Min: r.Min.Minor, Max: r.Max.Minor, PeriodDays: r.Days, LastDate: r.Until}
}

func readSchedule(c *tenants.Caller, currency money.Currency, now time.Time) (*agreement, error) {
	var r agreement
	var err error
	if r.Min, err = c.AmountOf(protocol.InRecurringMinAmount, currency); err != nil {
		return nil, err
	}
	if r.Max, err = c.AmountOf(protocol.InRecurringMaxAmount, currency); err != nil {
		return nil, err
	}
	if r.Days, err = c.Number(protocol.InRecurringPeriod, 1, protocol.MaxSmall, 0); err != nil {
		return nil, err
	}
	r.Until, err = time.Parse(dayFormat, c.Text(protocol.InRecurringMaxDate))
	switch {
	case err != nil:
		return nil, protocol.Unreadable(protocol.InRecurringMaxDate, "is not a date of the form DD.MM.YYYY")
	case r.Until.Add(24 * time.Hour).Before(now):
		return nil, protocol.Invalid(protocol.InRecurringMaxDate, "has passed")
	case r.Min.Minor > r.Max.Minor:
		return nil, protocol.Invalid(protocol.InRecurringMinAmount, "exceeds RecurringMaxAmount")
	}
	return &r, nil
}

// AgreedOf is what the buyer of an order agrees to, nil when the order's payment is an ordinary one.
func AgreedOf(o *settle.Order) *agreement {
	t := o.Terms
	if t == nil {
		return nil
	}
	amount := func(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: o.Original.Currency} }
	return &agreement{Min: amount(t.Min), Max: amount(t.Max), Days: t.PeriodDays, Until: t.LastDate}
}

// dayFormat is how days stand in requests.
const dayFormat = "02.01.2006"
