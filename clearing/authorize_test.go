package clearing_test

import (
	"bufio"
	"fmt"
	"net"

	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/settletest"
)

// pay makes a one-stage payment that both the books and the center know, and returns its order id.
func (w *world) pay(amount money.Amount, card string) int64 {
	w.t.Helper()
	w.number++
	p := w.Begin(w.t, settletest.Payment{Number: fmt.Sprint("N-", w.number), Amount: amount, Card: card})
	code := w.authorize(p, card)
	check(w.t, w.Books.Finish(w.t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: code, Response: "AS000"}))
	return p.Order
}

// authorize asks the center's online host and returns its approval code.
func (w *world) authorize(p *settle.Payment, card string) string {
	w.t.Helper()
	conn, err := net.Dial("tcp", w.center.OnlineAddr())
	check(w.t, err)
	defer conn.Close()
	m := iso8583.Online.NewMessage(iso8583.MTIAuthorizationRequest)
	m.Set(2, card)
	m.Set(3, iso8583.ProcessingPurchase)
	m.SetInt(4, p.Amount.Minor)
	m.Set(7, p.TransmittedAt.Format("0102150405"))
	m.SetInt(11, int64(settle.STAN(p.Exchange)))
	m.Set(12, p.TransmittedAt.Format("060102150405"))
	m.Set(14, "2812")
	m.Set(22, "000250S1900C")
	m.Set(24, iso8583.FunctionAuthorizationFinal)
	m.Set(26, "5942")
	m.Set(32, "123456")
	m.Set(37, settle.RRN(p.Exchange))
	m.Set(41, p.Route.Terminal)
	m.Set(42, p.Route.Acceptor)
	m.Set(49, p.Amount.Currency.Numeric())
	var pds iso8583.PDSList
	pds.Add(92, "123")
	check(w.t, m.SetPDS(&pds))
	frame, err := iso8583.AppendFrame(nil, m)
	check(w.t, err)
	_, err = conn.Write(frame)
	check(w.t, err)
	raw, err := iso8583.NewFrameReader(bufio.NewReader(conn)).Next()
	check(w.t, err)
	a := iso8583.Online.NewMessage("")
	check(w.t, a.Decode(raw))
	if a.Text(39) != iso8583.ActionApproved {
		w.t.Fatalf("order %d: center answered %s", p.Order, a.Text(39))
	}
	return a.Text(38)
}
