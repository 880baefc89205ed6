package demo

import (
	"container/heap"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/audit"
)

// agenda is what is to happen, in order of its virtual time. What happens may add to it.
type agenda struct {
	events []event
	number int
}

type event struct {
	at     time.Time
	number int // breaks ties: first come, first served
	do     func(context.Context) error
}

// Len, Less, Swap, Push and Pop implement heap.Interface.
func (a *agenda) Len() int { return len(a.events) }

// Less orders by time, then by number.
func (a *agenda) Less(i, j int) bool {
	if !a.events[i].at.Equal(a.events[j].at) {
		return a.events[i].at.Before(a.events[j].at)
	}
	return a.events[i].number < a.events[j].number
}

// Swap implements heap.Interface.
func (a *agenda) Swap(i, j int) { a.events[i], a.events[j] = a.events[j], a.events[i] }

// Push implements heap.Interface.
func (a *agenda) Push(x any) { a.events = append(a.events, x.(event)) }

// Pop implements heap.Interface.
func (a *agenda) Pop() any {
	last := a.events[len(a.events)-1]
	a.events = a.events[:len(a.events)-1]
	return last
}

func (a *agenda) add(at time.Time, do func(context.Context) error) {
	a.number++
	heap.Push(a, event{at, a.number, do})
}

// every repeats something from an instant until another.
func (a *agenda) every(from, to time.Time, pause time.Duration, do func(context.Context) error) {
	for at := from; !at.After(to); at = at.Add(pause) {
		a.add(at, do)
	}
}

// sale is what a merchant knows of its order: what it asked for and what it was told.
type sale struct {
	*Purchase
	bill      string
	state     string // the last order state it was told
	paid      bool
	open      bool // told "in process": the outcome is asked for later
	asked     bool // the gateway has the order
	gone      bool // the buyer, without having paid
	declined  bool // told so, with no way to go on
	confirmed int64
	returned  int64
	taken     money.Amount // what is paid: another amount than was asked for where the shop converts
	tab       *tab         // the buyer's browser
	token     string       // of the card that was kept
	with      string       // token that is paid with
}

// play is a run of the plan.
type play struct {
	*stage
	plan     *Plan
	agenda   agenda
	terminal *terminal
	browser  *browser
	sales    []*sale
	byPlan   map[*Purchase]*sale
	told     map[string]int // answers by what was asked and response
	doubles  doubles
	nights   []*night
	verdicts map[string]bool // of centers on files, that were heard
	seen     map[string]bool // files of the centers' directories that were read
	audits   []audit.Report
	done     int
	total    int
}

// doubles counts requests that were sent twice, and those of them that got another answer than the first.
type doubles struct {
	Sent     int `json:"sent"`
	Differed int `json:"differed"`
}

// run plays the agenda to its end.
func (p *play) run(ctx context.Context) error {
	p.total = p.agenda.Len()
	for p.agenda.Len() > 0 {
		e := heap.Pop(&p.agenda).(event)
		p.clock.Set(e.at)
		if err := e.do(ctx); err != nil {
			return fmt.Errorf("at %s: %w", e.at.Format("Mon 15:04:05"), err)
		}
		p.done++
		p.progress.Set(e.at.Format("Mon 2 Jan 15:04"), p.done, p.done+p.agenda.Len())
	}
	return nil
}

// schedule puts buyers and merchants on the agenda.
func (p *play) schedule() {
	for _, purchase := range p.plan.Purchases {
		s := &sale{Purchase: purchase}
		p.sales = append(p.sales, s)
		p.byPlan[purchase] = s
		for _, try := range purchase.Tries {
			p.agenda.add(try.At, func(ctx context.Context) error { return p.till(ctx, s, try) })
		}
		for _, step := range purchase.Steps {
			p.agenda.add(step.At, func(ctx context.Context) error { return p.step(ctx, s, step) })
		}
	}
}

// pay is a merchant's server that asks for a payment itself.
func (p *play) pay(ctx context.Context, s *sale, try Try) error {
	answer, err := p.twice(try.Again, func() (told, error) { return p.send(ctx, s, try) })
	if err != nil {
		return err
	}
	s.asked = true
	if answer, err = p.authenticate(ctx, s, answer); err != nil {
		return err
	}
	p.count(s.Channel.asked(), answer)
	if answer.refused != "" {
		return fmt.Errorf("payment %s was refused: %s", s.Number, answer.refused)
	}
	s.bill, s.state = answer.Bill, answer.State
	switch {
	case answer.approved():
		s.paid = true
		if err := s.takes(answer.Amount.String(), answer.Currency); err != nil {
			return err
		}
		if !s.TwoStage {
			s.confirmed = s.taken.Minor
		}
	case answer.Response == "AS300":
		s.open = true
		return p.afterUnknown(ctx, s, try.Card)
	}
	return nil
}

// send asks for a payment in the way of the order's channel.
func (p *play) send(ctx context.Context, s *sale, try Try) (told, error) {
	switch s.Channel {
	case ByTerms:
		return p.terminal.later(ctx, s, p.byPlan[s.After].bill)
	case ByToken:
		return p.terminal.byToken(ctx, s)
	}
	return p.terminal.pay(ctx, s.Purchase, try.Card.PAN)
}

// afterUnknown waits for an answer that is only late, so that what follows does not depend on the speed of this machine.
func (p *play) afterUnknown(ctx context.Context, s *sale, card pcsim.Card) error {
	if card.Outcome != pcsim.Late {
		return nil
	}
	bill, err := billNumber(s.bill)
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(10 * lateBy); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		o, err := p.core.Books.Order(ctx, s.Shop.ID, bill)
		if err != nil {
			return err
		}
		if t := o.PaymentTransaction(); t != nil && t.State == settle.TransactionApprovedLate {
			return nil
		}
	}
	return fmt.Errorf("the late answer to %s did not come", s.Number)
}

// twice sends a request, and sends it again when the merchant does; both answers must agree.
func (p *play) twice(again bool, send func() (told, error)) (told, error) {
	first, err := send()
	if err != nil || !again {
		return first, err
	}
	second, err := send()
	if err != nil {
		return first, err
	}
	p.doubles.Sent++
	if second.Bill != first.Bill || second.Response != first.Response || second.refused != first.refused || second.Amount != first.Amount {
		p.doubles.Differed++
	}
	return first, nil
}

// step is a merchant at its order system: a confirmation or a cancel of an order that was paid.
func (p *play) step(ctx context.Context, s *sale, step Step) error {
	if !s.paid {
		return nil
	}
	answer, err := p.twice(step.Again, func() (told, error) { return p.terminal.act(ctx, s, step) })
	if err != nil {
		return err
	}
	p.count(string(step.Act), answer)
	if answer.refused != "" {
		return nil
	}
	s.state = answer.State
	amount, err := money.Parse(answer.Amount.String(), s.taken.Currency)
	if err != nil {
		return fmt.Errorf("answer to %s of %s: %w", step.Act, s.Number, err)
	}
	switch {
	case step.Act == Confirm && answer.approved():
		s.confirmed += amount.Minor
	case step.Act == Cancel && answer.approved():
		s.returned += amount.Minor
	case step.Act == Cancel && answer.Response == "AS300":
		// The center's answer was lost. The merchant asks again with the same key, and gets the result of the same cancel.
		step.Again = false
		p.agenda.add(p.clock.Now().Add(30*time.Minute), func(ctx context.Context) error { return p.step(ctx, s, step) })
	}
	return nil
}

func (p *play) count(what string, answer told) {
	response := answer.Response
	if answer.refused != "" {
		response = "refused " + answer.refused
	}
	p.tally(what + " " + response)
}

func (p *play) tally(what string) { p.told[what]++ }

// ask asks for the final state of every order, as merchants do when they close their day.
func (p *play) ask(ctx context.Context) error {
	for i, s := range p.sales {
		all, err := p.terminal.state(ctx, s.Shop, s.Number, p.plan.From)
		if err != nil {
			return err
		}
		for _, one := range all {
			if plain, _, _ := strings.Cut(s.bill, "."); one.Bill == plain || plain == "" {
				if err := p.close(ctx, s, one); err != nil {
					return err
				}
			}
		}
		p.progress.Set("merchants ask for their orders", i+1, len(p.sales))
	}
	return nil
}

// close takes the final state of an order. One that was told as in process, or whose buyer went away, may have become a
// sale after all: a center that can be asked was, and had approved it; a bank was late.
func (p *play) close(ctx context.Context, s *sale, t told) error {
	s.state = t.State
	if s.paid || t.State != "Approved" && t.State != "Delayed" {
		return nil
	}
	s.paid = true
	if err := p.askPaid(ctx, s); err != nil {
		return err
	}
	if t.State == "Approved" {
		s.confirmed = s.taken.Minor
	}
	return nil
}

// billNumber is the number of an order without the operation, as the books know it.
func billNumber(extended string) (int64, error) {
	plain, _, _ := strings.Cut(extended, ".")
	return strconv.ParseInt(plain, 10, 64)
}
