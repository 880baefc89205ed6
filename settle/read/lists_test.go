package read_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/read"
	"settled/settle/settletest"
	"settled/settle/subscription"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// fill writes 40,000 refused records of eleven windows and as many subscriptions, most of them long decided. Three of each
// have the same instant.
const fill = `
INSERT INTO rejects (window_id, record_id, merchant_id, order_id, reply_id, line, slice, kind, amount, currency, class, code, state, rejected_at)
SELECT 1 + n / 4000, n, 100001, 5100001000000000 + n, 1, n, 1, 1 + n %% 2, n, CASE WHEN n %% 5 = 0 THEN 978 ELSE 933 END, CASE WHEN n %% 3 = 0 THEN 'technical' ELSE 'merchant' END,
	'0042', CASE WHEN n %% 1000 = 0 THEN 'rejected' WHEN n %% 2 = 0 THEN 'superseded' ELSE 'abandoned' END, %[1]s
FROM generate_series(1, 40000) n;
INSERT INTO orders (merchant_id, order_id, ordernumber, attempt, amount, authorized, confirmed, currency, status, created_at,
	exchange_id, center_id, two_stage, card_mask, card_expiry, card, fingerprint)
SELECT 100001 + n %% 50, 5100001000000000 + n, n, 1, 100, 100, 100, 933, 2, %[1]s, n, 1, false, '411111****1111', '2812', '\x00', '\x00' FROM generate_series(1, 40000) n;
INSERT INTO subscriptions (merchant_id, order_id, min_amount, max_amount, currency, period_days, last_date, state, created_at)
SELECT 100001 + n %% 50, 5100001000000000 + n, 1, n, 933, 30, '2027-01-01', 1 + n %% 5, %[1]s FROM generate_series(1, 40000) n;
INSERT INTO events (day, no, of_kind, at, kind, outcome, actor, how, role, factor, login, source, object_of, object, reason, previous, hash)
SELECT date '2026-02-01' + n / 1000, 1 + n %% 1000, n, %[1]s, CASE WHEN n %% 50 = 0 THEN 'batch.rebuild' ELSE 'file.retry' END, 'done', CASE WHEN n %% 100 = 0 THEN 'alice' ELSE 'bob' END, 'os', '', '', 'settled', 'db1',
	'batch', n %% 500, 'x', sha256(n::text::bytea), sha256(n::text::bytea) FROM generate_series(1, 40000) n`

func filled(t *testing.T) *settletest.World {
	t.Helper()
	w := settletest.New(t)
	owner := pgtest.Owner(t, w.Pool) // tables are summed up by their owner
	for _, sql := range []string{fmt.Sprintf(fill, `timestamptz '2026-02-01 00:00Z' + n / 3 * interval '1 second'`), `ANALYZE rejects, subscriptions, orders, events`} {
		if _, err := owner.Exec(t.Context(), sql, pgx.QueryExecModeSimpleProtocol); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// A list is the same however large its parts are, and its totals are those of the whole selection in each part.
func TestRejectsPartByPart(t *testing.T) {
	w := filled(t)
	books := read.New(w.Pool, w.Dir)
	for _, f := range []read.RejectFilter{{State: settle.RejectUnresolved}, {State: settle.RejectUnresolved, Class: read.RejectTechnical}} {
		whole, totals, err := books.Rejects(t.Context(), f, listing.Range{})
		if err != nil || whole.Next != "" {
			t.Fatalf("%+v: next %q, %v", f, whole.Next, err)
		}
		if want := expected(f); !slices.Equal(numbers(whole.Rows), want) {
			t.Errorf("%+v: %v, not %v", f, numbers(whole.Rows), want)
		}
		var parts []read.Reject
		for r := (listing.Range{Limit: 7}); ; {
			part, again, err := books.Rejects(t.Context(), f, r)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(totals, again); diff != "" {
				t.Errorf("totals of a part differ:\n%s", diff)
			}
			parts = append(parts, part.Rows...)
			if r.After = part.Next; r.After == "" {
				break
			}
		}
		if diff := cmp.Diff(whole.Rows, parts); diff != "" {
			t.Errorf("%+v: parts make another list:\n%s", f, diff)
		}
	}
}

// expected are the numbers of the filled rejects that wait, in the order of their list.
func expected(f read.RejectFilter) (all []int64) {
	for n := int64(40000); n > 0; n -= 1000 {
		if f.Class == "" || n%3 == 0 {
			all = append(all, n)
		}
	}
	return all
}

func numbers(rejects []read.Reject) (all []int64) {
	for _, j := range rejects {
		all = append(all, j.Record)
	}
	return all
}

// All states together are one list, from the latest window to the first.
func TestRejectsOfAllStates(t *testing.T) {
	w := filled(t)
	books := read.New(w.Pool, w.Dir)
	var got []int64
	for r := (listing.Range{Limit: 4}); len(got) < 12; {
		part, totals, err := books.Rejects(t.Context(), read.RejectFilter{}, r)
		if err != nil {
			t.Fatal(err)
		}
		if want := (listing.Total{Of: "sale", Currency: money.EUR, Rows: 4000, Amount: 80020000}); len(totals) != 4 || totals[1] != want {
			t.Errorf("totals: %+v", totals)
		}
		got, r.After = append(got, numbers(part.Rows)...), part.Next
	}
	if want := []int64{40000, 39999, 39998, 39997, 39996, 39995, 39994, 39993, 39992, 39991, 39990, 39989}; !slices.Equal(got, want) {
		t.Errorf("%v, not %v", got, want)
	}
}

func TestSubscriptionsPartByPart(t *testing.T) {
	w := filled(t)
	books := read.New(w.Pool, w.Dir)
	live := []subscription.State{subscription.Created, subscription.Active}
	for _, f := range []read.SubscriptionFilter{{Merchant: 100007, States: live}, {Merchant: 100007}, {Merchant: 999999}} {
		whole, err := books.Subscriptions(t.Context(), f, listing.Range{})
		if err != nil {
			t.Fatal(err)
		}
		parts, err := listing.All(func(r listing.Range) (listing.Part[read.Subscription], error) {
			r.Limit = 9
			return books.Subscriptions(t.Context(), f, r)
		})
		if err != nil || len(whole.Rows) != len(parts) || len(parts) > 0 && !cmp.Equal(whole.Rows, parts) {
			t.Errorf("%+v: %d rows, in parts %d, %v", f, len(whole.Rows), len(parts), err)
		}
		for _, s := range parts {
			if s.Merchant != f.Merchant || s.Center != settletest.FileCenter || len(f.States) > 0 && !slices.Contains(f.States, s.State) {
				t.Errorf("%+v lists %+v", f, s)
			}
		}
	}
}

var (
	aDay        = time.Date(2026, 2, 5, 0, 0, 0, 0, time.UTC)
	anHourIn    = time.Date(2026, 2, 1, 1, 0, 0, 0, time.UTC)
	states, all = []string{"rejected", "superseded", "abandoned"}, []int16{}
)

// planned are the lists by the indexes that they go by, with the arguments of a first part and of a later one. docs/reading.md names the
// same indexes.
var planned = []struct {
	index, sql string
	first      []any
	later      []any
}{
	{"rejects_waiting", read.ListWaitingRejects, []any{states[:1], "", math.MaxInt32, math.MaxInt64, 101}, []any{states[:1], "", 3, 10800, 101}},
	{"rejects_pkey", read.ListRejects, []any{states, "", math.MaxInt32, math.MaxInt64, 101}, []any{states[1:2], "", 3, 10800, 101}},
	{"breaks_open", read.ListOpenBreaks, []any{"assign", "", 0, 0, "", math.MaxInt64, 101}, []any{"assign", "B-05", 1, 0, "", 20000, 101}},
	{"breaks_pkey", read.ListBreaks, []any{"assign", "", 0, 0, "", math.MaxInt64, 101}, []any{"assign", "", 1, 0, "", 20000, 101}},
	{"subscriptions_by_time", read.ListSubscriptions, []any{all, nil, 0, 101}, []any{all, anHourIn, 5100001000010800, 101}},
	{"events_pkey", read.ListEvents, []any{nil, nil, math.MaxInt32}, []any{aDay, aDay, 7}},
	{"events_by_kind", read.ListEventsOfKind, []any{nil, nil, math.MaxInt32, "batch.rebuild"}, []any{aDay, aDay.AddDate(0, 0, 20), 7, "batch.rebuild"}},
	{"events_by_actor", read.ListEventsOfActor, []any{nil, nil, math.MaxInt32, "alice"}, []any{aDay, aDay.AddDate(0, 0, 20), 7, "alice"}},
	{"events_by_object", read.ListEventsOfObject, []any{nil, nil, math.MaxInt32, "batch", "7"}, []any{aDay, aDay.AddDate(0, 0, 20), 7, "batch", "7"}},
	{"subscriptions_of_merchant", read.ListSubscriptionsOfMerchant, []any{all, nil, 0, 101, 100007}, []any{all, anHourIn, 5100001000010800, 101, 100007}},
}

// A part is read by an index, the first one and a later one, and no table is read whole.
func TestListsReadByIndexes(t *testing.T) {
	w := filled(t)
	writeBreaks(t, w)
	for _, c := range planned {
		for _, args := range [][]any{c.first, c.later} {
			plan := explained(t, w, c.sql, args)
			if !strings.Contains(plan, c.index) || strings.Contains(plan, "Seq Scan on rejects") || strings.Contains(plan, "Seq Scan on subscriptions") || strings.Contains(plan, "Seq Scan on events") || strings.Contains(plan, "Seq Scan on breaks") {
				t.Errorf("%s is not used with %v:\n%s", c.index, args, plan)
			}
		}
	}
}

func explained(t *testing.T, w *settletest.World, sql string, args []any) string {
	t.Helper()
	rows, err := w.Pool.Query(t.Context(), "EXPLAIN (COSTS off) "+sql, args...)
	if err != nil {
		t.Fatal(err)
	}
	lines, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(lines, "\n")
}

// Events are listed the newest first, the same however large the parts are, and only those that were asked for.
func TestEventsPartByPart(t *testing.T) {
	w := filled(t)
	books := read.New(w.Pool, w.Dir)
	for _, c := range []struct {
		f    read.EventFilter
		want int
	}{
		{read.EventFilter{Kind: events.BatchRebuild}, 800}, {read.EventFilter{Actor: "alice"}, 400}, {read.EventFilter{Object: events.Object{Kind: "batch", ID: "7"}}, 80},
		{read.EventFilter{Object: events.Object{Kind: "batch", ID: "7"}, Since: aDay}, 72}, {read.EventFilter{Actor: "bob", Kind: events.BatchRebuild, Since: aDay.AddDate(0, 0, 35)}, 10},
		{read.EventFilter{Since: aDay.AddDate(0, 0, 35)}, 1001}, {read.EventFilter{Actor: "nobody"}, 0},
	} {
		parts, err := listing.All(func(r listing.Range) (listing.Part[events.Stored], error) {
			r.Limit = 97
			return books.Events(t.Context(), c.f, r)
		})
		if err != nil || len(parts) != c.want {
			t.Errorf("%+v: %d events, want %d, %v", c.f, len(parts), c.want, err)
		}
		for i, s := range parts {
			if i > 0 && !(s.Day.Before(parts[i-1].Day) || s.Day.Equal(parts[i-1].Day) && s.No < parts[i-1].No) {
				t.Fatalf("%s after %s", s.Name(), parts[i-1].Name())
			}
		}
	}
	for _, f := range []read.EventFilter{{Kind: "batch.burn"}, {Object: events.Object{ID: "7"}}} {
		if _, err := books.Events(t.Context(), f, listing.Range{}); !errors.Is(err, read.ErrFilter) {
			t.Errorf("%+v: %v", f, err)
		}
	}
}

// What is not understood is refused, never taken for everything.
func TestFiltersAreRefused(t *testing.T) {
	w := settletest.New(t)
	books := read.New(w.Pool, w.Dir)
	for _, f := range []read.RejectFilter{{State: "open"}, {Class: "other"}} {
		if _, _, err := books.Rejects(t.Context(), f, listing.Range{}); !errors.Is(err, read.ErrFilter) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for _, f := range []read.SubscriptionFilter{{Merchant: -1}, {States: []subscription.State{6}}, {States: []subscription.State{0}}} {
		if _, err := books.Subscriptions(t.Context(), f, listing.Range{}); !errors.Is(err, read.ErrFilter) {
			t.Errorf("%+v: %v", f, err)
		}
	}
	for after, want := range map[string]error{"subscription/2026-03-02T07:00:00Z/1": listing.ErrKey, "reject/2026-03-02T07:00:00Z/1": listing.ErrKey, "17": listing.ErrKey} {
		if _, _, err := books.Rejects(t.Context(), read.RejectFilter{}, listing.Range{After: after}); !errors.Is(err, want) {
			t.Errorf("%q: %v", after, err)
		}
	}
	if _, err := books.Subscriptions(t.Context(), read.SubscriptionFilter{}, listing.Range{Limit: listing.MaxLimit + 1}); !errors.Is(err, listing.ErrLimit) {
		t.Errorf("more than the most: %v", err)
	}
}
