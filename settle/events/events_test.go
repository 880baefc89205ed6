package events_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/settle/events"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// event is a good event.
func event(at time.Time, kind events.Kind, object string) events.Event {
	return events.Event{At: at, Actor: events.Actor{Name: "alice", How: events.ByOS}, Source: "db1", Kind: kind, Object: events.Object{Kind: "batch", ID: object},
		Before: json.RawMessage(`{"state": "sealed"}`), Reason: "the center asked", Outcome: events.Done}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, pool *pgxpool.Pool, all ...events.Event) {
	t.Helper()
	for _, e := range all {
		must(t, events.Write(t.Context(), pool, e))
	}
}

// filled is a database with events of three days: four of 2 March, two of 3 March, three of 5 March.
func filled(t *testing.T) *pgxpool.Pool {
	t.Helper()
	pool := pgtest.DB(t)
	for _, day := range []struct{ after, events int }{{0, 4}, {1, 2}, {3, 3}} {
		for i := range day.events {
			kind := []events.Kind{events.BatchRebuild, events.FileRetry}[i%2]
			write(t, pool, event(noon.AddDate(0, 0, day.after).Add(time.Duration(i)*time.Minute), kind, "12"))
		}
	}
	return pool
}

func names(t *testing.T, pool *pgxpool.Pool) (all []string) {
	t.Helper()
	for _, s := range stored(t, pool) {
		all = append(all, s.Name())
	}
	return all
}

func stored(t *testing.T, pool *pgxpool.Pool) []*events.Stored {
	t.Helper()
	rows, err := pool.Query(t.Context(), `SELECT `+events.Columns+` FROM events ORDER BY day, no`)
	must(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByName[events.Stored])
	must(t, err)
	return all
}

func TestEventsAreNumberedByDay(t *testing.T) {
	pool := filled(t)
	write(t, pool, event(noon, events.FileRetry, "late")) // of a day that has ended: the chain goes on where it is
	want := []string{"2026-03-02/1", "2026-03-02/2", "2026-03-02/3", "2026-03-02/4", "2026-03-03/1", "2026-03-03/2", "2026-03-05/1", "2026-03-05/2", "2026-03-05/3", "2026-03-05/4"}
	if diff := cmp.Diff(want, names(t, pool)); diff != "" {
		t.Error(diff)
	}
	p, err := events.Verify(t.Context(), pool)
	if err != nil || p.Events != 10 || len(p.Faults) != 0 {
		t.Errorf("%+v, %v", p, err)
	}
}

// Many write at once: the chain has no gap and no fork.
func TestManyWritersMakeOneChain(t *testing.T) {
	pool := pgtest.DB(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 10 {
				if err := events.Write(t.Context(), pool, event(noon, events.FileRetry, "1")); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	p, err := events.Verify(t.Context(), pool)
	if err != nil || p.Events != 80 || len(p.Faults) != 0 {
		t.Errorf("%d events, %v, %v", p.Events, p.Faults, err)
	}
}

// The form of the chain is told in docs/events.md: who verifies it without us computes this hash.
func TestFormOfTheChain(t *testing.T) {
	s := events.Stored{Day: noon.Truncate(24 * time.Hour), No: 1, OfKind: 1, At: noon, Kind: events.BatchRebuild, Outcome: events.Done, Actor: "alice", How: events.ByOS,
		Login: "settled", Source: "db1", ObjectOf: "batch", Object: "12", Reason: "the center asked", Before: json.RawMessage(`{"state": "sealed"}`), Previous: make([]byte, 32)}
	const want = "15:settled event 1,10:2026-03-02,1:1,1:1,27:2026-03-02T12:00:00.000000Z,13:batch.rebuild,4:done,5:alice,2:os,0:,0:,7:settled,3:db1,5:batch,2:12,16:the center asked,0:,19:{\"state\": \"sealed\"},0:,"
	if got := string(s.Bytes()); got != want {
		t.Errorf("bytes:\n%s\nwant:\n%s", got, want)
	}
}

// tampering are changes by who may do everything, and what a verification says of each.
var tampering = []struct{ name, sql, event, what string }{
	{"changed", `UPDATE events SET actor = 'bob' WHERE (day, no) = ('2026-03-02', 3)`, "2026-03-02/3", "was changed"},
	{"reason changed", `UPDATE events SET reason = '' WHERE (day, no) = ('2026-03-03', 1)`, "2026-03-03/1", "was changed"},
	{"removed", `DELETE FROM events WHERE (day, no) = ('2026-03-02', 2)`, "2026-03-02/3", "those from 2026-03-02/2 to 2026-03-02/2 were removed"},
	{"the first removed", `DELETE FROM events WHERE (day, no) = ('2026-03-02', 1)`, "2026-03-02/2", "those from 2026-03-02/1 to 2026-03-02/1 were removed"},
	{"a day removed", `DELETE FROM events WHERE day = '2026-03-03'`, "2026-03-05/1", "does not follow 2026-03-02/4"},
	{"removed, the others numbered anew", `DELETE FROM events WHERE (day, no) = ('2026-03-02', 2); UPDATE events SET no = no - 1 WHERE day = '2026-03-02' AND no > 2`, "2026-03-02/2", "does not follow 2026-03-02/1"},
	{"put between days", `INSERT INTO events SELECT at, 99, '2026-03-04', 1, kind, outcome, 'bob', how, role, factor, login, source, object_of, object, reason, approval, before, after,
		sha256('x'), hash FROM events WHERE (day, no) = ('2026-03-03', 1)`, "2026-03-04/1", "was changed"},
	{"swapped", `UPDATE events SET no = no + 10 WHERE day = '2026-03-03'; UPDATE events SET no = CASE no WHEN 11 THEN 2 ELSE 1 END WHERE day = '2026-03-03'`, "2026-03-03/1", "does not follow 2026-03-02/4"},
}

// tampered runs a verification after what only an owner can do who takes the triggers away, and takes it back.
func tampered(t *testing.T, pool *pgxpool.Pool, sql string, anchors ...events.Head) events.Proof {
	t.Helper()
	tx, err := pgtest.Owner(t, pool).Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `ALTER TABLE events DISABLE TRIGGER ALL;`+sql)
	must(t, err)
	p, err := events.Verify(t.Context(), tx, anchors...)
	must(t, err)
	return p
}

func TestTamperingIsFound(t *testing.T) {
	pool := filled(t)
	for _, c := range tampering {
		t.Run(c.name, func(t *testing.T) {
			p := tampered(t, pool, c.sql)
			if !slices.ContainsFunc(p.Faults, func(f events.Fault) bool { return f.Event == c.event && strings.Contains(f.What, c.what) }) {
				t.Errorf("%v, want %s: %s", p.Faults, c.event, c.what)
			}
		})
	}
}

// Who takes the end away, or writes the chain anew from some event on, is found by a head that was kept elsewhere, and by nothing else.
func TestAKeptHeadFindsWhatTheChainCannot(t *testing.T) {
	pool := filled(t)
	all := stored(t, pool)
	first, last := headOf(all[3]), headOf(all[len(all)-1])
	if p := tampered(t, pool, `SELECT`, first, last); len(p.Faults) != 0 || p.Heads != 2 {
		t.Errorf("good chain: %v", p.Faults)
	}
	const cut = `DELETE FROM events WHERE day > '2026-03-03'`
	if p := tampered(t, pool, cut); len(p.Faults) != 0 {
		t.Errorf("without a head: %v", p.Faults)
	}
	if p := tampered(t, pool, cut, last); len(p.Faults) != 1 || p.Faults[0].Event != "2026-03-05/3" || !strings.Contains(p.Faults[0].What, "was removed") {
		t.Errorf("cut: %v", p.Faults)
	}
	const anew = `DELETE FROM events WHERE day > '2026-03-03'`
	tx, err := pgtest.Owner(t, pool).Begin(t.Context())
	must(t, err)
	defer func() { _ = tx.Rollback(context.Background()) }()
	_, err = tx.Exec(t.Context(), `ALTER TABLE events DISABLE TRIGGER ALL;`+anew)
	must(t, err)
	for range 3 {
		must(t, events.Append(t.Context(), tx, event(noon.AddDate(0, 0, 3), events.FileRetry, "another")))
	}
	p, err := events.Verify(t.Context(), tx, first, last)
	if err != nil || len(p.Faults) != 1 || p.Faults[0].Event != "2026-03-05/3" || !strings.Contains(p.Faults[0].What, "after 2026-03-02/4, which a kept head proves") {
		t.Errorf("written anew: %v, %v", p.Faults, err)
	}
}

func headOf(s *events.Stored) events.Head { return events.Head{Day: s.Day, No: s.No, Hash: s.Hash} }

func TestHeadsAreReadAsTheyAreWritten(t *testing.T) {
	h := events.Head{Day: noon.Truncate(24 * time.Hour), No: 17, Hash: slices.Repeat([]byte{0xab}, 32)}
	got, err := events.ParseHeads(h.String() + "\n\n" + h.String() + "\n")
	if err != nil || cmp.Diff([]events.Head{h, h}, got) != "" {
		t.Errorf("%v, %v", got, err)
	}
	other := strings.Replace(h.String(), "ab", "ac", 1)
	for _, bad := range []string{"", "\n", "head", "2026-03-02 17", "2026-03-02 0 " + hex.EncodeToString(h.Hash), "2026-13-02 1 " + hex.EncodeToString(h.Hash), "2026-03-02 1 abcd",
		h.String() + "\n" + other} {
		if _, err := events.ParseHeads(bad); !errors.Is(err, events.ErrHead) {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

// Neither the application nor the owner of the table changes or removes an event.
func TestEventsStay(t *testing.T) {
	pool := filled(t)
	owner := pgtest.Owner(t, pool)
	for _, sql := range []string{`UPDATE events SET actor = 'bob'`, `DELETE FROM events`, `TRUNCATE events`} {
		var refused *pgconn.PgError
		if _, err := pool.Exec(t.Context(), sql); !errors.As(err, &refused) || refused.Code != "42501" {
			t.Errorf("the application: %s: %v", sql, err)
		}
		if _, err := owner.Exec(t.Context(), `SET session_replication_role = replica; `+sql); !errors.As(err, &refused) || refused.Code != "23514" {
			t.Errorf("the owner: %s: %v", sql, err)
		}
	}
}

func TestWhatIsNoEventIsRefused(t *testing.T) {
	pool := pgtest.DB(t)
	for name, spoil := range map[string]func(*events.Event){
		"no time": func(e *events.Event) { e.At = time.Time{} }, "no such kind": func(e *events.Event) { e.Kind = "batch.burn" },
		"nobody": func(e *events.Event) { e.Actor.Name = "" }, "not known how": func(e *events.Event) { e.Actor.How = "rumor" },
		"no outcome": func(e *events.Event) { e.Outcome = "" }, "not JSON": func(e *events.Event) { e.Before = json.RawMessage(`{`) },
		"much JSON": func(e *events.Event) { e.After = json.RawMessage(`"` + strings.Repeat("x", events.MaxJSON) + `"`) },
		"long text": func(e *events.Event) { e.Reason = strings.Repeat("x", events.MaxText+1) }, "no text": func(e *events.Event) { e.Source = "a\x00b" },
	} {
		e := event(noon, events.FileRetry, "1")
		spoil(&e)
		if err := events.Write(t.Context(), pool, e); !errors.Is(err, events.ErrEvent) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if all := names(t, pool); len(all) != 0 {
		t.Errorf("written: %v", all)
	}
}

func TestClippedTextsAreTexts(t *testing.T) {
	e := event(noon, events.FileRetry, events.Clip(strings.Repeat("я", events.MaxText)+"\xff\x00"))
	e.Reason = events.Clip("\xff\x00x")
	write(t, pgtest.DB(t), e)
	if e.Reason != "??x" {
		t.Errorf("%q", e.Reason)
	}
}

// No card data is kept, wherever it stands.
func TestNoCardDataInEvents(t *testing.T) {
	pool := pgtest.DB(t)
	e := event(noon, events.FileRetry, "4111111111111111")
	e.Reason, e.Actor.Name, e.After = "paid with 4111 1111 1111 1111", "4111111111111111", json.RawMessage(`{"card": "4111111111111111", "cvv2": "123"}`)
	write(t, pool, e)
	s := stored(t, pool)[0]
	if all := s.Object + s.Reason + s.Actor + string(s.After); strings.Contains(all, "11111111") || strings.Contains(all, `"123"`) {
		t.Errorf("kept: %+v", s)
	}
}

var errUndone = errors.New("undone")

// An act and its event are one commit: what is rolled back has no event, the second transaction of an act writes none.
func TestAnActAndItsEventAreOneCommit(t *testing.T) {
	pool := pgtest.DB(t)
	act := events.NewAct(event(noon, events.BatchRebuild, "1"))
	ctx := act.In(t.Context())
	in := func(err error) error {
		return postgres.InTx(ctx, pool, postgres.Key{Name: "act"}, func(pgx.Tx) error { return err })
	}
	if err := in(errUndone); !errors.Is(err, errUndone) || act.Written() || len(names(t, pool)) != 0 {
		t.Errorf("rolled back: %v, written %v", err, act.Written())
	}
	must(t, in(nil))
	must(t, in(nil))
	must(t, act.End(t.Context(), pool, events.Done, ""))
	if all := names(t, pool); !act.Written() || len(all) != 1 {
		t.Errorf("written %v: %v", act.Written(), all)
	}
}

// An event that cannot be written lets nothing happen.
func TestNoActWithoutItsEvent(t *testing.T) {
	pool := pgtest.DB(t)
	act := events.NewAct(events.Event{})
	err := postgres.InTx(act.In(t.Context()), pool, postgres.Key{Name: "act"}, func(pgx.Tx) error { return nil })
	if !errors.Is(err, events.ErrEvent) || !errors.Is(err, postgres.ErrRejected) || act.Written() {
		t.Errorf("%v", err)
	}
}

// An act that failed, or was refused, has an event that says why, also when it was interrupted.
func TestEndOfAnAct(t *testing.T) {
	pool := pgtest.DB(t)
	e := event(noon, events.BatchRebuild, "1")
	e.After = json.RawMessage(`{"force":true}`)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	must(t, events.NewAct(e).End(ctx, pool, events.Refused, "batch 1 is replied"))
	must(t, events.NewAct(e).End(ctx, pool, events.Done, ""))
	all := stored(t, pool)
	if len(all) != 2 || all[0].Outcome != events.Refused || string(all[0].After) != `{"error":"batch 1 is replied","asked":{"force":true}}` || all[1].Outcome != events.Done {
		t.Errorf("%+v", all)
	}
}
