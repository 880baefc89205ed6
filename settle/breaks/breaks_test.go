package breaks_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle/breaks"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

var at = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// open are the fingerprints of the breaks that are open.
func open(t *testing.T, db *pgxpool.Pool) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT fingerprint FROM breaks WHERE closed_at IS NULL ORDER BY 1`)
	check(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	return all
}

func TestABreakIsOpenedOnce(t *testing.T) {
	db := pgtest.DB(t)
	b := breaks.Break{Category: breaks.MessageStuck, Fingerprint: "x", Center: 1, Merchant: 7, Order: 8, Amount: money.Amount{Minor: 9, Currency: 933}, Note: "n"}
	first, err := breaks.Open(t.Context(), db, at, b)
	check(t, err)
	other := b
	other.Fingerprint, other.Note = "y", "m"
	second, err := breaks.Open(t.Context(), db, at, b, other)
	check(t, err)
	if len(first) != 1 || len(second) != 1 || second[0].Fingerprint != "y" || second[0].Note != "m" {
		t.Errorf("opened %+v, then %+v", first, second)
	}
	if diff := cmp.Diff([]string{"x", "y"}, open(t, db)); diff != "" {
		t.Error(diff)
	}
	var have breaks.Break
	check(t, db.QueryRow(t.Context(), `SELECT category, fingerprint, center_id, merchant_id, order_ref, amount, currency, note FROM breaks WHERE break_id = $1`, first[0].ID).
		Scan(&have.Category, &have.Fingerprint, &have.Center, &have.Merchant, &have.Order, &have.Amount.Minor, &have.Amount.Currency, &have.Note))
	if have != b {
		t.Errorf("wrote %+v", have)
	}
}

const found = `SELECT $1::text || '/' || n AS fingerprint, 1 AS center_id, ` + breaks.OfNoMerchant + `, $2::text AS note FROM generate_series(1, $3::int) n`

func TestClosedBreaksStayClosedUnlessTheyAreOpenedAgain(t *testing.T) {
	db := pgtest.DB(t)
	for _, want := range []int{2, 0} {
		all, err := breaks.OpenEach(t.Context(), db, breaks.FileNumbers, at, found, "n", 2)
		check(t, err)
		if len(all) != want {
			t.Errorf("opened %d, want %d", len(all), want)
		}
	}
	check(t, breaks.Close(t.Context(), db, at, breaks.Where{Fingerprint: "B-28/1"}, ""))
	all, err := breaks.OpenEach(t.Context(), db, breaks.FileNumbers, at, found, "n", 2)
	check(t, err)
	again, err := breaks.ReopenEach(t.Context(), db, breaks.FileNumbers, at, found, "n", 2)
	check(t, err)
	if len(all) != 0 || len(again) != 1 || again[0].Fingerprint != "B-28/1" {
		t.Errorf("opened %+v, and again %+v", all, again)
	}
}

func TestOnlyWhatIsSaidIsClosed(t *testing.T) {
	for _, c := range []struct {
		where breaks.Where
		left  []string
	}{
		{breaks.Where{Fingerprint: "a/1"}, []string{"a", "a/2", "ab", "b"}},
		{breaks.Where{Under: "a"}, []string{"ab", "b"}},
		{breaks.Where{Under: "a", Except: "a/2"}, []string{"a/2", "ab", "b"}},
		{breaks.Where{Category: breaks.PaidTwice}, []string{"a", "a/1", "a/2", "ab"}},
		{breaks.Where{Category: breaks.PaidTwice, Center: 2}, []string{"a", "a/1", "a/2", "ab", "b"}},
	} {
		db := pgtest.DB(t)
		var all []breaks.Break
		for _, print := range []string{"a", "a/1", "a/2", "ab"} {
			all = append(all, breaks.Break{Category: breaks.OtherTerms, Fingerprint: print, Center: 1})
		}
		_, err := breaks.Open(t.Context(), db, at, append(all, breaks.Break{Category: breaks.PaidTwice, Fingerprint: "b", Center: 1})...)
		check(t, err)
		check(t, breaks.Close(t.Context(), db, at, c.where, "; done"))
		if diff := cmp.Diff(c.left, open(t, db)); diff != "" {
			t.Errorf("%+v: %s", c.where, diff)
		}
	}
}

func TestNobodyClosesAll(t *testing.T) {
	for _, w := range []breaks.Where{{}, {Except: "x"}, {Center: 1}} {
		if err := breaks.Close(t.Context(), pgtest.DB(t), at, w, ""); err == nil {
			t.Errorf("%+v closes", w)
		}
	}
}

func TestCountTellsTheOldest(t *testing.T) {
	db := pgtest.DB(t)
	for n, print := range []string{"a", "b"} {
		_, err := breaks.Open(t.Context(), db, at.Add(time.Duration(n)*time.Hour), breaks.Break{Category: breaks.PaidTwice, Fingerprint: print})
		check(t, err)
	}
	all, err := breaks.Count(t.Context(), db)
	check(t, err)
	if len(all) != 1 || all[0].Category != breaks.PaidTwice || all[0].Count != 2 || !all[0].Since.Equal(at) {
		t.Errorf("counted %+v", all)
	}
}

func TestKindsAreInOrderAndSaySomething(t *testing.T) {
	if !slices.IsSortedFunc(breaks.Kinds, func(a, b breaks.Kind) int { return strings.Compare(string(a.Category), string(b.Category)) }) {
		t.Error("not in the order of their codes")
	}
	for i, k := range breaks.Kinds {
		if k.Meaning == "" || k.Closing == "" || k.Closer == "" || i > 0 && k.Category == breaks.Kinds[i-1].Category {
			t.Errorf("%+v", k)
		}
	}
}
