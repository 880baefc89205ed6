package clearing_test

import (
	"context"
	"errors"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/fileformats/authlog"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/order"
	"settled/settle/reconcile"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// logged makes a world whose center tells what it approved, and the entry of a payment of 10.00 that stands there.
func logged(t *testing.T, source order.LogSource) *world {
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.LogDir, p.Acquirer = pcsim.LogDir, member })
	c, _ := w.Dir.Center(settletest.FileCenter)
	c.Capabilities.Log = source
	w.opt.Reconcile = func(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error) {
		return reconcile.Compare(ctx, tx, w.Books, l)
	}
	w.restart()
	return w
}

// entry is what the center has of a payment that it approved, whose order is then lost when it is to be.
func (w *world) entry(number string, lost bool) authlog.Entry {
	w.t.Helper()
	p := w.Begin(w.t, settletest.Payment{Number: number, Amount: byn(1000), TwoStage: true})
	check(w.t, w.Books.Finish(w.t.Context(), p, settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}))
	if lost {
		for _, table := range []string{"orders", "operations", "transactions", "open_holds"} {
			_, err := pgtest.Owner(w.t, w.Pool).Exec(w.t.Context(), `DELETE FROM `+table+` WHERE order_id = $1`, p.Order)
			check(w.t, err)
		}
		_, err := pgtest.Owner(w.t, w.Pool).Exec(w.t.Context(), `DELETE FROM postings WHERE source = 1 AND source_id = $1`, p.Order)
		check(w.t, err)
	}
	return authlog.Entry{Key: authlog.Key{Sent: p.TransmittedAt.Truncate(time.Second), Terminal: "TERM0001", STAN: fmt.Sprintf("%06d", settle.STAN(p.Exchange)), RRN: settle.RRN(p.Exchange)},
		Kind: authlog.Authorization, State: authlog.Held, Acceptor: "MERCHANT0000001", Amount: p.Amount, Approval: "A1B2C3"}
}

// log is the hour of the entries, made when it is due.
func (w *world) log(entries ...authlog.Entry) *authlog.Log {
	from := settletest.Start
	return &authlog.Log{Member: member, From: from, Until: from.Add(time.Hour), Made: from.Add(time.Hour + reconcile.LogGrace), Entries: entries}
}

func (w *world) leave(name string, data []byte) {
	w.t.Helper()
	check(w.t, w.center.WriteFile(path.Join(pcsim.LogDir, name), data))
}

// nobody is asked in worlds whose centers leave files.
func nobody(context.Context, int16, time.Time, time.Time, time.Time) (*authlog.Log, error) {
	return nil, errors.New("nobody is asked")
}

func (w *world) states() string {
	w.t.Helper()
	return query[string](w, `SELECT coalesce(string_agg(state || ' ' || entries || ' ' || differences || ' ' || unknown, ', ' ORDER BY log_id), '') FROM authorization_logs`)
}

// A log that the center leaves is stored when it is whole, waits until no payment of its range can be on its way, and is
// compared once, however often it is left and under whatever name.
func TestLogsAsFiles(t *testing.T) {
	w := logged(t, order.LogByFile)
	data, err := authlog.Format(w.log(w.entry("kept", false), w.entry("lost", true)))
	check(t, err)
	w.leave("AUTH_1.log", data[:len(data)-10])
	w.Clock.Set(settletest.Start.Add(time.Hour))
	for _, want := range []string{"", "fetched 0 0 0", "applied 2 1 1", "applied 2 1 1"} {
		check(t, w.night.Logs.Reconcile(t.Context(), nobody))
		if have := w.states(); have != want {
			t.Errorf("logs %q, want %q", have, want)
		}
		switch want {
		case "":
			w.leave("AUTH_1.log", data)
		case "fetched 0 0 0":
			w.Clock.Advance(reconcile.LogGrace)
		default:
			w.leave("AUTH_2.log", data)
		}
	}
	if n := query[int](w, `SELECT count(*) FROM unknown_approvals WHERE state = 1`); n != 1 {
		t.Errorf("%d reversals owed", n)
	}
}

// A log that nobody would read is told with its name and size, and those beside it are stored.
func TestTooLargeLogsOpenABreak(t *testing.T) {
	w := logged(t, order.LogByFile)
	data, err := authlog.Format(w.log(w.entry("kept", false)))
	check(t, err)
	w.leave("AUTH_0.log", make([]byte, 64<<20+1))
	w.leave("AUTH_1.log", data)
	w.Clock.Set(settletest.Start.Add(time.Hour))
	for range 2 {
		check(t, w.night.Logs.Reconcile(t.Context(), nobody))
	}
	if got := w.breaks("B-30"); len(got) != 1 || !strings.Contains(got[0], `log "AUTH_0.log" has 67108865 bytes`) || !strings.HasPrefix(w.states(), "fetched") {
		t.Errorf("breaks %q, logs %s", got, w.states())
	}
	w.leave("AUTH_0.log", data)
	check(t, w.night.Logs.Reconcile(t.Context(), nobody))
	if got := w.breaks("B-30"); len(got) != 0 {
		t.Errorf("breaks %q", got)
	}
}

// A log that cannot be believed is held and takes no effect; the others go on. A person may let one through.
func TestLogsAreHeld(t *testing.T) {
	w := logged(t, order.LogByFile)
	var lost []authlog.Entry
	for i := range 22 {
		lost = append(lost, w.entry(fmt.Sprint(i), true))
	}
	good, err := authlog.Format(w.log(w.entry("lost too", true)))
	check(t, err)
	many, err := authlog.Format(w.log(lost...))
	check(t, err)
	another := w.log()
	another.Member = "777"
	strange, err := authlog.Format(another)
	check(t, err)
	for name, data := range map[string][]byte{"1-many.log": many, "2-strange.log": strange, "3-broken.log": []byte(strings.Replace(string(good), "933", "000", 1)), "4-good.log": good} {
		w.leave(name, data)
	}
	w.Clock.Set(settletest.Start.Add(2 * time.Hour))
	check(t, w.night.Logs.Reconcile(t.Context(), nobody))
	logs, err := w.night.Logs.List(t.Context(), 0, 10)
	check(t, err)
	have := map[string]string{}
	for _, l := range logs {
		have[l.Name] = string(l.State) + " " + fmt.Sprint(l.Reason != "")
	}
	want := map[string]string{"1-many.log": "held true", "2-strange.log": "held true", "3-broken.log": "held true", "4-good.log": "applied false"}
	if diff := cmp.Diff(want, have); diff != "" {
		t.Errorf("logs (-want +have):\n%s", diff)
	}
	if n := query[int](w, `SELECT count(*) FROM unknown_approvals`); n != 1 {
		t.Errorf("%d reversals owed", n)
	}
	id := query[int64](w, `SELECT log_id FROM authorization_logs WHERE name = '1-many.log'`)
	check(t, w.night.Logs.Approve(t.Context(), id))
	check(t, w.night.Logs.Reconcile(t.Context(), nobody))
	if n := query[int](w, `SELECT count(*) FROM unknown_approvals`); n != 23 {
		t.Errorf("%d reversals owed after a person let the log through", n)
	}
	if err := w.night.Logs.Approve(t.Context(), id); !errors.Is(err, states.ErrState) {
		t.Errorf("approved again: %v", err)
	}
}

// On the link, each run asks for what is due, an overlap included; what could not be asked for stays wanted, and an outage is made
// up for in pieces.
func TestLogsOnTheLink(t *testing.T) {
	w := logged(t, order.LogByLink)
	lost := w.entry("lost", true)
	var asked []string
	away := errors.New("center is away")
	var down error
	ask := func(_ context.Context, center int16, from, until, now time.Time) (*authlog.Log, error) {
		if down != nil {
			return nil, down
		}
		asked = append(asked, from.Format("02 15:04")+"-"+until.Format("02 15:04"))
		l := &authlog.Log{Member: member, From: from, Until: until, Made: now}
		if !lost.Sent.Before(from) && lost.Sent.Before(until) {
			l.Entries = []authlog.Entry{lost}
		}
		return l, nil
	}
	run := func(at time.Duration, want ...string) {
		t.Helper()
		asked = nil
		w.Clock.Set(settletest.Start.Add(at))
		if err := w.night.Logs.Reconcile(t.Context(), ask); !errors.Is(err, down) {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, asked); diff != "" {
			t.Errorf("asked (-want +have):\n%s", diff)
		}
	}
	run(75*time.Minute, "01 07:00-01 13:00", "01 13:00-01 19:00", "01 19:00-02 01:00", "02 01:00-02 07:00")
	run(75*time.Minute + time.Second/2)
	run(135*time.Minute, "02 06:00-02 08:00")
	down = away
	run(10 * time.Hour)
	down = nil
	run(20*time.Hour, "02 07:00-02 13:00", "02 13:00-02 15:45", "02 14:45-02 20:45", "02 20:45-03 01:45")
	if n := query[int](w, `SELECT count(*) FROM unknown_approvals`); n != 1 {
		t.Errorf("%d reversals owed", n)
	}
	from := settletest.Start
	if _, err := w.night.Logs.Want(t.Context(), settletest.FileCenter, from, from.Add(20*time.Hour)); !errors.Is(err, states.ErrNotDue) {
		t.Errorf("a range that is not over: %v", err)
	}
	if _, err := w.night.Logs.Want(t.Context(), settletest.PlainCenter, from, from.Add(time.Hour)); !errors.Is(err, states.ErrState) {
		t.Errorf("a center that tells nothing: %v", err)
	}
	_, err := w.night.Logs.Want(t.Context(), settletest.FileCenter, from, from.Add(time.Hour))
	check(t, err)
	run(20*time.Hour+time.Second/2, "02 06:00-02 07:00")
}
