package tenants

import "sync/atomic"

// Load bounds the requests that are served at a time: all of them, and those of each merchant, so that one cannot take the place of
// all. What is entered is left again, also when it was one too many.
type Load struct {
	most, each int64
	serving    *atomic.Int64
	busy       map[int32]*atomic.Int64 // by merchant
}

// NewLoad makes a Load for these merchants. It bounds the requests of all of them by most, and those of one merchant by each.
func NewLoad(most, each int64, merchants map[int32]Merchant) *Load {
	return (&Load{most: most, each: each, serving: &atomic.Int64{}}).Under(merchants)
}

// Under returns a Load for changed merchants, in which the requests that are served count, too.
func (l *Load) Under(merchants map[int32]Merchant) *Load {
	other := &Load{most: l.most, each: l.each, serving: l.serving, busy: make(map[int32]*atomic.Int64, len(merchants))}
	for id := range merchants {
		if other.busy[id] = l.busy[id]; other.busy[id] == nil {
			other.busy[id] = &atomic.Int64{}
		}
	}
	return other
}

// Enter counts a request. It fails when there are too many.
func (l *Load) Enter() error { return within(l.serving, l.most) }

// Leave takes a request back.
func (l *Load) Leave() { l.serving.Add(-1) }

// EnterFor counts a request of a known merchant. It fails when there are too many.
func (l *Load) EnterFor(merchant int32) error { return within(l.busy[merchant], l.each) }

// LeaveFor takes it back.
func (l *Load) LeaveFor(merchant int32) { l.busy[merchant].Add(-1) }

func within(n *atomic.Int64, most int64) error {
	if n.Add(1) > most {
		return ErrBusy
	}
	return nil
}
