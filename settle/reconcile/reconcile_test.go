package reconcile_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/reconcile"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// reconciled is a world whose log of the center the test writes.
type reconciled struct {
	*settletest.World
	t   *testing.T
	log reconcile.CenterLog
}

// reconcilable makes a world with one log, which the comparison knows by its id.
func reconcilable(t *testing.T) *reconciled {
	w := &reconciled{World: settletest.New(t), t: t}
	w.exec(`INSERT INTO authorization_logs (center_id, source, state, wanted_at, fetched_at) VALUES (1, 'link', 'fetched', $1, $1)`, w.Clock.Now())
	w.log = reconcile.CenterLog{ID: 1, Center: settletest.FileCenter, From: w.Clock.Now().Add(-time.Hour), Until: w.Clock.Now().Add(time.Hour)}
	return w
}

func (w *reconciled) exec(sql string, args ...any) {
	w.t.Helper()
	if _, err := pgtest.Owner(w.t, w.Pool).Exec(w.t.Context(), sql, args...); err != nil {
		w.t.Fatal(err)
	}
}

// approved adds what the center has of a payment to its log.
func (w *reconciled) approved(p *settle.Payment, reversed int64) *reconcile.CenterApproval {
	w.log.Approvals = append(w.log.Approvals, reconcile.CenterApproval{Kind: p.Kind, Terminal: "TERM0001", Acceptor: "MERCHANT0000001",
		STAN: fmt.Sprintf("%06d", settle.STAN(p.Exchange)), RRN: settle.RRN(p.Exchange), Sent: p.TransmittedAt.Truncate(time.Second), Amount: p.Amount,
		Reversed: reversed, Approval: "A1B2C3"})
	return &w.log.Approvals[len(w.log.Approvals)-1]
}

// begin begins a payment of 100.00; finish records its outcome.
func (w *reconciled) begin(number string) *settle.Payment {
	return w.Begin(w.t, settletest.Payment{Number: number, Amount: money.Amount{Minor: 10000, Currency: money.BYN}, TwoStage: true})
}

func (w *reconciled) finish(p *settle.Payment, approved bool) *settle.Payment {
	w.t.Helper()
	r := settle.Result{Approved: approved, ActionCode: "100", Response: "AS100"}
	if approved {
		r = settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}
	}
	if err := w.Books.Finish(w.t.Context(), p, r); err != nil {
		w.t.Fatal(err)
	}
	return p
}

// lose removes an order and all of it, as a commit that the server lost.
func (w *reconciled) lose(p *settle.Payment) *settle.Payment {
	w.t.Helper()
	for _, table := range []string{"orders", "operations", "transactions", "owed_exchanges", "open_holds", "records", "notifications"} {
		w.exec(`DELETE FROM `+table+` WHERE order_id = $1`, p.Order)
	}
	w.exec(`DELETE FROM postings WHERE source = 1 AND source_id = $1`, p.Order)
	return p
}

// reconcile compares the log an hour later and returns what was new, and the breaks by category and order.
func (w *reconciled) reconcile() (r reconcile.Reconciled, err error) {
	w.t.Helper()
	w.Clock.Set(w.log.Until.Add(reconcile.LogGrace))
	w.log.Sure = w.log.Until
	return r, pgx.BeginFunc(w.t.Context(), w.Pool, func(tx pgx.Tx) (err error) {
		r, err = reconcile.Compare(w.t.Context(), tx, w.Books, &w.log)
		return err
	})
}

func (w *reconciled) want(differences, unknown int, breaks ...string) {
	w.t.Helper()
	r, err := w.reconcile()
	if err != nil || r != (reconcile.Reconciled{Differences: differences, Unknown: unknown}) {
		w.t.Errorf("%+v, %v", r, err)
	}
	rows, _ := w.Pool.Query(w.t.Context(), `SELECT category || ' ' || amount || ' ' || (order_ref > 0) FROM breaks WHERE closed_at IS NULL ORDER BY 1`)
	have, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if diff := cmp.Diff(append([]string{}, breaks...), have); err != nil || diff != "" {
		w.t.Errorf("breaks, %v (-want +have):\n%s", err, diff)
	}
	w.exec(`UPDATE authorization_logs SET unknown = (SELECT count(*) FROM unknown_approvals)`)
	report, err := audit.Run(w.t.Context(), w.Pool, w.Clock.Now(), audit.Options{Only: []string{"INV-18"}})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, f := range report.Broken() {
		if f.Title == "no payment waits for its outcome long after it should have been given up" {
			continue // nobody gives up here what is in flight
		}
		w.t.Errorf("%s: %v", f.Title, f.Examples)
	}
}

func (w *reconciled) unknown() []reconcile.UnknownApproval {
	w.t.Helper()
	all, err := reconcile.NewUnknown(w.Books).Since(w.t.Context(), 0, time.Time{})
	if err != nil {
		w.t.Fatal(err)
	}
	return all
}

func TestReconcileLeavesAloneWhatAgrees(t *testing.T) {
	w := reconcilable(t)
	w.approved(w.finish(w.begin("held"), true), 0)
	w.finish(w.begin("declined"), false)
	w.approved(w.begin("in flight"), 0)
	given := w.begin("given up")
	if err := w.Books.GiveUp(t.Context(), settletest.Merchant, given.Order, given.Transaction); err != nil {
		t.Fatal(err)
	}
	w.approved(given, 0)
	w.approved(w.lose(w.begin("lost, and reversed at the center")), 10000)
	w.want(0, 0)
}

// An approval whose order is lost is found once, reversed by the ordinary pauses, and ends with its break closed.
func TestReconcileFindsWhatWasLost(t *testing.T) {
	w := reconcilable(t)
	w.approved(w.finish(w.begin("kept"), true), 0)
	p := w.lose(w.finish(w.begin("lost"), true))
	w.approved(p, 0)
	w.want(1, 1, "B-02 10000 false")
	w.want(0, 0, "B-02 10000 false")
	due, err := reconcile.NewUnknown(w.Books).DueAt(t.Context(), settletest.FileCenter, 10)
	if err != nil || len(due) != 1 || due[0].Exchange != p.Exchange || due[0].Merchant != settletest.Merchant || due[0].Attempts != 1 || due[0].Reversal%2 != 1 {
		t.Fatalf("%+v, %v", due, err)
	}
	if again, err := reconcile.NewUnknown(w.Books).DueAt(t.Context(), settletest.FileCenter, 10); err != nil || len(again) != 0 {
		t.Errorf("claimed twice: %+v, %v", again, err)
	}
	if err := reconcile.NewUnknown(w.Books).Unanswered(t.Context(), due[0], "no answer"); err != nil {
		t.Fatal(err)
	}
	w.Clock.Advance(10 * time.Second)
	if due, err = reconcile.NewUnknown(w.Books).DueAt(t.Context(), settletest.FileCenter, 10); err != nil || len(due) != 1 || due[0].Attempts != 2 || due[0].LastError != "no answer" {
		t.Fatalf("%+v, %v", due, err)
	}
	for range 2 { // the second answer changes nothing
		if err := reconcile.NewUnknown(w.Books).Answered(t.Context(), due[0], settle.VerdictDone, "400"); err != nil {
			t.Fatal(err)
		}
	}
	if u := w.unknown(); len(u) != 1 || u[0].State != reconcile.UnknownReversed || u[0].ActionCode != "400" {
		t.Errorf("%+v", u)
	}
	w.want(0, 0)
	w.log.Until = w.log.Until.Add(time.Hour)
	w.want(1, 0, "B-07 10000 false") // it stands again after its reversal was confirmed
}

// What a person must decide, or what the center refuses, is told and not reversed again.
func TestReconcileDoesNotGuess(t *testing.T) {
	w := reconcilable(t)
	another := w.approved(w.finish(w.begin("another amount"), true), 0)
	another.Amount.Minor = 9999
	w.finish(w.begin("missing"), true)
	w.approved(w.finish(w.begin("released by the center"), true), 10000)
	foreign := w.approved(w.lose(w.begin("trace of another system")), 0)
	foreign.STAN = "999998"
	w.approved(w.lose(w.begin("terminal of another system")), 0).Terminal = "POS00001"
	later := *w.lose(w.begin("number of a lost database"))
	later.Exchange += 1 << 20
	w.approved(&later, 0)
	passed := w.lose(w.begin("number that was passed over after a restore"))
	w.exec(`INSERT INTO epochs (epoch, begun_at, since, alive_at, looks, identity, cause, state) VALUES (1, now(), now(), now(), true, server_identity(), 'restored', 'running')`)
	w.exec(`INSERT INTO id_jumps (name, epoch, next_before, next_after) VALUES ('exchange/0', 1, $1, $2)`, passed.Exchange/2, passed.Exchange/2+1)
	w.approved(passed, 0)
	moved := w.approved(w.finish(w.begin("another time"), true), 0)
	moved.Sent = moved.Sent.Add(-30 * time.Minute)
	w.want(8, 0, "B-01 10000 true", "B-02 10000 false", "B-02 10000 false", "B-02 10000 false", "B-02 10000 false", "B-04 10000 true", "B-04 9999 true", "B-07 10000 true")
	if u := w.unknown(); len(u) != 0 {
		t.Errorf("owed %+v", u)
	}
}

// What our books have as declined stands at the center: it is reversed, and names its order.
func TestReconcileReversesWhatWasDeclined(t *testing.T) {
	w := reconcilable(t)
	p := w.finish(w.begin("declined"), false)
	w.approved(p, 0)
	w.want(1, 1, "B-07 10000 true")
	u := w.unknown()
	if len(u) != 1 || u[0].Order != p.Order {
		t.Fatalf("%+v", u)
	}
	due, err := reconcile.NewUnknown(w.Books).DueAt(t.Context(), settletest.FileCenter, 10)
	if err != nil || len(due) != 1 {
		t.Fatalf("%+v, %v", due, err)
	}
	if err := reconcile.NewUnknown(w.Books).Answered(t.Context(), due[0], settle.VerdictTooLate, "940"); err != nil {
		t.Fatal(err)
	}
	w.want(0, 0, "B-07 10000 true")
	if err := reconcile.NewUnknown(w.Books).Retry(t.Context(), settletest.FileCenter, p.Exchange); err != nil {
		t.Fatal(err)
	}
	if err := reconcile.NewUnknown(w.Books).Retry(t.Context(), settletest.FileCenter, p.Exchange); !errors.Is(err, settle.ErrOperation) {
		t.Errorf("a reversal that is owed already: %v", err)
	}
	w.Clock.Advance(25 * time.Hour)
	if err := reconcile.NewUnknown(w.Books).Unanswered(t.Context(), w.unknown()[0], "nobody there"); err != nil {
		t.Fatal(err)
	}
	if u := w.unknown(); u[0].State != reconcile.UnknownOwed && u[0].State != reconcile.UnknownStuck {
		t.Errorf("%+v", u)
	}
}

// So many unknown approvals are no crash of ours: nothing of the log takes effect until a person lets it through.
func TestReconcileStopsAtTooMany(t *testing.T) {
	w := reconcilable(t)
	for i := range 22 {
		w.approved(w.lose(w.begin(fmt.Sprint(i))), 0)
	}
	if _, err := w.reconcile(); !errors.Is(err, reconcile.ErrTooManyUnknown) {
		t.Errorf("%v", err)
	}
	if u := w.unknown(); len(u) != 0 {
		t.Errorf("%d owed", len(u))
	}
	w.log.Forced = true
	if r, err := w.reconcile(); err != nil || r.Unknown != 22 {
		t.Errorf("%+v, %v", r, err)
	}
}
