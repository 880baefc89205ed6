package tenants

import (
	"context"
	"errors"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Of many guesses at the same time only as many wait for a computation as may be wrong; the others are refused at once.
func TestTriesAreCountedBeforeTheyAreComputed(t *testing.T) {
	c := testCredentials(t, time.Now)
	places, held := c.turns.strangers, []*turn{}
	for i := range places { // nothing can be computed for now
		held = append(held, &turn{merchant: int32(i), failures: -1})
		c.turns.enter(held[i])
	}
	const guesses = 60
	refused := make(chan error, guesses)
	var all sync.WaitGroup
	for i := range guesses {
		all.Go(func() {
			refused <- c.verify(context.Background(), 1, []byte("shop"), []byte("guess"+strconv.Itoa(i)), "attacker")
		})
	}
	for range guesses - maxFailures {
		if err := <-refused; !errors.Is(err, errWrongCredentials) {
			t.Errorf("a guess too many: %v", err)
		}
	}
	for _, t := range held {
		c.turns.leave(t)
	}
	all.Wait()
	if err := c.verify(context.Background(), 1, []byte("shop"), []byte("right"), "attacker"); !errors.Is(err, errWrongCredentials) {
		t.Errorf("the eleventh try: %v", err)
	}
	if err := c.verify(context.Background(), 1, []byte("shop"), []byte("right"), "shop"); err != nil {
		t.Errorf("the merchant itself: %v", err)
	}
}
