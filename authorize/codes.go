package authorize

import (
	"bytes"
	"context"
	"sync"
	"time"

	"settled/internal/vault"
	"settled/settle"
)

const (
	maxCodes  = 1 << 14          // verification codes kept at a time
	sweepCode = 10 * time.Second // how late a code may be wiped
)

// codeStore keeps card verification codes while card holders are with their banks: in the memory of this process only. A
// code is taken once; one that is not taken in time is wiped. A payment whose code is gone is sent without it.
type codeStore struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[attempt]keptCode
}

// attempt names an order and the number of a payment operation of it.
type attempt struct {
	merchant int32
	order    int64
	payment  int16
}

// attemptOf names the last payment operation of an order.
func attemptOf(o *settle.Order) attempt { return attempt{o.Merchant, o.ID, o.PaymentNumber} }

type keptCode struct {
	code  vault.Secret
	until time.Time
}

func newCodeStore(now func() time.Time) *codeStore {
	return &codeStore{now: now, kept: map[attempt]keptCode{}}
}

// keep keeps a copy of the code, unless the store is full.
func (s *codeStore) keep(a attempt, code vault.Secret) {
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
	s.kept[a] = keptCode{vault.NewSecret(bytes.Clone(code.Reveal())), s.now().Add(settle.AuthenticateFor)}
}

// take returns a code and forgets it; the zero Secret when there is none. The caller wipes it.
func (s *codeStore) take(a attempt) vault.Secret {
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

// sweep wipes what has been kept for too long, until the context ends.
func (s *codeStore) sweep(ctx context.Context) {
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

func (s *codeStore) expire() {
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

// wipe wipes all.
func (s *codeStore) wipe() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, k := range s.kept {
		k.code.Wipe()
	}
	clear(s.kept)
}
