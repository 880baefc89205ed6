package authorize

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strconv"

	"settled/authorize/notify"
	"settled/internal/vault"
	"settled/settle"
)

// The fields of a notification, in their order; merchant_id comes first. The bill number of a form is the order's.
var (
	toldForm = []out{outOrderNumber, outOrderBill, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outAmount,
		outCurrency, outRate, outFirstName, outLastName, outMiddleName, outEmail, outClientIP, outIP, outMeansTypeID, outMeansType,
		outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry, outOrderDate, outOrderState,
		outResponseCode, outMessage, outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing,
		outOperationType, outOperationDate, outAuthResult, outAuthRequired, outSlip, outPacketDate, outSignature, outCheckValue}
	toldOrder = []out{outOrderNumber, outOrderBill, outTestMode, outOrderComment, outOrderAmount, outOrderCurrency, outRate,
		outFirstName, outLastName, outMiddleName, outEmail, outOrderDate, outOrderState}
	toldOperation = []out{outBillNumber, outOperationType, outOperationState, outAmount, outCurrency, outClientIP, outIP,
		outMeansTypeID, outMeansType, outMeansSubtype, outMeansNumber, outCardholder, outCardExpiry, outIssuer, outBankCountry,
		outResponseCode, outMessage, outCustomerMessage, outRecommendation, outApprovalCode, outProtocolType, outProcessing,
		outOperationDate, outAuthResult, outAuthRequired, outSlip}
	toldProof = []out{outPacketDate, outSignature, outCheckValue}
)

// errNoAddress: trying again would not help.
var errNoAddress = errors.New("the merchant has no address for notifications")

// Notify tries to tell a merchant's server the result of an operation, and records what came of it. It does nothing when the
// notification is not due, or is being tried elsewhere. What a server does not answer is no error: it is due again later. It
// returns the state of the notification after the try, 0 without one.
func (g *Gateway) Notify(ctx context.Context, k settle.NotificationKey) (settle.NotificationState, error) {
	n, err := g.Books.ClaimNotification(ctx, k)
	if n == nil || err != nil {
		return 0, err
	}
	receipt := g.tell(ctx, n)
	// The answer is recorded even when the process is being stopped.
	state, err := g.Books.NotificationAnswered(context.WithoutCancel(ctx), n, receipt)
	if err != nil {
		return 0, err
	}
	g.meter.told(state)
	if state != settle.NotificationDelivered {
		g.Log.Warn("notification was not taken", slog.Int64("order", n.Order), slog.Int("operation", int(n.Operation)),
			slog.Int("merchant", int(n.Merchant)), slog.Int("attempt", int(n.Attempts)), slog.String("state", state.String()),
			slog.String("firstcode", receipt.FirstCode), slog.String("secondcode", receipt.SecondCode), slog.String("error", receipt.Error))
	}
	return state, nil
}

// tell makes one try.
func (g *Gateway) tell(ctx context.Context, n *settle.Notification) settle.Receipt {
	to, body, err := g.compose(ctx, n)
	if err != nil {
		state := settle.NotificationPending
		if errors.Is(err, errNoAddress) {
			state = settle.NotificationGivenUp
		}
		return settle.Receipt{State: state, Error: err.Error()}
	}
	a := g.Notifier.Send(ctx, to, body)
	r := settle.Receipt{State: settle.NotificationPending, FirstCode: a.First, SecondCode: a.Second}
	switch a.Outcome {
	case notify.Delivered:
		r.State = settle.NotificationDelivered
	case notify.Refused:
		r.State = settle.NotificationRefused
	default:
		r.Error = a.Why()
	}
	return r
}

// compose writes a notification as the merchant's server wants it, from the books as they are now.
func (g *Gateway) compose(ctx context.Context, n *settle.Notification) (to notify.Address, body []byte, err error) {
	settings, known := g.Merchants[n.Merchant]
	merchant, listed := g.Directory.Merchant(n.Merchant)
	if !known || !listed || settings.Notify.URL == "" {
		return to, nil, errNoAddress
	}
	o, err := g.Books.Order(ctx, n.Merchant, n.Order)
	if err != nil {
		return to, nil, err
	}
	op := o.Operation(n.Operation)
	if op == nil {
		return to, nil, fmt.Errorf("%w: %d.%d", settle.ErrOperation, n.Order, n.Operation)
	}
	rec := teller{g.Directory, settings.TestMode, settings.language()}.operation(o, op)
	rec[outPacketDate], rec[outClientIP] = stamp(g.Now()), rec[outIP]
	if err := settings.Proofs.proveNotice(g.SigningKey, merchantID(merchant.ID), &rec); err != nil {
		return to, nil, err
	}
	to = notify.Address{URL: settings.Notify.URL, SOAP: settings.Notify.SOAP, PlainAnswer: settings.Notify.PlainAnswer,
		AllowPrivate: settings.Notify.AllowPrivate && g.Vault.Environment() == vault.Test}
	return to, toldBody(merchant.ID, &rec, settings.Notify.SOAP), nil
}

func merchantID(id int32) string { return strconv.FormatInt(int64(id), 10) }

// toldBody writes the body of a notification.
func toldBody(merchant int32, r *record, soap bool) []byte {
	who := notify.Field{Name: "merchant_id", Value: merchantID(merchant)}
	if soap {
		return notify.Envelope(append([]notify.Field{who}, r.fields(toldOrder)...), r.fields(toldOperation), r.fields(toldProof))
	}
	return notify.Form(append([]notify.Field{who}, r.fields(toldForm)...))
}

func (r *record) fields(list []out) []notify.Field {
	fields := make([]notify.Field, len(list))
	for i, f := range list {
		fields[i] = notify.Field{Name: outNames[f], Value: r[f]}
	}
	return fields
}
