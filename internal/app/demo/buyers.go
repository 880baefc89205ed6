package demo

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
)

// till lets a buyer try to pay, in the way of the order's channel.
func (p *play) till(ctx context.Context, s *sale, try Try) error {
	if s.paid || s.open || s.gone {
		return nil
	}
	switch s.Channel {
	case ByPage, ByStored:
		return p.payOnPage(ctx, s, try)
	case ByCode:
		return p.payByCode(ctx, s, try)
	case ByTerms:
		return p.payLater(ctx, s)
	case ByToken:
		return p.payByToken(ctx, s)
	}
	return p.pay(ctx, s, try)
}

// goToPage is a buyer who leaves the shop's basket for the payment page. One who clicks twice gets the same order.
func (p *play) goToPage(ctx context.Context, s *sale, again bool) error {
	f := p.fronts[s.Shop].OrderForm(s.order(p.plan))
	action, err := url.Parse(p.terminal.base + "/pay/order.cfm")
	if err != nil {
		return err
	}
	s.tab, s.asked = &tab{browser: p.browser}, true
	if err := s.tab.send(ctx, action, f); err != nil || !again {
		return err
	}
	one := s.tab.at.String()
	if err := s.tab.send(ctx, action, f); err != nil {
		return err
	}
	p.doubles.Sent++
	if s.tab.at.String() != one {
		p.doubles.Differed++
	}
	return nil
}

// oldComment is what shops with pages in windows-1251 write about their orders.
const oldComment = "Книга «Кижи», 1 экз. — № 7"

// order is what the buyer's browser takes to the gateway.
func (s *sale) order(plan *Plan) pcsim.ShopOrder {
	o := pcsim.ShopOrder{Number: s.Number, Amount: s.Amount, TwoStage: s.TwoStage, Customer: s.Customer, Language: "EN"}
	if s.Shop.Old {
		o.Comment = oldComment
	}
	if s.Begins {
		o.Terms = &pcsim.ShopTerms{Min: 1, Max: 2 * s.Amount.Minor, Days: 1, Until: plan.To.AddDate(1, 0, 0)}
	}
	return o
}

// payOnPage is a buyer on the payment page, with a card or with one that is kept.
func (p *play) payOnPage(ctx context.Context, s *sale, try Try) error {
	if s.tab == nil {
		if err := p.goToPage(ctx, s, try.Again); err != nil {
			return err
		}
	}
	if s.Leaves {
		s.gone = true
		return nil
	}
	fill := map[string]string{"Means": "card", "Cardnumber": try.Card.PAN, "Expiry": "12/30", "Cvc2": "123", "Cardholder": "DEMO CUSTOMER"}
	if s.Channel == ByStored {
		saved := first(savedPattern, s.tab.text)
		if saved == "" {
			return s.tab.wrong("no stored card")
		}
		fill = map[string]string{"Means": "card", "SavedCard": saved, "Cvc2": "123"}
	} else if s.Customer != "" {
		fill["SaveCard"] = "1"
	}
	if err := s.tab.submit(ctx, "pay", fill); err != nil {
		return err
	}
	return p.seePage(ctx, s, try)
}

// seePage goes on until the buyer is back at the shop, or has to do something.
func (p *play) seePage(ctx context.Context, s *sale, try Try) error {
	if err := s.tab.advance(ctx); err != nil {
		return err
	}
	switch name := s.tab.page(); {
	case name == "":
		return p.backAtShop(ctx, s)
	case name == "payment":
		p.tally("page declined")
		if !try.Fails && s.Channel == ByPage {
			return s.tab.wrong("payment did not go through")
		}
	case name == "result" || name == "wait":
		p.tally("page in process")
		s.open = true
		said, err := p.fronts[s.Shop].State(ctx, s.Number)
		if err != nil {
			return err
		}
		s.bill = said.BillNumber
		return p.afterUnknown(ctx, s, try.Card)
	case name != "qr":
		return s.tab.wrong("page " + name)
	}
	return nil
}

// backAtShop is what the merchant knows when its buyer comes back: not what the address says, but what the shop asked.
func (p *play) backAtShop(ctx context.Context, s *sale) error {
	s.state, s.bill = first(statePattern, s.tab.text), first(billPattern, s.tab.text)
	if s.state == "" || s.bill == "" {
		return s.tab.wrong("the shop does not tell the state")
	}
	p.tally("page " + s.state)
	if s.state != "Approved" && s.state != "Delayed" {
		s.gone, s.declined = true, s.state == "Declined"
		return nil
	}
	s.paid = true
	if err := p.askPaid(ctx, s); err != nil {
		return err
	}
	if !s.TwoStage {
		s.confirmed = s.taken.Minor
	}
	return nil
}

// askPaid asks what was paid where that is not what was asked for: a shop that converts.
func (p *play) askPaid(ctx context.Context, s *sale) error {
	s.taken = s.Amount
	if !s.Shop.converts(s.Amount.Currency) {
		return nil
	}
	said, err := p.fronts[s.Shop].Result(ctx, s.Number)
	if err != nil {
		return err
	}
	for _, op := range said.Operations {
		if op.Type == "100" && op.State == "Success" {
			return s.takes(op.Amount, op.Currency)
		}
	}
	return fmt.Errorf("order %s is paid by no operation", s.Number)
}

// takes notes what an order is paid with.
func (s *sale) takes(amount, currency string) error {
	c, err := money.ParseCurrency(currency)
	if err == nil {
		s.taken, err = money.Parse(amount, c)
	}
	if err != nil {
		return fmt.Errorf("amount that %s was paid with: %w", s.Number, err)
	}
	return nil
}

// lookAgain is how long a buyer who has paid in the bank's app looks at a page that does not notice.
const lookAgain = 150 * time.Second

// payByCode is a buyer who chooses the QR code and scans it with the bank's app.
func (p *play) payByCode(ctx context.Context, s *sale, try Try) error {
	if err := p.goToPage(ctx, s, try.Again); err != nil {
		return err
	}
	err := s.tab.submit(ctx, "pay", map[string]string{"Means": "qr"})
	if err == nil && s.tab.page() == "qr" && first(appPattern, s.tab.text) == "" {
		err = s.tab.submit(ctx, "", nil) // no code could be had: again
	}
	if err != nil {
		return err
	}
	code := first(appPattern, s.tab.text)
	if code == "" {
		return s.tab.wrong("no code")
	}
	if s.Leaves {
		s.gone = true
		return nil
	}
	if _, err := p.bank.Scan(code, true, s.Begins); err != nil {
		return err
	}
	if _, err := p.bank.Process(ctx, p.clock.Now()); err != nil {
		return err
	}
	return p.seeCode(ctx, s, try, func() {
		p.agenda.add(p.clock.Now().Add(lookAgain), func(ctx context.Context) error {
			return p.seeCode(ctx, s, try, func() { s.gone = true })
		})
	})
}

// seeCode looks at the page of a code that was scanned. wait is what to do when it has not noticed.
func (p *play) seeCode(ctx context.Context, s *sale, try Try, wait func()) error {
	if err := s.tab.open(ctx, s.tab.at.String()); err != nil {
		return err
	}
	if err := p.seePage(ctx, s, try); err != nil || s.paid || s.gone || s.open {
		return err
	}
	wait()
	if s.gone && !try.Fails {
		return s.tab.wrong("the payment was not noticed")
	}
	return nil
}

// advance goes through pages that need no decision: waiting, and the cardholder's bank.
func (t *tab) advance(ctx context.Context) error {
	for range 200 {
		var err error
		switch t.page() {
		case "wait":
			time.Sleep(5 * time.Millisecond)
			err = t.open(ctx, t.at.String())
		case "method":
			err = t.passMethod(ctx)
		case "challenge":
			err = t.passChallenge(ctx)
		default:
			return nil
		}
		if err != nil {
			return err
		}
	}
	return t.wrong("page does not end")
}

// passMethod lets the cardholder's bank look at the browser in a frame, and goes on.
func (t *tab) passMethod(ctx context.Context) error {
	frame := &tab{browser: t.browser, at: t.at, text: t.text}
	err := frame.submit(ctx, "method", nil)
	if err == nil {
		err = frame.submit(ctx, "", nil)
	}
	if err == nil && frame.page() != "method-done" {
		err = frame.wrong("the look at the browser did not end")
	}
	return errors.Join(err, t.submit(ctx, "continue", nil))
}

// passChallenge types the code into the bank's page and comes back.
func (t *tab) passChallenge(ctx context.Context) error {
	if err := t.submit(ctx, "challenge", nil); err != nil {
		return err
	}
	if err := t.submit(ctx, "", map[string]string{"code": pcsim.ChallengeCode}); err != nil {
		return err
	}
	return t.submit(ctx, "", nil)
}
