package authorize

import (
	"context"
	"log/slog"
	"strings"

	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/settle"
)

// gaveOut tells whether a number is that of a bill of one of our merchants that was given out. One that cannot be looked up was not.
func (g *Gateway) gaveOut(bill int64) bool {
	merchant, ours := settle.MerchantOf(bill)
	if _, known := g.register.Settings(merchant); !ours || !known {
		return false
	}
	ctx, cancel := context.WithTimeout(context.Background(), payment.LookTimeout)
	defer cancel()
	out, err := g.books.GaveOut(ctx, bill)
	if err != nil {
		g.log.Warn("bill number not looked up: it counts as a card's", slog.Any("error", err))
	}
	return out && err == nil
}

// reportCards says where a request held card data that does not belong there, never what it held, so that the merchant can be told.
func (g *Gateway) reportCards(c *protocol.Call, route, request string) {
	if len(c.Cards) == 0 {
		return
	}
	var fields []string
	for _, f := range c.Cards {
		g.meter.foundCard(f)
		fields = append(fields, f.Field+" "+f.Done)
	}
	g.log.Warn("card data sent where none belongs", slog.String("route", route), slog.String("request", request), slog.String("merchant", string(c.MerchantDigits())),
		slog.String("fields", strings.Join(fields, ", ")))
}

// logNoted says which parameters were not taken as they were sent, never what they held.
func (g *Gateway) logNoted(c *protocol.Call, route, request string) {
	names := c.NotTaken()
	if len(names) == 0 {
		return
	}
	g.log.Info("buyer's data not taken as sent", slog.String("route", route), slog.String("request", request), slog.String("merchant", string(c.MerchantDigits())), slog.String("parameters", strings.Join(names, ", ")))
}

// charsetOf is that of the pages of a merchant.
func (g *Gateway) charsetOf(merchant int32) string {
	m, _ := g.register.Settings(merchant)
	return m.Charset
}

// report says what of a request was not taken as it was sent.
func (g *Gateway) report(c *protocol.Call, route, request string) {
	g.logNoted(c, route, request)
	g.reportCards(c, route, request)
}
