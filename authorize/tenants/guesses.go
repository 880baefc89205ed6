package tenants

import "time"

const (
	maxFailures   = 10               // wrong passwords of a merchant from one source
	maxOfBesieged = 3                // the same, while the merchant is guessed at from many sources
	maxOfSource   = 100              // wrong passwords of all merchants, whether they exist or not, from one source
	lockFor       = 30 * time.Minute // how long that source is then refused, from its last try
	maxSuspects   = 1 << 16          // sources that are remembered one by one for wrong passwords: some 15 MiB
	maxBesieged   = 1 << 14          // merchants, whether they exist or not, that are remembered as guessed at: some 2 MiB
	siegeSources  = 20               // sources that guess at a merchant within half an hour
	siegeEvery    = lockFor / siegeSources
)

// attempt is a try of credentials that are not familiar.
type attempt struct {
	merchant   int32
	mark       [32]byte
	near, wide network
}

// suspect is a network that gave wrong credentials for a merchant, or for anyMerchant.
type suspect struct {
	merchant int32
	from     network
}

// anyMerchant stands for all merchants of a network; no merchant has a negative number.
const anyMerchant = -1

type failures struct {
	count int
	noted bool      // counted as one of the sources that guess at the merchant
	until time.Time // end of the lock, or of the memory of these failures
}

// at is the count that still counts.
func (f failures) at(now time.Time) int {
	if now.Before(f.until) {
		return f.count
	}
	return 0
}

// siege is what is known of guesses at a merchant from many sources. A merchant that does not exist has one, too, so that nobody
// can tell.
type siege struct {
	used  time.Time // when the sources that were seen would have come at a pace that is none
	until time.Time // it lasts
}

// guesses counts wrong credentials: of each source and each wide network, at each merchant and at all, and the sources at each
// merchant. It is not safe for concurrent use.
type guesses struct {
	suspects *Counts[suspect, failures]
	sieges   *Counts[int32, siege]
}

func newGuesses() *guesses {
	return &guesses{
		suspects: NewCounts[suspect](maxSuspects, func(f failures, now time.Time) bool { return f.at(now) == 0 }),
		sieges:   NewCounts[int32](maxBesieged, func(s siege, now time.Time) bool { return !s.used.After(now) && !s.until.After(now) }),
	}
}

// bound is a suspect with how many failures lock it.
type bound struct {
	suspect
	most int
}

// bounds are those of a try.
func (g *guesses) bounds(try *attempt, now time.Time) []bound {
	most := maxFailures
	if g.besieged(try.merchant, now) {
		most = maxOfBesieged
	}
	b := []bound{{suspect{try.merchant, try.near}, most}, {suspect{anyMerchant, try.near}, maxOfSource}}
	if !try.wide.none() {
		b = append(b, bound{suspect{try.merchant, try.wide}, most * widely}, bound{suspect{anyMerchant, try.wide}, maxOfSource * widely})
	}
	return b
}

// locked tells whether where a try comes from has failed too often.
func (g *guesses) locked(try *attempt, now time.Time) bool {
	for _, b := range g.bounds(try, now) {
		if g.suspects.Get(b.suspect).at(now) >= b.most {
			return true
		}
	}
	return false
}

// failures is how often the source of a try has failed at any merchant. Those of its wide network count a little.
func (g *guesses) failures(try *attempt, now time.Time) int {
	n := g.suspects.Get(suspect{anyMerchant, try.near}).at(now)
	if !try.wide.none() {
		n += g.suspects.Get(suspect{anyMerchant, try.wide}).at(now) / widely
	}
	return n
}

// count adds to the failures of where a try comes from.
func (g *guesses) count(try *attempt, n int, now time.Time) {
	for _, b := range g.bounds(try, now) {
		f := g.suspects.Get(b.suspect)
		left := max(0, f.at(now)+n)
		g.suspects.Put(b.suspect, failures{left, f.noted && left > 0, now.Add(lockFor)}, now)
	}
}

// forgive forgets the earlier tries of a source at a merchant, not those at other merchants.
func (g *guesses) forgive(try *attempt) {
	g.suspects.Forget(suspect{try.merchant, try.near})
}

// failed notes that a counted try was wrong. It returns true when the merchant is now guessed at from many sources, and was not before.
func (g *guesses) failed(try *attempt, now time.Time) (begins bool) {
	s, before := g.sieges.Get(try.merchant), g.besieged(try.merchant, now)
	if g.isNew(suspect{try.merchant, try.near}, now) {
		s.used = later(s.used, now).Add(siegeEvery)
	}
	if s.used.Sub(now) > (siegeSources-1)*siegeEvery || before {
		s.until = now.Add(lockFor)
	}
	if most := now.Add(2 * lockFor); s.used.After(most) {
		s.used = most
	}
	g.sieges.Put(try.merchant, s, now)
	return !before && g.besieged(try.merchant, now)
}

// isNew tells, once, that a source guesses at a merchant.
func (g *guesses) isNew(who suspect, now time.Time) bool {
	f := g.suspects.Get(who)
	fresh := !f.noted
	f.noted = true
	g.suspects.Put(who, f, now)
	return fresh
}

// besieged tells that a merchant is guessed at from many sources.
func (g *guesses) besieged(merchant int32, now time.Time) bool {
	return now.Before(g.sieges.Get(merchant).until)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
