package checkout

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"settled/authorize/payment"
	"settled/authorize/protocol"
	"settled/authorize/tenants"
	"strconv"
)

// serveOrder takes an order from a buyer's browser, in a form or in an address, and sends it on to the order's page.
func (v *visit) serveOrder() error {
	if !v.in.posting.Take(v.c.Source) {
		return tenants.ErrTooMany
	}
	switch v.r.Method {
	case http.MethodHead: // whoever only looks makes no order
		v.w.WriteHeader(http.StatusOK)
		return nil
	case http.MethodGet, http.MethodPost:
	default:
		v.w.Header().Set("Allow", "GET, HEAD, POST")
		return &protocol.Fault{First: protocol.FirstProhibited, Second: protocol.OnService, Status: http.StatusMethodNotAllowed, Detail: "use GET or POST"}
	}
	if err := v.readOpening(true, v.in.posting); err != nil {
		return err
	}
	return v.redirect(payPath + v.first)
}

// readOpening reads the request, which has to be a form where onlyForms says so, and opens the order. A repeat gives back what it took
// of a limit.
func (v *visit) readOpening(onlyForms bool, took *tenants.Sources) error {
	read := v.c.Read
	if onlyForms && v.r.Method == http.MethodGet {
		read = v.c.ReadLink
	}
	if err := read(v.r); err != nil {
		return err
	}
	if onlyForms && !v.c.IsForm() {
		return &protocol.Fault{First: protocol.FirstFormat, Second: protocol.OnService, Status: http.StatusUnsupportedMediaType, Detail: "send a form"}
	}
	o, repeats, err := v.in.openOrder(v.r.Context(), v.c)
	if err != nil {
		return err
	}
	if repeats {
		took.GiveBack(v.c.Source)
	}
	return v.take(o)
}

// payRequestAnswer tells the address of an order's page. Clients of different ages read url and URL.
type payRequestAnswer struct {
	URL        string `json:"URL"`
	Lower      string `json:"url"`
	Expiration string `json:"expirationtime"`
	State      string `json:"orderstate"`
	First      int    `json:"firstcode"`
	Second     int    `json:"secondcode"`
	Message    string `json:"message,omitempty"`
}

// servePayRequest opens an order for a merchant's server and answers where its buyer can pay it.
func (v *visit) servePayRequest() error {
	if !v.in.asking.Take(v.c.Source) {
		return tenants.ErrTooMany
	}
	if err := v.readOpening(false, v.in.asking); err != nil {
		return err
	}
	address := v.in.Address(v.r) + payPath + v.first
	return v.tell(http.StatusOK, payRequestAnswer{URL: address, Lower: address, Expiration: protocol.Stamp(v.order.PayBefore), State: string(v.order.State())})
}

// tellDecline answers a merchant's server, in JSON, that there is no order, or, of a fault of ours, nothing of its state.
func (v *visit) tellDecline(err error) {
	f, state := payment.FaultOf(err, protocol.OnNothing), "Decline"
	if v.class = f.Class(); v.class == protocol.ClassError {
		state = ""
		v.in.log.Error("request not served", slog.String("route", v.r.URL.Path), slog.String("request", v.id), slog.Any("error", err))
		v.w.Header().Set("Retry-After", "1")
	}
	status := f.Status
	if status == 0 {
		status = http.StatusOK
	}
	if err := v.tell(status, payRequestAnswer{Expiration: protocol.Stamp(v.in.now()), State: state, First: f.First, Second: f.Second, Message: f.Detail}); err != nil {
		v.in.log.Error("answer not told", slog.String("route", v.r.URL.Path), slog.String("request", v.id), slog.Any("error", err))
	}
}

// tell answers in JSON.
func (v *visit) tell(status int, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	h := v.w.Header()
	h["Content-Type"], h["Cache-Control"], h["X-Content-Type-Options"] = jsonType, protocol.NoStore, protocol.NoSniff
	h["Content-Length"] = []string{strconv.Itoa(len(text))}
	v.w.WriteHeader(status)
	_, _ = v.w.Write(text) // who went away needs no answer
	return nil
}

var jsonType = []string{"application/json; charset=utf-8"}
