package payment

import (
	"errors"
	"net/http"

	"settled/authorize/protocol"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/subscription"
)

// ErrOutcomeUnknown is answered when nobody can tell now whether what was asked for was done, by this request or by an earlier
// one that asked for the same.
var ErrOutcomeUnknown = &protocol.Fault{First: protocol.FirstGeneral, Second: protocol.OnUnexpected, Status: http.StatusServiceUnavailable,
	Detail: "outcome unknown: send the same request again"}

// ErrUnavailable is answered when surely nothing happened, and nothing had happened before.
var ErrUnavailable = &protocol.Fault{First: protocol.FirstInternal, Second: protocol.OnUnexpected, Status: http.StatusServiceUnavailable,
	Detail: "service unavailable: nothing was done, send the request again"}

// ErrStalled is answered to requests that were not begun.
var ErrStalled = &protocol.Fault{First: protocol.FirstGeneral, Second: protocol.OnRate, Status: http.StatusServiceUnavailable,
	Detail: "service unavailable: this request was not begun, send it again"}

// ErrBug is answered when a request failed in a way that nobody foresaw: what it may have left behind is not known.
var ErrBug = &protocol.Fault{First: protocol.FirstGeneral, Second: protocol.OnUnexpected, Status: http.StatusInternalServerError, Detail: "internal error"}

// operation stands in refusals for the kind of operation that was asked for.
const operation = -1

// refusals translates what the books refuse. The first entry that matches decides.
var refusals = []struct {
	err           error
	first, second int
	detail        string
}{
	{subscription.ErrNone, protocol.FirstNotFound, protocol.OnRecurring, "order is no first payment of recurring ones"},
	{credential.ErrNone, protocol.FirstNotFound, protocol.OnCard, "no such stored card"},
	{subscription.ErrNotActive, protocol.FirstProhibited, protocol.OnRecurring, "recurring payments are canceled or were never begun"},
	{subscription.ErrOver, protocol.FirstTimedOut, protocol.OnRecurring, "the last date of the recurring payments has passed"},
	{subscription.ErrOutOfBounds, protocol.FirstValue, protocol.OnAmount, "amount is outside the bounds that the buyer agreed to"},
	{subscription.ErrTooEarly, protocol.FirstLimits, protocol.OnLimit, "the period since the last payment is not over"},
	{subscription.ErrPeriodInProcess, protocol.FirstLocked, protocol.OnRecurring, "another payment of the period is in process"},
	{settle.ErrNotFound, protocol.FirstNotFound, protocol.OnOrder, "no such order"},
	{settle.ErrOrderExists, protocol.FirstDuplicate, protocol.OnOrderNumber, "order number is in use by a different order"},
	{settle.ErrNoRoute, protocol.FirstValue, protocol.OnCurrency, "currency is not processed"},
	{settle.ErrBrand, protocol.FirstProhibitedObject, protocol.OnCard, "cards of this brand are not taken"},
	{settle.ErrNoRate, protocol.FirstValue, protocol.OnCurrency, "no exchange rate for the currency"},
	{settle.ErrEnded, protocol.FirstProhibited, protocol.OnPayment, "order cannot be paid any more"},
	{settle.ErrTwoStage, protocol.FirstValue, protocol.OnDelay, "two stages are not available"},
	{order.ErrCurrency, protocol.FirstValue, protocol.OnCurrency, "currency differs from the payment's"},
	{settle.ErrInFlight, protocol.FirstLocked, protocol.OnOrder, "an operation of the order is in process"},
	{settle.ErrExternalReuse, protocol.FirstDuplicate, operation, "external id was used with another amount"},
	{settle.ErrOneStage, protocol.FirstProhibited, operation, "confirmation is not required"},
	{settle.ErrOperation, protocol.FirstProhibited, operation, "not a successful payment"},
	{settle.ErrCardErased, protocol.FirstProhibited, operation, "the card number of the payment was erased: the time to give money back to the card is over"},
	{order.ErrOverHold, protocol.FirstValue, protocol.OnAmount, "amount exceeds what is held"},
	{order.ErrOverCancel, protocol.FirstValue, protocol.OnAmount, "amount exceeds what can be cancelled"},
	{order.ErrAmountNotPositive, protocol.FirstValue, protocol.OnAmount, "amount must be positive"},
	{order.ErrAmountTooLarge, protocol.FirstValue, protocol.OnAmount, "amount is more than can be processed"},
	{order.ErrHoldExpired, protocol.FirstTimedOut, operation, "the time to confirm is over"},
	{order.ErrNotHeld, protocol.FirstProhibited, operation, "nothing is held to confirm"},
	{order.ErrPartialConfirm, protocol.FirstProhibited, operation, "partial confirmation is not available"},
	{order.ErrSecondConfirm, protocol.FirstProhibited, operation, "the payment is confirmed already"},
	{order.ErrReleaseUnsupported, protocol.FirstProhibited, operation, "a part of a hold cannot be released: confirm the part you want with AutoDeposit=1"},
	{order.ErrNothingToCancel, protocol.FirstProhibited, operation, "nothing is left to cancel"},
}

// FaultOf turns any error into what the merchant is told. second stands for the operation asked for. Of an error that is
// not a refusal it tells whether something may have happened, ErrOutcomeUnknown, or surely not, ErrUnavailable.
func FaultOf(err error, second int) *protocol.Fault {
	var f *protocol.Fault
	if errors.As(err, &f) {
		return f
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			if r.second != operation {
				second = r.second
			}
			return &protocol.Fault{First: r.first, Second: second, Detail: r.detail}
		}
	}
	switch {
	case errors.Is(err, settle.ErrNoWindow):
		return &protocol.Fault{First: protocol.FirstInternal, Second: protocol.OnProcessing, Status: http.StatusServiceUnavailable, Detail: "no clearing window is planned at the processing center"}
	case errors.Is(err, settle.ErrNumbersEnd):
		return ErrUnavailable
	case errors.Is(err, settle.ErrBusy), errors.Is(err, settle.ErrHeld):
		return ErrStalled
	case postgres.Kind(err) == postgres.Rejected:
		return ErrUnavailable
	}
	return ErrOutcomeUnknown
}

// Overtaken tells that the order went on without this request: its page says where to.
func Overtaken(err error) bool {
	return errors.Is(err, settle.ErrInFlight) || errors.Is(err, settle.ErrEnded)
}
