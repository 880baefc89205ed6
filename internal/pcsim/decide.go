package pcsim

import (
	"crypto/sha256"
	"encoding/binary"
	"strconv"
	"time"

	"settled/fileformats/iso8583"
	"settled/internal/money"
)

// declineMix is the share of each action code among seeded declines, in thousandths. It follows published mixes of
// e-commerce declines: close to half for insufficient funds, a tenth for suspected fraud.
var declineMix = []struct {
	action string
	share  float64
}{
	{iso8583.ActionInsufficientFunds, 0.444},
	{iso8583.ActionDoNotHonor, 0.246},
	{iso8583.ActionSuspectedFraud, 0.094},
	{iso8583.ActionAmountLimitExceeded, 0.050},
	{iso8583.ActionExpiredCard, 0.050},
	{iso8583.ActionVerificationCodeFailed, 0.040},
	{iso8583.ActionIssuerUnavailable, 0.030},
	{iso8583.ActionInvalidCardNumber, 0.026},
	{iso8583.ActionCountLimitExceeded, 0.020},
}

// decision is what a card, an amount and a merchant lead to.
type decision struct {
	outcome Outcome
	action  string
	delay   time.Duration
	// losesReversal says that the first reversal or refund of the payment goes unanswered.
	losesReversal bool
}

// payment is what a decision depends on: nothing in it changes with the order of events.
type payment struct {
	pan      string
	amount   int64
	currency money.Currency
	acceptor string
}

// decide looks the card up among the test cards, else draws from the seeded shares.
func (c *Center) decide(p payment) decision {
	b := c.traits.Load()
	if card, ok := findCard(p.pan); ok {
		return card.decision(b.LateBy)
	}
	d := decision{
		action:        iso8583.ActionApproved,
		delay:         time.Duration(c.draw("latency", p) * float64(b.Latency)),
		losesReversal: c.draw("reversal", p) < b.ReversalLost,
	}
	if c.draw("decline", p) < b.Decline {
		d.outcome, d.action = Decline, pick(c.draw("action", p))
		return d
	}
	switch u := c.draw("answer", p); {
	case u < b.Silent/2:
		d.outcome = SilentBooked
	case u < b.Silent:
		d.outcome = SilentLost
	case u < b.Silent+b.Late:
		d.outcome, d.delay = Late, b.LateBy
	case u < b.Silent+b.Late+b.Twice:
		d.outcome = Twice
	}
	return d
}

func (card Card) decision(lateBy time.Duration) decision {
	d := decision{
		outcome:       card.Outcome,
		action:        iso8583.ActionApproved,
		losesReversal: card.Outcome == ReversalAnswerLost,
	}
	switch card.Outcome {
	case Decline:
		d.action = card.ActionCode
	case Late:
		d.delay = lateBy
	}
	return d
}

func pick(u float64) string {
	for _, m := range declineMix {
		if u -= m.share; u < 0 {
			return m.action
		}
	}
	return iso8583.ActionDoNotHonor
}

// draw returns a number in [0, 1) that depends on the seed, the question and the payment only.
func (c *Center) draw(question string, p payment) float64 {
	text := strconv.FormatUint(c.opt.Seed, 10) + "\x00" + question + "\x00" + p.pan + "\x00" +
		strconv.FormatInt(p.amount, 10) + p.currency.Numeric() + "\x00" + p.acceptor
	return float64(hash(text)>>11) / (1 << 53)
}

// approvalCode is six letters or digits that the seed and the request's identity determine.
func (c *Center) approvalCode(k key, rrn string) string {
	return letters(hash(strconv.FormatUint(c.opt.Seed, 10)+"\x00approval\x00"+k.mti+k.terminal+k.stan+k.local+rrn), 6)
}

// letters writes a number as n digits and capitals, of which no two look alike.
func letters(h uint64, n int) string {
	const alphabet = "0123456789ABCDEFGHJKLMNPQRSTUVWXYZ"
	code := make([]byte, n)
	for i := range code {
		code[i] = alphabet[h%uint64(len(alphabet))]
		h /= uint64(len(alphabet))
	}
	return string(code)
}

func hash(text string) uint64 {
	sum := sha256.Sum256([]byte(text))
	return binary.BigEndian.Uint64(sum[:8])
}
