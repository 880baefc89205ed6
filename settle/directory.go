package settle

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/settle/order"
)

// Costs of a center per accepted record. Interchange and scheme fee are shares of a sale in basis points, rounded half up
// per record; Processing is a fixed amount in minor units per accepted record, sale or credit.
type Costs struct {
	InterchangeBPS int64
	SchemeBPS      int64
	Processing     int64
	Invoiced       bool // billed later (PR-09v) instead of netted from the settlement
}

// Center is a processing center as the books know it.
type Center struct {
	ID           int16
	Name         string
	Zone         *time.Location // of its business and bank days
	Stream       string         // name of its clearing stream, for example "ipm"
	Capabilities order.Capabilities
	Costs        Costs
	LatePaid     LatePaid // instant payments only
}

// LatePaid says what becomes of an instant payment that the customer's bank reports paid after the order was closed.
type LatePaid int

// The policies for late instant payments.
const (
	LateAdopt  LatePaid = iota // the order is paid after all
	LateRefund                 // the money goes back at once
)

// BankDay returns the center's calendar date of an instant: a single-message purchase can be reversed only within it.
func (c *Center) BankDay(at time.Time) string { return at.In(c.Zone).Format(time.DateOnly) }

// Route is a merchant's contract with one center.
type Route struct {
	Center        *Center
	Currencies    []money.Currency // that the center processes for the merchant
	Terminal      string           // terminal id at the center, 8 characters at most
	Acceptor      string           // card acceptor id at the center, 15 characters at most
	ConfirmWithin time.Duration    // how long a hold waits for its confirmation; default 48 h
	// MITConfirmWithin is the same for holds of payments that the merchant initiates without the customer. Default:
	// ConfirmWithin or 5 days, whichever is shorter.
	MITConfirmWithin time.Duration
	MDRBPS           int64 // price of an accepted sale in basis points, half up per record
	MDRInvoiced      bool  // billed to the merchant (PR-10g) instead of netted from its payable
	ReturnMDR        bool  // a refund gives its share of the MDR back; not together with MDRInvoiced
}

// Means returns what customers pay with on the route: instant payments exactly when its center is instant.
func (r *Route) Means() Means {
	if r.Center.Capabilities.Instant {
		return MeansInstant
	}
	return MeansCard
}

// fill sets the defaults of the windows to confirm.
func (r *Route) fill() {
	if r.ConfirmWithin == 0 {
		r.ConfirmWithin = DefaultConfirmWithin
	}
	if r.MITConfirmWithin == 0 {
		r.MITConfirmWithin = min(r.ConfirmWithin, maxMITConfirmWithin)
	}
}

// Notify says which outcomes are told to a merchant's server. The zero value: none.
type Notify struct {
	Payments, Confirmations, Cancellations bool // outcomes of which operations
	OnlySuccessful                         bool // of these, only those that are successful
}

// Merchant is who sells.
type Merchant struct {
	ID      int32
	Name    string
	Street  string
	City    string
	Postal  string
	Region  string
	Country string         // ISO 3166 alpha-3
	MCC     string         // merchant category code, 4 digits
	Default money.Currency // its own currency: what is paid in a currency without a route is converted to it
	Routes  []Route
	Notify  Notify // outcomes told to its server
}

// DefaultConfirmWithin is the window to confirm when a route does not set one.
const DefaultConfirmWithin = 48 * time.Hour

// maxMITConfirmWithin is as long as the schemes let a hold stand that the merchant placed without the customer.
const maxMITConfirmWithin = 5 * 24 * time.Hour

// Route returns the contract for card payments in a currency: the first route that lists it.
func (m *Merchant) Route(c money.Currency) (*Route, bool) { return m.RouteOf(MeansCard, c) }

// RouteOf returns the contract for payments by a means in a currency: the first route of the means that lists it.
func (m *Merchant) RouteOf(means Means, c money.Currency) (*Route, bool) {
	for i := range m.Routes {
		if r := &m.Routes[i]; r.Means() == means && slices.Contains(r.Currencies, c) {
			return r, true
		}
	}
	return nil, false
}

// At returns the merchant's contract with a center, or nil.
func (m *Merchant) At(center int16) *Route {
	for i := range m.Routes {
		if m.Routes[i].Center.ID == center {
			return &m.Routes[i]
		}
	}
	return nil
}

// Directory holds the configured centers and merchants, and the exchange rates. It never changes; a new configuration is a new Directory.
type Directory struct {
	centers   map[int16]*Center
	merchants map[int32]*Merchant
	ordered   []*Center
	rates     []RateEntry // youngest first
}

// ErrDirectory is wrapped by the errors of NewDirectory.
var ErrDirectory = errors.New("settle: directory")

// NewDirectory checks that ids and names are unique and that every route is usable.
func NewDirectory(centers []*Center, merchants []*Merchant) (*Directory, error) {
	d := &Directory{centers: map[int16]*Center{}, merchants: map[int32]*Merchant{}}
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

// Merchant returns a merchant by id.
func (d *Directory) Merchant(id int32) (*Merchant, bool) { m, ok := d.merchants[id]; return m, ok }

// Centers returns the centers in order of id.
func (d *Directory) Centers() []*Center { return d.ordered }

// Merchants returns the merchants by id, in no particular order.
func (d *Directory) Merchants() map[int32]*Merchant { return d.merchants }
