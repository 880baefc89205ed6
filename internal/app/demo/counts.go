package demo

import (
	"context"

	"settled/internal/money"
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/read"
)

// Count is a number of things that was found in two places which know nothing of each other.
type Count struct {
	Name       string `json:"name"`
	Left       int    `json:"left"`
	Right      int    `json:"right"`
	Difference int    `json:"difference"`
}

// ChannelLine says how many orders came by a channel.
type ChannelLine struct {
	Channel Channel `json:"channel"`
	Orders  int     `json:"orders"`
	Paid    int     `json:"paid"` // whatever was given back since
}

// Told is what merchants' servers were told of their operations.
type Told struct {
	Delivered int `json:"delivered"`
	Tries     int `json:"tries"`    // some servers were down for a while
	Received  int `json:"received"` // by the merchants' servers, with a right check value
	Repeated  int `json:"repeated"` // of them, received before
}

// channelOf is how an order came. An order is what its rows say that it is: a later payment has the first one, an order of the page has the
// address that the buyer comes back to, and one with a token is of a buyer whose card was kept before.
func channelOf(o read.Origin) Channel {
	switch {
	case o.Later:
		return ByTerms
	case !o.Page && o.Known:
		return ByToken
	case !o.Page:
		return ByServer
	case o.Means == order.MeansInstant:
		return ByCode
	case o.Stored:
		return ByStored
	}
	return ByPage
}

// tallyCounts counts orders, notifications and subscriptions, each in two places.
func (p *play) tallyCounts(ctx context.Context, r *Report) error {
	for _, count := range []func(context.Context, *Report) error{p.countChannels, p.countNotices, p.countSubscriptions, p.countComments} {
		if err := count(ctx, r); err != nil {
			return err
		}
	}
	left := 0
	for _, s := range p.sales {
		if s.asked && s.unpaid() {
			left++
		}
	}
	r.Counts = append(r.Counts, count("orders left unpaid = orders closed in time", left, r.OrdersByState[order.StateTimeout]))
	return nil
}

// unpaid tells that the order is closed when its time is over: the buyer went away from a page that still offered to pay,
// or the bank never took a later payment that it was asked for. What becomes of a card whose center is silent is decided
// otherwise.
func (s *sale) unpaid() bool {
	switch {
	case s.paid:
		return false
	case s.Channel == ByTerms:
		return s.open
	}
	return s.tab != nil && !s.declined && !s.open
}

func count(name string, left, right int) Count { return Count{name, left, right, left - right} }

func (p *play) countChannels(ctx context.Context, r *Report) error {
	made, paid, found := map[Channel]int{}, map[Channel]int{}, map[Channel]int{}
	for _, s := range p.sales {
		if !s.asked {
			continue
		}
		made[s.Channel]++
		if s.paid {
			paid[s.Channel]++
		}
	}
	origins, err := p.core.Read.Origins(ctx)
	if err != nil {
		return err
	}
	for _, o := range origins {
		found[channelOf(o)] += o.Orders
	}
	for _, c := range channels {
		r.Channels = append(r.Channels, ChannelLine{c, made[c], paid[c]})
		r.Counts = append(r.Counts, count("orders by "+string(c)+": customers = books", made[c], found[c]))
	}
	return nil
}

// countNotices compares what was to be told with what the merchants' servers have received.
func (p *play) countNotices(ctx context.Context, r *Report) error {
	var told []int32
	for _, s := range p.shops {
		if s.Notified {
			told = append(told, s.ID)
		}
		for _, n := range p.fronts[s].Notices() {
			if n.Genuine {
				r.Told.Received++
			}
			if n.Genuine && n.Again {
				r.Told.Repeated++
			}
		}
	}
	outcomes, err := p.core.Read.Outcomes(ctx, told)
	if err != nil {
		return err
	}
	delivered, err := p.core.Read.Told(ctx)
	if err != nil {
		return err
	}
	r.Told.Delivered, r.Told.Tries = delivered.Delivered, delivered.Tries
	r.Counts = append(r.Counts, count("notifications: outcomes to tell = delivered", outcomes, r.Told.Delivered),
		count("notifications: delivered = received", r.Told.Delivered, r.Told.Received-r.Told.Repeated))
	return nil
}

// countSubscriptions compares what buyers and merchants know of subscriptions with the books.
func (p *play) countSubscriptions(ctx context.Context, r *Report) error {
	begun, later := 0, 0
	for _, s := range p.sales {
		if s.paid && s.Begins {
			begun++
		} else if s.paid && s.Channel == ByTerms {
			later++
		}
	}
	found, err := p.core.Read.Recurring(ctx)
	if err != nil {
		return err
	}
	r.Counts = append(r.Counts, count("subscriptions: begun = active", begun, found.Active),
		count("subscriptions: later payments = counted", later, found.Payments))
	return nil
}

// countComments compares what shops wrote in windows-1251 with what the books have in UTF-8.
func (p *play) countComments(ctx context.Context, r *Report) error {
	var old []int32
	for _, s := range p.shops {
		if s.Old {
			old = append(old, s.ID)
		}
	}
	wrote := 0
	for _, s := range p.sales {
		if s.Shop.Old && s.asked && s.tab != nil {
			wrote++
		}
	}
	found, err := p.core.Read.OrdersWithComment(ctx, old, oldComment)
	if err != nil {
		return err
	}
	r.Counts = append(r.Counts, count("comments in windows-1251: written = understood", wrote, found))
	return nil
}

// instantTies compares the instant payments and their refunds in the ledger with the partner bank's books.
func (p *play) instantTies(c *counts) []Tie {
	var out []Tie
	theirs := p.bank.Books()
	for _, currency := range []money.Currency{money.RUB, money.BYN} {
		at := pair{instantName, currency}
		out = append(out, tie("instant payments: ledger = bank", at, c.posted.of(at, ledger.InstantAccepted), theirs[currency].Paid.Amount),
			tie("instant refunds: ledger = bank", at, c.posted.of(at, ledger.RefundConfirmed), theirs[currency].Refunded.Amount))
	}
	return out
}
