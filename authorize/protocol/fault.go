package protocol

import "net/http"

// Classes of errors (firstcode of the merchant protocol).
const (
	FirstGeneral          = 1
	FirstInternal         = 2
	FirstMissing          = 3
	FirstFormat           = 4
	FirstValue            = 5
	FirstAuthentication   = 7
	FirstEncryption       = 9
	FirstNotFound         = 10
	FirstDuplicate        = 11
	FirstLocked           = 12
	FirstProhibitedObject = 14
	FirstProhibited       = 15
	FirstTimedOut         = 16
	FirstLimits           = 17
)

// What an error is about (secondcode). The numbers of parameters stand in params.
const (
	OnNothing      = 0
	OnUnexpected   = 1
	onSize         = 2
	OnRate         = 3
	OnInterval     = 4
	OnPassword     = 102
	onFormat       = 103
	OnCurrency     = 105
	OnOrderNumber  = 107
	OnAmount       = 108
	OnDelay        = 109
	OnPhone        = 122
	onExpiry       = 142
	onBillNumber   = 143
	OnEnterprise   = 200
	OnOrder        = 201
	OnCard         = 203
	OnProcessing   = 205
	OnLimit        = 211
	onPacket       = 215
	OnMeans        = 218
	OnPayment      = 306
	OnConfirmation = 307
	OnCancel       = 308
	OnRecurring    = 320
	OnService      = 350
)

// Fault is the refusal of a request: nothing was changed, or, with status 503, the outcome is not known and the same
// request asks again. It never holds card data.
type Fault struct {
	First, Second int
	Status        int // HTTP status whatever the format; 0: by class in JSON, 200 in the other formats
	Detail        string
}

// Error returns the codes and the detail.
func (f *Fault) Error() string { return f.Detail }

// Refuse makes a refusal of its two codes. The detail must not hold card data.
func Refuse(first, second int, detail string) error {
	return &Fault{First: first, Second: second, Detail: detail}
}

// HTTPStatus is the status of a fault. Clients of the older formats expect 200 and read the codes.
func (f *Fault) HTTPStatus(format Format) int {
	switch {
	case f.Status != 0:
		return f.Status
	case format != FormatJSON:
		return http.StatusOK
	}
	switch f.First {
	case FirstAuthentication:
		return http.StatusUnauthorized
	case FirstNotFound:
		return http.StatusNotFound
	case FirstLocked, FirstDuplicate, FirstTimedOut, FirstProhibited:
		return http.StatusConflict
	case FirstLimits:
		return http.StatusTooManyRequests
	}
	return http.StatusBadRequest
}
