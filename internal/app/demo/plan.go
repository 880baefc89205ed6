package demo

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
)

// Segment is what a merchant sells; it decides amounts, stages and declines.
type Segment struct {
	Name     string
	Median   float64 // of amounts, in major units
	Spread   float64 // σ of their logarithm
	TwoStage float64 // share of orders that are only held first
	Decline  float64 // share of payments that the issuer declines
	Refund   float64 // share of paid orders that are given back after clearing
}

// The segments.
var (
	Retail       = Segment{"retail", 45, 0.9, 0.25, 0.035, 0.06}
	Digital      = Segment{"digital", 9, 0.8, 0.02, 0.15, 0.015}
	Travel       = Segment{"travel", 220, 1.0, 0.70, 0.10, 0.04}
	Tickets      = Segment{"tickets", 60, 0.6, 0.60, 0.10, 0.03}
	Subscription = Segment{"subscription", 15, 0.5, 0, 0.10, 0.02}
)

// Act is something that a merchant does with an order after it was paid.
type Act string

// The acts.
const (
	Confirm Act = "confirm"
	Cancel  Act = "cancel"
)

// Step is an act at an instant. Amount 0 is everything.
type Step struct {
	At          time.Time
	Act         Act
	Amount      int64
	AutoDeposit bool
	Key         string // the merchant's own key of the step
	Again       bool   // the same request is sent a second time, as after a lost answer
}

// Try is one attempt to pay: a card, and when it is used.
type Try struct {
	At    time.Time
	Card  pcsim.Card // of none but a payment by card
	Fails bool       // the center declines it, or 3-D Secure does
	Again bool       // double click: the same request is sent a second time
}

// Purchase is an order as buyer and merchant mean it: tries until one is approved, then steps.
type Purchase struct {
	Shop     *Shop
	Number   string
	Amount   money.Amount // as the merchant asks; a shop that converts is paid in its own currency
	Channel  Channel
	TwoStage bool
	Customer string    // the merchant's number of a buyer who lets it keep his card; empty: none
	Begins   bool      // a subscription
	After    *Purchase `json:"-"` // the first payment of the subscription, or the one that the card was kept with
	Leaves   bool      // the buyer sees the page and goes away
	Tries    []Try
	Steps    []Step
}

// Plan is everything that will happen, fixed before the first call is made.
type Plan struct {
	From, To  time.Time // the virtual days
	Purchases []*Purchase
}

// hours is how busy each hour of the day is, 100 being the average (published indices of card payments for 0, 5, 9, 10,
// 12 to 16 and 20 to 23 o'clock, the others in between).
var hours = [24]float64{104, 82, 58, 38, 26, 22, 30, 44, 58, 75, 103, 125, 142, 151, 149, 145, 142, 138, 134, 132, 132, 134, 133, 123}

// streams of random numbers, each with a seed of its own: turning one knob does not reshuffle the others.
type streams struct {
	arrivals, shops, amounts, currencies, stages, cards, lives, repeats, channels, secure *rand.Rand
}

func newStreams(seed uint64) streams {
	sub := func(name string) *rand.Rand {
		h := fnv.New64a()
		fmt.Fprintf(h, "%d/%s", seed, name)
		return rand.New(rand.NewPCG(seed, h.Sum64()))
	}
	return streams{sub("arrivals"), sub("shops"), sub("amounts"), sub("currencies"), sub("stages"), sub("cards"), sub("lives"), sub("repeats"),
		sub("channels"), sub("secure")}
}

// NewPlan makes a plan of orders from a seed, for the days from through to and the shops given. Equal arguments give equal
// plans. No step lies after to, so that nothing is confirmed that no night would clear.
func NewPlan(seed uint64, orders int, shops []*Shop, from, to time.Time) *Plan {
	s := newStreams(seed)
	plan := &Plan{From: from, To: to}
	arrivals := make([]time.Time, orders)
	for i := range arrivals {
		arrivals[i] = arrival(s.arrivals, from, to)
	}
	slices.SortFunc(arrivals, time.Time.Compare)
	past := &past{popularity: zipf(len(shops), 1.1), shops: shops}
	for i, at := range arrivals {
		p := past.purchase(s, at)
		p.Tries = slices.DeleteFunc(p.Tries, func(t Try) bool { return !t.At.Before(to) }) // who tries again comes too late, and leaves
		p.Number = fmt.Sprintf("D-%05d", i+1)
		if p.Customer == newCustomer {
			p.Customer = "customer-" + p.Number
		}
		p.Steps = plan.life(s.lives, p)
		repeatSome(s.repeats, p)
		plan.Purchases = append(plan.Purchases, p)
		past.remember(p)
	}
	return plan
}

// arrival draws an instant within [from, to) by the hours of the day.
func arrival(r *rand.Rand, from, to time.Time) time.Time {
	for {
		at := from.Add(time.Duration(r.Int64N(int64(to.Sub(from))))).Truncate(time.Millisecond)
		if r.Float64()*151 < hours[at.Hour()] {
			return at
		}
	}
}

// zipf returns the cumulative shares of n ranks, the k-th weighing 1/k^s.
func zipf(n int, s float64) []float64 {
	weights := make([]float64, n)
	for i := range weights {
		weights[i] = 1 / math.Pow(float64(i+1), s)
	}
	return cumulate(weights)
}

func cumulate(weights []float64) []float64 {
	var sum float64
	out := make([]float64, len(weights))
	for i, w := range weights {
		sum += w
		out[i] = sum
	}
	for i := range out {
		out[i] /= sum
	}
	return out
}

// pick draws an index by cumulative shares.
func pick(r *rand.Rand, shares []float64) int {
	i, _ := slices.BinarySearchFunc(shares, r.Float64(), func(share, x float64) int { return cmp.Compare(share, x) })
	return min(i, len(shares)-1)
}

// maxAmount bounds amounts, in minor units.
const maxAmount = 2_000_000

// amount draws an amount in minor units: log-normal, a quarter of them a price as shops like them.
func (g Segment) amount(r *rand.Rand) int64 {
	major := g.Median * math.Exp(g.Spread*r.NormFloat64())
	snap, ending := r.Float64(), []float64{0, 0.90, 0.99}[r.IntN(3)]
	if snap < 0.25 {
		major = math.Floor(major) + ending
	}
	return min(max(int64(math.Round(major*100)), 10), maxAmount)
}

// declines are the issuers' reasons, by share of all declines.
var declines = []struct {
	share float64
	code  string
}{
	{44.4, "116"}, {9.4, "102"}, {17.0, "100"}, {7.0, "121"}, {6.0, "125"}, {5.0, "101"}, {4.0, "123"}, {3.0, "907"}, {4.2, "111"},
}

// oddities are test cards that make a center misbehave, by share of all payments that would be approved.
var oddities = []struct {
	share float64
	card  string
	model func(*Shop, money.Currency) bool
}{
	{0.0030, pcsim.CardSilentBooked, everywhere},
	{0.0030, pcsim.CardSilentLost, everywhere},
	{0.0020, pcsim.CardLate, everywhere},
	{0.0030, pcsim.CardTwice, everywhere},
	{0.0030, pcsim.CardReversalAnswerLost, everywhere},
	{0.0050, pcsim.CardSaleRejected, clearsByFile},
	{0.0030, pcsim.CardSaleRefused, clearsByFile},
	{0.0100, pcsim.CardCreditRefused, clearsByFile},
	{0.0100, pcsim.CardRefundDeclined, refundsOnline},
}

func everywhere(*Shop, money.Currency) bool { return true }

func clearsByFile(s *Shop, c money.Currency) bool { return s.center(c).FinancialRecord }

func refundsOnline(s *Shop, c money.Currency) bool { return !s.center(c).FinancialRecord }

// tries draws what happens at the payment: most are approved at once, a declined buyer may take another card.
func tries(s streams, p *Purchase, at time.Time) []Try {
	declined, another := s.cards.Float64() < p.Shop.Segment.Decline, s.cards.Float64() < 0.34
	reason, pause := declineCard(s.cards), time.Duration(30+s.cards.IntN(90))*time.Second
	good, double := goodCard(s.cards, p), s.repeats.Float64() < 0.005
	if p.secured() {
		good, reason = secureCard(s.secure, good), unsafeCard(s.secure, reason)
	}
	if !declined {
		return []Try{{At: at, Card: good, Again: double}}
	}
	first := []Try{{At: at, Card: reason, Fails: true}}
	if another {
		first = append(first, Try{At: at.Add(pause), Card: good})
	}
	return first
}

func declineCard(r *rand.Rand) pcsim.Card {
	weights := make([]float64, len(declines))
	for i, d := range declines {
		weights[i] = d.share
	}
	code := declines[pick(r, cumulate(weights))].code
	return cardWhere(func(c pcsim.Card) bool { return c.ActionCode == code && c.Outcome == pcsim.Decline })
}

// brands are test cards by their share of what is paid by card with the shop; the rest is Visa.
func (s *Shop) brands() []brand {
	if s.Currency == money.RUB {
		return []brand{{0.79, "2200000000000004"}, {0.08, "5555555555554444"}}
	}
	return []brand{{0.25, "5555555555554444"}, {0.20, "5413330089010442"}, {0.05, "2200000000000004"}}
}

type brand struct {
	share float64
	card  string
}

// goodCard draws a card that the issuer approves: Visa, Mastercard or Mir, rarely one that makes the center misbehave.
func goodCard(r *rand.Rand, p *Purchase) pcsim.Card {
	odd, brand := r.Float64(), r.Float64()
	for _, o := range oddities {
		if odd -= o.share; odd < 0 && o.model(p.Shop, p.Amount.Currency) {
			return cardWhere(func(c pcsim.Card) bool { return c.PAN == o.card })
		}
	}
	number := pcsim.CardApproved
	for _, b := range p.Shop.brands() {
		if brand -= b.share; brand < 0 {
			number = b.card
			break
		}
	}
	return cardWhere(func(c pcsim.Card) bool { return c.PAN == number })
}

func cardWhere(ok func(pcsim.Card) bool) pcsim.Card {
	cards := pcsim.Cards()
	return cards[slices.IndexFunc(cards, ok)]
}
