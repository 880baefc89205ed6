package payment

import (
	"context"
	"log/slog"
	"sync"

	"settled/authorize/online"
	"settled/authorize/tenants"
	"settled/settle"
)

// maxLate bounds how many payments without an answer are remembered for a late one.
const maxLate = 1 << 14

// lateAnswers knows which payment a late answer belongs to, by retrieval reference number. It is memory only: an answer
// that it cannot place changes nothing anyway, because the reversal is owed durably.
type lateAnswers struct {
	mu       sync.Mutex
	payments tenants.Generations[string, *latePayment]
}

type latePayment struct {
	books    *settle.Books // that began it
	merchant int32
	order    int64
	givenUp  bool           // the books know that the outcome is unknown
	answer   *online.Answer // came before the books knew
}

func newLateAnswers() *lateAnswers {
	return &lateAnswers{payments: tenants.Generations[string, *latePayment]{Limit: maxLate}}
}

// expect remembers a payment whose answer did not come.
func (b *lateAnswers) expect(rrn string, books *settle.Books, merchant int32, order int64) *latePayment {
	p := &latePayment{books: books, merchant: merchant, order: order}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.payments.Put(rrn, p)
	return p
}

// givenUp notes that the books gave the payment up, and returns an answer that came meanwhile.
func (b *lateAnswers) givenUp(p *latePayment) *online.Answer {
	b.mu.Lock()
	defer b.mu.Unlock()
	p.givenUp = true
	return p.answer
}

// arrived returns the payment of a late answer when the books are ready for it.
func (b *lateAnswers) arrived(a online.Answer) (latePayment, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.payments.Get(a.RRN)
	if !ok {
		return latePayment{}, false
	}
	p.answer = &a
	return *p, p.givenUp
}

// OnLate takes answers that arrived when no request waited for them: give it to online.Options.OnLate. It never blocks;
// what exceeds its queue is dropped, which changes nothing but a note.
func (c *Cards) OnLate(a online.LateAnswer) {
	if a.Reason != online.Late || !a.Answer.Approved() {
		return
	}
	select {
	case c.lates <- a:
	default:
	}
}

// RecordLate notes late approvals with their payments, until the context ends.
func (c *Cards) RecordLate(ctx context.Context) {
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

func (c *Cards) approvedLate(ctx context.Context, p *latePayment, a online.Answer) {
	if err := p.books.ApprovedLate(ctx, p.merchant, p.order, a.ActionCode, a.ApprovalCode); err != nil {
		c.log.Error("late approval not noted; its reversal goes on", slog.Int64("order", p.order), slog.Any("error", err))
		return
	}
	c.log.Warn("approved after it was given up; its reversal goes on", slog.Int64("order", p.order))
}
