package checkout

import (
	"net/http"
	"settled/authorize/page"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
)

// browserRoutes are the routes of the payment page.
var browserRoutes = [...]struct {
	path  string
	serve func(*visit) error
	fail  func(*visit, error) // answers what serve did not
}{
	{OrderPath, (*visit).serveOrder, (*visit).fail},
	{PayRequestPath, (*visit).servePayRequest, (*visit).tellDecline},
	{payPath, (*visit).servePage, (*visit).fail},
	{resultPath, (*visit).servePage, (*visit).fail},
	{MethodPath, (*visit).serveMethod, (*visit).fail},
	{challengePath, (*visit).serveChallenge, (*visit).fail},
}

// Handle adds the payment page to the routes.
func (c *Pages) Handle(mux *http.ServeMux, measure func(path string) RouteMeasure) {
	for _, route := range browserRoutes {
		m := measure(route.path)
		mux.HandleFunc(route.path, func(w http.ResponseWriter, r *http.Request) { c.visit(w, r, route.serve, route.fail, m) })
	}
	mux.Handle(page.StaticPath, page.Static())
}

// visit takes one request of a browser from its limits to the answer.
func (c *Pages) visit(w http.ResponseWriter, r *http.Request, serve func(*visit) error, fail func(*visit, error), m RouteMeasure) {
	began := c.now()
	k := &tenants.Caller{Call: protocol.NewCall(protocol.FormatXML, &OrderAccepts, c.knows), Source: c.source(r), Base: c.Address(r)}
	defer k.Release()
	v := &visit{in: c, w: w, r: r, c: k, id: protocol.Correlation()}
	w.Header()["X-Request-Id"] = []string{v.id}
	if err := v.run(serve); err != nil {
		fail(v, err)
	}
	c.report(k.Call, r.URL.Path, v.id)
	m.Count(v.class, c.now().Sub(began))
}

// Refuse answers a browser's request by a refusal, in a page.
func (c *Pages) Refuse(w http.ResponseWriter, r *http.Request, f *protocol.Fault, m RouteMeasure) {
	c.visit(w, r, func(*visit) error { return f }, (*visit).fail, m)
}
