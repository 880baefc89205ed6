package pcsim

import "settled/internal/money"

// BankOutcome is what a payment makes the bank do.
type BankOutcome uint8

// The outcomes that a payment can have. Every one but Pays has exactly one test amount.
const (
	// Pays is paid when the buyer confirms, told of once, and refunded at once.
	Pays BankOutcome = iota
	// NoticeLost is paid, and nobody is told: only asking finds it.
	NoticeLost
	// NoticeTwice is paid, and told of twice with the same notification.
	NoticeTwice
	// PaidLate is confirmed in time, but the money arrives BankOptions.LateBy after the expiry; a charge is pending for
	// BankOptions.PendingFor and then paid.
	PaidLate
	// BuyerRefused is refused by the buyer's bank when the buyer confirms; a charge is refused.
	BuyerRefused
	// RegisterFailsOnce answers the first registration or charge with 503 and does nothing; a repeat works.
	RegisterFailsOnce
	// RegisterFails answers every registration or charge with 503 and does nothing.
	RegisterFails
	// RegisterAnswerLost does what the first registration or charge asks and does not answer it; a repeat is answered.
	RegisterAnswerLost
	// RegisterSilent answers no registration or charge and does nothing.
	RegisterSilent
	// RegisterRefused refuses every registration or charge (422) and does nothing.
	RegisterRefused
	// RefundRefused is paid; every refund is refused.
	RefundRefused
	// RefundPending is paid; every refund is pending for BankOptions.PendingFor and then done.
	RefundPending
	// RefundAnswerLost is paid; the first request of each refund works but is not answered, a repeat is.
	RefundAnswerLost
	// RefundPendingRefused is paid; every refund is pending for BankOptions.PendingFor and then refused.
	RefundPendingRefused
	// WrongNotice is paid; the notification names an amount one minor unit too high. Asking gives the right one.
	WrongNotice
)

// TestAmount is an amount with one documented outcome, whatever the currency.
type TestAmount struct {
	// Minor is the amount in minor units: 100011 is 1000.11 RUB.
	Minor int64
	// Outcome is what the bank does.
	Outcome BankOutcome
	// Means says it in words.
	Means string
}

// Test amounts, in minor units.
const (
	AmountNoticeLost           = 100011
	AmountNoticeTwice          = 100012
	AmountPaidLate             = 100013
	AmountBuyerRefused         = 100014
	AmountRegisterFailsOnce    = 100015
	AmountRegisterFails        = 100016
	AmountRegisterAnswerLost   = 100017
	AmountRegisterSilent       = 100018
	AmountRegisterRefused      = 100019
	AmountRefundRefused        = 100021
	AmountRefundPending        = 100022
	AmountRefundAnswerLost     = 100023
	AmountRefundPendingRefused = 100024
	AmountWrongNotice          = 100031
)

var testAmounts = []TestAmount{
	{AmountNoticeLost, NoticeLost, "paid; nobody is told, asking finds it"},
	{AmountNoticeTwice, NoticeTwice, "paid; the same notification comes twice"},
	{AmountPaidLate, PaidLate, "confirmed in time, expired, then paid 1 minute after the expiry; a charge is pending for 30 s, then paid"},
	{AmountBuyerRefused, BuyerRefused, "refused by the buyer's bank (`insufficient_funds`); a charge likewise"},
	{AmountRegisterFailsOnce, RegisterFailsOnce, "the first registration or charge is answered 503 and does nothing, a repeat works"},
	{AmountRegisterFails, RegisterFails, "every registration or charge is answered 503 and does nothing"},
	{AmountRegisterAnswerLost, RegisterAnswerLost, "the first registration or charge works but is not answered, a repeat is"},
	{AmountRegisterSilent, RegisterSilent, "no registration or charge is answered, and none does anything"},
	{AmountRegisterRefused, RegisterRefused, "every registration or charge is refused (`limit_exceeded`)"},
	{AmountRefundRefused, RefundRefused, "paid; every refund is refused (`account_closed`)"},
	{AmountRefundPending, RefundPending, "paid; every refund is pending for 30 s, then done"},
	{AmountRefundAnswerLost, RefundAnswerLost, "paid; a refund works but its first request is not answered, a repeat is"},
	{AmountRefundPendingRefused, RefundPendingRefused, "paid; every refund is pending for 30 s, then refused (`account_closed`)"},
	{AmountWrongNotice, WrongNotice, "paid; the notification names an amount one minor unit too high, asking gives the right one"},
}

// TestAmounts returns the test amounts with their documented outcomes. The outcome of a refund is that of its payment's
// amount. Any other amount has the outcome [Pays].
func TestAmounts() []TestAmount { return append([]TestAmount(nil), testAmounts...) }

func bankOutcome(a money.Amount) BankOutcome {
	for _, t := range testAmounts {
		if t.Minor == a.Minor {
			return t.Outcome
		}
	}
	return Pays
}
