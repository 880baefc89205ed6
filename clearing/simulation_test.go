package clearing_test

import (
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"settled/clearing"
	"settled/fileformats/ipm"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// TestRandomNights lives through days of random sales and cancels, with a server that fails, replies that misbehave and
// workers that die, under every contract. In the end the center's books and ours agree to the minor unit, and the auditor
// is content. SETTLED_SEEDS asks for more runs.
func TestRandomNights(t *testing.T) {
	seeds := 4
	if text := os.Getenv("SETTLED_SEEDS"); text != "" {
		var err error
		seeds, err = strconv.Atoi(text)
		check(t, err)
	}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			s := newSimulation(t, uint64(seed))
			for range 4 {
				s.day()
				s.nightfall()
			}
			s.heal()
			s.agree()
		})
	}
}

type simulation struct {
	*world
	random *rand.Rand
	orders []int64
	deaths int
}

func newSimulation(t *testing.T, seed uint64) *simulation {
	random := rand.New(rand.NewPCG(seed, 7))
	w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
		o.RemovesFiles = random.IntN(2) == 0
		p.RemovesFiles, p.DedupesByFileID = o.RemovesFiles, random.IntN(2) == 0
		p.RemoveReplies, p.Format = random.IntN(2) == 0, inForm(t, ipm.Profile{Blocked: random.IntN(2) == 0})
		o.Replies = pcsim.Replies{Twice: random.IntN(3) == 0, TruncatedFirst: random.IntN(3) == 0, Reverse: random.IntN(3) == 0}
	})
	return &simulation{world: w, random: random}
}

var simulatedCards = []string{pcsim.CardApproved, pcsim.CardApproved, pcsim.CardApproved, pcsim.CardSaleRefused, pcsim.CardCreditRefused}

// day sells and cancels.
func (s *simulation) day() {
	for range 2 + s.random.IntN(6) {
		amount := money.Amount{Minor: 100 + s.random.Int64N(10_000), Currency: []money.Currency{money.BYN, money.EUR}[s.random.IntN(2)]}
		s.orders = append(s.orders, s.pay(amount, simulatedCards[s.random.IntN(len(simulatedCards))]))
		s.Clock.Advance(time.Duration(1+s.random.IntN(90)) * time.Minute)
	}
	for range s.random.IntN(4) {
		s.cancel(s.orders[s.random.IntN(len(s.orders))])
	}
}

// cancel gives a random part back; orders that have nothing left are refused.
func (s *simulation) cancel(order int64) {
	o, err := s.Books.Order(s.t.Context(), settletest.Merchant, order)
	check(s.t, err)
	if o.Amounts.Cancellable() == 0 {
		return
	}
	back := money.Amount{Minor: 1 + s.random.Int64N(o.Amounts.Cancellable()), Currency: o.Amount.Currency}
	_, err = s.Books.Cancel(s.t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: order, Amount: &back,
		Actor: settle.ByMerchant, External: fmt.Sprint(s.random.Uint64())})
	check(s.t, err)
}

// nightfall lets the night run for a while in bad weather.
func (s *simulation) nightfall() {
	s.cutoff()
	for range 3 {
		s.center.SetFaults(s.weather())
		if s.dieSomewhere() {
			s.deaths++
		}
		_, err := s.center.Process(s.t.Context(), s.Clock.Now())
		check(s.t, err)
		s.Clock.Advance(time.Duration(1+s.random.IntN(10)) * time.Minute)
	}
	s.center.SetFaults(pcsim.Faults{})
}

func (s *simulation) weather() pcsim.Faults {
	return []pcsim.Faults{
		{}, {}, {CutAfter: 1 + s.random.Int64N(2000)}, {CutBeforeRename: true}, {CutAfterRename: true}, {RenameLies: true},
		{CloseTruncates: true}, {DiskFullAt: 1 + s.random.Int64N(500)}, {ShortReads: 1 + s.random.IntN(100)},
	}[s.random.IntN(9)]
}

// dieSomewhere runs a step in which the worker dies at a random point, or at none.
func (s *simulation) dieSomewhere() (dead bool) {
	left := s.random.IntN(12)
	s.night.AtCrashPoint(func(p string) {
		if left--; left == 0 {
			panic(died(p))
		}
	})
	defer func() {
		s.restart()
		if r := recover(); r != nil {
			if _, ours := r.(died); !ours {
				panic(r)
			}
			dead = true
		}
	}()
	_, _ = s.night.Step(s.t.Context())
	return false
}

// agree compares the center's books with ours.
func (s *simulation) agree() {
	s.t.Helper()
	s.audited()
	s.batchesAreTheirRecords()
	for _, c := range []money.Currency{money.BYN, money.EUR} {
		theirs := s.center.Books().Currencies[c]
		ours := func(column string) int64 {
			return query[int64](s.world, `SELECT coalesce(sum(amount), 0)::bigint FROM postings WHERE source = 3 AND `+column+` AND currency = $1`, int16(c))
		}
		sales, credits := ours("debit = 1120 AND credit = 1110"), ours("debit = 1110 AND credit = 1120")
		if sales != theirs.Cleared.Amount || credits != theirs.Credited.Amount {
			s.t.Errorf("%v: we say %d sold and %d given back, the center %d and %d", c, sales, credits, theirs.Cleared.Amount, theirs.Credited.Amount)
		}
	}
	s.t.Logf("%d orders, %d files, %d attempts, %d deaths", len(s.orders), query[int](s.world, `SELECT count(*) FROM files`),
		query[int](s.world, `SELECT count(*) FROM delivery_attempts`), s.deaths)
}
