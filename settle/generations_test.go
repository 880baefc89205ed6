package settle_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/postgres/pgtest"
	"settled/internal/vault"
	"settled/settle/audit"
	"settled/settle/credential"
	"settled/settle/order"
	"settled/settle/settletest"

	"github.com/google/uuid"
)

// TestStoredCardIsBoundToItsBuyer changes each thing that a stored card stands for in turn: it opens for none of them.
func TestStoredCardIsBoundToItsBuyer(t *testing.T) {
	w := settletest.New(t)
	_, c := keeping(t, w, "C-1", settletest.Card)
	_, other := keeping(t, w, "C-2", "5555555555554444")
	owner := pgtest.Owner(t, w.Pool)
	const at = ` WHERE credential_id = $1`
	moved := uuid.MustParse(writtenID)
	for _, tt := range []struct {
		column, change string
		merchant       int32
		id             uuid.UUID
	}{
		{"merchant", `UPDATE credentials SET merchant_id = 100002` + at, settletest.OtherMerchant, c.ID},
		{"id", `UPDATE credentials SET credential_id = '` + writtenID + `'` + at, settletest.Merchant, moved},
		{"means", `UPDATE credentials SET means = 2` + at, settletest.Merchant, c.ID},
		{"buyer", `UPDATE credentials SET customer = 'buyer-8'` + at, settletest.Merchant, c.ID},
		{"form", `UPDATE credentials SET seal_form = 1` + at, settletest.Merchant, c.ID},
		{"card", `UPDATE credentials SET sealed = (SELECT sealed FROM credentials WHERE credential_id = '` + other.ID.String() + `')` + at, settletest.Merchant, c.ID},
		{"nothing", `UPDATE credentials SET used_at = now()` + at, settletest.Merchant, c.ID},
	} {
		var back [4]any
		const row = `SELECT merchant_id, means, customer, seal_form FROM credentials` + at
		check(t, owner.QueryRow(t.Context(), row, c.ID).Scan(&back[0], &back[1], &back[2], &back[3]))
		var sealed []byte
		check(t, owner.QueryRow(t.Context(), `SELECT sealed FROM credentials`+at, c.ID).Scan(&sealed))
		tag, err := owner.Exec(t.Context(), tt.change, c.ID)
		if err != nil || tag.RowsAffected() != 1 {
			t.Fatalf("%s: %v", tt.column, err)
		}
		found, err := w.Credentials().Find(t.Context(), tt.merchant, tt.id)
		check(t, err)
		if _, err := w.Credentials().Use(t.Context(), found); errors.Is(err, vault.ErrSealed) != (tt.column != "nothing") {
			t.Errorf("%s: %v", tt.column, err)
		}
		_, err = owner.Exec(t.Context(), `UPDATE credentials SET credential_id = $2, merchant_id = $3, means = $4, customer = $5, seal_form = $6, sealed = $7`+at,
			tt.id, c.ID, back[0], back[1], back[2], back[3], sealed)
		check(t, err)
	}
}

const writtenID = "8d5f2c1e-5b7d-4e80-9a61-c2d4e6f80a1b"

// before seals the cards of buyers as they were sealed before they were bound to them.
func before(t *testing.T, w *settletest.World, all ...*credential.Credential) {
	t.Helper()
	for _, c := range all {
		pan, err := w.Credentials().Use(t.Context(), c)
		check(t, err)
		sealed, err := w.Vault.Seal(pan, vault.CredentialBinding(nil, vault.BoundToID, int64(c.Merchant), c.ID, 0, ""))
		check(t, err)
		_, err = pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE credentials SET sealed = $2, seal_form = 1 WHERE credential_id = $1`, c.ID, sealed)
		check(t, err)
	}
}

// unbound is what the audit says is left, which otherwise finds nothing.
func unbound(t *testing.T, w *settletest.World) int {
	t.Helper()
	report, err := audit.Run(t.Context(), w.Pool, w.Clock.Now(), audit.Options{Vault: w.Vault, Only: []string{"INV-35"}})
	check(t, err)
	if report.Violations() != 0 {
		t.Errorf("%+v", report.Broken())
	}
	return report.Unbound
}

// TestOldSealsOpenUntilTheyAreRenewed: what was sealed before opens, is counted, and is bound to its buyer by renewing.
func TestOldSealsOpenUntilTheyAreRenewed(t *testing.T) {
	w := settletest.New(t)
	_, a := keeping(t, w, "C-1", settletest.Card)
	_, b := keeping(t, w, "C-2", "5555555555554444")
	before(t, w, a, b)
	old, err := w.Credentials().Find(t.Context(), settletest.Merchant, a.ID)
	check(t, err)
	if pan, err := w.Credentials().Use(t.Context(), old); err != nil || pan.Reveal() != settletest.Card || unbound(t, w) != 2 {
		t.Fatalf("opened %v, %v; %d are left", pan, err, unbound(t, w))
	}
	for _, want := range []int{2, 0} {
		done, err := w.Credentials().Renew(t.Context())
		if err != nil || done.Renewed != want || len(done.Broken)+len(done.Doubled) != 0 || unbound(t, w) != 0 {
			t.Fatalf("%+v, %v; want %d renewed; %d are left", done, err, want, unbound(t, w))
		}
	}
	renewed, err := w.Credentials().Find(t.Context(), settletest.Merchant, a.ID)
	check(t, err)
	if pan, err := w.Credentials().Use(t.Context(), renewed); err != nil || pan.Reveal() != settletest.Card {
		t.Errorf("opened %v, %v", pan, err)
	}
	renewed.Customer = "buyer-8"
	if _, err := w.Credentials().Use(t.Context(), renewed); !errors.Is(err, vault.ErrSealed) {
		t.Errorf("for another buyer: %v", err)
	}
}

// TestRenewLeavesWhatDoesNotOpen and says so, and renews the others; a rotation of the key that seals is followed, too.
func TestRenewLeavesWhatDoesNotOpen(t *testing.T) {
	w := settletest.New(t)
	_, a := keeping(t, w, "C-1", settletest.Card)
	_, b := keeping(t, w, "C-2", "5555555555554444")
	_, err := pgtest.Owner(t, w.Pool).Exec(t.Context(), `UPDATE credentials SET sealed = set_byte(sealed, 20, get_byte(sealed, 20) # 1) WHERE credential_id = $1`, a.ID)
	check(t, err)
	added, err := vault.Rotate(w.KeyFile)
	check(t, err)
	check(t, w.Vault.Reload())
	done, err := w.Credentials().Renew(t.Context())
	if err != nil || done.Renewed != 1 || len(done.Broken) != 1 || done.Broken[0] != a.ID {
		t.Fatalf("%+v, %v", done, err)
	}
	var sealed []byte
	check(t, w.Pool.QueryRow(t.Context(), `SELECT sealed FROM credentials WHERE credential_id = $1`, b.ID).Scan(&sealed))
	if number, _ := vault.Generation(sealed); number != added.Number {
		t.Errorf("sealed under key %d, not %d", number, added.Number)
	}
}

// TestStoredCardOnceAcrossGenerations: the same card of a buyer stays one, whichever generation it was first known by, and none is kept beside
// one that cannot be compared until that is renewed. The payment stands all the while.
func TestStoredCardOnceAcrossGenerations(t *testing.T) {
	w := settletest.New(t)
	_, first := keeping(t, w, "C-1", settletest.Card)
	_, unused := keeping(t, w, "C-2", "5555555555554444")
	rotated, err := vault.RotateHashes(w.KeyFile, vault.Prints)
	check(t, err)
	check(t, w.Vault.Reload())
	if _, again := keeping(t, w, "C-3", settletest.Card); again.ID != first.ID {
		t.Errorf("after a rotation the same card is %s and %s", first.ID, again.ID)
	}
	if got := generationOf(t, w, first.ID); got != rotated.Number {
		t.Errorf("the card is known by generation %d, not by %d", got, rotated.Number)
	}
	_, err = vault.Revoke(w.KeyFile, vault.Prints, 0, vault.Revocation{At: time.Now(), Reason: "seen"})
	check(t, err)
	check(t, w.Vault.Reload())
	id := payKeeping(t, w, "C-4", "5555555555554444") // the second card is known by the revoked generation alone
	o, err := w.Books.Order(t.Context(), settletest.Merchant, id)
	if err != nil || o.Status != order.Paid {
		t.Fatalf("the payment is %v, %v", o.Status, err)
	}
	if all, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7"); err != nil || len(all) != 2 {
		t.Errorf("%d cards are kept, %v", len(all), err)
	}
	if done, err := w.Credentials().Renew(t.Context()); err != nil || done.Renewed != 1 {
		t.Fatalf("%+v, %v", done, err)
	}
	w.Clock.Advance(2 * time.Minute)
	due, err := w.Wishes().Due(t.Context(), 10)
	check(t, err)
	for _, d := range due {
		check(t, w.Wishes().Retry(t.Context(), d))
	}
	kept, err := w.Books.StoredWith(t.Context(), o)
	if err != nil || len(due) != 1 || kept.ID != unused.ID {
		t.Errorf("%d wishes were due; the card is %v, %v", len(due), kept, err)
	}
	if all, err := w.Credentials().Of(t.Context(), settletest.Merchant, "buyer-7"); err != nil || len(all) != 2 {
		t.Errorf("%d cards are kept, %v", len(all), err)
	}
}

func generationOf(t *testing.T, w *settletest.World, id uuid.UUID) uint16 {
	t.Helper()
	var key []byte
	check(t, w.Pool.QueryRow(t.Context(), `SELECT sealed_key FROM credentials WHERE credential_id = $1`, id).Scan(&key))
	return vault.PrintGeneration(key)
}
