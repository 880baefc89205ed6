package authorize

import (
	"context"
	"sync"

	"settled/authorize/online"
)

// maxLate bounds how many payments without an answer are remembered for a late one.
const maxLate = 1 << 14

// lateBook knows which payment a late answer belongs to, by retrieval reference number. It is memory only: an answer
// that it cannot place changes nothing anyway, because the reversal is owed durably.
type lateBook struct {
	mu       sync.Mutex
	payments generations[string, *latePayment]
}

type latePayment struct {
	merchant int32
	order    int64
	givenUp  bool           // the books know that the outcome is unknown
	answer   *online.Answer // came before the books knew
}

func newLateBook() *lateBook {
	return &lateBook{payments: generations[string, *latePayment]{limit: maxLate}}
}

// expect remembers a payment whose answer did not come.
func (b *lateBook) expect(rrn string, merchant int32, order int64) *latePayment {
	p := &latePayment{merchant: merchant, order: order}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payments.put(rrn, p)
	return p
}

// givenUp notes that the books gave the payment up, and returns an answer that came meanwhile.
func (b *lateBook) givenUp(p *latePayment) *online.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.givenUp = true
	return p.answer
}

// arrived returns the payment of a late answer when the books are ready for it.
func (b *lateBook) arrived(a online.Answer) (latePayment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments.get(a.RRN)
	if !ok {
		return latePayment{}, false
	}
	p.answer = &a
	return *p, p.givenUp
}

// OnLate takes answers that arrived when no request waited for them: give it to online.Options.OnLate. It never blocks;
// what exceeds its queue is dropped, which changes nothing but a note.
func (c *cards) OnLate(a online.LateAnswer) {
	if a.Reason != online.Late || !a.Answer.Approved() {
		return
	}
	select {
	case c.lates <- a:
	default:
	}
}

func (c *cards) recordLate(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case a := <-c.lates:
			if p, ready := c.late.arrived(a.Answer); ready {
				c.approvedLate(ctx, &p, a.Answer)
			}
		}
	}
}

func (c *cards) approvedLate(ctx context.Context, p *latePayment, a online.Answer) {
	if err := c.books.ApprovedLate(ctx, p.merchant, p.order, a.ActionCode, a.ApprovalCode); err != nil {
		c.log.Error("late approval not noted; its reversal goes on", "order", p.order, "error", err)
		return
	}
	c.log.Warn("approved after it was given up; its reversal goes on", "order", p.order)
}
