package clearing_test

import (
	"fmt"
	"os"
	"runtime"
	"strconv"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/fileformats/ipm"
	"settled/internal/pcsim"
)

// largeNight is the number of records of TestLargeNight; SETTLED_LARGE_NIGHT sets another, up to a million.
func largeNight(t *testing.T) int {
	t.Helper()
	text := os.Getenv("SETTLED_LARGE_NIGHT")
	if text == "" {
		return 20_000
	}
	n, err := strconv.Atoi(text)
	check(t, err)
	return n
}

// TestLargeNight builds a file of many chunks and applies a reply that refuses every tenth record, in both forms of file.
// The memory of the build must not grow with the number of records. (The center of the test keeps its files in memory.)
func TestLargeNight(t *testing.T) {
	records := largeNight(t)
	for _, blocked := range []bool{false, true} {
		t.Run(fmt.Sprint("blocked ", blocked), func(t *testing.T) {
			w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.Format = inForm(t, ipm.Profile{Blocked: blocked}) })
			w.bulk(records)
			w.cutoff()
			step := func(what string, do func()) (growth uint64) {
				runtime.GC()
				peak := watchHeap()
				started := time.Now()
				do()
				took := time.Since(started)
				growth = peak()
				t.Logf("%s: %v, %.0f records/s, heap grew by at most %d MiB", what, took.Round(time.Millisecond), float64(records)/took.Seconds(), growth>>20)
				return growth
			}
			step("seal", func() { _, err := w.night.SealDue(t.Context(), w.Clock.Now()); check(t, err) })
			if growth := step("build", func() { _, err := w.night.BuildDue(t.Context(), w.Clock.Now()); check(t, err) }); growth > 64<<20 {
				t.Errorf("the build took %d MiB", growth>>20)
			}
			f := w.file()
			step("deliver", func() { check(t, w.night.Delivery.Deliver(t.Context(), f.ID)) })
			reply := everyTenthRefused(t, w, f, records)
			w.put(f, "1", reply)
			step("fetch and apply", w.take)
			rejected := (records + 9) / 10
			w.acceptedBooks(records-rejected, rejected)
			if n := query[int](w, `SELECT count(*) FROM rejects WHERE amount <> record_id - $1 + 100 OR record_id % 10 <> 0`, bulkBase); n != 0 {
				t.Errorf("%d rejects are of another record", n)
			}
		})
	}
}

// everyTenthRefused is the reply to a bulk night that refuses records 0, 10, 20 …
func everyTenthRefused(t *testing.T, w *world, f files.File, records int) []byte {
	id := idOf(t, f)
	p := formOf(w.opt.Profiles[1])
	return answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		count, amount := int64(0), int64(0)
		for i := range records {
			if i%10 != 0 {
				count++
				amount += int64(100 + i)
				continue
			}
			if err := r.Write(&ipm.Reply{Kind: ipm.MessageException, Exception: *refusalOf(id, int64(i+2), 7001, nil)}); err != nil {
				return err
			}
		}
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(id, count, amount)})
	}}.bytes(t, p)
}

// watchHeap samples the heap until peak is called, which returns how much it grew.
func watchHeap() (peak func() uint64) {
	var before runtime.MemStats
	runtime.ReadMemStats(&before)
	stop, result := make(chan struct{}), make(chan uint64)
	go func() {
		var highest uint64
		tick := time.NewTicker(20 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				result <- highest
				return
			case <-tick.C:
				var now runtime.MemStats
				runtime.ReadMemStats(&now)
				if now.HeapInuse > before.HeapInuse {
					highest = max(highest, now.HeapInuse-before.HeapInuse)
				}
			}
		}
	}()
	return func() uint64 { close(stop); return <-result }
}
