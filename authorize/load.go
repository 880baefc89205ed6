package authorize

import "sync/atomic"

// load bounds the requests that are served at a time: all of them, and those of each merchant, so that one cannot take the place of
// all. What is entered is left again, also when it was one too many.
type load struct {
	most, each int64
	serving    atomic.Int64
	busy       map[int32]*atomic.Int64 // by merchant
}

func newLoad(most, each int64, merchants map[int32]Merchant) *load {
	l := &load{most: most, each: each, busy: make(map[int32]*atomic.Int64, len(merchants))}
	for id := range merchants {
		l.busy[id] = &atomic.Int64{}
	}
	return l
}

// enter counts a request. It fails when there are too many.
func (l *load) enter() error { return within(&l.serving, l.most) }

// leave takes a request back.
func (l *load) leave() { l.serving.Add(-1) }

// enterFor counts a request of a known merchant. It fails when there are too many.
func (l *load) enterFor(merchant int32) error { return within(l.busy[merchant], l.each) }

// leaveFor takes it back.
func (l *load) leaveFor(merchant int32) { l.busy[merchant].Add(-1) }

func within(n *atomic.Int64, most int64) error {
	if n.Add(1) > most {
		return errBusy
	}
	return nil
}
