package pcsim

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"

	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// presentment is one clearing record as the center reads it, and, once accepted, as it keeps it.
type presentment struct {
	number   int64 // DE 71
	credit   bool
	reversal bool
	amount   int64
	currency money.Currency
	pan      string
	arn      string
	rrn      string
	approval string
	acceptor string
	level    string // PDS 0052
	trace    string // DE 63 without its indicator and fill

	entry    *entry       // the authorization of a sale
	sale     *presentment // what a credit gives back
	credited int64        // of a sale
	undone   bool         // by a reversal record
}

func (p *presentment) position() position {
	return position{credit: p.credit, reversal: p.reversal, currency: p.currency}
}

// draws are made of the same facts as an online decision.
func (p *presentment) payment() payment { return payment{p.pan, p.amount, p.currency, p.acceptor} }

// readPresentment takes a record from its message; the refusal is nil when its form is right.
func (c *Center) readPresentment(m *iso8583.Message) (*presentment, *RejectCode) {
	p := &presentment{
		pan: m.Text(2), arn: m.Text(31), rrn: m.Text(37), approval: m.Text(38), acceptor: m.Text(42),
	}
	level, _ := m.PDS(52)
	p.level = string(level)
	if cycle := m.Text(63); cycle != "" {
		p.trace = strings.TrimRight(cycle[1:], " ")
	}
	p.number, _ = m.Int(71)
	p.amount, _ = m.Int(4)
	currency, err := money.CurrencyFromNumeric(m.Text(49))
	p.currency, p.credit = currency, m.Text(3) == iso8583.ProcessingRefund
	switch {
	case m.MTI() != "1240", m.Text(24) != "200", !p.credit && m.Text(3) != iso8583.ProcessingPurchase:
		return p, &badMessage
	case !luhnValid(p.pan):
		return p, &badPAN
	case p.amount == 0:
		return p, &noAmount
	case err != nil:
		return p, &wrongCurrency
	case !validARN(p.arn):
		return p, &badARN
	case strings.TrimLeft(m.Text(94), "0") != strings.TrimLeft(c.opt.MemberID, "0"):
		return p, &badOriginator
	}
	mark, reversal := m.PDS(25)
	if reversal && !validMark(string(mark)) {
		return p, &badReversal
	}
	p.reversal = reversal
	return p, nil
}

// validARN accepts both forms of check digit: Luhn, and the constant 9 … 0.
func validARN(arn string) bool {
	if len(arn) != 23 || !digits(arn) {
		return false
	}
	return arn[0] == '9' && arn[22] == '0' || luhnSum(arn)%10 == 0
}

func validMark(mark string) bool {
	return mark == "R" || len(mark) == 7 && mark[0] == 'R' && digits(mark[1:])
}

// judge decides on one record, whose form has the given fault or none, and books it.
func (c *Center) judge(p *presentment, fault *RejectCode) *RejectCode {
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if fault == nil {
		fault = c.match(p)
	}
	if fault == nil {
		fault = c.whim(p)
	}
	if fault == nil {
		c.keep(p)
	} else if p.currency.Valid() {
		l.book(p.currency, p.acceptor, func(t *Totals) *Line { return &t.Rejected }, p.amount)
	}
	return fault
}

// match finds what the record belongs to and checks it against that.
func (c *Center) match(p *presentment) *RejectCode {
	known := c.presented[p.arn]
	switch {
	case p.reversal:
		return p.matchReversal(known)
	case known != nil:
		return &duplicate
	case p.credit:
		return c.matchCredit(p)
	}
	return c.matchSale(p)
}

func (p *presentment) matchReversal(known *presentment) *RejectCode {
	switch {
	case known == nil || known.credit != p.credit || known.amount != p.amount || known.currency != p.currency,
		known.pan != p.pan || known.rrn != p.rrn, known.credited > 0:
		return &noOriginal
	case known.undone:
		return &duplicate
	}
	p.sale = known
	return nil
}

// matchSale finds the approved authorization by reference number, approval code, card and currency.
func (c *Center) matchSale(p *presentment) *RejectCode {
	fault := &noReference
	for _, e := range c.books.byRRN[p.rrn] {
		switch {
		case e.kind != authorization || !e.approved():
			continue
		case e.approval != p.approval:
			fault = &wrongApproval
		case e.pan != p.pan:
			fault = &wrongCard
		case e.currency != p.currency:
			fault = &wrongCurrency
		case e.acceptor != p.acceptor:
			fault = &badMerchant
		case p.level != "" && p.level != cmp.Or(e.level, iso8583.SecurityLevelNone):
			fault = &wrongLevel
		case p.trace != "" && p.trace != strings.TrimRight(e.network, " "):
			fault = &wrongLifeCycle
		case p.amount > e.open():
			fault = &tooMuch
		default:
			p.entry = e
			return nil
		}
	}
	return fault
}

// matchCredit finds an accepted sale that has enough left: by reference number when the credit repeats it, else by card
// and merchant, oldest first.
func (c *Center) matchCredit(p *presentment) *RejectCode {
	fault := &noReference
	family := c.salesByCard[cardKey{p.pan, p.acceptor, p.currency}]
	for _, sales := range [][]*presentment{c.salesByRRN[p.rrn], family} {
		for _, s := range sales {
			if s.undone {
				continue
			}
			if fault = s.refuses(p); fault == nil {
				p.sale = s
				return nil
			}
		}
	}
	return fault
}

// refuses returns why a credit cannot be of this sale.
func (s *presentment) refuses(credit *presentment) *RejectCode {
	switch {
	case s.pan != credit.pan:
		return &wrongCard
	case s.currency != credit.currency:
		return &wrongCurrency
	case s.acceptor != credit.acceptor:
		return &badMerchant
	case credit.amount > s.amount-s.credited:
		return &tooMuch
	}
	return nil
}

// whim is the refusal of a correct record: what its test card says, or the seeded share. A seeded refusal happens at the
// first presentment of a record only, so presenting it again heals it.
func (c *Center) whim(p *presentment) *RejectCode {
	if card, ok := findCard(p.pan); ok {
		switch {
		case card.Outcome == SaleRefused && !p.credit:
			return &badMerchant
		case card.Outcome == CreditRefused && p.credit:
			return &accountClosed
		case card.Outcome != SaleRejected || p.credit:
			return nil
		}
	} else if c.draw("record", p.payment()) >= c.traits.Load().RejectRecords {
		return nil
	}
	first := fmt.Sprint(p.rrn, p.credit, p.reversal, p.amount)
	if c.refusedOnce[first] {
		return nil
	}
	c.refusedOnce[first] = true
	if isTestCard(p.pan) {
		return &centerFault
	}
	u := c.draw("reject", p.payment())
	for i := range seededRejects {
		if u -= seededRejects[i].share; u < 0 {
			return &seededRejects[i].code
		}
	}
	return &centerFault
}

// keep books an accepted record.
func (c *Center) keep(p *presentment) {
	book := func(line func(*Totals) *Line) { c.books.book(p.currency, p.acceptor, line, p.amount) }
	switch {
	case p.reversal:
		c.undo(p.sale)
		if p.credit {
			book(func(t *Totals) *Line { return &t.CreditedBack })
		} else {
			book(func(t *Totals) *Line { return &t.ClearedBack })
		}
		return
	case p.credit:
		p.sale.credited += p.amount
		p.sale.entry.credited += p.amount
		book(func(t *Totals) *Line { return &t.Credited })
	default:
		p.entry.presented += p.amount
		c.salesByRRN[p.rrn] = append(c.salesByRRN[p.rrn], p)
		k := cardKey{p.pan, p.acceptor, p.currency}
		c.salesByCard[k] = append(c.salesByCard[k], p)
		book(func(t *Totals) *Line { return &t.Cleared })
	}
	c.presented[p.arn] = p
}

// undo takes an accepted record back: a sale may be presented again, a credit given again.
func (c *Center) undo(p *presentment) {
	p.undone = true
	if p.credit {
		p.sale.credited -= p.amount
		p.sale.entry.credited -= p.amount
		return
	}
	p.entry.presented -= p.amount
}

type cardKey struct {
	pan, acceptor string
	currency      money.Currency
}

// numberOf is DE 71 of a message, or its place when it has none.
func numberOf(m *iso8583.Message, place int) int64 {
	if n, err := strconv.ParseInt(m.Text(71), 10, 64); err == nil {
		return n
	}
	return int64(place)
}
