package payment

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"settled/authorize/online"
	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/reconcile"

	"golang.org/x/sync/errgroup"
)

const (
	sendBatch   = 32  // owed messages claimed, and in flight, at a time at one center
	giveUpBatch = 256 // payments given up at a time
	pollPause   = 25 * time.Millisecond
	pollFor     = 2 * time.Second // how long SendNow waits for what another sender has claimed
)

// Sender delivers what the books owe to centers: reversals, partial reversals and refunds, repeated until each has an
// answer. Any number of senders may run; a message is claimed by one at a time.
type Sender struct {
	books     *settle.Books
	unknown   *reconcile.Unknown
	directory *settle.Directory
	centers   map[int16]Center
	banks     map[int16]Bank
	log       *slog.Logger
}

// NewSender makes a sender to the centers and partner banks, by the numbers of their centers.
func NewSender(books *settle.Books, unknown *reconcile.Unknown, directory *settle.Directory, centers map[int16]Center, banks map[int16]Bank, log *slog.Logger) *Sender {
	return &Sender{books: books, unknown: unknown, directory: directory, centers: centers, banks: banks, log: log}
}

// Step gives up payments whose process died, then sends what is due at every center, all centers at the same time. It
// returns how many messages it sent. What fails keeps nothing else from being sent, and is due again later.
func (s *Sender) Step(ctx context.Context) (int, error) {
	_, abandoned := s.books.GiveUpDue(ctx, giveUpBatch)
	centers := s.directory.Centers()
	sent := make([]int, len(centers))
	var all errgroup.Group
	for i, c := range centers {
		all.Go(func() (err error) {
			sent[i], err = s.StepCenter(ctx, c.ID)
			return err
		})
	}
	err := errors.Join(abandoned, all.Wait())
	n := 0
	for _, k := range sent {
		n += k
	}
	return n, err
}

// StepCenter sends what is due at one center, some messages at the same time. Run one loop per center, so that one that
// does not answer delays no other.
func (s *Sender) StepCenter(ctx context.Context, center int16) (int, error) {
	due, err := s.books.DueAt(ctx, center, sendBatch)
	if err != nil {
		return 0, err
	}
	err = s.sendAll(ctx, due)
	unknown, failed := s.stepUnknown(ctx, center)
	return len(due) + unknown, errors.Join(err, failed)
}

func (s *Sender) sendAll(ctx context.Context, due []settle.Owed) error {
	var group errgroup.Group
	for _, e := range due {
		group.Go(func() error { return s.send(ctx, e) })
	}
	return group.Wait()
}

// SendNow sends what is due of one order, and what follows from it. It returns when nothing of it is owed any more, when
// a message stays without an answer, or when ctx ends. What another sender has claimed is waited for, but not for long.
func (s *Sender) SendNow(ctx context.Context, merchant int32, order int64) error {
	for sent, deadline := false, time.After(pollFor); ; {
		due, err := s.books.DueOf(ctx, merchant, order)
		if err != nil {
			return err
		}
		if len(due) > 0 {
			if err := s.sendAll(ctx, due); err != nil {
				return err
			}
			sent = true
			continue
		}
		left, err := s.books.OwedCount(ctx, merchant, order)
		if err != nil || left == 0 || sent {
			return err
		}
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-deadline:
			return nil
		case <-time.After(pollPause):
		}
	}
}

// send transmits one owed message and records what came of it.
func (s *Sender) send(ctx context.Context, e settle.Owed) error {
	if bank, ok := s.banks[e.Center]; ok {
		return s.refundInstant(ctx, e, bank)
	}
	m, err := s.load(ctx, e)
	switch {
	case errors.Is(err, errNotAddressed):
		return s.unanswered(ctx, e, err)
	case err != nil:
		return err
	}
	if m.inquires() {
		a, err := m.exchange(ctx, m.inquiry())
		switch {
		case err != nil:
			return s.unanswered(ctx, e, err)
		case a.Approved():
			return s.answered(ctx, e, settle.VerdictOriginal, a)
		}
	}
	r, err := m.request(s.books)
	if err != nil {
		return s.unanswered(ctx, e, err)
	}
	a, err := m.exchange(ctx, r)
	if err != nil {
		return s.unanswered(ctx, e, err)
	}
	v, final := m.verdict(a)
	if !final {
		return s.unanswered(ctx, e, fmt.Errorf("center answered %s", a.ActionCode))
	}
	return s.answered(ctx, e, v, a)
}

func (s *Sender) answered(ctx context.Context, e settle.Owed, v settle.Verdict, a online.Answer) error {
	if v == settle.VerdictRefused || v == settle.VerdictTooLate {
		s.log.Warn("center refused", slog.Int64("order", e.Order), slog.Any("transaction", e.Transaction), slog.String("action", a.ActionCode))
	}
	ctx, cancel := Patient(context.WithoutCancel(ctx))
	defer cancel()
	return s.books.Answered(ctx, e, v, a.ActionCode, a.ApprovalCode, a.NetworkID)
}

func (s *Sender) unanswered(ctx context.Context, e settle.Owed, cause error) error {
	s.log.Warn("no answer to an owed message; it is repeated", slog.Int64("order", e.Order), slog.Any("transaction", e.Transaction),
		slog.Any("attempts", e.Attempts), slog.Any("error", cause))
	ctx, cancel := Patient(context.WithoutCancel(ctx))
	defer cancel()
	return s.books.Unanswered(ctx, e, cause.Error())
}

// message is an owed exchange with all that its request needs.
type message struct {
	owed     settle.Owed
	order    *settle.Order
	original *settle.Transaction
	merchant *settle.Merchant
	route    *settle.Route
	center   Center
}

func (s *Sender) load(ctx context.Context, e settle.Owed) (*message, error) {
	o, err := s.books.Order(ctx, e.Merchant, e.Order)
	if err != nil {
		return nil, err
	}
	m := &message{owed: e, order: o, center: s.centers[e.Center]}
	m.merchant, _ = s.directory.Merchant(e.Merchant)
	if m.merchant != nil {
		m.route = m.merchant.Serves(e.Center, o.Amount.Currency)
	}
	if e.Original != nil {
		m.original = o.Transaction(*e.Original)
	}
	if m.original == nil || m.route == nil || m.center.Host == nil {
		return nil, fmt.Errorf("send %d/%d: %w", e.Order, e.Transaction, errNotAddressed)
	}
	return m, nil
}

var errNotAddressed = errors.New("authorize: owed message has no original, contract or host")

func (m *message) exchange(ctx context.Context, r online.Request) (online.Answer, error) {
	return m.center.Host.Exchange(ctx, r)
}

// inquires tells that the outcome of the original is asked for before it is reversed: once, and not when an approval has
// come already, because the reversal of that one was decided.
func (m *message) inquires() bool {
	return m.owed.Kind == settle.Reversal && m.owed.Attempts == 1 && m.original.State == settle.TransactionUnknown &&
		m.route.Center.Capabilities.Inquiry
}

// base is what all messages about the original have in common.
func (m *message) base(kind online.Kind) online.Request {
	zone := m.route.Center.Zone
	return online.Request{
		Kind: kind, STAN: stan(m.owed.Exchange), RRN: settle.RRN(m.owed.Exchange),
		TransmittedAt: m.owed.TransmittedAt, LocalTime: m.owed.TransmittedAt.In(zone),
		Terminal: m.route.Terminal, Acceptor: m.route.Acceptor, MCC: m.merchant.MCC, Acquirer: m.center.Acquirer,
		Original: online.Original{Kind: kinds[m.original.Kind], STAN: stan(m.original.Exchange),
			LocalTime: m.original.TransmittedAt.In(zone)},
	}
}

var kinds = map[settle.Kind]online.Kind{
	settle.Authorization: online.Authorization, settle.Purchase: online.Purchase, settle.Reversal: online.Reversal,
	settle.PartialReversal: online.PartialReversal, settle.Refund: online.Refund,
}

// inquiry has a reference number of its own, so that its late answer is never taken for the reversal's.
func (m *message) inquiry() online.Request { return m.base(online.Inquiry) }

// request makes the owed message itself. A reversal carries the reference number of its original; a refund has its own
// and the card.
func (m *message) request(books *settle.Books) (online.Request, error) {
	r := m.base(kinds[m.owed.Kind])
	r.Amount = money.Amount{Minor: m.owed.Amount, Currency: m.order.Amount.Currency}
	r.Repeat = m.owed.Attempts > 1
	if m.owed.Kind == settle.Refund {
		pan, err := books.PAN(m.order)
		r.Card = online.Card{PAN: pan, Expiry: m.order.CardExpiry}
		return r, err
	}
	r.RRN = settle.RRN(m.original.Exchange)
	if m.owed.Kind == settle.PartialReversal {
		r.OriginalAmount = money.Amount{Minor: m.original.Amount, Currency: m.order.Amount.Currency}
	}
	return r, nil
}

// verdict says what the center's answer means; final is false when it made no decision.
func (m *message) verdict(a online.Answer) (v settle.Verdict, final bool) {
	return verdictOn(a, m.owed.Kind != settle.Refund)
}

// verdictOn says what the answer to a reversal, or to a refund, means; final is false when the center made no decision.
func verdictOn(a online.Answer, reverses bool) (v settle.Verdict, final bool) {
	switch {
	case a.ActionCode == iso8583.ActionIssuerUnavailable, a.ActionCode == iso8583.ActionSystemMalfunction:
		return 0, false
	case a.Approved(), a.OriginalUnknown() && reverses:
		return settle.VerdictDone, true
	case a.TooLate() && reverses:
		return settle.VerdictTooLate, true
	}
	return settle.VerdictRefused, true
}
