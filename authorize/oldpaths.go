package authorize

import (
	"log/slog"
	"net/http"
	"settled/authorize/protocol"
)

// oldPath is an address of earlier versions of the protocol, or of parts of it that are not here, that plug-ins and mobile programs
// still call.
type oldPath struct {
	path    string
	instead string // what to do, in words for whoever mends the client
	page    bool   // customers' browsers come here
}

var oldPaths = []oldPath{
	{"/shops/purchase.cfm", "send the order to /pay/order.cfm as Merchant_ID, OrderNumber, OrderAmount and OrderCurrency (they were Shop_IDP, Order_IDP, Subtotal_P and Currency)", true},
	{"/shops/cardpayment.cfm", "send the order to /pay/order.cfm as Merchant_ID, OrderNumber, OrderAmount and OrderCurrency (they were Shop_IDP, Order_IDP, Subtotal_P and Currency)", true},
	{"/bill/paybill.cfm", "there are no bills here: open an order by /pay/payrequest.cfm and send its address", true},
	{"/bill/createbill.cfm", "there are no bills here: open an order by /pay/payrequest.cfm and send its address", false},
	{"/results/results.cfm", "ask /resultbydate/resultbydate.cfm for a period, /orderstate/orderstate.cfm for an order; POST Merchant_ID, Login and Password", false},
	{"/results/results_long.cfm", "ask /resultbydate/resultbydate.cfm for a period, /orderstate/orderstate.cfm for an order; POST Merchant_ID, Login and Password", false},
	{"/postauths/postauth.cfm", "confirm payments by /charge/charge.cfm", false},
	{"/rvr/rvr.cfm", "cancel payments by /cancel/cancel.cfm", false},
	{"/get3dsec/ws3dsec.cfm", "3-D Secure 1 has ended: go on with /get3dsecver2/get3dsecver2.cfm", false},
	{"/pay/tokenpay_order.cfm", "pay an opened order on its page, or a new one with a stored card by /pay/tokenpay.cfm", false},
	{"/orderresult/mobileorderresult.cfm", "let the shop's server ask /orderresult/orderresult.cfm", false},
	{"/registration/mobileregistration.cfm", "devices are not registered here: let the shop's server open orders by /pay/payrequest.cfm", false},
	{"/api/v1/auth/login.cfm", "there are no tokens of users here: let the shop's server call with Login and Password", false},
	{"/api/v1/order/cancel.cfm", "let the shop's server cancel the order by /cancel/cancel.cfm", false},
	{"/fiscal/fiscalreceipt.cfm", "no receipts are made here: ChequeItems are kept with the order and told by /orderresult/orderresult.cfm", false},
	{"/xpos/payment.cfm", "payments at terminals are not taken here", false},
}

// refusal is what a caller of an old path is told.
func (o *oldPath) refusal() *protocol.Fault {
	return &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Detail: "this address is not served: " + o.instead}
}

// handleOldPaths adds the old paths to the routes.
func (g *Gateway) handleOldPaths(mux *http.ServeMux) {
	for i := range oldPaths {
		o := &oldPaths[i]
		m := g.meter.route(o.path)
		mux.HandleFunc(o.path, func(w http.ResponseWriter, r *http.Request) {
			if o.page {
				g.checkout.Refuse(w, r, o.refusal(), m)
			} else {
				g.serveOld(w, r, o, m)
			}
			g.log.Warn("old path called", slog.String("route", o.path), slog.String("instead", o.instead))
		})
	}
}

// formatOnly accepts what says in which format to answer.
var formatOnly = [protocol.InCount]protocol.Taking{protocol.InFormat: protocol.Taken}

// serveOld answers in the format that is asked for, whatever else the request holds.
func (g *Gateway) serveOld(w http.ResponseWriter, r *http.Request, o *oldPath, m *routeMeter) {
	began := g.now()
	c := protocol.NewCall(protocol.FormatCSV, &formatOnly, protocol.Knowledge{})
	defer c.Release()
	a := refusal(o.refusal())
	if err := c.Read(r); err != nil && r.Method == http.MethodPost {
		g.log.Info("request to an old path not read", slog.String("route", o.path), slog.Any("error", err))
	}
	if err := writeAnswer(w, protocol.ChargeLayout, c.Format, a.Fault.HTTPStatus(c.Format), &a.Answer, false, protocol.Correlation()); err != nil {
		g.log.Info("refusal of an old path not handed over", slog.String("route", o.path), slog.Any("error", err))
	}
	m.served(a, g.now().Sub(began))
}
