package bench

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"time"

	"settled/authorize"
	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/authorize/tenants"
	"settled/settle"
)

const (
	authClients  = 512 // keep-alive connections of the load
	pgbenchConns = 16  // at which the limit is highest on two cores
	password     = "Benchmark1password"
)

// authLimit inserts, in one transaction of single-row statements, the rows that a one-stage payment leaves behind.
const authLimit = `\set m random(200001, 200050)
\set o random(100000000000000, 999999999999999)
\set amt random(100, 100000)
BEGIN;
INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, currency, center_id, two_stage, status, authorized, confirmed, created_at, exchange_id, card_mask, card_expiry, card, fingerprint) VALUES (:m, :o, :o::text, 1, :amt, 933, 1, false, 2, :amt, :amt, now(), :o, '411111****1111', '2812', '\x000102030405060708090001020304050607080900010203040506070809000102030405'::bytea, '\x00010203040506070809'::bytea);
INSERT INTO operations (merchant_id, order_id, operation, kind, state, actor, amount, response, requested_at, completed_at, record_id, window_id) VALUES (:m, :o, 1, 100, 2, 1, :amt, 'AS000', now(), now(), :o, 1);
INSERT INTO transactions (merchant_id, order_id, transaction, operation, kind, state, amount, exchange_id, transmitted_at, answered_at, action_code, approval_code) VALUES (:m, :o, 1, 1, 1, 2, :amt, :o, now(), now(), '000', 'A1B2C3');
INSERT INTO records (window_id, record_id, merchant_id, order_id, operation, kind, amount, currency, exchange_id, born_at, authorized_at, slice, sequence, final, card_expiry, approval_code, card) VALUES (1, :o, :m, :o, 1, 1, :amt, 933, :o, now(), now(), 1, 1, true, '2812', 'A1B2C3', '\x000102030405060708090001020304050607080900010203040506070809000102030405'::bytea);
INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date) VALUES (:m, 1, :o, 1, 0, 0, 6, 1100, 2010, 1, 933, :amt, now(), current_date);
COMMIT;
`

// gateway is the product as it serves merchants, over a real listener, with an approving center behind it.
type gateway struct {
	address string
	stops   []func()
}

func (w *world) startGateway(ctx context.Context) (*gateway, error) {
	g := &gateway{}
	pool, err := w.db.pool(ctx, 16)
	if err != nil {
		return nil, err
	}
	g.stops = append(g.stops, pool.Close)
	lanes, err := w.lanes(ctx)
	if err != nil {
		return g, err
	}
	g.stops = append(g.stops, lanes.Close)
	quiet := slog.New(slog.DiscardHandler)
	books := settle.New(settle.Options{Pool: pool, Lanes: lanes, Directory: w.dir, Vault: w.keys, Now: time.Now, Log: quiet})
	g.stops = append(g.stops, books.Close)
	return g, g.serve(ctx, w, books, quiet)
}

func (g *gateway) serve(ctx context.Context, w *world, books *settle.Books, quiet *slog.Logger) error {
	center, err := startCenter()
	if err != nil {
		return err
	}
	g.stops = append(g.stops, center.close)
	host, err := online.New(online.Options{Name: "BENCH", Address: center.address(), Now: time.Now, Logger: quiet})
	if err != nil {
		return err
	}
	g.stops = append(g.stops, host.Close)
	if err := host.Ready(ctx); err != nil {
		return err
	}
	api, err := authorize.New(authorize.Options{Books: books, Directory: w.dir, Vault: w.keys, Now: time.Now, Log: quiet,
		Source:    func(r *http.Request) string { return r.Header.Get("X-Source") },
		Merchants: merchantSettings(), Centers: map[int16]payment.Center{centerID: {Host: host, Acquirer: "12345"}}})
	if err != nil {
		return err
	}
	g.stops = append(g.stops, api.Close)
	return g.listen(api.Handler())
}

func (g *gateway) listen(h http.Handler) error {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second}
	done := make(chan struct{})
	go func() { defer close(done); _ = server.Serve(l) }()
	g.address = l.Addr().String()
	g.stops = append(g.stops, func() { server.Close(); <-done })
	return nil
}

func (g *gateway) close() {
	for i := len(g.stops) - 1; i >= 0; i-- {
		g.stops[i]()
	}
}

func merchantSettings() map[int32]tenants.Merchant {
	hash := tenants.HashPassword(password)
	all := map[int32]tenants.Merchant{}
	for i := range int32(merchants) {
		all[firstMerchant+i] = tenants.Merchant{Login: "benchmark", PasswordHash: hash,
			Page: tenants.Page{Card: true, Timeout: time.Hour, Attempts: 3}}
	}
	return all
}

// payments is a load of one-stage payments by card, each a new order.
func payments(address, round string) load {
	return load{address: address, path: "/pay/silentpay.cfm", clients: authClients, mark: []byte("<responsecode>AS000"),
		body: func(dst []byte, client, n int) []byte {
			dst = append(dst, "Merchant_ID="...)
			dst = strconv.AppendInt(dst, int64(firstMerchant)+int64(client%merchants), 10)
			dst = append(dst, "&Login=benchmark&Password="+password+"&Format=3&OrderNumber="...)
			dst = append(dst, round...)
			dst = append(strconv.AppendInt(append(dst, '-'), int64(client), 10), '-')
			dst = strconv.AppendInt(dst, int64(n), 10)
			dst = append(dst, "&OrderCurrency=BYN&Cardnumber=4111111111111111&Cardholder=TEST+CARD&Expiremonth=12&Expireyear=2031&Cvc2=123&OrderAmount="...)
			dst = strconv.AppendInt(dst, int64(10+n%900), 10)
			return append(dst, ".50"...)
		}}
}

// auth measures payments per second through HTTP over pgbench, in turns.
func (b *bench) auth(ctx context.Context, w *world) error {
	g, err := w.startGateway(ctx)
	if g != nil {
		defer g.close()
	}
	if err != nil {
		return err
	}
	if _, err := payments(g.address, b.stamp("warm")).run(ctx, 5*time.Second); err != nil {
		return err
	}
	var product, limit []float64
	for r := range b.Rounds {
		p, err := payments(g.address, b.stamp(strconv.Itoa(r))).run(ctx, b.Slice)
		if err != nil {
			return err
		}
		l, err := w.db.pgbench(ctx, authLimit, pgbenchConns, b.Slice)
		if err != nil {
			return err
		}
		fmt.Fprintf(b.out, "  round %d: %.0f payments/s over HTTP, pgbench %.0f/s\n", r+1, p, l)
		product, limit = append(product, p), append(limit, l)
	}
	printRatio(b.out, "auth", median(ratios(product, limit)), atLeast(2))
	return nil
}
