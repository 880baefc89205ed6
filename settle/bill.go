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
