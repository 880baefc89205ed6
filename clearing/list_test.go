package clearing_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"settled/clearing"
	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle/settletest"

	"github.com/google/go-cmp/cmp"
)

// Lists of the night are the same in parts as in one piece, with the totals of all in each part.
func TestListsInParts(t *testing.T) {
	w := newWorld(t, nil)
	for day := range 3 {
		w.Pay(t, settletest.Payment{Number: fmt.Sprint(day), Amount: byn(int64(100 + day))})
		w.Clock.Advance(24 * time.Hour)
	}
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	want := []listing.Total{{Of: "sales", Currency: money.BYN, Rows: 3, Amount: 303}, {Of: "credits", Currency: money.BYN, Rows: 3}}
	batches, err := listing.All(func(r listing.Range) (listing.Part[clearing.Batch], error) {
		r.Limit = 1
		part, totals, err := w.night.Batches(t.Context(), clearing.Query{Range: r})
		if diff := cmp.Diff(want, totals); diff != "" {
			t.Error(diff)
		}
		return part, err
	})
	check(t, err)
	whole, _, err := w.night.Batches(t.Context(), clearing.Query{})
	check(t, err)
	if diff := cmp.Diff(whole.Rows, batches); diff != "" || len(batches) != 3 || batches[0].SalesAmount != 102 {
		t.Errorf("%d batches:\n%s", len(batches), diff)
	}
	first, err := w.night.Files(t.Context(), clearing.Query{Range: listing.Range{Limit: 2}})
	check(t, err)
	last, err := w.night.Files(t.Context(), clearing.Query{Range: listing.Range{Limit: 2, After: first.Next}})
	check(t, err)
	if len(first.Rows) != 2 || len(last.Rows) != 1 || last.Next != "" || last.Rows[0].Batch != batches[2].ID {
		t.Errorf("files: %+v, then %+v", first, last)
	}
}

// What is not understood is refused, never taken for everything or for nothing.
func TestQueriesAreRefused(t *testing.T) {
	w := newWorld(t, nil)
	for q, want := range map[clearing.Query]error{{State: "replyed"}: clearing.ErrQuery, {Range: listing.Range{After: "1"}}: listing.ErrKey,
		{Range: listing.Range{After: "other/1"}}: listing.ErrKey, {Range: listing.Range{Limit: -1}}: listing.ErrLimit} {
		_, _, batches := w.night.Batches(t.Context(), q)
		_, files := w.night.Files(t.Context(), q)
		_, replies := w.night.Replies(t.Context(), q)
		for _, err := range []error{batches, files, replies} {
			if !errors.Is(err, want) {
				t.Errorf("%+v: %v, want %v", q, err, want)
			}
		}
	}
}
