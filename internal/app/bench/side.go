package bench

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// sideClients is how many connections ask at a time in the benchmarks of the merchant's side.
const sideClients = 64

// question is one of the merchant's requests that are compared with a handler that only answers a constant.
type question struct {
	name  string
	ask   func(*gateway, string) load
	ready func(context.Context, *bench, *world, *gateway, string) error // before each turn; nil: nothing
	rate  goal
	slow  goal
}

// side measures requests per second and the 99th percentile of their durations at 64 connections, against a handler of the
// same server that answers a constant of the same length, in turns.
func (b *bench) side(ctx context.Context, w *world) error {
	g, err := w.startGateway(ctx)
	if g != nil {
		defer g.close()
	}
	if err != nil {
		return err
	}
	for _, q := range b.questions() {
		if err := b.compare(ctx, w, g, q); err != nil {
			return fmt.Errorf("%s: %w", q.name, err)
		}
	}
	return nil
}

func (b *bench) questions() []question {
	held := &heldOrders{}
	opened := &openedOrders{}
	return []question{
		{"page", func(g *gateway, _ string) load { return opened.load(g) }, opened.prepare, atLeast(0.1), atMost(10)},
		{"charge", func(g *gateway, _ string) load { return held.load(g) }, held.prepare, atLeast(0.02), atMost(50)},
		{"orderstate", orderStates, nil, atLeast(0.1), atMost(10)},
	}
}

// compare runs the question and the constant in turns.
func (b *bench) compare(ctx context.Context, w *world, g *gateway, q question) error {
	var rates, tails []float64
	for r := range b.Rounds {
		turn := b.stamp(fmt.Sprintf("%s%d", q.name, r))
		if q.ready != nil {
			if err := q.ready(ctx, b, w, g, turn); err != nil {
				return err
			}
		}
		l := q.ask(g, turn)
		product, err := l.measure(ctx, b.Slice)
		if err != nil {
			return err
		}
		limit, err := b.constant(ctx, l, product.size)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "  %s %d: %.0f/s, p99 %.2f ms; a constant of %d bytes: %.0f/s, p99 %.2f ms\n", q.name, r+1, product.rate, ms(product.p99),
			product.size, limit.rate, ms(limit.p99))
		rates, tails = append(rates, product.rate/limit.rate), append(tails, product.p99.Seconds()/limit.p99.Seconds())
	}
	printRatio(b.out, q.name+" rate", median(rates), q.rate)
	printRatio(b.out, q.name+" p99", median(tails), q.slow)
	return nil
}

func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// constant measures the same load against a handler that reads the request and answers bytes that are ready.
func (b *bench) constant(ctx context.Context, like load, size int) (measured, error) {
	answer := []byte(strings.Repeat("x", size))
	server := &gateway{}
	err := server.listen(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Length", strconv.Itoa(len(answer)))
		_, _ = w.Write(answer)
	}))
	defer server.close()
	if err != nil {
		return measured{}, err
	}
	like.address, like.mark = server.address, nil
	return like.measure(ctx, b.Slice)
}

// orderStates asks for the state of orders that the preparation of the turns left behind.
func orderStates(g *gateway, turn string) load {
	return load{address: g.address, path: "/orderstate/orderstate.cfm", clients: sideClients, mark: []byte("<orderstate>"),
		body: func(dst []byte, client, _ int) []byte {
			dst = appendLogin(dst, client%merchants)
			return append(append(dst, "&Format=3&Ordernumber="...), knownOrder...)
		}}
}

// knownOrder is an order number that every merchant of the benchmarks has used.
const knownOrder = "KNOWN"

func appendLogin(dst []byte, merchant int) []byte {
	dst = strconv.AppendInt(append(dst, "Merchant_ID="...), int64(firstMerchant)+int64(merchant), 10)
	return append(dst, "&Login=benchmark&Password="+password...)
}

// heldOrders are orders of two stages that wait for their confirmation.
type heldOrders struct {
	merchants []int32
	bills     []int64
}

// prepare pays orders in two stages until there are enough for a turn, and the order that every merchant knows.
func (h *heldOrders) prepare(ctx context.Context, b *bench, w *world, g *gateway, turn string) error {
	pay := payments(g.address, turn)
	one := pay.body
	pay.body = func(dst []byte, client, n int) []byte { return append(one(dst, client, n), "&Delay=1"...) }
	if _, err := pay.run(ctx, b.Slice); err != nil {
		return err
	}
	h.merchants, h.bills = nil, nil
	pool, err := w.db.pool(ctx, 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	rows, err := pool.Query(ctx, `SELECT merchant_id, order_id FROM open_holds h JOIN orders o USING (merchant_id, order_id) WHERE o.ordernumber LIKE $1 || '%'`, turn)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var merchant int32
		var bill int64
		if err := rows.Scan(&merchant, &bill); err != nil {
			return err
		}
		h.merchants, h.bills = append(h.merchants, merchant), append(h.bills, bill)
	}
	return rows.Err()
}

func (h *heldOrders) load(g *gateway) load {
	return load{address: g.address, path: "/charge/charge.cfm", clients: sideClients, mark: []byte("<responsecode>AS000"), last: len(h.bills) / sideClients,
		body: func(dst []byte, client, n int) []byte {
			i := n*sideClients + client
			dst = appendLogin(dst, int(h.merchants[i]-firstMerchant))
			return strconv.AppendInt(append(dst, "&Format=3&Billnumber="...), h.bills[i], 10)
		}}
}

// openedOrders are orders whose payment pages are asked for.
type openedOrders struct{ pages []string }

// prepare opens an order for each connection as a shop does, and pays the one that every merchant knows.
func (o *openedOrders) prepare(ctx context.Context, _ *bench, _ *world, g *gateway, turn string) error {
	o.pages = nil
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for n := range sideClients {
		form := url.Values{"Merchant_ID": {strconv.Itoa(int(firstMerchant) + n%merchants)}, "OrderNumber": {fmt.Sprint(turn, "-", n)},
			"OrderAmount": {"100.50"}, "OrderCurrency": {"BYN"}}
		if n < merchants {
			form.Set("OrderNumber", knownOrder)
		}
		page, err := post(ctx, client, "http://"+g.address+"/pay/order.cfm", form)
		if err != nil {
			return err
		}
		o.pages = append(o.pages, page)
	}
	return nil
}

// post sends a form and returns where the answer leads.
func post(ctx context.Context, client *http.Client, address string, form url.Values) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, address, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("X-Source", form.Get("Merchant_ID")+form.Get("OrderNumber"))
	answer, err := client.Do(r)
	if err != nil {
		return "", err
	}
	answer.Body.Close()
	to, err := answer.Location()
	if err != nil {
		return "", fmt.Errorf("order was answered with status %d and no page: %w", answer.StatusCode, err)
	}
	return to.RequestURI(), nil
}

func (o *openedOrders) load(g *gateway) load {
	return load{address: g.address, clients: sideClients, mark: []byte("100.50"), get: func(client int) string { return o.pages[client] }}
}
