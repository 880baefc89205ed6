package app

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/reconcile"
	"settled/settle/settletest"
)

// TestReconcileJob: a purchase was approved and everything of it was lost, as in a crash of the database. The job finds it in the
// center's log and has it reversed; the next run finds nothing, and the books agree.
func TestReconcileJob(t *testing.T) {
	clock := &settletest.Clock{}
	clock.Set(time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC))
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage, Now: clock.Now})
	must(t, err)
	must(t, center.Start())
	defer center.Close()
	o := options(t, pgtest.URL(t), center.OnlineAddr())
	o.Now = clock.Now
	o.Config.Centers[0].Capabilities.Log = order.LogByLink
	core, err := Open(t.Context(), o)
	must(t, err)
	defer core.Close()
	s, err := Start(t.Context(), core, Roles{})
	must(t, err)
	defer func() { must(t, s.Stop(t.Context())) }()
	must(t, s.Ready(t.Context()))

	m, _ := o.Config.Directory.Merchant(7)
	pan, err := vault.ParsePAN(pcsim.CardApproved)
	must(t, err)
	p, _, err := core.Books.Begin(t.Context(), settle.Intent{Merchant: m, OrderNumber: "lost", Amount: money.Amount{Minor: 500, Currency: money.BYN}, PAN: pan,
		CardExpiry: "2812", Fingerprint: settle.Fingerprint{Kept: []byte("lost")}})
	must(t, err)
	a, err := s.hosts[0].Exchange(t.Context(), online.Request{Kind: online.Purchase, Amount: p.Amount, STAN: fmt.Sprintf("%06d", settle.STAN(p.Exchange)),
		RRN: settle.RRN(p.Exchange), TransmittedAt: p.TransmittedAt, LocalTime: p.TransmittedAt.In(p.Route.Center.Zone), Terminal: "T1", Acceptor: "A1", MCC: m.MCC,
		Acquirer: "123456", Card: online.Card{PAN: pan, Expiry: "2812", CVV: vault.NewSecret([]byte("123"))}})
	if err != nil || !a.Approved() {
		t.Fatalf("%+v, %v", a, err)
	}
	owner := pgtest.Owner(t, core.Pool)
	for _, table := range []string{"orders", "owed_exchanges"} {
		_, err := owner.Exec(t.Context(), `DELETE FROM `+table)
		must(t, err)
	}
	for range 2 {
		clock.Advance(time.Hour)
		must(t, s.Reconcile(t.Context()))
	}
	if a := center.Authorizations(settle.RRN(p.Exchange)); len(a) != 1 || a[0].Reversed != 500 {
		t.Errorf("at the center: %+v", a)
	}
	all, err := reconcile.NewUnknown(core.Books).Since(t.Context(), 0, time.Time{})
	if err != nil || len(all) != 1 || all[0].State != reconcile.UnknownReversed || all[0].Merchant != 7 {
		t.Errorf("%+v, %v", all, err)
	}
	must(t, s.auditJob(t.Context()))
	_, page := get(t, "http://"+s.MetricAddr+"/metrics")
	for _, want := range []string{`settled_unknown_approvals{pc="PC-C"} 0`, `settled_unknown_approvals_reversed{pc="PC-C"} 1`, `settled_authorization_logs_held{pc="PC-C"} 0`} {
		if !strings.Contains(page, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
