package tenants

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
)

// given tells whether a turn has come.
func given(t *turn) bool {
	select {
	case <-t.given:
		return !t.refused
	default:
		return false
	}
}

// The order of those who wait, one after the other on one place.
func TestOrderOfTurns(t *testing.T) {
	for _, c := range []struct {
		name  string
		waits []turn
		order []int
	}{
		{"familiar ones first, as they came", []turn{{merchant: 1}, {merchant: 2, familiar: true}, {merchant: 1, familiar: true}}, []int{1, 2, 0}},
		{"who failed less", []turn{{merchant: 1, failures: 2}, {merchant: 1, failures: 1}, {merchant: 1}}, []int{2, 1, 0}},
		{"who failed less, whatever the merchant", []turn{{merchant: 2, failures: 2}, {merchant: 1}, {merchant: 1}}, []int{2, 1, 0}},
		{"merchants in between", []turn{{merchant: 2}, {merchant: 1}, {merchant: 1}, {merchant: 1}, {merchant: 1}}, []int{4, 3, 0, 2, 1}},
		{"the newest of a merchant", []turn{{merchant: 1}, {merchant: 1}, {merchant: 1}}, []int{2, 1, 0}},
	} {
		q := newTurns()
		q.places, q.strangers = 1, 1
		running := &turn{merchant: 99}
		q.enter(running)
		for i := range c.waits {
			q.enter(&c.waits[i])
		}
		var order []int
		for range c.waits {
			q.leave(running)
			for i := range c.waits {
				if given(&c.waits[i]) && !slices.Contains(order, i) {
					order, running = append(order, i), &c.waits[i]
				}
			}
		}
		if !slices.Equal(order, c.order) {
			t.Errorf("%s: %v, not %v", c.name, order, c.order)
		}
	}
}

// Strangers of a merchant that is guessed at come one at a time, and leave the other places to others.
func TestBesiegedComeAlone(t *testing.T) {
	q := newTurns()
	q.places, q.strangers = 4, 3
	all := []*turn{{merchant: 1, alone: true}, {merchant: 1, alone: true}, {merchant: 2}}
	for _, x := range all {
		q.enter(x)
	}
	if !given(all[0]) || given(all[1]) || !given(all[2]) {
		t.Errorf("%v %v %v", given(all[0]), given(all[1]), given(all[2]))
	}
	q.leave(all[0])
	if !given(all[1]) {
		t.Error("the next of the merchant waits for nobody")
	}
}

// When too many strangers wait, those go who would come last: a first call is let in, whoever fills the queue.
func TestFullQueuePushesOutWhoFailedMost(t *testing.T) {
	q := newTurns()
	q.places, q.strangers = 0, 0
	flood := make([]*turn, maxWaiting)
	for i := range flood {
		flood[i] = &turn{merchant: 1, failures: 1 + i%9}
		q.enter(flood[i])
	}
	first, worst := &turn{merchant: 2}, flood[8]
	q.enter(first)
	if first.refused || !worst.refused {
		t.Errorf("the first call was refused: %v; who failed most: %v", first.refused, worst.refused)
	}
	late := &turn{merchant: 1, failures: 50}
	if err := q.take(context.Background(), late); !errors.Is(err, ErrBusy) {
		t.Errorf("a stranger too many: %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := q.take(ctx, &turn{merchant: 2}); !errors.Is(err, ErrBusy) {
		t.Errorf("who went away: %v", err)
	}
	if got := len(q.waiting); got != maxWaiting-1 { // who went away had pushed one out
		t.Errorf("%d wait", got)
	}
}

// FuzzTurns lets guesses and familiar callers come, go and give up in any order. However they do, a familiar caller waits only while
// familiar ones have all the places that strangers cannot have, a stranger only while there is no place for one, and no place is lost.
func FuzzTurns(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 3, 3, 2, 1, 1, 1, 3, 3})
	f.Add([]byte{8, 16, 24, 0, 1, 9, 17, 3, 3, 3, 4, 4, 1})
	f.Fuzz(func(t *testing.T, steps []byte) {
		q := newTurns()
		q.places, q.strangers = 3, 2
		var waiting, running []*turn
		for i, b := range steps {
			switch kind := b % 4; {
			case kind < 2:
				x := &turn{merchant: int32(b >> 2 & 3), familiar: kind == 1, failures: int(b >> 4), alone: b>>2&3 == 3}
				q.enter(x)
				waiting = append(waiting, x)
			case kind == 2 && len(waiting) > 0:
				if x := waiting[int(b>>2)%len(waiting)]; !q.withdraw(x) {
					t.Fatalf("%d: nobody withdraws", i)
				} else {
					waiting = slices.DeleteFunc(waiting, func(w *turn) bool { return w == x })
				}
			case kind == 3 && len(running) > 0:
				n := int(b>>2) % len(running)
				q.leave(running[n])
				running = slices.Delete(running, n, n+1)
			}
			waiting = slices.DeleteFunc(waiting, func(w *turn) bool {
				if given(w) {
					running = append(running, w)
				}
				return given(w)
			})
			if wrong := wrongWait(q, waiting, running); wrong != "" {
				t.Fatalf("after %d steps: %s", i+1, wrong)
			}
		}
	})
}

// wrongWait says who waits and should not.
func wrongWait(q *turns, waiting, running []*turn) string {
	familiar, at := 0, map[int32]int{}
	for _, x := range running {
		if x.familiar {
			familiar++
		} else {
			at[x.merchant]++
		}
	}
	strange := len(running) - familiar
	if len(running) > q.places || strange > q.strangers || q.running != len(running) || q.strange != strange || len(q.waiting) != len(waiting) {
		return fmt.Sprintf("%d run, %d of them strangers; the queue has %d and %d, and %d of %d wait", len(running), strange, q.running, q.strange, len(q.waiting), len(waiting))
	}
	for _, x := range waiting {
		switch {
		case x.familiar && familiar < q.places-q.strangers:
			return "a familiar caller waits for strangers"
		case !x.familiar && len(running) < q.places && strange < q.strangers && !(x.alone && at[x.merchant] > 0):
			return "a stranger waits for nobody"
		}
	}
	return ""
}
