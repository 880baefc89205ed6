package authorize

import (
	"context"
	"net/http"
	"runtime/debug"
	"settled/authorize/protocol"
	"strconv"
	"strings"
	"sync"
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
	g.checkout.handle(mux, func(path string) routeMeasure { return g.meter.route(path) })
	return mux
}

// serve takes one request from parsing to the answer.
func (g *Gateway) serve(w http.ResponseWriter, r *http.Request, s *service, m *routeMeter) {
	began := g.now()
	c := &caller{Call: protocol.NewCall(s.format, &s.accepts, g.knows), source: g.source(r), base: g.checkout.address(r)}
	defer c.Release()
	id := correlation()
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
func (g *Gateway) answerTo(r *http.Request, s *service, c *caller, id string) (a *reply) {
	defer func() {
		if v := recover(); v != nil {
			g.log.Error("panic", "route", s.path, "request", id, "stack", string(debug.Stack()))
			a = refusal(errBug)
		}
	}()
	a, err := g.run(r, s, c)
	if err == nil {
		return a
	}
	f := faultOf(err, s.second)
	if f.Status >= http.StatusInternalServerError {
		g.log.Error("request not served", "route", s.path, "request", id, "error", err)
	}
	if f == errUnavailable || f == errOutcomeUnknown {
		return g.troubled(r.Context(), s, c, f)
	}
	return refusal(f)
}

func (g *Gateway) run(r *http.Request, s *service, c *caller) (*reply, error) {
	defer g.load.leave()
	if err := g.load.enter(); err != nil {
		return nil, err
	}
	if g.stalled() {
		return nil, errStalled
	}
	if err := c.Read(r); err != nil {
		return nil, err
	}
	if err := g.register.authenticate(r.Context(), c); err != nil {
		return nil, err
	}
	defer g.load.leaveFor(c.merchant.ID)
	if err := g.load.enterFor(c.merchant.ID); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), settleTimeout)
	defer cancel()
	a, err := s.handle(g, ctx, c)
	if err == nil {
		g.prove(c, s.sheet, a)
	}
	return a, err
}

// prove proves that the answer is ours. It goes out also when it cannot be signed.
func (g *Gateway) prove(c *caller, s *protocol.Layout, a *reply) {
	if err := c.settings.Proofs.Prove(g.signingKey, c.Text(protocol.InMerchant), s, &a.Answer); err != nil {
		g.log.Error("answer not signed", "merchant", c.merchant.ID, "error", err)
	}
}

var answers = sync.Pool{New: func() any { b := make([]byte, 0, 8<<10); return &b }}

// maxPooled is the largest buffer that is kept for later answers, in bytes.
const maxPooled = 1 << 20

// writeAnswer encodes an answer and sends it whole. The error says that it was not sent, as far as the connection knows; it looks only
// where that has to be remembered.
func writeAnswer(w http.ResponseWriter, s *protocol.Layout, f protocol.Format, status int, a *protocol.Answer, remembered bool, id string) error {
	buffer := answers.Get().(*[]byte)
	encoded, contentType := protocol.Encode((*buffer)[:0], f, s, a)
	*buffer = encoded
	if cap(*buffer) <= maxPooled {
		defer answers.Put(buffer)
	}
	h, body := w.Header(), *buffer
	h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = contentType, noStore, noSniff
	if a.File != nil {
		body = a.File.Pack(h, f, body)
	}
	h["X-Request-Id"] = []string{id}
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	w.WriteHeader(status)
	_, err := w.Write(body)
	if err == nil && remembered {
		err = http.NewResponseController(w).Flush()
	}
	return err
}
