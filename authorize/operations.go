package authorize

import (
	"context"
	"errors"
	"log/slog"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"settled/settle"
	"settled/settle/order"
)

// charge serves the confirmation of a held payment.
func (g *Gateway) charge(ctx context.Context, c *tenants.Caller) (*reply, error) {
	r := settle.ConfirmRequest{Merchant: c.Merchant.ID, Actor: settle.ByMerchant, Cheque: c.Text(protocol.InChequeItems)}
	var err error
	if r.Order, r.Operation, err = c.BillNumber(); err != nil {
		return nil, err
	}
	if r.Amount, err = c.Part(); err != nil {
		return nil, err
	}
	deposit, err := c.Number(protocol.InAutoDeposit, 0, 1, 0)
	if err != nil {
		return nil, err
	}
	r.AutoDeposit = deposit == 1
	if r.External, err = c.External(protocol.InExternalConfirm); err != nil {
		return nil, err
	}
	c.ReadLanguage(protocol.Russian)
	result, err := g.books.Confirm(ctx, r)
	if err != nil {
		return nil, err
	}
	return g.operated(c, &result), nil
}

// cancel serves both cancel services; their answers differ in layout only.
func (g *Gateway) cancel(ctx context.Context, c *tenants.Caller) (*reply, error) {
	r := settle.CancelRequest{Merchant: c.Merchant.ID, Actor: settle.ByMerchant, Cheque: c.Text(protocol.InChequeItems)}
	var err error
	if r.Order, r.Operation, err = c.BillNumber(); err != nil {
		return nil, err
	}
	if r.Amount, err = c.Part(); err != nil {
		return nil, err
	}
	reason, err := c.Number(protocol.InCancelReason, int(settle.ReasonShop), int(settle.ReasonFraud), int(settle.ReasonCustomer))
	if err != nil {
		return nil, err
	}
	r.Reason = int16(reason)
	if r.External, err = c.External(protocol.InExternalRefund); err != nil {
		return nil, err
	}
	c.ReadLanguage(protocol.Russian)
	result, err := g.books.Cancel(ctx, r)
	if errors.Is(err, settle.ErrInFlight) && g.takeBack(ctx, r.Merchant, r.Order) {
		result, err = g.books.Cancel(ctx, r)
	}
	if err != nil {
		return nil, err
	}
	if result.Operation.State == settle.OperationInProcess {
		g.resolveNow(ctx, &result)
	}
	return g.operated(c, &result), nil
}

// takeBack asks the partner bank to let go of the code that an unpaid order waits with, and tells whether the bank had a final
// word. If that was that the code is paid, a cancel gives the money back.
func (g *Gateway) takeBack(ctx context.Context, merchant int32, id int64) bool {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), g.inlineBudget)
	defer cancel()
	o, err := g.books.Order(ctx, merchant, id)
	if err != nil || o.Means != order.MeansInstant || o.PayBefore.IsZero() {
		return false
	}
	if err = g.instant.Leave(ctx, o, "order cancelled by its shop"); err != nil {
		g.log.Info("code not taken back for a cancel", slog.Int64("order", id), slog.Any("error", err))
	}
	return err == nil
}

// resolveNow sends what the cancel owes the center at once, and takes the final state if it comes within the budget.
// Otherwise the operation stays in process and is sent again later.
func (g *Gateway) resolveNow(ctx context.Context, r *settle.OperationResult) {
	ctx = context.WithoutCancel(ctx)
	sending, cancel := context.WithTimeout(ctx, g.inlineBudget)
	defer cancel()
	if err := g.sender.SendNow(sending, r.Order.Merchant, r.Order.ID); err != nil {
		g.log.Warn("cancel not sent at once; it will be", slog.Int64("order", r.Order.ID), slog.Any("error", err))
	}
	ctx, cancel = context.WithTimeout(ctx, payment.LookTimeout)
	defer cancel()
	o, err := g.books.Order(ctx, r.Order.Merchant, r.Order.ID)
	if err != nil {
		g.log.Error("cancel not read back", slog.Int64("order", r.Order.ID), slog.Any("error", err))
		return
	}
	if op := o.Operation(r.Operation.Number); op != nil {
		r.Order, r.Operation = o, op
	}
}
