package tenants

import (
	"errors"
	"testing"
	"time"
)

// TestChangedMerchantsAreHeldToTheirNewCredentials: what was right before a change is right no more, and what was guessed stays guessed.
func TestChangedMerchantsAreHeldToTheirNewCredentials(t *testing.T) {
	d := newDoor(t)
	if !d.try(1, "right", "192.0.2.1") {
		t.Fatal("right credentials were refused")
	}
	d.guess(2, "192.0.2.9")
	hash := cheapHash("right")
	under := func(merchants map[int32]Merchant) {
		t.Helper()
		c, err := d.of(merchants)
		if err != nil {
			t.Fatal(err)
		}
		d.credentials = c
	}
	before := d.turns.count
	under(map[int32]Merchant{1: {Login: "shop", PasswordHash: hash}, 2: {Login: "shop", PasswordHash: hash}, 3: {Login: "shop", PasswordHash: hash}})
	if !d.try(1, "right", "192.0.2.1") || d.turns.count != before {
		t.Error("credentials that stayed are computed again")
	}
	if !d.try(3, "right", "192.0.2.1") {
		t.Error("a merchant that came is refused")
	}
	if d.try(2, "right", "192.0.2.9") {
		t.Error("who guessed before the change may go on after it")
	}
	under(map[int32]Merchant{1: {Login: "other", PasswordHash: hash}, 2: {Login: "shop", PasswordHash: cheapHash("new")}})
	for merchant := int32(1); merchant <= 3; merchant++ {
		if d.try(merchant, "right", "192.0.2.1") {
			t.Errorf("merchant %d: another login, another password or no merchant, and what was right before is taken", merchant)
		}
	}
	if !d.try(2, "new", "192.0.2.1") {
		t.Error("the new password is refused")
	}
}

// TestChangedMerchantsKeepTheirLoad counts requests that are served across a change.
func TestChangedMerchantsKeepTheirLoad(t *testing.T) {
	l := NewLoad(3, 1, map[int32]Merchant{1: {}, 2: {}})
	if err := errors.Join(l.Enter(), l.EnterFor(1)); err != nil {
		t.Fatal(err)
	}
	changed := l.Under(map[int32]Merchant{1: {}, 3: {}})
	if changed.EnterFor(1) == nil || changed.EnterFor(3) != nil || errors.Join(changed.Enter(), changed.Enter()) != nil || changed.Enter() == nil {
		t.Error("what is served is not counted after a change")
	}
	l.LeaveFor(1)
	if changed.LeaveFor(1); changed.EnterFor(1) != nil {
		t.Error("what ended under the old settings still counts")
	}
}

// TestChangedSettingsOfCardTesting: what was stopped stays stopped under other limits, and is let through where nothing is looked for.
func TestChangedSettingsOfCardTesting(t *testing.T) {
	now := someday
	tests := NewCardTests(map[int32]Merchant{1: {CardTesting: CardTesting{BIN: 10}}}, func() time.Time { return now }, func(Tested) {})
	p := Paid{Merchant: 1}
	for i := range 10 {
		p.Mask = "400000****000" + string(rune('0'+i))
		tests.Note(&p)
	}
	if tests.Refuses(&p) == nil {
		t.Fatal("ten declined cards of a BIN are not stopped")
	}
	if tests.Under(map[int32]Merchant{1: {}}).Refuses(&p) == nil {
		t.Error("higher limits let through what was stopped")
	}
	if err := tests.Under(map[int32]Merchant{1: {CardTesting: CardTesting{Off: true}}}).Refuses(&p); err != nil {
		t.Errorf("nothing is looked for, and %v", err)
	}
}
