package payment

import (
	"bytes"
	"context"
	"sync"
	"time"

	"settled/internal/vault"
	"settled/settle"
	"settled/settle/authentication"
)

const (
	maxCodes  = 1 << 14          // verification codes kept at a time
	sweepCode = 10 * time.Second // how late a code may be wiped
)

// CodeStore keeps card verification codes while cardholders are with their banks: in the memory of this process only. A
// code is taken once; one that is not taken in time is wiped. A payment whose code is gone is sent without it.
type CodeStore struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[Attempt]keptCode
}

// Attempt names an order and the number of a payment operation of it.
type Attempt struct {
	Merchant int32
	Order    int64
	Payment  int16
}

// AttemptOf names the last payment operation of an order.
func AttemptOf(o *settle.Order) Attempt { return Attempt{o.Merchant, o.ID, o.PaymentNumber} }

type keptCode struct {
	code  vault.Secret
	until time.Time
}

// NewCodeStore makes an empty one. Run Sweep beside it, and Wipe it in the end.
func NewCodeStore(now func() time.Time) *CodeStore {
	return &CodeStore{now: now, kept: map[Attempt]keptCode{}}
}

// Keep keeps a copy of the code, unless the store is full.
func (s *CodeStore) Keep(a Attempt, code vault.Secret) {
	if code.IsZero() {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if old, ok := s.kept[a]; ok {
		old.code.Wipe()
	} else if len(s.kept) >= maxCodes {
		return
	}
	s.kept[a] = keptCode{vault.NewSecret(bytes.Clone(code.Reveal())), s.now().Add(authentication.Within)}
}

// take returns a code and forgets it; the zero Secret when there is none. The caller wipes it.
func (s *CodeStore) take(a Attempt) vault.Secret {
	s.mu.Lock()
	defer s.mu.Unlock()
	k := s.kept[a]
	delete(s.kept, a)
	if !s.now().Before(k.until) {
		k.code.Wipe()
		return vault.Secret{}
	}
	return k.code
}

// Sweep wipes what has been kept for too long, until the context ends.
func (s *CodeStore) Sweep(ctx context.Context) {
	t := time.NewTicker(sweepCode)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			s.expire()
		}
	}
}

func (s *CodeStore) expire() {
	now := s.now()
	s.mu.Lock()
	defer s.mu.Unlock()
	for a, k := range s.kept {
		if !now.Before(k.until) {
			k.code.Wipe()
			delete(s.kept, a)
		}
	}
}

// Wipe wipes all.
func (s *CodeStore) Wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		k.code.Wipe()
	}
	clear(s.kept)
}
