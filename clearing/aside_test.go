package clearing_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/states"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/settletest"
)

// TestARecordThatCannotBeWrittenIsLeftOut: one record has a name that the center's set lacks, one a card of another order. The
// file goes without them, the books stay exact, and both are presented in the next night or given up.
func TestARecordThatCannotBeWrittenIsLeftOut(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(10_000), pcsim.CardApproved)
	spoiled := w.pay(byn(4_000), pcsim.CardApproved)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Name = "Кофейня №1"
	w.Reconfigure(t)
	named := w.pay(byn(300), pcsim.CardApproved)
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE records r SET card = (SELECT card FROM records LIMIT 1) WHERE order_id = $1`, spoiled)
	check(t, err)
	w.cutoff()
	w.settleDown()
	if f := w.file(); *f.Messages != 3 || f.State != states.FileReplied {
		t.Fatalf("%+v", f)
	}
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-11' AND closed_at IS NULL`); n != 2 {
		t.Errorf("%d breaks, want 2", n)
	}
	w.audited()
	m.ClearingName = "KOFEJNYA 1"
	w.Reconfigure(t)
	_, err = w.Books.Represent(t.Context(), w.rejectOf(named))
	check(t, err)
	_, err = w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: spoiled, Actor: settle.ByMerchant})
	check(t, err)
	w.cutoff()
	w.settleDown()
	if !bytes.Contains(w.bytesOf(w.file()), []byte("KOFEJNYA 1\\")) {
		t.Error("not presented again")
	}
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE closed_at IS NULL`); n != 0 {
		t.Errorf("%d breaks are open", n)
	}
	w.audited()
}

func (w *world) rejectOf(order int64) settle.RejectedRecord {
	w.t.Helper()
	return settle.RejectedRecord{Merchant: settletest.Merchant, Order: order,
		Window: query[int32](w, `SELECT window_id FROM rejects WHERE order_id = $1 AND state = 'rejected'`, order),
		Record: query[int64](w, `SELECT record_id FROM rejects WHERE order_id = $1 AND state = 'rejected'`, order)}
}

// TestARecordOnHold is set aside before its seal, and another after it: both files go without them.
func TestARecordOnHold(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(10_000), pcsim.CardApproved)
	before, after := w.pay(byn(4_000), pcsim.CardApproved), w.pay(byn(300), pcsim.CardApproved)
	hold := func(order int64) error {
		return w.Books.HoldRecord(t.Context(), settle.RecordName{Merchant: settletest.Merchant, Order: order,
			Record: query[int64](w, `SELECT record_id FROM records WHERE order_id = $1`, order)}, "asked by the center")
	}
	check(t, hold(before))
	w.audited()
	w.cutoff()
	_, err := w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	check(t, hold(after))
	if err := hold(after); !errors.Is(err, settle.ErrNotAside) {
		t.Errorf("twice: %v", err)
	}
	w.audited()
	w.settleDown()
	if f := w.file(); *f.Messages != 3 || f.State != states.FileReplied {
		t.Errorf("%+v", f)
	}
	w.audited()
	for _, order := range []int64{before, after} {
		_, err := w.Books.Represent(t.Context(), w.rejectOf(order))
		check(t, err)
	}
	w.cutoff()
	w.settleDown()
	w.acceptedBooks(3, 2)
	w.audited()
}

// TestARecordOfAMissingKeyWaits: a card of a key that the database knows and this worker lacks is not the record's fault. One that
// names a key of nobody is damaged.
func TestARecordOfAMissingKeyWaits(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(10_000), pcsim.CardApproved)
	newer := w.pay(byn(4_000), pcsim.CardApproved)
	owner := pgtest.Owner(t, w.Pool)
	_, err := owner.Exec(t.Context(), `UPDATE records SET card = overlay(card PLACING '\x0007' FROM 1) WHERE order_id = $1`, newer)
	check(t, err)
	_, err = owner.Exec(t.Context(), `INSERT INTO key_checks VALUES (now(), 7, 'test', sha256('7'))`)
	check(t, err)
	w.cutoff()
	_, err = w.night.SealDue(t.Context(), w.Clock.Now())
	check(t, err)
	if n, err := w.night.BuildDue(t.Context(), w.Clock.Now()); n != 0 || !errors.Is(err, clearing.ErrKeyMissing) {
		t.Errorf("built %d, %v", n, err)
	}
	if f := w.file(); f.State != states.FilePlanned || f.ErrorClass != "keys" {
		t.Errorf("%+v", f)
	}
	_, err = owner.Exec(t.Context(), `DELETE FROM key_checks WHERE generation = 7`)
	check(t, err)
	w.Clock.Advance(time.Minute)
	w.settleDown()
	if f := w.file(); *f.Messages != 3 || f.State != states.FileReplied {
		t.Errorf("%+v", f)
	}
	w.audited()
}

// TestAnUnbuiltFileHoldsUpNoOther: cards of one currency do not open; the file of the other goes, unless the center wants order.
func TestAnUnbuiltFileHoldsUpNoOther(t *testing.T) {
	for name, inOrder := range map[string]bool{"in any order": false, "in order": true} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.InOrder = inOrder })
			spoiled := w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
			w.Pay(t, settletest.Payment{Number: "2", Amount: eur(100)})
			_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE records SET card = sha256(card) WHERE order_id = $1`, spoiled)
			check(t, err)
			w.cutoff()
			for range 4 {
				_, err = w.night.Step(t.Context())
			}
			if !errors.Is(err, clearing.ErrUnwritten) && err != nil {
				t.Fatal(err)
			}
			if n := query[int](w, `SELECT count(*) FROM files WHERE state = 'planned' AND error_class = 'unwritten'`); n != 1 {
				t.Errorf("%d files tell that no card opens", n)
			}
			sent := query[int](w, `SELECT count(*) FROM files WHERE state = 'delivered'`)
			if want := map[bool]int{false: 1, true: 0}[inOrder]; sent != want {
				t.Errorf("%d files sent, want %d", sent, want)
			}
		})
	}
}
