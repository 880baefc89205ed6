package pcsim

import (
	"strconv"

	"settled/fileformats/iso8583"
	"settled/internal/money"
)

func keyOf(m *iso8583.Message) key {
	return key{mti: m.MTI(), terminal: m.Text(41), stan: m.Text(11), local: m.Text(12)}
}

// originalOf names the request that DE 56 points to, at the same terminal.
func originalOf(m *iso8583.Message) (key, bool) {
	o, err := m.Original()
	return key{mti: o.MTI, terminal: m.Text(41), stan: o.Trace, local: o.LocalTime}, err == nil
}

func (c *Center) newEntry(m *iso8583.Message, k kind) (*entry, bool) {
	amount, ok := m.Int(4)
	currency, err := money.CurrencyFromNumeric(m.Text(49))
	return &entry{
		key: keyOf(m), kind: k, rrn: m.Text(37), pan: m.Text(2), acceptor: m.Text(42),
		currency: currency, amount: amount, at: c.opt.Now(), sent: sentAt(m),
	}, ok && err == nil && amount > 0
}

func (e *entry) payment() payment { return payment{e.pan, e.amount, e.currency, e.acceptor} }

func (e *entry) sameAs(other *entry) bool {
	return e.kind == other.kind && e.rrn == other.rrn && e.payment() == other.payment()
}

// pay answers an authorization or a purchase. A repeat gets the first answer in the first manner and books nothing.
func (c *Center) pay(m *iso8583.Message, k kind) answer {
	e, ok := c.newEntry(m, k)
	if !ok || (k == purchase) != (c.opt.Model == SingleMessage) {
		return plain(iso8583.ActionSystemMalfunction)
	}
	e.decision = c.decide(e.payment())
	if e.decision.outcome == SilentLost {
		return answer{silent: true}
	}
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.seen(e); first != nil {
		if !e.sameAs(first) {
			return plain(iso8583.ActionSystemMalfunction)
		}
		return first.answer()
	}
	e.action = e.decision.action
	if fault := c.inspect(m, e); fault != "" {
		e.action, e.decision = fault, decision{outcome: Decline}
	}
	if l.voided[voidKey{e.key, e.rrn}] {
		e.action, e.decision = iso8583.ActionDoNotHonor, decision{outcome: Decline}
	}
	if e.approved() {
		e.approval = c.approvalCode(e.key, e.rrn)
		told := credentialOf(m)
		e.level, e.network = told.level, c.networkID(e, told.initiation)
	}
	l.insert(e)
	return e.answer()
}

// inspect returns the action code for what is wrong with the card data itself; empty when nothing is.
func (c *Center) inspect(m *iso8583.Message, e *entry) string {
	if !luhnValid(e.pan) {
		return iso8583.ActionInvalidCardNumber
	}
	if expiry := m.Text(14); expiry != "" && !validMonth(expiry, c.opt.Now().In(c.opt.Location).Format("0601")) {
		return iso8583.ActionExpiredCard
	}
	told := credentialOf(m)
	return told.fault(e.pan)
}

// validMonth reports whether a YYMM expiry is a month that is not over. Both are of this century.
func validMonth(expiry, now string) bool {
	month, err := strconv.Atoi(expiry[2:])
	return err == nil && month >= 1 && month <= 12 && expiry >= now
}

// answer turns the decision into what the other side gets to see.
func (e *entry) answer() answer {
	a := answer{action: e.action, approval: e.approval, network: e.network, delay: e.decision.delay}
	switch e.decision.outcome {
	case SilentBooked:
		a.silent = true
	case Twice:
		a.copies = 1
	case WrongAmount:
		a.extra = 1
	case Garbage:
		a.garbage = true
	}
	return a
}

// losesAnswer reports, once per payment, that the answer to a reversal or refund of it is to be lost.
func (e *entry) losesAnswer() bool {
	if e.answerLost || !e.decision.losesReversal {
		return false
	}
	e.answerLost = true
	return true
}

// reverse answers a reversal advice. It takes effect once; a repeat gets the first action code. A reversal of something
// never seen is remembered, so that the original is refused when it arrives late.
func (c *Center) reverse(m *iso8583.Message) answer {
	original, ok := originalOf(m)
	own := adviceKey{stan: m.Text(11), original: original, rrn: m.Text(37)}
	if !ok {
		return plain(iso8583.ActionSystemMalfunction)
	}
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if action, seen := l.advices[own]; seen {
		return plain(action)
	}
	e := l.entries[original]
	if e == nil || e.rrn != own.rrn {
		l.voided[voidKey{original, own.rrn}] = true
		l.advices[own] = iso8583.ActionOriginalNotFound
		return plain(iso8583.ActionOriginalNotFound)
	}
	action, amount := c.reversal(m, e)
	if amount > 0 {
		l.release(e, amount)
	}
	l.advices[own] = action
	return answer{action: action, silent: e.losesAnswer()}
}

// reversal decides the action code and the amount that a reversal takes from e.
func (c *Center) reversal(m *iso8583.Message, e *entry) (action string, amount int64) {
	const done, late = iso8583.ActionReversalAccepted, iso8583.ActionTooLate
	full := m.Text(24) == iso8583.FunctionReversalFull
	amount, _ = m.Int(4)
	switch {
	case !full && m.Text(24) != iso8583.FunctionReversalPartial, m.Text(49) != e.currency.Numeric():
		return iso8583.ActionSystemMalfunction, 0
	case !full && (amount == 0 || !matchesOriginal(m.Text(30), e.amount)):
		return iso8583.ActionSystemMalfunction, 0
	case !e.approved():
		return done, 0
	case e.decision.outcome == ReversalTooLate, e.kind == refund, e.kind == purchase && !c.sameBankDay(e):
		return late, 0
	case full && e.presented+e.credited > 0:
		return late, 0
	case full:
		return done, e.open()
	case amount <= e.open():
		return done, amount
	case e.presented+e.credited > 0:
		return late, 0
	}
	return iso8583.ActionAmountLimitExceeded, 0
}

// matchesOriginal compares the first half of DE 30 with the original amount.
func matchesOriginal(amounts string, amount int64) bool {
	if len(amounts) != 24 {
		return false
	}
	n, err := strconv.ParseInt(amounts[:12], 10, 64)
	return err == nil && n == amount
}

func (c *Center) sameBankDay(e *entry) bool {
	const day = "20060102"
	return e.at.In(c.opt.Location).Format(day) == c.opt.Now().In(c.opt.Location).Format(day)
}

// refund answers a 1200 with processing code 200000: money back for a purchase that DE 56 names, at most what is left
// of it. A repeat gets the first answer.
func (c *Center) refund(m *iso8583.Message) answer {
	e, ok := c.newEntry(m, refund)
	original, named := originalOf(m)
	if !ok || !named || c.opt.Model != SingleMessage {
		return plain(iso8583.ActionSystemMalfunction)
	}
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if first := l.seen(e); first != nil {
		if !e.sameAs(first) {
			return plain(iso8583.ActionSystemMalfunction)
		}
		return answer{action: first.action, approval: first.approval}
	}
	e.original = l.entries[original]
	if e.action = refundAction(e); e.approved() {
		e.approval = c.approvalCode(e.key, e.rrn)
	}
	l.insert(e)
	return answer{action: e.action, approval: e.approval, silent: e.approved() && e.original.losesAnswer()}
}

func refundAction(e *entry) string {
	o := e.original
	switch {
	case o == nil || o.kind != purchase || !o.approved():
		return iso8583.ActionOriginalNotFound
	case o.pan != e.pan:
		return iso8583.ActionInvalidCardNumber
	case o.decision.outcome == RefundDeclined, o.currency != e.currency, o.acceptor != e.acceptor:
		return iso8583.ActionDoNotHonor
	case e.amount > o.open():
		return iso8583.ActionAmountLimitExceeded
	}
	return iso8583.ActionApproved
}

// inquire answers what became of the request that DE 56 names.
func (c *Center) inquire(m *iso8583.Message) answer {
	original, ok := originalOf(m)
	if !ok {
		return plain(iso8583.ActionSystemMalfunction)
	}
	l := c.books
	l.mu.Lock()
	defer l.mu.Unlock()
	if e := l.entries[original]; e != nil {
		return answer{action: e.action, approval: e.approval, network: e.network}
	}
	return plain(iso8583.ActionOriginalNotFound)
}
