package tenants

import (
	"context"
	"runtime"
	"sync"
)

// maxWaiting is how many strangers wait for a turn; one more pushes out who would come last.
const maxWaiting = 512

// turns are those of computing a password. Credentials that were right before are familiar: they have a place of their own, so none
// of them ever waits for a stranger. Of strangers those come first that failed the least before. Among them it is by turns the one who
// came last, because in a flood the oldest has waited for nothing already, and one of the merchant that was served longest ago, so that a
// flood at one merchant leaves the others every second turn. It is safe for concurrent use.
type turns struct {
	places    int // computations at a time, at least one more than of strangers
	strangers int // of those, for strangers

	mu      sync.Mutex
	running int
	strange int            // of those that run
	at      map[int32]int  // strangers that run, by merchant
	waiting []*turn        // in no order
	served  map[int32]uint // when a merchant had its last turn, by number
	given   uint           // turns of strangers
	count   uint
}

// turn is a wish to compute.
type turn struct {
	merchant int32
	familiar bool // the credentials were right before
	failures int  // of the stranger's source
	alone    bool // no two strangers of the merchant at a time
	came     uint
	given    chan struct{} // closed when the turn has come or never will
	refused  bool
}

// maxStrangers bounds the computations for strangers, each of which takes some 20 MiB.
const maxStrangers = 4

// newTurns leaves to strangers half of the processors at most.
func newTurns() *turns {
	strangers := min(maxStrangers, max(1, runtime.GOMAXPROCS(0)/2))
	return &turns{places: strangers + max(1, strangers/2), strangers: strangers, at: map[int32]int{}, served: map[int32]uint{}}
}

// take waits for a turn. Whoever gets nil calls leave; ErrBusy says that there will be no turn.
func (q *turns) take(ctx context.Context, t *turn) error {
	q.enter(t)
	select {
	case <-t.given:
	case <-ctx.Done():
		if q.withdraw(t) {
			return ErrBusy
		}
	}
	if t.refused {
		return ErrBusy
	}
	return nil
}

// enter lets a turn wait, and gives it at once when there is a place.
func (q *turns) enter(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.count++
	t.came, t.given = q.count, make(chan struct{})
	q.waiting = append(q.waiting, t)
	q.give()
	q.pushOut()
}

// leave gives the place of a turn to the next.
func (q *turns) leave(t *turn) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.running--
	if !t.familiar {
		q.strange--
		if q.at[t.merchant]--; q.at[t.merchant] == 0 {
			delete(q.at, t.merchant)
		}
	}
	q.give()
}

// withdraw takes back a wish. It returns false when the turn has come or was refused meanwhile.
func (q *turns) withdraw(t *turn) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range q.waiting {
		if q.waiting[i] == t {
			q.drop(i)
			return true
		}
	}
	return false
}

// give gives turns while there are places. The caller holds mu.
func (q *turns) give() {
	for {
		i := q.first(q.before, q.free)
		if i < 0 {
			return
		}
		t := q.waiting[i]
		q.drop(i)
		q.start(t)
	}
}

func (q *turns) start(t *turn) {
	q.running++
	if !t.familiar {
		q.strange++
		q.at[t.merchant]++
		q.note(t.merchant)
	}
	close(t.given)
}

// maxServed is how many merchants are remembered as served.
const maxServed = 1 << 12

// note remembers that a merchant was served.
func (q *turns) note(merchant int32) {
	if len(q.served) >= maxServed {
		clear(q.served)
	}
	q.given++
	q.served[merchant] = q.given
}

// pushOut refuses the stranger who would come last when too many wait. The caller holds mu.
func (q *turns) pushOut() {
	strange := func(t *turn) bool { return !t.familiar }
	n := 0
	for _, t := range q.waiting {
		if strange(t) {
			n++
		}
	}
	if n <= maxWaiting {
		return
	}
	i := q.first(func(a, b *turn) bool { return q.before(b, a) }, strange)
	t := q.waiting[i]
	q.drop(i)
	t.refused = true
	close(t.given)
}

// free tells that there is a place for a turn.
func (q *turns) free(t *turn) bool {
	if t.familiar {
		return q.running < q.places
	}
	return q.running < q.places && q.strange < q.strangers && !(t.alone && q.at[t.merchant] > 0)
}

// before orders the turns.
func (q *turns) before(a, b *turn) bool {
	switch {
	case a.familiar != b.familiar:
		return a.familiar
	case a.familiar:
		return a.came < b.came
	case a.failures != b.failures:
		return a.failures < b.failures
	case q.given%2 == 1 && q.served[a.merchant] != q.served[b.merchant]:
		return q.served[a.merchant] < q.served[b.merchant]
	}
	return a.came > b.came
}

// first finds the first in an order of those that fit, -1 when none does.
func (q *turns) first(before func(a, b *turn) bool, fits func(*turn) bool) int {
	best := -1
	for i, t := range q.waiting {
		if fits(t) && (best < 0 || before(t, q.waiting[best])) {
			best = i
		}
	}
	return best
}

func (q *turns) drop(i int) {
	last := len(q.waiting) - 1
	q.waiting[i], q.waiting[last] = q.waiting[last], nil
	q.waiting = q.waiting[:last]
}
