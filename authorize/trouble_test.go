package authorize_test

import (
	"net/http"
	"testing"

	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle/settletest"
)

// endSessions ends every session of the application at once, as an operator's command or a fail-over does.
func (w *world) endSessions() {
	w.t.Helper()
	var ended int
	err := pgtest.Owner(w.t, w.Pool).QueryRow(w.t.Context(), `SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
		WHERE datname = current_database() AND pid <> pg_backend_pid()`).Scan(&ended)
	check(w.t, err)
	if ended == 0 {
		w.t.Fatal("there was no session to end")
	}
}

// TestRepeatUnderEndedSessions: the order is there. Whatever happens to the repeat, it never hears that nothing was done.
func TestRepeatUnderEndedSessions(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.keeps()
	keeping := paymentOf("B-1").with(params{"CustomerNumber": "buyer"})
	bill := w.paid(paymentOf("H-1").with(params{"Delay": "1"}))
	requests := map[string]struct {
		path string
		p    params
	}{
		"payment":                    {pay, paymentOf("A-1")},
		"payment that keeps a card":  {pay, keeping},
		"confirmation of everything": {charge, credentials().with(params{"Billnumber": bill})},
	}
	for name, r := range requests {
		if r := w.call(r.path, r.p); r.Order["responsecode"] != "AS000" {
			t.Fatalf("%s: %+v", name, r)
		}
		for range 5 {
			w.endSessions()
			again := w.form(r.path, r.p.with(params{"Format": "3"}))
			switch first, second := w.codes(again.body); {
			case first == 0:
				if got := w.parse(again.body).Order["responsecode"]; got != "AS000" {
					t.Errorf("%s again: %s", name, again.body)
				}
			case first != 1 || second != 1 || again.status != http.StatusServiceUnavailable:
				t.Errorf("%s again: %d %s", name, again.status, again.body)
			}
		}
	}
}

// TestStalledDatabase: what is not begun is refused at once, and says so; it is served as soon as the database answers.
func TestStalledDatabase(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.shop()
	stalled := true
	w.options.Stalled, w.options.Registerer = func() bool { return stalled }, nil
	w.open()
	for _, path := range []string{pay, charge, cancel, orderState} {
		r := w.form(path, paymentOf("A-1").with(params{"Format": "3"}))
		if first, second := w.codes(r.body); r.status != http.StatusServiceUnavailable || first != 1 || second != 3 || r.header.Get("Retry-After") == "" {
			t.Errorf("%s: %d %s", path, r.status, r.body)
		}
	}
	if r := w.send(http.MethodGet, "/pay/pay.cfm?CFSID=x", ""); r.status != http.StatusServiceUnavailable || r.header.Get("Retry-After") == "" {
		t.Errorf("page: %d", r.status)
	}
	if n := w.centers[settletest.FileCenter].Books().Requests; n != 0 {
		t.Errorf("the center got %d requests", n)
	}
	stalled = false
	if r := w.call(pay, paymentOf("A-1")); r.Order["responsecode"] != "AS000" {
		t.Errorf("%+v", r)
	}
}
