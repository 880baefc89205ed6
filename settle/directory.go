package settle

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"settled/internal/money"
)

// RateEntry is an exchange rate and when it is valid: from ValidFrom on, until before ValidTo.
type RateEntry struct {
	From, To  money.Currency
	Rate      money.Rate // units of To per unit of From
	Source    string     // who published it
	ValidFrom time.Time  // zero: since ever
	ValidTo   time.Time  // zero: until further notice
}

func (e *RateEntry) validAt(at time.Time) bool {
	return !at.Before(e.ValidFrom) && (e.ValidTo.IsZero() || at.Before(e.ValidTo))
}

// Overlaps tells whether there is an instant at which both entries are valid for the same pair of currencies.
func (e *RateEntry) Overlaps(other *RateEntry) bool {
	return e.From == other.From && e.To == other.To &&
		(e.ValidTo.IsZero() || other.ValidFrom.Before(e.ValidTo)) && (other.ValidTo.IsZero() || e.ValidFrom.Before(other.ValidTo))
}

// Directory holds the configured centers and merchants, and the exchange rates. Once Books.RegisterContracts has added the
// contracts that have ended it never changes; a new configuration is a new Directory (Books.Under).
type Directory struct {
	centers   map[int16]*Center
	merchants map[int32]*Merchant
	gone      map[int32]*Merchant // known by their ended contracts alone
	ordered   []*Center
	rates     []RateEntry // youngest first
}

// ErrDirectory is wrapped by the errors of NewDirectory.
var ErrDirectory = errors.New("settle: directory")

// NewDirectory checks that ids and names are unique and that every route is usable.
func NewDirectory(centers []*Center, merchants []*Merchant) (*Directory, error) {
	d := &Directory{centers: map[int16]*Center{}, merchants: map[int32]*Merchant{}, gone: map[int32]*Merchant{}}
	for _, c := range centers {
		if c.ID <= 0 || c.Zone == nil || d.centers[c.ID] != nil {
			return nil, fmt.Errorf("%w: center %q needs a unique positive id and a zone", ErrDirectory, c.Name)
		}
		d.centers[c.ID] = c
		d.ordered = append(d.ordered, c)
	}
	slices.SortFunc(d.ordered, func(a, b *Center) int { return int(a.ID) - int(b.ID) })
	for _, m := range merchants {
		if m.ID <= 0 || m.ID > maxMerchant || d.merchants[m.ID] != nil {
			return nil, fmt.Errorf("%w: merchant %d needs a unique id from 1 to %d", ErrDirectory, m.ID, maxMerchant)
		}
		for i := range m.Routes {
			r := &m.Routes[i]
			if r.Center == nil || d.centers[r.Center.ID] != r.Center {
				return nil, fmt.Errorf("%w: merchant %d: route %d names no configured center", ErrDirectory, m.ID, i+1)
			}
			r.fill()
		}
		d.merchants[m.ID] = m
	}
	return d, nil
}

// Center returns a center by id.
func (d *Directory) Center(id int16) (*Center, bool) { c, ok := d.centers[id]; return c, ok }

// Merchant returns a merchant by id, also one that is not configured any more and has sold before: it has no routes.
func (d *Directory) Merchant(id int32) (*Merchant, bool) {
	if m, ok := d.merchants[id]; ok {
		return m, true
	}
	m, ok := d.gone[id]
	return m, ok
}

// Centers returns the centers in order of id.
func (d *Directory) Centers() []*Center { return d.ordered }

// Merchants returns the configured merchants by id, in no particular order.
func (d *Directory) Merchants() map[int32]*Merchant { return d.merchants }

// MerchantIDs returns the numbers of the configured merchants, in their order.
func (d *Directory) MerchantIDs() []int32 { return slices.Sorted(maps.Keys(d.merchants)) }

// TerminalOf tells whether a center knows a terminal as one of ours, and of which merchant.
func (d *Directory) TerminalOf(center int16, terminal, acceptor string) (merchant int32, ours bool) {
	for id, m := range d.merchants {
		for i := range m.Routes {
			r := &m.Routes[i]
			if r.Center.ID == center && r.Terminal == terminal && r.Acceptor == acceptor {
				return id, true
			}
		}
	}
	return 0, false
}
