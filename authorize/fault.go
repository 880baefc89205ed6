package authorize

import "net/http"

// Classes of errors (firstcode of the merchant protocol).
const (
	errGeneral          = 1
	errInternal         = 2
	errMissing          = 3
	errFormat           = 4
	errValue            = 5
	errAuthentication   = 7
	errEncryption       = 9
	errNotFound         = 10
	errDuplicate        = 11
	errLocked           = 12
	errProhibitedObject = 14
	errProhibited       = 15
	errTimedOut         = 16
	errLimits           = 17
)

// What an error is about (secondcode). The numbers of parameters stand in params.
const (
	onNothing      = 0
	onUnexpected   = 1
	onSize         = 2
	onRate         = 3
	onInterval     = 4
	onPassword     = 102
	onFormat       = 103
	onCurrency     = 105
	onOrderNumber  = 107
	onAmount       = 108
	onDelay        = 109
	onPhone        = 122
	onExpiry       = 142
	onBillNumber   = 143
	onEnterprise   = 200
	onOrder        = 201
	onCard         = 203
	onProcessing   = 205
	onLimit        = 211
	onPacket       = 215
	onMeans        = 218
	onPayment      = 306
	onConfirmation = 307
	onCancel       = 308
	onRecurring    = 320
	onService      = 350
)

// fault is the refusal of a request: nothing was changed, or, with status 503, the outcome is not known and the same
// request asks again. It never holds card data.
type fault struct {
	first, second int
	status        int // HTTP status whatever the format; 0: by class in JSON, 200 in the other formats
	detail        string
}

// Error returns the codes and the detail.
func (f *fault) Error() string { return f.detail }

func refuse(first, second int, detail string) error {
	return &fault{first: first, second: second, detail: detail}
}

// httpStatus is the status of a fault. Clients of the older formats expect 200 and read the codes.
func (f *fault) httpStatus(format Format) int {
	switch {
	case f.status != 0:
		return f.status
	case format != FormatJSON:
		return http.StatusOK
	}
	switch f.first {
	case errAuthentication:
		return http.StatusUnauthorized
	case errNotFound:
		return http.StatusNotFound
	case errLocked, errDuplicate, errTimedOut, errProhibited:
		return http.StatusConflict
	case errLimits:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}
