package vault

import (
	"strconv"
	"sync/atomic"
)

// Words returns what another program or a person said, without card data: card numbers are masked, codes starred. Whatever a partner bank, a
// center, a file server, a merchant's server or an operator says in free text passes here before it is kept. Identifiers do not: a
// masked one would be another.
func Words(said string) string {
	s := Scanner{Ours: KnownBill}
	text, _ := s.MaskText([]byte(said))
	return string(text)
}

// KnowBills says how bill numbers are known, in texts and logs. It may be called again, and while others ask; before the first call none is
// known.
func KnowBills(known func(bill int64) bool) { bills.Store(&known) }

var bills atomic.Pointer[func(int64) bool]

// KnownBill tells whether a number is that of a bill that we gave out, as KnowBills said.
func KnownBill(number string) bool {
	known := bills.Load()
	bill, err := strconv.ParseInt(number, 10, 64)
	return err == nil && known != nil && *known != nil && (*known)(bill)
}
