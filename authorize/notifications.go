package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"settled/authorize/notify"
	"settled/authorize/protocol"
	"settled/authorize/telling"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/notification"
)

// The fields of a notification, in their order; merchant_id comes first. The bill number of a form is the order's.
var (
	toldForm = []protocol.Field{protocol.OutOrderNumber, protocol.OutOrderBill, protocol.OutTestMode, protocol.OutOrderComment,
		protocol.OutOrderAmount, protocol.OutOrderCurrency, protocol.OutAmount,
		protocol.OutCurrency, protocol.OutRate, protocol.OutFirstName, protocol.OutLastName, protocol.OutMiddleName, protocol.OutEmail,
		protocol.OutClientIP, protocol.OutIP, protocol.OutMeansTypeID, protocol.OutMeansType,
		protocol.OutMeansSubtype, protocol.OutMeansNumber, protocol.OutCardholder, protocol.OutCardExpiry, protocol.OutIssuer,
		protocol.OutBankCountry, protocol.OutOrderDate, protocol.OutOrderState,
		protocol.OutResponseCode, protocol.OutMessage, protocol.OutCustomerMessage, protocol.OutRecommendation, protocol.OutApprovalCode,
		protocol.OutProtocolType, protocol.OutProcessing,
		protocol.OutOperationType, protocol.OutOperationDate, protocol.OutAuthResult, protocol.OutAuthRequired, protocol.OutSlip,
		protocol.OutPacketDate, protocol.OutSignature, protocol.OutCheckValue}
	toldOrder = []protocol.Field{protocol.OutOrderNumber, protocol.OutOrderBill, protocol.OutTestMode, protocol.OutOrderComment,
		protocol.OutOrderAmount, protocol.OutOrderCurrency, protocol.OutRate,
		protocol.OutFirstName, protocol.OutLastName, protocol.OutMiddleName, protocol.OutEmail, protocol.OutOrderDate, protocol.OutOrderState}
	toldOperation = []protocol.Field{protocol.OutBillNumber, protocol.OutOperationType, protocol.OutOperationState, protocol.OutAmount,
		protocol.OutCurrency, protocol.OutClientIP, protocol.OutIP,
		protocol.OutMeansTypeID, protocol.OutMeansType, protocol.OutMeansSubtype, protocol.OutMeansNumber, protocol.OutCardholder,
		protocol.OutCardExpiry, protocol.OutIssuer, protocol.OutBankCountry,
		protocol.OutResponseCode, protocol.OutMessage, protocol.OutCustomerMessage, protocol.OutRecommendation, protocol.OutApprovalCode,
		protocol.OutProtocolType, protocol.OutProcessing,
		protocol.OutOperationDate, protocol.OutAuthResult, protocol.OutAuthRequired, protocol.OutSlip}
	toldProof = []protocol.Field{protocol.OutPacketDate, protocol.OutSignature, protocol.OutCheckValue}
)

// errNoAddress: trying again would not help.
var errNoAddress = errors.New("the merchant has no address for notifications")

// Notify tries to tell a merchant's server the result of an operation, and records what came of it. It does nothing when the
// notification is not due, or is being tried elsewhere. What a server does not answer is no error: it is due again later. It
// returns the state of the notification after the try, 0 without one.
func (g *Gateway) Notify(ctx context.Context, k notification.Key) (notification.State, error) {
	n, err := g.notifications.Claim(ctx, k)
	if n == nil || err != nil {
		return 0, err
	}
	receipt := g.tell(ctx, n)
	// The answer is recorded even when the process is being stopped.
	state, err := g.notifications.Answered(context.WithoutCancel(ctx), n, receipt)
	if err != nil {
		return 0, err
	}
	g.meter.told(state)
	if state != notification.Delivered {
		g.log.Warn("notification was not taken", slog.Int64("order", n.Order), slog.Int("operation", int(n.Operation)),
			slog.Int("merchant", int(n.Merchant)), slog.Int("attempt", int(n.Attempts)), slog.String("state", state.String()),
			slog.String("firstcode", receipt.FirstCode), slog.String("secondcode", receipt.SecondCode), slog.String("error", receipt.Error))
	}
	return state, nil
}

// tell makes one try.
func (g *Gateway) tell(ctx context.Context, n *notification.Notification) notification.Receipt {
	to, m, err := g.compose(ctx, n)
	if err != nil {
		state := notification.Pending
		if errors.Is(err, errNoAddress) {
			state = notification.GivenUp
		}
		return notification.Receipt{State: state, Error: err.Error()}
	}
	a := g.notifier.Send(ctx, to, m)
	r := notification.Receipt{State: notification.Pending, FirstCode: a.First, SecondCode: a.Second}
	switch a.Outcome {
	case notify.Delivered:
		r.State = notification.Delivered
	case notify.Refused:
		r.State = notification.Refused
	default:
		r.Error = a.Why()
	}
	return r
}

// compose writes a notification as the merchant's server wants it, from the books as they are now.
func (g *Gateway) compose(ctx context.Context, n *notification.Notification) (to notify.Address, m notify.Message, err error) {
	settings, known := g.register.Settings(n.Merchant)
	merchant, listed := g.directory.Merchant(n.Merchant)
	if !known || !listed || settings.Notify.URL == "" {
		return to, m, errNoAddress
	}
	o, err := g.books.Order(ctx, n.Merchant, n.Order)
	if err != nil {
		return to, m, err
	}
	op := o.Operation(n.Operation)
	if op == nil {
		return to, m, fmt.Errorf("%w: %d.%d", settle.ErrOperation, n.Order, n.Operation)
	}
	rec := telling.Teller{Directory: g.directory, Test: settings.TestMode, Language: settings.Language()}.Operation(o, op)
	m.ID, m.At = messageID(n.Key), g.now()
	rec[protocol.OutPacketDate], rec[protocol.OutClientIP] = protocol.Stamp(m.At), rec[protocol.OutIP]
	if err := settings.Proofs.ProveNotice(g.signingKey, merchantID(merchant.ID), &rec); err != nil {
		return to, m, err
	}
	to = notify.Address{URL: settings.Notify.URL, SOAP: settings.Notify.SOAP, PlainAnswer: settings.Notify.PlainAnswer,
		AllowPrivate: settings.Notify.AllowPrivate && g.vault.Environment() == vault.Test, Signer: settings.Notify.Signer}
	m.Body = toldBody(merchant.ID, &rec, settings.Notify.SOAP)
	return to, m, nil
}

// messageID names a notification in signatures: order, operation and how often it has been told.
func messageID(k notification.Key) string {
	return fmt.Sprintf("%d-%d-%d", k.Order, k.Operation, k.Sequence)
}

func merchantID(id int32) string { return strconv.FormatInt(int64(id), 10) }

// toldBody writes the body of a notification.
func toldBody(merchant int32, r *protocol.Row, soap bool) []byte {
	who := notify.Field{Name: "merchant_id", Value: merchantID(merchant)}
	if soap {
		return notify.Envelope(append([]notify.Field{who}, noticeFields(r, toldOrder)...), noticeFields(r, toldOperation), noticeFields(r, toldProof))
	}
	return notify.Form(append([]notify.Field{who}, noticeFields(r, toldForm)...))
}

// noticeFields are the fields of a list, as notifications have them.
func noticeFields(r *protocol.Row, list []protocol.Field) []notify.Field {
	fields := make([]notify.Field, len(list))
	for i, f := range list {
		fields[i] = notify.Field{Name: f.Name(), Value: r[f]}
	}
	return fields
}
