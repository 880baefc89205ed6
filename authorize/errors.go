package authorize

import (
	"errors"
	"net/http"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/order"
)

// errOutcomeUnknown is answered when nobody can tell now whether what was asked for was done, by this request or by an earlier
// one that asked for the same.
var errOutcomeUnknown = &fault{first: errGeneral, second: onUnexpected, status: http.StatusServiceUnavailable,
	detail: "outcome unknown: send the same request again"}

// errUnavailable is answered when surely nothing happened, and nothing had happened before.
var errUnavailable = &fault{first: errInternal, second: onUnexpected, status: http.StatusServiceUnavailable,
	detail: "service unavailable: nothing was done, send the request again"}

// errStalled is answered to requests that were not begun.
var errStalled = &fault{first: errGeneral, second: onRate, status: http.StatusServiceUnavailable,
	detail: "service unavailable: this request was not begun, send it again"}

// errBug is answered when a request failed in a way that nobody foresaw: what it may have left behind is not known.
var errBug = &fault{first: errGeneral, second: onUnexpected, status: http.StatusInternalServerError, detail: "internal error"}

// refusals translates what the books refuse. The first entry that matches decides; operation stands for the kind of
// operation that was asked for.
const operation = -1

var refusals = []struct {
	err           error
	first, second int
	detail        string
}{
	{settle.ErrNoSubscription, errNotFound, onRecurring, "order is no first payment of recurring ones"},
	{settle.ErrNoCredential, errNotFound, onCard, "no such stored card"},
	{settle.ErrNotActive, errProhibited, onRecurring, "recurring payments are canceled or were never begun"},
	{settle.ErrSubscriptionOver, errTimedOut, onRecurring, "the last date of the recurring payments has passed"},
	{settle.ErrOutOfBounds, errValue, onAmount, "amount is outside the bounds that the buyer agreed to"},
	{settle.ErrTooEarly, errLimits, onLimit, "the period since the last payment is not over"},
	{settle.ErrPeriodInProcess, errLocked, onRecurring, "another payment of the period is in process"},
	{settle.ErrNotFound, errNotFound, onOrder, "no such order"},
	{settle.ErrOrderExists, errDuplicate, onOrderNumber, "order number is in use by a different order"},
	{settle.ErrNoRoute, errValue, onCurrency, "currency is not processed"},
	{settle.ErrBrand, errProhibitedObject, onCard, "cards of this brand are not taken"},
	{settle.ErrNoRate, errValue, onCurrency, "no exchange rate for the currency"},
	{settle.ErrEnded, errProhibited, onPayment, "order cannot be paid any more"},
	{settle.ErrTwoStage, errValue, onDelay, "two stages are not available"},
	{settle.ErrCurrency, errValue, onCurrency, "currency differs from the payment's"},
	{settle.ErrInFlight, errLocked, onOrder, "an operation of the order is in process"},
	{settle.ErrExternalReuse, errDuplicate, operation, "external id was used with another amount"},
	{settle.ErrOneStage, errProhibited, operation, "confirmation is not required"},
	{settle.ErrOperation, errProhibited, operation, "not a successful payment"},
	{order.ErrOverHold, errValue, onAmount, "amount exceeds what is held"},
	{order.ErrOverCancel, errValue, onAmount, "amount exceeds what can be cancelled"},
	{order.ErrAmountNotPositive, errValue, onAmount, "amount must be positive"},
	{order.ErrAmountTooLarge, errValue, onAmount, "amount is more than can be processed"},
	{order.ErrHoldExpired, errTimedOut, operation, "the time to confirm is over"},
	{order.ErrNotHeld, errProhibited, operation, "nothing is held to confirm"},
	{order.ErrPartialConfirm, errProhibited, operation, "partial confirmation is not available"},
	{order.ErrSecondConfirm, errProhibited, operation, "the payment is confirmed already"},
	{order.ErrReleaseUnsupported, errProhibited, operation, "a part of a hold cannot be released: confirm the part you want with AutoDeposit=1"},
	{order.ErrNothingToCancel, errProhibited, operation, "nothing is left to cancel"},
}

// faultOf turns any error into what the merchant is told. second stands for the operation asked for. Of an error that is
// not a refusal it tells whether something may have happened, errOutcomeUnknown, or surely not, errUnavailable.
func faultOf(err error, second int) *fault {
	var f *fault
	if errors.As(err, &f) {
		return f
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			if r.second != operation {
				second = r.second
			}
			return &fault{first: r.first, second: second, detail: r.detail}
		}
	}
	switch {
	case errors.Is(err, settle.ErrNoWindow):
		return &fault{first: errInternal, second: onProcessing, status: http.StatusServiceUnavailable, detail: "no clearing window is planned at the processing center"}
	case errors.Is(err, settle.ErrBusy), errors.Is(err, settle.ErrHeld):
		return errStalled
	case postgres.Kind(err) == postgres.Rejected:
		return errUnavailable
	}
	return errOutcomeUnknown
}
