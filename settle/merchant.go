package settle

import (
	"maps"
	"slices"
	"time"

	"settled/internal/money"
	"settled/settle/fees"
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
	Brands       []Brand // of the cards that it takes; nil: the usual ones, see [Center.Takes]
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
	Contract      int32 // id of the stored version, see Books.RegisterContracts; 0 before that
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
	// Ends is the first instant at which the contract takes no new payments; zero: it has no end. What was sold before is
	// served under it as ever.
	Ends time.Time
}

// Terms are the prices of the contract and how they are paid.
func (r *Route) Terms() fees.Terms {
	c := r.Center.Costs
	return fees.Terms{Prices: fees.Prices{InterchangeBPS: c.InterchangeBPS, SchemeBPS: c.SchemeBPS, Processing: c.Processing, MDRBPS: r.MDRBPS},
		CostsInvoiced: c.Invoiced, MDRInvoiced: r.MDRInvoiced, ReturnMDR: r.ReturnMDR}
}

// openAt tells that the contract takes new payments at an instant.
func (r *Route) openAt(at time.Time) bool { return r.Ends.IsZero() || at.Before(r.Ends) }

func (r *Route) outlives(o *Route) bool {
	return !o.Ends.IsZero() && (r.Ends.IsZero() || r.Ends.After(o.Ends))
}

// Means returns what customers pay with on the route: instant payments exactly when its center is instant.
func (r *Route) Means() order.Means {
	if r.Center.Capabilities.Instant {
		return order.MeansInstant
	}
	return order.MeansCard
}

// DefaultConfirmWithin is the window to confirm when a route does not set one.
const DefaultConfirmWithin = 48 * time.Hour

// maxMITConfirmWithin is as long as the schemes let a hold stand that the merchant placed without the customer.
const maxMITConfirmWithin = 5 * 24 * time.Hour

// fill sets the defaults of the windows to confirm.
func (r *Route) fill() {
	if r.ConfirmWithin == 0 {
		r.ConfirmWithin = DefaultConfirmWithin
	}
	if r.MITConfirmWithin == 0 {
		r.MITConfirmWithin = min(r.ConfirmWithin, maxMITConfirmWithin)
	}
}

// holdFor is how long a hold waits for its confirmation; one of a payment that the buyer did not start stands for less.
func (r *Route) holdFor(later bool) time.Duration {
	if later {
		return r.MITConfirmWithin
	}
	return r.ConfirmWithin
}

// paymentKind is the kind of transaction that a payment by the route is.
func (r *Route) paymentKind() Kind {
	if r.Center.Capabilities.FinancialRecord {
		return Authorization
	}
	return Purchase
}

// Notify says which outcomes are told to a merchant's server. The zero value: none.
type Notify struct {
	Payments, Confirmations, Cancellations bool // outcomes of which operations
	OnlySuccessful                         bool // of these, only those that are successful
}

// Merchant is who sells.
type Merchant struct {
	ID   int32
	Name string // as customers read it
	// ClearingName stands in clearing records instead of Name, where a center's character set lacks what Name has.
	ClearingName string
	Street       string
	City         string
	Postal       string
	Region       string
	Country      string         // ISO 3166 alpha-3
	MCC          string         // merchant category code, 4 digits
	Default      money.Currency // its own currency: what is paid in a currency without a route is converted to it
	Routes       []Route
	Notify       Notify  // outcomes told to its server
	ended        []Route // contracts that are not configured any more, each for one currency
}

// RecordName is the name in clearing records.
func (m *Merchant) RecordName() string {
	if m.ClearingName != "" {
		return m.ClearingName
	}
	return m.Name
}

// Route returns the contract for card payments in a currency: the first route that lists it, ended or not.
func (m *Merchant) Route(c money.Currency) (*Route, bool) {
	return m.RouteOf(order.MeansCard, c, time.Time{})
}

// RouteOf returns the contract for new payments by a means in a currency at an instant: the first open route of the means
// that lists it.
func (m *Merchant) RouteOf(means order.Means, c money.Currency, at time.Time) (*Route, bool) {
	for i := range m.Routes {
		if r := &m.Routes[i]; r.Means() == means && r.openAt(at) && slices.Contains(r.Currencies, c) {
			return r, true
		}
	}
	return nil, false
}

// Serves returns the contract under which what was sold at a center in a currency is served, whether or not it takes new
// payments: the configured one, of several the one that ends last; else the last that was. It is nil when the merchant never
// had a contract with the center.
func (m *Merchant) Serves(center int16, c money.Currency) *Route {
	var best *Route
	for _, routes := range [...][]Route{m.Routes, m.ended} {
		for i := range routes {
			if r := &routes[i]; r.Center.ID == center && slices.Contains(r.Currencies, c) && (best == nil || r.outlives(best)) {
				best = r
			}
		}
		if best != nil {
			return best
		}
	}
	return m.at(center)
}

// at returns any contract with a center, or nil.
func (m *Merchant) at(center int16) *Route {
	for _, routes := range [...][]Route{m.Routes, m.ended} {
		for i := range routes {
			if routes[i].Center.ID == center {
				return &routes[i]
			}
		}
	}
	return nil
}

// Means returns the means of payment that the merchant has routes for, in the order of their numbers.
func (m *Merchant) Means() []order.Means {
	have := map[order.Means]bool{}
	for i := range m.Routes {
		have[m.Routes[i].Means()] = true
	}
	return slices.Sorted(maps.Keys(have))
}
