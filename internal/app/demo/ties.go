package demo

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"settled/settle/ledger"
)

// Tie is the same money counted in two places. Amounts are minor units.
type Tie struct {
	Name       string `json:"name"`
	Center     string `json:"center,omitempty"`
	Currency   string `json:"currency"`
	Left       int64  `json:"left"`
	Right      int64  `json:"right"`
	Difference int64  `json:"difference"`
}

// sums are what one place says, per center and currency.
type sums map[pair]int64

// turnover is what the ledger posted, per center, currency and rule.
type turnover map[pair]map[ledger.Rule]int64

func (t turnover) of(at pair, rules ...ledger.Rule) (sum int64) {
	for _, r := range rules {
		sum += t[at][r]
	}
	return sum
}

// on is the balance of accounts, what is posted by the excepted rules left out.
func (t turnover) on(at pair, except []ledger.Rule, accounts ...ledger.Code) (sum int64) {
	for rule, amount := range t[at] {
		spec := rule.Spec()
		if slices.Contains(except, rule) {
			continue
		}
		if slices.Contains(accounts, spec.Debit) {
			sum += amount
		}
		if slices.Contains(accounts, spec.Credit) {
			sum -= amount
		}
	}
	return sum
}

// costs are what centers keep for their services: money that they do not owe us, but that sales are worth all the same.
var costs = []ledger.Rule{ledger.InterchangeNetted, ledger.SchemeFeeNetted, ledger.ProcessingFeeNetted, ledger.InterchangeReturned, ledger.ProcessingTrueUp}

// counts are the places where the same money is counted. None of them is derived from another.
type counts struct {
	told, toldBack       sums // merchants, from the answers that they got
	confirmed, givenBack sums // orders: Σ C, and Σ R with what cancels released
	net, held            sums // orders: Σ (C − R), Σ H
	authorized           sums // transactions: approved authorizations less their reversals
	posted               turnover
	files, replies       sums // the bytes in the centers' directories
	theirs, theirHolds   sums // the centers' own books
}

// countMoney counts in every place.
func (p *play) countMoney(ctx context.Context) (*counts, error) {
	c := &counts{told: sums{}, toldBack: sums{}, confirmed: sums{}, givenBack: sums{}, net: sums{}, held: sums{}, authorized: sums{},
		posted: turnover{}, files: sums{}, replies: sums{}, theirs: sums{}, theirHolds: sums{}}
	for _, s := range p.sales {
		if s.taken.Currency == 0 {
			continue // never paid
		}
		at := pair{currency: s.taken.Currency}
		c.told[at] += s.confirmed
		c.toldBack[at] += s.returned
	}
	for _, n := range p.nights {
		n.count(c)
	}
	for currency, t := range p.bank.Books() {
		c.theirs[pair{instantName, currency}] = t.Net()
	}
	for name, center := range p.centers {
		for currency, t := range center.Books().Currencies {
			c.theirs[pair{name, currency}], c.theirHolds[pair{name, currency}] = t.Net(), t.Held()
		}
	}
	return c, p.countBooks(ctx, c)
}

func (n *night) count(c *counts) {
	for _, f := range n.files {
		if f.refused {
			continue
		}
		for currency, t := range f.totals {
			c.files[pair{f.center, currency}] += t.net()
		}
	}
	for _, r := range n.replies {
		for currency, t := range r.verdicts {
			c.replies[pair{r.center, currency}] += t.net() + t.rejectedAmount
		}
	}
}

// countBooks counts what our database says.
func (p *play) countBooks(ctx context.Context, c *counts) error {
	orders, err := p.core.Read.OrderSums(ctx)
	if err != nil {
		return err
	}
	for _, s := range orders {
		at := pair{p.centerName(s.Center), s.Currency}
		c.net[at], c.held[at] = s.Confirmed-s.Refunded, s.Hold()
		c.confirmed[pair{currency: s.Currency}] += s.Confirmed
		c.givenBack[pair{currency: s.Currency}] += s.Refunded + s.ReleasedCancel
	}
	approved, err := p.core.Read.AuthorizedSums(ctx)
	if err != nil {
		return err
	}
	for _, s := range approved {
		c.authorized[pair{p.centerName(s.Center), s.Currency}] = s.Amount
	}
	return p.countPostings(ctx, c)
}

func (p *play) countPostings(ctx context.Context, c *counts) error {
	postings, err := p.core.Read.PostingSums(ctx)
	for _, s := range postings {
		at := pair{p.centerName(s.Center), s.Currency}
		if c.posted[at] == nil {
			c.posted[at] = map[ledger.Rule]int64{}
		}
		c.posted[at][s.Rule] += s.Amount
	}
	return err
}

func (p *play) centerName(id int16) string {
	c, _ := p.core.Config.Directory.Center(id)
	return c.Name
}

// centerNumber is the number of a center of the demo.
func (p *play) centerNumber(name string) int16 {
	for _, c := range p.core.Config.Centers {
		if c.Name == name {
			return c.ID
		}
	}
	return 0
}

// chain is one amount, found five times: what merchants sold through a center, less what they gave back.
//
// A file, a reply and the center's books do not know what has not reached them yet, and know records that were refused;
// those amounts are taken from the ledger and added, so that the columns can be compared.
type chain struct {
	pair
	orders, ledger, files, replies, center int64
	clears                                 bool // by file; else files and replies do not exist
}

func (c *counts) chain(at pair, clears bool) chain {
	p := c.posted
	open := p.on(at, nil, ledger.Captured)
	waiting := p.on(at, nil, ledger.Submitted)
	rejected := p.on(at, nil, ledger.Rejected)
	again := p.of(at, ledger.SalePresentedAgain) - p.of(at, ledger.CreditPresentedAgain) + p.of(at, ledger.RejectChargedToMerchant, ledger.RejectWrittenOff) - p.of(at, ledger.RejectedCreditReturned)
	return chain{pair: at, clears: clears,
		orders:  c.net[at],
		ledger:  p.on(at, costs, ledger.Captured, ledger.Submitted, ledger.Accepted, ledger.Rejected),
		files:   c.files[at] + open - again,
		replies: c.replies[at] + open + waiting - again,
		center:  c.theirs[at] + open + waiting + rejected,
	}
}

// pairs are the centers and currencies that anything was counted for, in order.
func (c *counts) pairs() []pair {
	all := map[pair]bool{}
	for _, s := range []sums{c.net, c.files, c.theirs} {
		for at := range s {
			all[at] = true
		}
	}
	return slices.SortedFunc(maps.Keys(all), func(a, b pair) int {
		return cmp.Or(cmp.Compare(a.center, b.center), cmp.Compare(a.currency, b.currency))
	})
}

// chains are the five-way comparison, per center and currency.
func (p *play) chains(c *counts) []chain {
	var out []chain
	for _, at := range c.pairs() {
		out = append(out, c.chain(at, at.center != instantName && castNamed(at.center).caps.FinancialRecord))
	}
	return out
}

func castNamed(name string) cast {
	return casts[slices.IndexFunc(casts, func(c cast) bool { return c.name == name })]
}

// ties compares every place with the next.
func (p *play) ties(c *counts) []Tie {
	var out []Tie
	for _, l := range p.chains(c) {
		out = append(out, tie("orders = ledger", l.pair, l.orders, l.ledger))
		if l.clears {
			out = append(out, tie("ledger = files", l.pair, l.ledger, l.files), tie("files = replies", l.pair, l.files, l.replies),
				tie("replies = center", l.pair, l.replies, l.center))
		} else {
			out = append(out, tie("ledger = center", l.pair, l.ledger, l.center))
		}
		sales := c.posted.of(l.pair, ledger.SaleAccepted)
		out = append(out, tie("holds: orders = ledger", l.pair, c.held[l.pair], c.posted.on(l.pair, nil, ledger.Holds)),
			tie("holds: messages = center", l.pair, c.authorized[l.pair]-sales, c.theirHolds[l.pair]))
	}
	for _, at := range slices.SortedFunc(maps.Keys(c.told), func(a, b pair) int { return cmp.Compare(a.currency, b.currency) }) {
		out = append(out, tie("merchants were told = orders: confirmed", at, c.told[at], c.confirmed[at]),
			tie("merchants were told = orders: given back", at, c.toldBack[at], c.givenBack[at]))
	}
	return append(out, p.instantTies(c)...)
}

func tie(name string, at pair, left, right int64) Tie {
	return Tie{Name: name, Center: at.center, Currency: at.currency.String(), Left: left, Right: right, Difference: left - right}
}
