package breaks_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle/breaks"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/sync/errgroup"
)

// written are the notes of a break, as "no kind words by actor".
func written(t *testing.T, db *pgxpool.Pool, id int64) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), `SELECT no || ' ' || kind || ' ' || words || ' by ' || actor FROM break_notes WHERE break_id = $1 ORDER BY no`, id)
	check(t, err)
	all, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(t, err)
	return all
}

func opened(t *testing.T, db *pgxpool.Pool) int64 {
	t.Helper()
	all, err := breaks.Open(t.Context(), db, at, breaks.Break{Category: breaks.PaidTwice, Fingerprint: "x", Center: 1, Amount: money.Amount{Minor: 9, Currency: 933}, Note: "n"})
	check(t, err)
	return all[0].ID
}

func TestNotes(t *testing.T) {
	db := pgtest.DB(t)
	id := opened(t, db)
	say := func(kind breaks.NoteKind, words string) error {
		return breaks.Write(t.Context(), db, id, breaks.Note{At: at, Actor: "ann", Kind: kind, Words: words})
	}
	check(t, say(breaks.Comment, "  asked the bank, card 4111 1111 1111 1111 "))
	check(t, say(breaks.Assign, "bob"))
	check(t, say(breaks.Assign, ""))
	for _, n := range []breaks.Note{
		{At: at, Actor: "ann", Kind: breaks.Comment, Words: " "}, {At: at, Actor: "ann", Kind: "close", Words: "x"}, {At: at, Kind: breaks.Comment, Words: "x"},
		{Actor: "ann", Kind: breaks.Comment, Words: "x"}, {At: at, Actor: "ann", Kind: breaks.Comment, Words: strings.Repeat("x", breaks.MaxWords+1)},
		{At: at, Actor: "ann", Kind: breaks.Comment, Words: "a\x00b"}, {At: at, Actor: "ann", Kind: breaks.Comment, Words: "a\xff"},
	} {
		if err := breaks.Write(t.Context(), db, id, n); !errors.Is(err, breaks.ErrWords) {
			t.Errorf("%+v: %v", n, err)
		}
	}
	if err := breaks.Write(t.Context(), db, id+1, breaks.Note{At: at, Actor: "ann", Kind: breaks.Comment, Words: "x"}); !errors.Is(err, breaks.ErrNone) {
		t.Errorf("a break that is not there: %v", err)
	}
	check(t, breaks.Close(t.Context(), db, at.Add(time.Hour), breaks.Where{ID: id}, "; ended"))
	if err := say(breaks.Assign, "bob"); !errors.Is(err, breaks.ErrEnded) {
		t.Errorf("a closed break was given to somebody: %v", err)
	}
	check(t, say(breaks.Comment, "seen"))
	want := []string{"1 comment asked the bank, card 4111 11** **** 1111 by ann", "2 assign bob by ann", "3 assign  by ann", "4 comment seen by ann"}
	if diff := cmp.Diff(want, written(t, db, id)); diff != "" {
		t.Error(diff)
	}
}

// TestNotesAtOneTime have numbers of their own, without gaps.
func TestNotesAtOneTime(t *testing.T) {
	db := pgtest.DB(t)
	id := opened(t, db)
	var all errgroup.Group
	for range 16 {
		all.Go(func() error {
			return breaks.Write(t.Context(), db, id, breaks.Note{At: at, Actor: "ann", Kind: breaks.Comment, Words: "x"})
		})
	}
	check(t, all.Wait())
	var last, count int
	check(t, db.QueryRow(t.Context(), `SELECT max(no), count(*) FROM break_notes`).Scan(&last, &count))
	if last != 16 || count != 16 {
		t.Errorf("%d notes, the last is %d", count, last)
	}
}
