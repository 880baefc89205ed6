package authorize_test

import (
	"path/filepath"
	"testing"

	"settled/internal/pcsim"
	"settled/internal/vault"
)

// liveCard is a number with a valid check digit that no test range holds.
const liveCard = "4137894711755904"

// Test numbers never get into a live installation, nor real ones into one for tests: neither is stored or sent.
func TestNumbersStayInTheirEnvironment(t *testing.T) {
	w := newWorld(t, pcsim.Behavior{})
	refused := func(environment, card string) {
		t.Helper()
		first, second := w.codes(w.form(pay, paymentOf("A-1").with(params{"Cardnumber": card})).body)
		if first != 5 || second != 106 {
			t.Errorf("%s card in a %s installation: %d/%d", card, environment, first, second)
		}
		var orders int
		check(t, w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM orders`).Scan(&orders))
		if got := w.centers[1].Books().Requests; orders != 0 || got != 0 {
			t.Errorf("%s card in a %s installation: %d orders, %d messages", card, environment, orders, got)
		}
	}
	refused("test", liveCard)
	keys := filepath.Join(t.TempDir(), "live.keys")
	check(t, vault.GenerateFor(keys, vault.Live, vault.Place{File: "kek"}))
	var err error
	w.options.Vault, err = vault.Open(keys)
	check(t, err)
	w.options.Registerer = nil
	w.open()
	for _, c := range pcsim.Cards() {
		refused("live", c.PAN)
	}
	if first, second := w.codes(w.form(pay, paymentOf("A-2").with(params{"Cardnumber": liveCard})).body); first != 0 || second != 0 {
		t.Errorf("live card in a live installation: %d/%d", first, second)
	}
}
