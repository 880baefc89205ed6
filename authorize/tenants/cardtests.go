package tenants

import (
	"hash/maphash"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"settled/authorize/protocol"
	"settled/internal/vault"
)

// CardTesting says when a merchant's payments look like somebody's trying of card numbers. Zero values mean the defaults.
type CardTesting struct {
	// Off looks for nothing and stops nothing.
	Off bool
	// Declines is how many different cards of one source are declined within an hour before its payments are refused. Default 20.
	Declines int
	// Run is the same of cards whose numbers lie side by side. Default 5.
	Run int
	// BIN is how many different cards that begin with the same six digits are declined within an hour, whatever their source,
	// before payments with such cards are refused. Default 50. Four times Run side by side are enough, too.
	BIN int
	// Stop is how long payments are refused, from the last decline. Default 1 h.
	Stop time.Duration
}

// What settings of 0 mean.
const (
	StandardDeclines = 20
	StandardRun      = 5
	StandardBIN      = 50
	StandardStop     = time.Hour
)

// Fill gives what is zero its default.
func (s *CardTesting) Fill() {
	for _, n := range []struct {
		value    *int
		standard int
	}{{&s.Declines, StandardDeclines}, {&s.Run, StandardRun}, {&s.BIN, StandardBIN}} {
		if *n.value == 0 {
			*n.value = n.standard
		}
	}
	if s.Stop == 0 {
		s.Stop = StandardStop
	}
}

const (
	testedWithin = time.Hour // declines are counted, from the first
	fewSuccesses = 5         // with less than one approval for so many declined cards, the successes are few
	maxTallies   = 1 << 14   // sources and beginnings of cards that are remembered one by one: some 8 MiB
	maxNumbers   = 32        // newest declined cards that are compared
	sideBySide   = 8         // card numbers, without the check digit, that differ by no more
)

// ErrTested refuses payments that look like the trying of card numbers.
var ErrTested = &protocol.Fault{First: protocol.FirstLimits, Second: protocol.OnRate, Status: http.StatusTooManyRequests,
	Detail: "payments like this one are refused for a time: too many cards were declined"}

// Paid is what a payment by card came to.
type Paid struct {
	Merchant int32
	Source   string    // of the buyer; empty: nobody knows
	Card     vault.PAN // zero: only its mask is known
	Mask     string
	Approved bool
}

// Tested is why payments are refused.
type Tested struct {
	Merchant int32
	Why      string // WhySource, WhyRun or WhyBIN
	Source   string // network of the source; empty where it is the cards that are refused
	BIN      string // the six digits; empty where it is a source that is refused
	Until    time.Time
}

// Why payments are refused: as the metric has it.
const (
	WhySource = "source"
	WhyRun    = "run"
	WhyBIN    = "bin"
)

// tallied is what declines are counted of: a network at a merchant, or cards of one beginning at a merchant.
type tallied struct {
	merchant int32
	from     network
	bin      string
}

// tally are the payments of one tallied within an hour.
type tally struct {
	over               time.Time // end of the hour
	declined, approved int       // different cards, payments
	run                int       // declined cards with a neighbor
	numbers            []uint64  // hashes of the newest declined cards
	stopped            time.Time // payments are refused until then
}

// CardTests finds who tries card numbers, and refuses his payments for a time. It holds no card numbers, only hashes with a seed of the
// process. It is safe for concurrent use.
type CardTests struct {
	settings map[int32]CardTesting
	*seen
}

// seen is what was seen of cards. It stays when the settings change.
type seen struct {
	now   func() time.Time
	found func(Tested)
	seed  maphash.Seed

	mu      sync.Mutex
	tallies *Counts[tallied, tally]
}

// NewCardTests makes a CardTests that has seen no payment yet. found is told when payments begin to be refused; it must not call back.
func NewCardTests(merchants map[int32]Merchant, now func() time.Time, found func(Tested)) *CardTests {
	t := &CardTests{seen: &seen{now: now, found: found, seed: maphash.MakeSeed(),
		tallies: NewCounts[tallied](maxTallies, func(y tally, now time.Time) bool { return !y.over.After(now) && !y.stopped.After(now) })}}
	return t.Under(merchants)
}

// Under returns CardTests with the settings of changed merchants that remembers the payments that t has seen.
func (t *CardTests) Under(merchants map[int32]Merchant) *CardTests {
	other := &CardTests{settings: make(map[int32]CardTesting, len(merchants)), seen: t.seen}
	for id, m := range merchants {
		s := m.CardTesting
		s.Fill()
		other.settings[id] = s
	}
	return other
}

// Refuses returns ErrTested when a payment is not to be taken: its source or the beginning of its card is stopped at the merchant, which
// looks for such payments.
func (t *CardTests) Refuses(p *Paid) error {
	if t.settings[p.Merchant].Off {
		return nil
	}
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keysOf(p) {
		if now.Before(t.tallies.Get(k.tallied).stopped) {
			return ErrTested
		}
	}
	return nil
}

// scaled is what is tallied, with how many times the limits of one source it may have; of cards only the run is scaled.
type scaled struct {
	tallied
	times int
}

// ofBIN is how many times the run of one source cards of one beginning may have, which come from many.
const ofBIN = 4

// keysOf are what a payment counts for.
func keysOf(p *Paid) []scaled {
	all := []scaled{{tallied{merchant: p.Merchant, bin: binOf(p.Mask)}, ofBIN}}
	if p.Source == "" {
		return all
	}
	near, wide := networksOf(p.Source)
	all = append(all, scaled{tallied{merchant: p.Merchant, from: near}, 1})
	if !wide.none() {
		all = append(all, scaled{tallied{merchant: p.Merchant, from: wide}, widely})
	}
	return all
}

// binOf are the six digits that a card begins with.
func binOf(mask string) string { return mask[:min(6, len(mask))] }

// Note counts what a payment came to.
func (t *CardTests) Note(p *Paid) {
	s, known := t.settings[p.Merchant]
	if !known || s.Off {
		return
	}
	now, number, beside := t.now(), t.numberOf(p), t.neighbors(p)
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range keysOf(p) {
		y := t.tallies.Get(k.tallied)
		if !now.Before(y.over) {
			y = tally{stopped: y.stopped}
		}
		if p.Approved {
			t.approve(k.tallied, y, now)
			continue
		}
		y.decline(number, beside, now)
		t.judge(&s, k, &y, now)
		t.tallies.Put(k.tallied, y, now)
	}
}

// approve counts an approval for what has declines; nothing else needs to be remembered.
func (t *CardTests) approve(k tallied, y tally, now time.Time) {
	if y.declined > 0 {
		y.approved++
		t.tallies.Put(k, y, now)
	}
}

// decline counts a declined card, once.
func (y *tally) decline(number uint64, beside []uint64, now time.Time) {
	if y.declined == 0 {
		y.over = now.Add(testedWithin)
	}
	if slices.Contains(y.numbers, number) {
		return
	}
	y.declined++
	if slices.ContainsFunc(beside, func(n uint64) bool { return slices.Contains(y.numbers, n) }) {
		y.run++
	}
	y.numbers = append(slices.Clone(y.numbers[max(0, len(y.numbers)-maxNumbers+1):]), number)
}

// judge stops what declines too much, and tells so when that begins.
func (t *CardTests) judge(s *CardTesting, k scaled, y *tally, now time.Time) {
	why := s.why(k, y)
	if why == "" {
		return
	}
	begins := !now.Before(y.stopped)
	y.stopped = now.Add(s.Stop)
	if begins {
		t.found(Tested{Merchant: k.merchant, Why: why, Source: k.from.String(), BIN: k.bin, Until: y.stopped})
	}
}

// why tells why a tally is to be stopped; empty when it is not. A run has one card fewer with a neighbor than it has cards.
func (s *CardTesting) why(k scaled, y *tally) string {
	few := y.approved*fewSuccesses < y.declined
	switch {
	case !few:
		return ""
	case y.run > 0 && y.run+1 >= s.Run*k.times:
		return WhyRun
	case k.bin != "" && y.declined >= s.BIN:
		return WhyBIN
	case k.bin != "":
		return ""
	case y.declined >= s.Declines*k.times:
		return WhySource
	}
	return ""
}

// numberOf is the hash of a card.
func (t *CardTests) numberOf(p *Paid) uint64 {
	if n, ok := account(p.Card); ok {
		return maphash.Comparable(t.seed, n)
	}
	return maphash.String(t.seed, p.Mask)
}

// neighbors are the hashes of the card numbers beside that of a card. Numbers that are reserved for tests lie side by side anyhow.
func (t *CardTests) neighbors(p *Paid) (all []uint64) {
	n, ok := account(p.Card)
	if !ok || p.Approved || vault.IsTestPAN(p.Card) {
		return nil
	}
	for i := uint64(1); i <= sideBySide; i++ {
		all = append(all, maphash.Comparable(t.seed, n-i), maphash.Comparable(t.seed, n+i))
	}
	return all
}

// account is a card number without its check digit.
func account(p vault.PAN) (uint64, bool) {
	if p.IsZero() {
		return 0, false
	}
	digits := p.AppendReveal(nil)
	defer clear(digits)
	n, err := strconv.ParseUint(string(digits[:len(digits)-1]), 10, 64)
	return n, err == nil
}

// Stopped are the refusals that stand now, of this process.
func (t *CardTests) Stopped() int {
	now, n := t.now(), 0
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tallies.Each(func(_ tallied, y tally) {
		if now.Before(y.stopped) {
			n++
		}
	})
	return n
}
