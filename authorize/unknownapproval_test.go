package authorize_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/fileformats/authlog"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/reconcile"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// lose removes an order and all of it from the books, as a commit that the server lost.
func (w *world) lose(bill string) {
	w.t.Helper()
	owner := pgtest.Owner(w.t, w.Pool)
	for _, table := range []string{"orders", "operations", "transactions", "owed_exchanges", "open_holds", "records"} {
		_, err := owner.Exec(w.t.Context(), `DELETE FROM `+table+` WHERE order_id = $1::text::bigint`, bill)
		check(w.t, err)
	}
	_, err := owner.Exec(w.t.Context(), `DELETE FROM postings WHERE source = 1 AND source_id = $1::text::bigint`, bill)
	check(w.t, err)
}

// reconcile asks a center on its link for the last hour and compares it with the books.
func (w *world) reconcile(center int16) (r reconcile.Reconciled) {
	w.t.Helper()
	until := w.Clock.Now().Truncate(time.Second).Add(time.Second)
	w.Clock.Set(until.Add(reconcile.LogGrace))
	l, err := w.gateway.Sender().CenterLog(w.t.Context(), center, until.Add(-time.Hour), until, w.Clock.Now())
	check(w.t, err)
	want := w.centers[center].Log(until.Add(-time.Hour), until, w.Clock.Now())
	if diff := cmp.Diff(want.Entries, l.Entries); diff != "" {
		w.t.Errorf("the log on the link (-center +asked):\n%s", diff)
	}
	log := reconcile.CenterLog{Center: center, From: l.From, Until: l.Until, Sure: l.Made}
	for _, e := range l.Entries {
		kind := map[authlog.Kind]settle.Kind{authlog.Authorization: settle.Authorization, authlog.Purchase: settle.Purchase, authlog.Refund: settle.Refund}[e.Kind]
		log.Approvals = append(log.Approvals, reconcile.CenterApproval{Kind: kind, Terminal: e.Terminal, Acceptor: e.Acceptor, STAN: e.STAN, RRN: e.RRN,
			Sent: e.Sent, Amount: e.Amount, Reversed: e.Reversed, Approval: e.Approval})
	}
	check(w.t, w.Pool.QueryRow(w.t.Context(), `INSERT INTO authorization_logs (center_id, source, state, wanted_at, fetched_at) VALUES ($1, 'link', 'fetched', $2, $2)
		RETURNING log_id`, center, w.Clock.Now()).Scan(&log.ID))
	check(w.t, pgx.BeginFunc(w.t.Context(), w.Pool, func(tx pgx.Tx) (err error) {
		r, err = reconcile.Compare(w.t.Context(), tx, w.Books, &log)
		return err
	}))
	return r
}

// A hold whose order was lost is found in the center's log and reversed, repeatedly where the answer is lost; known holds, and a
// payment that is still unknown, are left alone.
func TestLostApprovalIsReversed(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	center := w.centers[settletest.FileCenter]
	hold := func(number, card string) string {
		return w.paid(paymentOf(number).with(params{"Delay": "1", "Cardnumber": card}))
	}
	for i := range 12 { // more than a page
		hold(fmt.Sprintf("kept-%d", i), pcsim.CardApproved)
	}
	for i, card := range []string{pcsim.CardApproved, pcsim.CardReversalAnswerLost} {
		w.lose(hold(fmt.Sprintf("lost-%d", i), card))
	}
	if r := w.call(pay, paymentOf("unknown").with(params{"Cardnumber": pcsim.CardSilentBooked})); r.Order["responsecode"] != "AS300" {
		t.Fatalf("%+v", r)
	}
	if r := w.reconcile(settletest.FileCenter); r != (reconcile.Reconciled{Differences: 2, Unknown: 2}) {
		t.Fatalf("%+v", r)
	}
	w.settleOwed()
	w.Clock.Advance(10 * time.Second)
	w.settleOwed()
	all, err := reconcile.NewUnknown(w.Books).Since(t.Context(), settletest.FileCenter, time.Time{})
	check(t, err)
	for i, u := range all {
		if u.State != reconcile.UnknownReversed || center.Authorizations(settle.RRN(u.Exchange))[0].Reversed != 23740 {
			t.Errorf("approval %d: %+v, at the center %+v", i, u, center.Authorizations(settle.RRN(u.Exchange)))
		}
	}
	var open int
	check(t, w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM breaks WHERE closed_at IS NULL`).Scan(&open))
	if r := w.reconcile(settletest.FileCenter); len(all) != 2 || open != 0 || r != (reconcile.Reconciled{}) {
		t.Errorf("%d found, %d breaks open, again %+v", len(all), open, r)
	}
	if w.state("kept-0") != "Delayed" {
		t.Errorf("a hold that we know is %s", w.state("kept-0"))
	}
}

// A purchase that was lost has moved money: its reversal takes it back on the same day.
func TestLostPurchaseIsReversed(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.lose(w.paid(paymentOf("lost").with(params{"OrderCurrency": "USD"})))
	if r := w.reconcile(settletest.SingleCenter); r.Unknown != 1 {
		t.Fatalf("%+v", r)
	}
	w.settleOwed()
	for currency, books := range w.centers[settletest.SingleCenter].Books().Currencies {
		if books.Net() != 0 {
			t.Errorf("%d %s are left at the center", books.Net(), currency)
		}
	}
}

// logPages is a host that answers a question for the log with pages of a test.
type logPages struct {
	online.Host
	data []string
}

// Exchange answers the next page.
func (p *logPages) Exchange(context.Context, online.Request) (online.Answer, error) {
	next := p.data[0]
	p.data = p.data[min(1, len(p.data)-1):]
	return online.Answer{ActionCode: iso8583.ActionApproved, Data: next}, nil
}

// A center that contradicts itself is not believed.
func TestLogsThatContradictThemselves(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	w.paid(paymentOf("A-1"))
	from := w.Clock.Now().Add(-time.Hour)
	entry := w.centers[settletest.FileCenter].Log(from, from.Add(2*time.Hour), from).Entries[0]
	line := authlog.Detail(&entry)
	for name, data := range map[string][]string{
		"nothing": {""}, "no page": {"X"}, "for ever": {"Y" + line}, "empty, but more": {"Y"}, "cut": {"N" + line[:50]},
	} {
		w.options.Centers[settletest.FileCenter] = payment.Center{Host: &logPages{data: data}, Acquirer: acquirer}
		_, err := payment.NewSender(w.options.Books, reconcile.NewUnknown(w.options.Books), w.options.Directory, w.options.Centers, w.options.Banks, w.options.Log).CenterLog(t.Context(), settletest.FileCenter, from, from.Add(2*time.Hour), from)
		if !errors.Is(err, payment.ErrCenterLog) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
