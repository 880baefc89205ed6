package payment

import (
	"context"
	"fmt"

	"settled/authorize/instant"
	"settled/authorize/online"
	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/settle"
)

// refundInstant has a partner bank give money back, under an id of ours that repeats keep. Only its word that the refund is
// done or refused is an outcome; a bank that refuses to take the request at all is asked again, and a person decides when
// that goes on for too long.
func (s *Sender) refundInstant(ctx context.Context, e settle.Owed, bank Bank) error {
	o, err := s.books.Order(ctx, e.Merchant, e.Order)
	if err != nil {
		return err
	}
	var original *settle.Transaction
	if e.Original != nil {
		original = o.Transaction(*e.Original)
	}
	if original == nil || e.Kind != settle.Refund {
		return s.unanswered(ctx, e, errNotAddressed)
	}
	said, err := bank.Client.Refund(ctx, instant.RefundRequest{ID: fmt.Sprintf("%d.%d", e.Order, e.Transaction),
		PaymentID: fmt.Sprintf("%d.%d", e.Order, original.Operation), Amount: money.Amount{Minor: e.Amount, Currency: o.Amount.Currency},
		Description: "refund of order " + o.Number})
	switch {
	case err != nil:
		return s.unanswered(ctx, e, err)
	case said.Status == instant.Done:
		return s.answered(ctx, e, settle.VerdictDone, online.Answer{ActionCode: iso8583.ActionApproved})
	case said.Status == instant.Refused:
		return s.answered(ctx, e, settle.VerdictRefused, online.Answer{ActionCode: said.Code})
	}
	return s.unanswered(ctx, e, fmt.Errorf("the bank has not decided: %s", said.Status))
}
