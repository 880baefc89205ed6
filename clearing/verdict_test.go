package clearing_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/settle"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// TestAFilePresentedByHand: a person took the file to the center, and no attempt was made. Its reply counts.
func TestAFilePresentedByHand(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.cutoff()
	w.buildAll()
	f := w.file()
	check(t, w.night.Delivery.MarkDelivered(t.Context(), f.ID, "taken on a disk"))
	good := answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 1, 100)})
	}}
	if r := w.answers(f, "1", good.bytes(t, ipm.Profile{})); r.State != "applied" || r.Accepted != 1 {
		t.Errorf("%+v", r)
	}
	if f = w.file(); f.State != states.FileReplied || f.Proof != "person" || f.Attempts != 0 {
		t.Errorf("file is %s by %s after %d attempts", f.State, f.Proof, f.Attempts)
	}
}

// TestFileRejectBesideAVerdict: a verdict commits while the reject of the same file is being applied. The reject has no
// effect: it is judged again by what stands then, and is a contradiction.
func TestFileRejectBesideAVerdict(t *testing.T) {
	w := newWorld(t, nil)
	f := w.delivered(100)
	id := idOf(t, f)
	no := answer{number: 1, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.FileReject, Exception: *refusalOf(id, 1, 530, nil)})
	}}
	yes := answer{number: 2, write: func(r *ipm.ReplyWriter) error {
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(id, 1, 100)})
	}}
	w.put(f, "1", no.bytes(t, ipm.Profile{}))
	w.put(f, "2", yes.bytes(t, ipm.Profile{}))
	for range 2 {
		_, err := w.night.Inbox.Fetch(t.Context(), settletest.FileCenter)
		check(t, err)
	}
	reply := func(name string) int64 {
		return query[int64](w, `SELECT reply_id FROM replies WHERE name LIKE $1`, "%_"+name+".ipm")
	}
	held, err := w.Pool.Begin(t.Context())
	check(t, err)
	defer func() { _ = held.Rollback(t.Context()) }()
	_, err = held.Exec(t.Context(), `SELECT FROM replies WHERE reply_id = $1 FOR UPDATE`, reply("1"))
	check(t, err)
	late := make(chan error)
	go func() { late <- w.night.ApplyReply(t.Context(), reply("1")) }()
	w.waitsForALock(held)
	check(t, w.night.ApplyReply(t.Context(), reply("2")))
	check(t, held.Rollback(t.Context()))
	check(t, <-late)
	state := query[string](w, `SELECT state || ': ' || reason FROM replies WHERE reply_id = $1`, reply("1"))
	if !strings.HasPrefix(state, "quarantined: contradicts") || w.file().State != states.FileReplied {
		t.Errorf("%s, file is %s", state, w.file().State)
	}
	w.audited()
}

// waitsForALock returns when a connection waits for what the transaction holds.
func (w *world) waitsForALock(held pgx.Tx) {
	w.t.Helper()
	pid := held.Conn().PgConn().PID()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); {
		if query[int](w, `SELECT count(*) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))`, int32(pid)) > 0 {
			return
		}
	}
	w.t.Fatal("nobody waits")
}

// TestCreditsOfTwoSlices: one cancel gives back two slices of a night by two credits. Whichever sale is rejected, the
// credit of its slice becomes a break.
func TestCreditsOfTwoSlices(t *testing.T) {
	for slice, message := range map[int16]int64{2: 2, 3: 3} {
		t.Run(fmt.Sprint("slice ", slice), func(t *testing.T) {
			w := newWorld(t, nil)
			id := w.Pay(t, settletest.Payment{Number: "1", Amount: byn(500), TwoStage: true})
			for _, part := range []int64{200, 300} {
				a := byn(part)
				_, err := w.Books.Confirm(t.Context(), settle.ConfirmRequest{Merchant: settletest.Merchant, Order: id, Amount: &a, Actor: settle.ByMerchant})
				check(t, err)
			}
			f := w.delivered()
			_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
			check(t, err)
			left := map[int16]int64{2: 300, 3: 200}[slice]
			no := answer{number: 1, write: refusals(position(idOf(t, f), 1, left), refusalOf(idOf(t, f), message, 7001, nil))}
			if r := w.answers(f, "1", no.bytes(t, ipm.Profile{})); r.State != "applied" || r.Rejected != 1 {
				t.Fatalf("%+v", r)
			}
			if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-06'`); n != 1 {
				t.Errorf("%d breaks", n)
			}
			if a := query[int64](w, `SELECT sum(amount)::bigint FROM breaks WHERE category = 'B-06'`); a != 500-left {
				t.Errorf("a break of %d, not of %d", a, 500-left)
			}
		})
	}
}
