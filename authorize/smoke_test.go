package authorize_test

import (
	"testing"

	"settled/internal/pcsim"
)

func TestSmoke(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	r := w.form(pay, payment("A-1"))
	t.Log(r.status, r.body)
	r = w.form(pay, payment("A-1").with(params{"Format": "5"}))
	t.Log(r.status, r.body)
	r = w.json(pay, payment("A-2").with(params{"Delay": "1"}))
	t.Log(r.status, r.body)
	t.Log(w.state("A-1"), w.state("A-2"))
	o := w.call(pay, payment("A-3").with(params{"Delay": "1"})).Order
	r = w.form(charge, credentials().with(params{"Billnumber": o["billnumber"], "Amount": "100.00", "Currency": "BYN", "AutoDeposit": "1"}))
	t.Log(r.status, r.body)
	r = w.json(cancel, credentials().with(params{"Billnumber": o["billnumber"]}))
	t.Log(r.status, r.body)
	r = w.json(wsCancel, credentials().with(params{"Billnumber": o["billnumber"]}))
	t.Log(r.status, r.body)
	u := w.paid(payment("U-1").with(params{"OrderCurrency": "USD"}))
	r = w.json(cancel, credentials().with(params{"Billnumber": u}))
	t.Log(r.status, r.body)
	t.Log(w.settleOwed())
	t.Log(w.logs.String())
}
