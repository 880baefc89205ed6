package clearing_test

import (
	"bytes"
	"testing"

	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// TestAMovedContractKeepsItsNight moves the merchant away from the center while records of it wait, then again while the reply
// does: the night goes on under the contract that the records were born under.
func TestAMovedContractKeepsItsNight(t *testing.T) {
	w := newWorld(t, nil)
	sold := w.pay(byn(10_000), pcsim.CardApproved)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Routes = m.Routes[1:]
	m.Default = money.USD
	w.Reconfigure(t)
	w.restart()
	w.cutoff()
	w.settleDown()
	w.acceptedBooks(1, 0)
	back := byn(4_000)
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: sold, Amount: &back, Actor: settle.ByMerchant})
	check(t, err)
	delete(w.Dir.Merchants(), settletest.Merchant)
	w.Reconfigure(t)
	w.cutoff()
	w.settleDown()
	w.acceptedBooks(2, 0)
	w.audited()
}

// TestARecordKeepsTheContractOfItsBirth changes price and name between two sales of a window.
func TestARecordKeepsTheContractOfItsBirth(t *testing.T) {
	w := newWorld(t, nil)
	w.pay(byn(10_000), pcsim.CardApproved)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Name, m.Routes[0].MDRBPS = "ACME MUSIC", 500
	w.Reconfigure(t)
	w.pay(byn(10_000), pcsim.CardApproved)
	w.cutoff()
	w.settleDown()
	if old, now := query[int64](w, `SELECT mdr FROM batch_totals WHERE mdr_bps = 250`), query[int64](w, `SELECT mdr FROM batch_totals WHERE mdr_bps = 500`); old != 250 || now != 500 {
		t.Errorf("prices are %d and %d, want 250 and 500", old, now)
	}
	if file := w.bytesOf(w.file()); bytes.Count(file, []byte("ACME BOOKS\\")) != 1 || bytes.Count(file, []byte("ACME MUSIC\\")) != 1 {
		t.Errorf("a record has the name of another: %q", file)
	}
	w.acceptedBooks(2, 0)
	w.audited()
}
