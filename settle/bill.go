package settle

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// ErrBillNumber is returned for a text that is no bill number of ours.
var ErrBillNumber = errors.New("settle: not a bill number")

// ParseBill reads a bill number, plain ("500000100000001") or extended ("500000100000001.2"): the order, its merchant, and
// the operation, 0 when none is named.
func ParseBill(text string) (bill int64, merchant int32, operation int16, err error) {
	plain, number, extended := strings.Cut(text, ".")
	bill, err = strconv.ParseInt(plain, 10, 64)
	merchant, ok := MerchantOf(bill)
	if err != nil || !ok {
		return 0, 0, 0, fmt.Errorf("%w: %q", ErrBillNumber, text)
	}
	if extended {
		n, err := strconv.ParseInt(number, 10, 16)
		if err != nil || n <= 0 {
			return 0, 0, 0, fmt.Errorf("%w: %q", ErrBillNumber, text)
		}
		operation = int16(n)
	}
	return bill, merchant, operation, nil
}

// maxMerchant is the largest merchant id: six digits fit into a bill number.
const maxMerchant = 999_999

// billCounter is the range of the counter at the end of a bill number.
const billCounter = 1_000_000_000

// billName is the name of the bill numbers of a merchant.
func billName(merchant int32) string { return fmt.Sprintf("bill/%d", merchant) }

// Bill is the bill number of a merchant's nth order, n from 1 and below billCounter: "5", the merchant id (5 digits at least), and n in 9 digits; 15 or
// 16 digits in all.
func Bill(merchant int32, n int64) int64 {
	lead := int64(500000)
	if merchant >= 100000 {
		lead = 5000000
	}
	return (lead+int64(merchant))*billCounter + n
}

// MerchantOf returns the merchant whose id a bill number contains; false for a number that is none of ours.
func MerchantOf(bill int64) (int32, bool) {
	lead := bill / billCounter
	switch {
	case lead > 500_000 && lead < 600_000:
		return int32(lead - 500_000), true
	case lead >= 5_100_000 && lead <= 5_000_000+maxMerchant:
		return int32(lead - 5_000_000), true
	}
	return 0, false
}

// BillCounter returns the counter at the end of a bill number.
func BillCounter(bill int64) int64 { return bill % billCounter }
