package app

import (
	"context"
	"sync"
	"time"
)

// patience bounds one look.
const patience = 5 * time.Second

// repeat runs look again and again, each time within five seconds and a pause after the time before, and tells said of each outcome. It
// goes on until the function that it returns is called, which waits for a look that is under way; of that one nothing is said.
func repeat(pause time.Duration, look func(context.Context) error, said func(error)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var looking sync.WaitGroup
	looking.Go(func() {
		for {
			select {
			case <-ctx.Done():
				return
			case <-time.After(pause):
			}
			within, end := context.WithTimeout(ctx, patience)
			if err := look(within); ctx.Err() == nil {
				said(err)
			}
			end()
		}
	})
	return func() { cancel(); looking.Wait() }
}
