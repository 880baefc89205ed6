package settle

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/settle/order"
)

// WithRates returns a directory of the same centers and merchants with exchange rates. Entries of a pair must not
// overlap; of those that do, the one that became valid last decides.
func (d *Directory) WithRates(rates []RateEntry) *Directory {
	with := *d
	with.rates = slices.SortedStableFunc(slices.Values(rates), func(a, b RateEntry) int { return b.ValidFrom.Compare(a.ValidFrom) })
	return &with
}

// RateAt returns the entry of a pair of currencies that is valid at an instant.
func (d *Directory) RateAt(from, to money.Currency, at time.Time) (RateEntry, bool) {
	for i := range d.rates {
		if e := &d.rates[i]; e.From == from && e.To == to && e.validAt(at) {
			return *e, true
		}
	}
	return RateEntry{}, false
}

// Quote says what a customer pays for an original amount, and where the payment goes.
type Quote struct {
	Route  *Route
	Amount money.Amount // of the payment
	Rate   string       // payment currency per original currency, "1" when nothing is converted
	Source string       // of the rate, empty when nothing is converted
}

// Quote decides amount and route of a payment: in the original currency, when a route of the means takes it; else in the
// merchant's own currency, at the rate that is valid at the instant. The errors wrap ErrNoRoute (no route of the means
// takes either), ErrNoRate, order.ErrAmountNotPositive (nothing is left after rounding) and order.ErrAmountTooLarge (more than
// the messages and files of the center can say).
func (d *Directory) Quote(m *Merchant, means order.Means, original money.Amount, at time.Time) (Quote, error) {
	if route, ok := m.RouteOf(means, original.Currency, at); ok {
		return Quote{Route: route, Amount: original, Rate: "1"}.carried()
	}
	route, ok := m.RouteOf(means, m.Default, at)
	if !ok {
		return Quote{}, fmt.Errorf("%w: %v by %v at merchant %d", ErrNoRoute, original.Currency, means, m.ID)
	}
	entry, ok := d.RateAt(original.Currency, m.Default, at)
	if !ok {
		return Quote{}, fmt.Errorf("%w: from %v to %v", ErrNoRate, original.Currency, m.Default)
	}
	amount, err := entry.Rate.Convert(original, m.Default)
	switch {
	case errors.Is(err, money.ErrOverflow):
		return Quote{}, fmt.Errorf("%w: %v at %s", order.ErrAmountTooLarge, original, entry.Rate)
	case err != nil:
		return Quote{}, fmt.Errorf("convert at %s: %w", entry.Rate, err)
	case amount.Minor <= 0:
		return Quote{}, fmt.Errorf("%w: %v at %s", order.ErrAmountNotPositive, original, entry.Rate)
	}
	return Quote{Route: route, Amount: amount, Rate: entry.Rate.String(), Source: entry.Source}.carried()
}

// carried refuses a quote whose amount the center cannot be told.
func (q Quote) carried() (Quote, error) {
	if limit := q.Route.Center.Capabilities.Largest(); q.Amount.Minor > limit {
		return Quote{}, fmt.Errorf("%w: %v, %s takes %d minor units at most", order.ErrAmountTooLarge, q.Amount, q.Route.Center.Name, limit)
	}
	return q, nil
}

// Rates returns the exchange rates of the directory, the youngest first.
func (d *Directory) Rates() []RateEntry { return slices.Clone(d.rates) }

// converted are the columns of the original amount: null when it is what is paid.
func converted(q Quote, original money.Amount) (amount *int64, currency *int16, rate *string) {
	if q.Amount == original {
		return nil, nil, nil
	}
	number := int16(original.Currency)
	return &original.Minor, &number, &q.Rate
}
