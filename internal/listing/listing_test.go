package listing_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"settled/internal/listing"

	"pgregory.net/rapid"
)

func TestLimits(t *testing.T) {
	for limit, want := range map[int]int{0: listing.DefaultLimit, 1: 1, listing.MaxLimit: listing.MaxLimit} {
		if got, err := (listing.Range{Limit: limit}).Rows(); got != want || err != nil {
			t.Errorf("limit %d: %d, %v", limit, got, err)
		}
	}
	for _, limit := range []int{-1, listing.MaxLimit + 1} {
		if _, err := (listing.Range{Limit: limit}).Rows(); !errors.Is(err, listing.ErrLimit) {
			t.Errorf("limit %d: %v", limit, err)
		}
	}
}

// A key leads back to the columns that it was made of, to the microsecond.
func TestKeys(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := time.UnixMicro(rapid.Int64Range(0, 4e15).Draw(t, "at"))
		order, merchant, operation := rapid.Int64().Draw(t, "order"), rapid.Int32().Draw(t, "merchant"), rapid.Int16().Draw(t, "operation")
		var gotAt time.Time
		var gotOrder int64
		var gotMerchant int32
		var gotOperation int16
		key := listing.Key("order", at, order, merchant, operation)
		there, err := listing.ReadKey(key, "order", &gotAt, &gotOrder, &gotMerchant, &gotOperation)
		if !there || err != nil || !gotAt.Equal(at) || gotOrder != order || gotMerchant != merchant || gotOperation != operation {
			t.Errorf("%s: %v %v %d %d %d", key, err, gotAt, gotOrder, gotMerchant, gotOperation)
		}
	})
}

// What is no key of the list is refused, and never taken for its beginning.
func TestKeysOfOthersAreRefused(t *testing.T) {
	var at time.Time
	var merchant int32
	if there, err := listing.ReadKey("", "reject", &at, &merchant); there || err != nil {
		t.Errorf("no key: %v, %v", there, err)
	}
	for _, key := range []string{"subscription/2026-03-02T07:00:00Z/1", "reject", "reject/", "reject/2026-03-02T07:00:00Z", "reject/yesterday/1",
		"reject/2026-03-02T07:00:00Z/1/2", "reject/2026-03-02T07:00:00Z/4294967297", "reject/2026-03-02T07:00:00Z/x", " ", "17"} {
		if there, err := listing.ReadKey(key, "reject", &at, &merchant); there || !errors.Is(err, listing.ErrKey) {
			t.Errorf("%q: %v, %v", key, there, err)
		}
	}
}

func TestPartsMakeTheWholeList(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rows := make([]int, rapid.IntRange(0, 50).Draw(t, "rows"))
		for i := range rows {
			rows[i] = i
		}
		limit := rapid.IntRange(1, 60).Draw(t, "limit")
		got, err := listing.All(func(r listing.Range) (listing.Part[int], error) {
			from, _ := strconv.Atoi(r.After)
			return listing.Cut(rows[from:min(from+limit+1, len(rows))], limit, func(n int) string { return strconv.Itoa(n + 1) }), nil
		})
		if err != nil || !slices.Equal(got, rows) {
			t.Errorf("%v, %v", got, err)
		}
	})
}
