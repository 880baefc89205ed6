package authorize

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"settled/authorize/checkout"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"strings"
)

// Handler returns the merchant API, each service with its description. Time limits of connections are the server's business.
func (g *Gateway) Handler() http.Handler {
	mux := http.NewServeMux()
	for i := range services {
		s := &services[i]
		m := g.meter.route(s.path)
		mux.HandleFunc(s.path, func(w http.ResponseWriter, r *http.Request) { g.serve(w, r, s, m) })
		mux.HandleFunc("GET "+wsdlPath(s.path), g.serveDescription(s, false))
		document := g.serveDescription(s, true)
		mux.HandleFunc("GET "+s.path, func(w http.ResponseWriter, r *http.Request) {
			if strings.EqualFold(r.URL.RawQuery, "wsdl") {
				document(w, r)
				return
			}
			g.serve(w, r, s, m)
		})
	}
	g.handleOldPaths(mux)
	mux.HandleFunc(noticePath, g.instantNotice)
	g.checkout.Handle(mux, func(path string) checkout.RouteMeasure { return g.meter.route(path) })
	return mux
}

// serve takes one request from parsing to the answer.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, s *service, m *routeMeter) {
	began := g.now()
	c := &tenants.Caller{Call: protocol.NewCall(s.format, &s.accepts, g.knows), Source: g.source(r), Base: g.checkout.Address(r)}
	defer c.Release()
	id := protocol.Correlation()
	a := g.answerTo(r, s, c, id)
	a.Document = c.Document
	g.report(c.Call, s.path, id)
	if a.Fault != nil && a.Fault.Status >= http.StatusInternalServerError {
		w.Header().Set("Retry-After", "1")
	}
	status := http.StatusOK
	if a.Fault != nil {
		status = a.Fault.HTTPStatus(c.Format)
	}
	g.tellRepeat(w, s, c, a, id)
	answered := g.now()
	g.handedOver(r, c, a, answered, writeAnswer(w, s.sheet, c.Format, status, &a.Answer, a.ends != nil, id))
	m.served(a, answered.Sub(began))
}

// answerTo runs the service. A panic is answered as an internal error; what it may have left behind is resolved as after
// a crash.
func (g *Gateway) answerTo(r *http.Request, s *service, c *tenants.Caller, id string) (a *reply) {
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("panic", slog.String("route", s.path), slog.String("request", id), slog.String("stack", string(debug.Stack())))
			a = refusal(payment.ErrBug)
		}
	}()
	a, err := g.run(r, s, c)
	if err == nil {
		return a
	}
	f := payment.FaultOf(err, s.second)
	if f.Status >= http.StatusInternalServerError {
		g.log.Error("request not served", slog.String("route", s.path), slog.String("request", id), slog.Any("error", err))
	}
	if f == payment.ErrUnavailable || f == payment.ErrOutcomeUnknown {
		return g.troubled(r.Context(), s, c, f)
	}
	return refusal(f)
}

func (g *Gateway) run(r *http.Request, s *service, c *tenants.Caller) (*reply, error) {
	defer g.load.Leave()
	if err := g.load.Enter(); err != nil {
		return nil, err
	}
	if g.stalled() {
		return nil, payment.ErrStalled
	}
	if err := c.Read(r); err != nil {
		return nil, err
	}
	if err := g.register.Authenticate(r.Context(), c); err != nil {
		return nil, err
	}
	defer g.load.LeaveFor(c.Merchant.ID)
	if err := g.load.EnterFor(c.Merchant.ID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), payment.SettleTimeout)
	defer cancel()
	a, err := s.handle(g, ctx, c)
	if err == nil {
		g.prove(c, s.sheet, a)
	}
	return a, err
}
