package demo

import (
	"math/rand/v2"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
)

// Channel is how an order comes to the gateway, and how it is paid.
type Channel string

// The channels.
const (
	ByPage   Channel = "payment page"
	ByServer Channel = "host to host"
	ByCode   Channel = "QR code"
	ByTerms  Channel = "subscription"        // a later payment, which the merchant asks for
	ByStored Channel = "stored card on page" // One Click
	ByToken  Channel = "stored card by token"
)

// channels in the order that they are told in.
var channels = []Channel{ByPage, ByServer, ByCode, ByTerms, ByStored, ByToken}

// asked is what the answers to a request of the channel are counted by.
func (c Channel) asked() string {
	switch c {
	case ByTerms:
		return "later payment"
	case ByToken:
		return "token payment"
	}
	return "payment"
}

// What buyers do, as shares. Subscriptions begin on the first day and are charged on the second, so that later payments
// are about an eighth of all orders.
const (
	shareServer    = 0.25 // of payments by card that are not with a stored one: without the payment page
	shareBegins    = 0.30 // of the first day's orders: begin a subscription
	shareLater     = 0.28 // of the second day's orders: the next payment of one
	shareKeeps     = 0.15 // of the payments on pages that offer it: the card is kept for the next time
	shareStored    = 0.08 // of orders with buyers who may have such a card: about a tenth of all that buyers start
	shareToken     = 0.5  // of payments with such a card: on a page of the merchant's own
	shareLeaves    = 0.04 // of visits of the page: nothing is paid
	shareInstant   = 0.03 // of orders in BYN
	shareInstantRU = 0.22 // of orders in RUB
)

// newCustomer is the number of a buyer until the order has one.
const newCustomer = "new"

// past is what buyers have done before, as far as later orders build on it.
type past struct {
	shops      []*Shop
	popularity []float64
	subscribed []*Purchase // first payments, whose next one has not been asked for
	stored     []*Purchase // payments that a card was kept with, the longest unused first
}

// pauses before what was begun can be used.
const (
	subscriptionPause = 24*time.Hour + 5*time.Minute
	storedPause       = 30 * time.Minute
)

// purchase draws the next order.
func (past *past) purchase(s streams, at time.Time) *Purchase {
	kind, shop := s.channels.Float64(), past.shops[pick(s.shops, past.popularity)]
	if !shop.open(at) {
		shop = past.shops[0]
	}
	if first := due(past.subscribed, at, subscriptionPause); first != nil && kind < shareLater {
		past.subscribed = past.subscribed[1:]
		return &Purchase{Shop: first.Shop, Channel: ByTerms, Amount: first.Amount, After: first, Tries: []Try{{At: at}}}
	}
	if first := due(past.stored, at, storedPause); first != nil && kind > 1-shareStored {
		past.stored = append(past.stored[1:], first)
		return past.again(s, first, at)
	}
	if len(past.subscribers()) > 0 && kind < shareBegins && at.Day() == firstDay.day {
		return past.begins(s, at)
	}
	p := &Purchase{Shop: shop}
	p.price(s)
	p.Channel = p.channel(s.channels)
	p.TwoStage = s.stages.Float64() < shop.Segment.TwoStage && p.Channel != ByCode && shop.center(p.Amount.Currency).TwoStage
	p.habits(s.channels)
	p.Tries = p.pays(s, at)
	return p
}

// due is the first of a list if a pause has gone by since it was paid, or nil.
func due(list []*Purchase, at time.Time, pause time.Duration) *Purchase {
	if len(list) == 0 || at.Before(list[0].Tries[len(list[0].Tries)-1].At.Add(pause)) {
		return nil
	}
	return list[0]
}

// subscribers are the shops that one can subscribe to.
func (past *past) subscribers() (list []*Shop) {
	for _, s := range past.shops {
		if s.recurs() {
			list = append(list, s)
		}
	}
	return list
}

// begins is the first payment of a subscription.
func (past *past) begins(s streams, at time.Time) *Purchase {
	all := past.subscribers()
	p := &Purchase{Shop: all[s.channels.IntN(len(all))], Begins: true}
	p.price(s)
	if p.Channel = p.channel(s.channels); p.Channel == ByServer {
		p.Channel = ByPage
	}
	p.Tries = p.pays(s, at)
	return p
}

// again is an order of a buyer whose card is kept: on the page, or by the token that the merchant holds.
func (past *past) again(s streams, first *Purchase, at time.Time) *Purchase {
	p := &Purchase{Shop: first.Shop, Channel: ByStored, Customer: first.Customer, After: first, Tries: []Try{{At: at}}}
	p.price(s)
	if s.channels.Float64() < shareToken {
		p.Channel = ByToken
	}
	return p
}

func (p *Purchase) price(s streams) {
	currency := p.Shop.pickCurrency(s.currencies)
	p.Amount = money.Amount{Minor: p.Shop.Segment.amount(s.amounts), Currency: currency}
	if currency == money.RUB && p.Shop.Currency == money.RUB {
		p.Amount.Minor = min(25*p.Amount.Minor, maxAmount) // the segments' amounts are in BYN
	}
}

// channel draws how an order is paid that no other one decides.
func (p *Purchase) channel(r *rand.Rand) Channel {
	instant, server := r.Float64(), r.Float64()
	share := shareInstant
	if p.Shop.Currency == money.RUB {
		share = shareInstantRU
	}
	home := p.Amount.Currency == p.Shop.Currency || p.Shop.converts(p.Amount.Currency)
	switch {
	case home && instant < share:
		return ByCode
	case server < shareServer:
		return ByServer
	}
	return ByPage
}

// habits draws what the buyer does besides paying.
func (p *Purchase) habits(r *rand.Rand) {
	keeps, leaves := r.Float64() < shareKeeps, r.Float64() < shareLeaves
	p.Leaves = leaves && (p.Channel == ByPage || p.Channel == ByCode)
	if keeps && p.Channel != ByCode && p.Shop.Page.OneClick && !p.Leaves {
		p.Customer = newCustomer
	}
}

// pays draws the tries of an order.
func (p *Purchase) pays(s streams, at time.Time) []Try {
	if p.Channel == ByCode {
		return []Try{{At: at, Fails: p.oddCode(s.secure)}}
	}
	return tries(s, p, at)
}

// secured tells that the holder of the card is authenticated.
func (p *Purchase) secured() bool {
	return p.Shop.Page.ThreeDS && (p.Channel == ByPage || p.Channel == ByServer)
}

// remember keeps what later orders can build on: payments that will surely be approved.
func (past *past) remember(p *Purchase) {
	last := p.Tries[len(p.Tries)-1]
	if last.Fails || p.Leaves || !reliable(last.Card) {
		return
	}
	switch {
	case p.Begins:
		past.subscribed = append(past.subscribed, p)
	case p.Customer != "" && p.After == nil:
		past.stored = append(past.stored, p)
	}
}

// reliable tells that a payment with the card is approved at once. No card is that of a payment by QR code.
func reliable(c pcsim.Card) bool {
	switch c.Outcome {
	case pcsim.Approve, pcsim.Twice, pcsim.ReversalAnswerLost, pcsim.RefundDeclined, pcsim.SaleRejected, pcsim.CreditRefused:
		return true
	}
	return false
}

// codeOddities are amounts that make the partner bank misbehave, by share of the payments by QR code.
var codeOddities = []struct {
	share float64
	minor int64
	fails bool
}{
	{0.04, pcsim.AmountNoticeLost, false},
	{0.04, pcsim.AmountNoticeTwice, false},
	{0.05, pcsim.AmountPaidLate, true},
	{0.05, pcsim.AmountBuyerRefused, true},
	{0.04, pcsim.AmountRegisterFailsOnce, false},
	{0.04, pcsim.AmountRefundRefused, false},
	{0.04, pcsim.AmountRefundPending, false},
	{0.04, pcsim.AmountRefundAnswerLost, false},
}

// oddCode makes some payments by QR code in the bank's own currency odd ones, and tells whether the buyer is not told as
// paid.
func (p *Purchase) oddCode(r *rand.Rand) bool {
	odd := r.Float64()
	for _, o := range codeOddities {
		if odd -= o.share; odd < 0 && p.Amount.Currency == p.Shop.Currency {
			p.Amount.Minor = o.minor
			return o.fails
		}
	}
	return false
}

// secureCards are cards that take part in 3-D Secure, by share of the approved payments of shops that ask for it.
var secureCards = []brand{
	{0.30, pcsim.CardFrictionless}, {0.15, "5413339999003017"}, {0.20, "2200000000003016"}, {0.13, pcsim.CardChallenge},
	{0.06, "5413339999003082"}, {0.06, pcsim.CardMethod}, {0.05, pcsim.CardAttempted},
}

// secureCard draws the card of a payment that succeeds; what is left of the shares does not take part.
func secureCard(r *rand.Rand, otherwise pcsim.Card) pcsim.Card {
	return drawCard(r, secureCards, otherwise)
}

// unsafeCard draws the card of a payment that fails: a quarter already at 3-D Secure.
func unsafeCard(r *rand.Rand, otherwise pcsim.Card) pcsim.Card {
	return drawCard(r, []brand{{0.10, pcsim.CardChallengeFails}, {0.08, "4000000000003063"}, {0.07, pcsim.CardRejected}}, otherwise)
}

// drawCard draws one of a list instead of an ordinary card; odd ones stay.
func drawCard(r *rand.Rand, list []brand, otherwise pcsim.Card) pcsim.Card {
	x := r.Float64()
	ordinary := otherwise.Outcome == pcsim.Approve || otherwise.Outcome == pcsim.Decline
	for _, b := range list {
		if x -= b.share; x < 0 && ordinary {
			return cardWhere(func(c pcsim.Card) bool { return c.PAN == b.card })
		}
	}
	return otherwise
}
