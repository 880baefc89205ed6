package clearing_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/schedules"
	"settled/settle"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// cutAt configures the cut-off of every day.
func (w *world) cutAt(hour, minute int) {
	w.t.Helper()
	w.reconfigure(func(p *clearing.Profile) {
		p.Plan.Windows = []schedules.Window{{No: 1, Cutoff: schedules.NewTimeOfDay(hour, minute), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.AllDays}}
	})
}

func (w *world) replan(dry bool) clearing.Replanned {
	w.t.Helper()
	done, err := w.night.Replan(w.t.Context(), settletest.FileCenter, time.Time{}, "agreed with the center", dry)
	check(w.t, err)
	return done
}

// cutoffs are the UTC times of day of the windows to come, each with how many there are.
func (w *world) cutoffs() string {
	w.t.Helper()
	return query[string](w, `SELECT coalesce(string_agg(at || ' ' || n, ', ' ORDER BY at), '') FROM (
		SELECT to_char(cutoff_at AT TIME ZONE 'UTC', 'HH24:MI') AS at, count(*) AS n FROM windows WHERE center_id = 1 AND cutoff_at > $1 GROUP BY 1) t`, w.Clock.Now())
}

func (w *world) planState() clearing.PlanState {
	w.t.Helper()
	all, err := w.night.PlanStates(w.t.Context(), w.Clock.Now())
	check(w.t, err)
	return all[0]
}

// TestReplan moves the cut-off to 22:00: the window that holds a record keeps its own, the following ones move. Until a person says
// so nothing moves, and the difference is told.
func TestReplan(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	var log bytes.Buffer
	w.opt.Log = slog.New(slog.NewTextHandler(&log, nil))
	w.cutAt(22, 0)
	_, err := w.night.PlanWindows(t.Context(), w.Clock.Now())
	check(t, err)
	if said := log.String(); !strings.Contains(said, "planned windows differ from the calendar") || !strings.Contains(said, `mend="settled window replan --center PC-A`) {
		t.Errorf("logged %s", said)
	}
	_, registry := w.second(&quiet{})
	if all := samples(t, registry); all["settled_windows_differing{PC-A,ipm}"] != 26 || all["settled_windows_planned_seconds{PC-A,ipm}"] != (14*24*time.Hour+13*time.Hour).Seconds() ||
		all["settled_calendar_ends_days{BY-test,PC-A}"] != 669 {
		t.Errorf("metered %v %v %v", all["settled_windows_differing{PC-A,ipm}"], all["settled_windows_planned_seconds{PC-A,ipm}"], all["settled_calendar_ends_days{BY-test,PC-A}"])
	}
	if s := w.planState(); s.Differing != 26 || !strings.Contains(s.First, "window 1 of 2026-03-03") || !strings.Contains(s.Mend, "--center PC-A") {
		t.Errorf("%+v", s)
	}
	before := w.cutoffs()
	if dry := w.replan(true); len(dry.Removed) != 13 || len(dry.Made) != 13 || len(dry.Stays) != 1 || dry.Stays[0].Stays != "it holds records" || w.cutoffs() != before {
		t.Errorf("dry: %d removed, %d made, %+v stays; %s, %s before", len(dry.Removed), len(dry.Made), dry.Stays, w.cutoffs(), before)
	}
	done := w.replan(false)
	if got := w.cutoffs(); got != "19:00 14, 20:00 1" || done.Replan == 0 {
		t.Errorf("cut-offs %s, replan %d", got, done.Replan)
	}
	if s := w.planState(); s.Differing != 0 || s.First != "" {
		t.Errorf("after it: %+v", s)
	}
	if reason := query[string](w, `SELECT reason || ' ' || jsonb_array_length(removed) || ' ' || jsonb_array_length(made) FROM replans`); reason != "agreed with the center 13 13" {
		t.Errorf("kept %q", reason)
	}
	if again := w.replan(false); again.Replan != 0 || len(again.Removed)+len(again.Made) != 0 {
		t.Errorf("again: %+v", again)
	}
	w.cutoff()
	w.settleDown()
	w.audited()
}

// TestPlanningChangesNothingThatIs adds a second window to each day: it is not put between those that exist until a person says so.
func TestPlanningChangesNothingThatIs(t *testing.T) {
	w := newWorld(t, nil)
	w.reconfigure(func(p *clearing.Profile) {
		p.Plan.Windows = []schedules.Window{
			{No: 1, Cutoff: schedules.NewTimeOfDay(12, 0), Deadline: schedules.NewTimeOfDay(12, 45), Days: schedules.AllDays},
			{No: 2, Cutoff: schedules.NewTimeOfDay(23, 0), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.AllDays}}
	})
	_, err := w.night.PlanWindows(t.Context(), w.Clock.Now())
	check(t, err)
	if got := w.cutoffs(); got != "09:00 1, 20:00 15" { // the day that was planned last is of the new plan
		t.Errorf("planned by itself: %s", got)
	}
	w.replan(false)
	if got := w.cutoffs(); got != "09:00 15, 20:00 15" {
		t.Errorf("replanned: %s", got)
	}
	w.audited()
}

// TestReplanAfterTheDayWasCut seals by hand in the morning: the number of the rest of the day is not one of the plan, and is right.
func TestReplanAfterTheDayWasCut(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	_, err := w.night.SealNow(t.Context(), settletest.FileCenter)
	check(t, err)
	if s := w.planState(); s.Differing != 0 {
		t.Errorf("after a cut by hand: %+v", s)
	}
	w.cutAt(22, 30)
	w.replan(false)
	if got := w.cutoffs(); got != "19:30 15" {
		t.Errorf("cut-offs %s", got)
	}
	w.Pay(t, settletest.Payment{Number: "2", Amount: byn(100)})
	if got := query[string](w, `SELECT business_date || ' ' || window_no FROM windows JOIN records USING (window_id) ORDER BY record_id DESC LIMIT 1`); got != "2026-03-02 2" {
		t.Errorf("the record is in %s", got)
	}
	w.audited()
}

// TestReplanKeepsWhatHasRecords also keeps the windows before it, names each reason, and plans from a date on.
func TestReplanKeepsWhatHasRecords(t *testing.T) {
	w := newWorld(t, nil)
	w.Clock.Advance(24 * time.Hour)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.Clock.Advance(-24 * time.Hour) // a clock was ahead
	w.cutAt(22, 0)
	from := time.Date(2026, 3, 6, 0, 0, 0, 0, time.UTC)
	done, err := w.night.Replan(t.Context(), settletest.FileCenter, from, "from Friday on", false)
	check(t, err)
	var stays []string
	for _, s := range done.Stays {
		stays = append(stays, s.BusinessDate.Format("02 ")+s.Stays)
	}
	want := []string{"02 its business date is before 2026-03-06", "03 it holds records", "04 its business date is before 2026-03-06", "05 its business date is before 2026-03-06"}
	if slices.Sort(stays); !slices.Equal(stays, want) {
		t.Errorf("stays: %q", stays)
	}
	if got := w.cutoffs(); got != "19:00 11, 20:00 4" {
		t.Errorf("cut-offs %s", got)
	}
}

// TestReplanNeedsTheCalendar refuses to plan what the calendar does not cover, and a plan without a window.
func TestReplanNeedsTheCalendar(t *testing.T) {
	w := newWorld(t, nil)
	before := w.cutoffs()
	var err error
	calendar := func(data schedules.CalendarData) {
		w.reconfigure(func(p *clearing.Profile) {
			p.Plan.Calendar, err = schedules.NewCalendar(data)
			check(t, err)
			p.Plan.Windows = []schedules.Window{{No: 1, Cutoff: schedules.NewTimeOfDay(22, 0), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.BusinessDays}}
		})
	}
	calendar(schedules.CalendarData{Name: "short", Horizon: schedules.NewDate(2026, 3, 8)})
	if _, err := w.night.Replan(t.Context(), settletest.FileCenter, time.Time{}, "x", false); !errors.Is(err, schedules.ErrBeyondHorizon) {
		t.Errorf("a calendar that ends: %v", err)
	}
	var holidays []schedules.Date
	for d := schedules.NewDate(2026, 3, 1); d.Before(schedules.NewDate(2026, 4, 1)); d = d.AddDays(1) {
		holidays = append(holidays, d)
	}
	calendar(schedules.CalendarData{Name: "rest", Horizon: schedules.NewDate(2026, 12, 31), Holidays: holidays})
	if _, err := w.night.Replan(t.Context(), settletest.FileCenter, time.Time{}, "x", false); !errors.Is(err, clearing.ErrNoneLeft) {
		t.Errorf("a month of rest: %v", err)
	}
	if got := w.cutoffs(); got != before || query[int](w, `SELECT count(*) FROM replans`) != 0 {
		t.Errorf("changed to %s", got)
	}
}

// TestReplanOverTheChangeOfClocks plans cut-offs anew in the nights when clocks change in Berlin.
func TestReplanOverTheChangeOfClocks(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	check(t, err)
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.Plan.Zone = berlin })
	w.Clock.Set(time.Date(2026, 3, 24, 6, 0, 0, 0, time.UTC))
	_, err = w.night.PlanWindows(t.Context(), w.Clock.Now())
	check(t, err)
	w.cutAt(2, 30) // skipped on Sunday the 29th: the first instant after the gap
	w.replan(false)
	got := query[string](w, `SELECT string_agg(to_char(cutoff_at AT TIME ZONE 'UTC', 'DD HH24:MI'), ', ' ORDER BY cutoff_at) FROM windows
		WHERE center_id = 1 AND business_date BETWEEN '2026-03-28' AND '2026-03-30'`)
	if got != "28 01:30, 29 01:00, 30 00:30" {
		t.Errorf("cut-offs %s", got)
	}
	if s := w.planState(); s.Differing != 0 {
		t.Errorf("%+v", s)
	}
	w.audited()
}

// TestReplanWhilePaymentsAndSealsRun plans anew again and again between two layouts while payments are made and windows are cut by
// hand: every record stays in the window of its instant, and the books agree.
func TestReplanWhilePaymentsAndSealsRun(t *testing.T) {
	w := newWorld(t, nil)
	ctx, stop := context.WithCancel(t.Context())
	var work sync.WaitGroup
	work.Go(func() {
		for i := 0; ctx.Err() == nil && i < 40; i++ {
			w.Pay(t, settletest.Payment{Number: fmt.Sprint("p", i), Amount: byn(100)})
			w.Clock.Advance(time.Minute)
		}
		stop()
	})
	work.Go(func() {
		for ctx.Err() == nil {
			_, err := w.night.SealNow(ctx, settletest.FileCenter)
			if err != nil && ctx.Err() == nil && !errors.Is(err, states.ErrNotFound) && !errors.Is(err, states.ErrOrder) {
				t.Errorf("seal: %v", err)
			}
		}
	})
	opt := w.opt
	for _, hour := range []int{21, 22} {
		o := opt
		p := o.Profiles[settletest.FileCenter]
		p.Plan.Windows = []schedules.Window{{No: 1, Cutoff: schedules.NewTimeOfDay(hour, 0), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.AllDays}}
		o.Profiles = map[int16]clearing.Profile{settletest.FileCenter: p}
		night, err := clearing.New(o)
		check(t, err)
		work.Go(func() {
			for ctx.Err() == nil {
				if _, err := night.Replan(ctx, settletest.FileCenter, time.Time{}, "again", false); err != nil && ctx.Err() == nil {
					t.Errorf("replan: %v", err)
				}
				if _, err := night.PlanWindows(ctx, w.Clock.Now()); err != nil && ctx.Err() == nil {
					t.Errorf("plan: %v", err)
				}
			}
		})
	}
	work.Wait()
	check(t, func() error { _, err := w.night.SealDue(t.Context(), w.Clock.Now()); return err }())
	if n := query[int](w, `SELECT count(*) FROM records r LEFT JOIN windows w USING (window_id) WHERE w.window_id IS NULL`); n != 0 {
		t.Errorf("%d records lost their window", n)
	}
	if n := query[int](w, `SELECT count(*) FROM replans`); n < 2 {
		t.Errorf("%d replans", n)
	}
	w.audited()
}

// TestRecordsKeepTheirWindow tries, past our own code, to take a window from its records: a writer that has not committed yet is
// waited for, and the constraint refuses.
func TestRecordsKeepTheirWindow(t *testing.T) {
	w := newWorld(t, nil)
	owner := pgtest.Owner(t, w.Pool)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	for sql, constraint := range map[string]string{
		`DELETE FROM windows WHERE window_id = (SELECT max(window_id) FROM records)`:                                                                                             "records_keep_their_window",
		`UPDATE windows SET cutoff_at = cutoff_at + interval '1 minute' WHERE center_id = 1`:                                                                                     "cutoff_comes_no_later",
		`INSERT INTO windows (center_id, window_no, stream, business_date, cutoff_at, deadline_at) VALUES (1, 7, 'ipm', '2026-03-02', '2026-03-02T06:01Z', '2026-03-02T07:00Z')`: "windows_do_not_overlap",
	} {
		var refused *pgconn.PgError
		if _, err := owner.Exec(t.Context(), sql); !errors.As(err, &refused) || refused.ConstraintName != constraint {
			t.Errorf("%s: %v, want %s", sql, err, constraint)
		}
	}
	deleted := make(chan error, 1)
	check(t, postgres.InTx(t.Context(), w.Pool, postgres.Key{Name: "writer"}, func(tx pgx.Tx) error {
		_, err := tx.Exec(t.Context(), `SELECT pg_advisory_xact_lock_shared(99053885, 1)`)
		check(t, err)
		_, err = tx.Exec(t.Context(), `INSERT INTO records SELECT (r).* FROM (SELECT jsonb_populate_record(x, jsonb_build_object('record_id', x.record_id + 1,
			'window_id', (SELECT max(window_id) FROM windows WHERE center_id = 1))) AS r FROM records x) s`)
		check(t, err)
		go func() {
			_, err := owner.Exec(context.Background(), `DELETE FROM windows WHERE window_id = (SELECT max(window_id) FROM windows WHERE center_id = 1)`)
			deleted <- err
		}()
		select {
		case err := <-deleted:
			t.Errorf("did not wait for the writer: %v", err)
		case <-time.After(300 * time.Millisecond):
		}
		return nil
	}))
	var refused *pgconn.PgError
	if err := <-deleted; !errors.As(err, &refused) || refused.ConstraintName != "records_keep_their_window" {
		t.Errorf("after the writer: %v", err)
	}
}

// TestCalendarThatEndsIsPaged plans with a calendar that ends sooner and sooner: the pages come before payments are refused, and a
// step of the night goes on.
func TestCalendarThatEndsIsPaged(t *testing.T) {
	w := newWorld(t, nil)
	var err error
	w.reconfigure(func(p *clearing.Profile) {
		p.Plan.Calendar, err = schedules.NewCalendar(schedules.CalendarData{Name: "short", Horizon: schedules.NewDate(2026, 3, 17)})
		check(t, err)
	})
	night, registry := w.second(&quiet{})
	pages := func() string {
		all := samples(t, registry)
		return fmt.Sprintf("%v %v", all["settled_clearing_pages_total{PC-A,calendar_ends}"], all["settled_clearing_pages_total{PC-A,windows_run_out}"])
	}
	for _, tt := range []struct {
		day   int
		pages string
	}{{2, "0 0"}, {3, "0 0"}, {4, "1 0"}, {14, "2 0"}, {16, "3 1"}} {
		w.Clock.Set(time.Date(2026, 3, tt.day, 6, 0, 0, 0, time.UTC))
		if _, err := night.Step(t.Context()); err != nil {
			t.Errorf("day %d: %v", tt.day, err)
		}
		if got := pages(); got != tt.pages {
			t.Errorf("day %d: pages %s, want %s", tt.day, got, tt.pages)
		}
		w.Pay(t, settletest.Payment{Number: fmt.Sprint("day ", tt.day), Amount: byn(100)})
	}
	w.Clock.Set(time.Date(2026, 3, 18, 6, 0, 0, 0, time.UTC))
	if _, _, err := w.TryBegin(t, settletest.Payment{Number: "after the end", Amount: byn(100)}); !errors.Is(err, settle.ErrNoWindow) || !strings.Contains(err.Error(), "PC-A was cut off at 2026-03-17T20:00:00Z; settled doctor says why") {
		t.Errorf("after the end: %v", err)
	}
}

// TestWindowsAreComparedWithoutReadingTheRecords has many records in a window that is sealed: what looks for records of others, under
// the center's lock too, never reads the table.
func TestWindowsAreComparedWithoutReadingTheRecords(t *testing.T) {
	w := newWorld(t, nil)
	owner := pgtest.Owner(t, w.Pool)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.cutoff()
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	_, err = owner.Exec(t.Context(), `CREATE TEMP TABLE one AS SELECT * FROM records;
		INSERT INTO records (record_id, order_id, amount, exchange_id, born_at, authorized_at, window_id, merchant_id, currency, operation, kind, slice, sequence,
			final, card_expiry, approval_code, card)
		SELECT 1000000 + g, order_id, amount, exchange_id, born_at, authorized_at, window_id, merchant_id, currency, operation, kind, slice, sequence,
			final, card_expiry, approval_code, card FROM one, generate_series(1, 20000) g;
		ANALYZE records; ANALYZE windows`)
	check(t, err)
	read := func() (n int64) {
		w.Pool.Reset() // a session sends its statistics when it ends
		time.Sleep(500 * time.Millisecond)
		check(t, owner.QueryRow(t.Context(), `SELECT seq_tup_read FROM pg_stat_user_tables WHERE relname = 'records'`).Scan(&n))
		return n
	}
	before := read()
	w.Clock.Advance(4 * time.Hour) // the next day
	w.cutAt(22, 0)
	if s := w.planState(); s.Differing == 0 {
		t.Error("nothing differs")
	}
	w.replan(false)
	_, err = w.night.SealNow(t.Context(), settletest.FileCenter)
	check(t, err)
	w.Clock.Advance(24 * time.Hour)
	made, err := w.night.PlanWindows(t.Context(), w.Clock.Now())
	check(t, err)
	if made == 0 {
		t.Error("no window was made")
	}
	all, err := w.night.PlannedWindows(t.Context(), clearing.Query{})
	check(t, err)
	if len(all) == 0 || all[0].Records != 20_001 {
		t.Errorf("%d windows, the first holds %d records", len(all), all[0].Records)
	}
	if n := read() - before; n > 0 {
		t.Errorf("%d records were read one after another", n)
	}
}
