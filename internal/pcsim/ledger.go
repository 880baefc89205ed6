package pcsim

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// key names a request as DE 56 of a later message does.
type key struct {
	mti      string // 1100 or 1200
	terminal string
	stan     string
	local    string // YYMMDDhhmmss
}

// kind is what a booked request did to the money.
type kind uint8

const (
	authorization kind = iota
	purchase
	refund
)

// entry is one request that the center decided on, approved or not.
type entry struct {
	key
	kind     kind
	rrn      string
	pan      string
	acceptor string
	currency money.Currency
	amount   int64  // minor units
	action   string // DE 39 of the answer
	approval string // DE 38, empty when declined
	level    string // security level of the request, empty when it has none
	network  string // the network's name of a payment, empty when declined
	at       time.Time
	sent     time.Time // transmission as the request says it, UTC
	decision decision
	// answerLost says that the first reversal or refund message of this payment went unanswered.
	answerLost bool
	reversed   int64 // released or reversed
	// presented is what clearing accepted, credited what was given back of it, online or in clearing.
	presented, credited int64
	original            *entry // of a refund
}

func (e *entry) approved() bool { return e.action == iso8583.ActionApproved }

// open is what is left to present, release or refund.
func (e *entry) open() int64 {
	if e.kind == purchase {
		return e.amount - e.reversed - e.credited
	}
	return e.amount - e.reversed - e.presented
}

// ledger is the books of a center. Every method takes the lock; a caller that needs several facts at once holds it.
type ledger struct {
	mu      sync.Mutex
	entries map[key]*entry
	byRRN   map[string][]*entry
	// voided names originals whose reversal came first: they are refused when they arrive.
	voided map[voidKey]bool
	// advices holds the action codes that reversal messages were answered with.
	advices    map[adviceKey]string
	currencies map[money.Currency]*Totals
	merchants  map[merchantKey]*Totals
	declines   map[string]int64
}

type voidKey struct {
	key
	rrn string
}

// adviceKey names a reversal message; its repeats have the same trace number.
type adviceKey struct {
	stan     string
	original key
	rrn      string
}

type merchantKey struct {
	acceptor string
	currency money.Currency
}

func newLedger() *ledger {
	return &ledger{
		entries:    map[key]*entry{},
		byRRN:      map[string][]*entry{},
		voided:     map[voidKey]bool{},
		advices:    map[adviceKey]string{},
		currencies: map[money.Currency]*Totals{},
		merchants:  map[merchantKey]*Totals{},
		declines:   map[string]int64{},
	}
}

// Line is a number of events and the sum of their amounts in minor units.
type Line struct {
	Count  int64 `json:"count"`
	Amount int64 `json:"amount"`
}

func (l *Line) add(amount int64) { l.Count++; l.Amount += amount }

// Totals are the books of a center in one currency, for all merchants or for one. Amounts are minor units and never
// negative.
type Totals struct {
	// Authorized counts approved authorizations, Released what reversals took from them.
	Authorized Line `json:"authorized,omitzero"`
	Released   Line `json:"released,omitzero"`
	// Purchased, PurchasesReversed and Refunded are the online money of a single-message center.
	Purchased         Line `json:"purchased,omitzero"`
	PurchasesReversed Line `json:"purchases_reversed,omitzero"`
	Refunded          Line `json:"refunded,omitzero"`
	// Cleared and Credited are accepted sales and credits of clearing files; ClearedBack and CreditedBack their accepted
	// reversals (PDS 0025).
	Cleared      Line `json:"cleared,omitzero"`
	ClearedBack  Line `json:"cleared_back,omitzero"`
	Credited     Line `json:"credited,omitzero"`
	CreditedBack Line `json:"credited_back,omitzero"`
	// Rejected are refused records of either kind.
	Rejected Line `json:"rejected,omitzero"`
	// Declined are declined payments and refunds.
	Declined Line `json:"declined,omitzero"`
}

// Held is the sum of the holds outstanding: authorized, less what was released, less what was cleared.
func (t Totals) Held() int64 {
	return t.Authorized.Amount - t.Released.Amount - t.Cleared.Amount + t.ClearedBack.Amount
}

// Net is what the center owes for the merchant's sales: purchases and cleared sales less everything given back.
func (t Totals) Net() int64 {
	return t.Purchased.Amount - t.PurchasesReversed.Amount - t.Refunded.Amount +
		t.Cleared.Amount - t.ClearedBack.Amount - t.Credited.Amount + t.CreditedBack.Amount
}

// book adds an amount to one line of the totals of the entry's currency and merchant.
func (l *ledger) book(c money.Currency, acceptor string, line func(*Totals) *Line, amount int64) {
	all := l.currencies[c]
	if all == nil {
		all = &Totals{}
		l.currencies[c] = all
	}
	line(all).add(amount)
	k := merchantKey{acceptor, c}
	own := l.merchants[k]
	if own == nil {
		own = &Totals{}
		l.merchants[k] = own
	}
	line(own).add(amount)
}

func (l *ledger) bookEntry(e *entry, line func(*Totals) *Line, amount int64) {
	l.book(e.currency, e.acceptor, line, amount)
}

// seen returns the request that e repeats: same type, terminal, trace number and reference number. A request that has
// only its identity in common with another is returned too; the caller compares.
func (l *ledger) seen(e *entry) *entry {
	for _, first := range l.byRRN[e.rrn] {
		if first.mti == e.mti && first.terminal == e.terminal && first.stan == e.stan {
			return first
		}
	}
	return l.entries[e.key]
}

// insert files a decided request, approved or declined.
func (l *ledger) insert(e *entry) {
	l.entries[e.key] = e
	l.byRRN[e.rrn] = append(l.byRRN[e.rrn], e)
	if !e.approved() {
		l.declines[e.action]++
		l.bookEntry(e, func(t *Totals) *Line { return &t.Declined }, e.amount)
		return
	}
	switch e.kind {
	case authorization:
		l.bookEntry(e, func(t *Totals) *Line { return &t.Authorized }, e.amount)
	case purchase:
		l.bookEntry(e, func(t *Totals) *Line { return &t.Purchased }, e.amount)
	case refund:
		e.original.credited += e.amount
		l.bookEntry(e, func(t *Totals) *Line { return &t.Refunded }, e.amount)
	}
}

// release takes amount from an entry for a reversal.
func (l *ledger) release(e *entry, amount int64) {
	e.reversed += amount
	line := func(t *Totals) *Line { return &t.Released }
	if e.kind == purchase {
		line = func(t *Totals) *Line { return &t.PurchasesReversed }
	}
	l.bookEntry(e, line, amount)
}

// MerchantTotals are the books of one merchant in one currency.
type MerchantTotals struct {
	// Acceptor is the card acceptor id (DE 42) without trailing spaces.
	Acceptor string         `json:"acceptor"`
	Currency money.Currency `json:"currency"`
	Totals
}

// Snapshot is a consistent copy of the books of a center.
type Snapshot struct {
	// Currencies are the books of the whole center.
	Currencies map[money.Currency]Totals `json:"currencies"`
	// Merchants are the same books by merchant, in order of acceptor and currency.
	Merchants []MerchantTotals `json:"merchants"`
	// Declines counts declined requests by action code.
	Declines map[string]int64 `json:"declines"`
	// Requests counts the payments and refunds decided on, each once however often it was repeated.
	Requests int64 `json:"requests"`
}

// Books returns a copy of the center's books.
func (c *Center) Books() Snapshot {
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	s := Snapshot{
		Currencies: make(map[money.Currency]Totals, len(l.currencies)),
		Declines:   make(map[string]int64, len(l.declines)),
		Requests:   int64(len(l.entries)),
	}
	for currency, t := range l.currencies {
		s.Currencies[currency] = *t
	}
	for k, t := range l.merchants {
		s.Merchants = append(s.Merchants, MerchantTotals{k.acceptor, k.currency, *t})
	}
	slices.SortFunc(s.Merchants, compareMerchants)
	for action, n := range l.declines {
		s.Declines[action] = n
	}
	return s
}

// Authorization is what the center knows about one payment or refund.
type Authorization struct {
	RRN      string
	MTI      string // 1100 or 1200
	Terminal string
	Acceptor string
	PAN      string // masked
	Amount   money.Amount
	Action   string // DE 39
	Approval string // DE 38
	// Reversed, Presented and Credited are what was released, accepted in clearing and given back, in minor units.
	Reversed, Presented, Credited int64
}

// Authorizations returns what was decided under a retrieval reference number (DE 37), in order of arrival.
func (c *Center) Authorizations(rrn string) []Authorization {
	c.books.mu.Lock()
	defer c.books.mu.Unlock()
	var all []Authorization
	for _, e := range c.books.byRRN[rrn] {
		all = append(all, Authorization{
			RRN: e.rrn, MTI: e.mti, Terminal: e.terminal, Acceptor: e.acceptor, PAN: mask(e.pan),
			Amount: money.Amount{Minor: e.amount, Currency: e.currency}, Action: e.action, Approval: e.approval,
			Reversed: e.reversed, Presented: e.presented, Credited: e.credited,
		})
	}
	return all
}

func compareMerchants(a, b MerchantTotals) int {
	return cmp.Or(cmp.Compare(a.Acceptor, b.Acceptor), cmp.Compare(a.Currency, b.Currency))
}
