package tenants

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/argon2"
)

// cheapHash is a hash that costs nothing, for tests of what is counted.
func cheapHash(password string) string {
	salt := []byte("some salt of ours")
	sum := argon2.IDKey([]byte(password), salt, 1, 8, 1, 32)
	return fmt.Sprintf("$argon2id$v=19$m=8,t=1,p=1$%s$%s", base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// door is credentials on a clock, with who was alarmed of.
type door struct {
	*credentials
	now    time.Time
	alarms []int32
}

func newDoor(t *testing.T) *door {
	d := &door{now: someday}
	var err error
	hash := cheapHash("right")
	d.credentials, err = newCredentials(map[int32]Merchant{1: {Login: "shop", PasswordHash: hash}, 2: {Login: "shop", PasswordHash: hash}},
		func() time.Time { return d.now }, func(m int32) { d.alarms = append(d.alarms, m) })
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (d *door) try(merchant int32, password, source string) bool {
	err := d.verify(context.Background(), merchant, []byte("shop"), []byte(password), source)
	if err != nil && !errors.Is(err, errWrongCredentials) {
		panic(err)
	}
	return err == nil
}

// guess tries wrong passwords until the source is locked, and returns how many were computed.
func (d *door) guess(merchant int32, source string) (computed int) {
	for i := range 200 {
		before := d.turns.count
		d.try(merchant, fmt.Sprint("wrong", i), source)
		if d.turns.count == before {
			return computed
		}
		computed++
	}
	return computed
}

// How many passwords a source may guess: at one merchant and at all of them, by address, /64 and /48.
func TestGuessesAreBounded(t *testing.T) {
	four := func(i int) string { return fmt.Sprintf("198.51.100.%d", i) }
	host := func(i int) string { return fmt.Sprintf("2001:db8:1:1::%x", i) }
	net := func(i int) string { return fmt.Sprintf("2001:db8:1:%x::1", i) }
	for _, c := range []struct {
		name     string
		sources  func(i int) string
		merchant func(i int) int32
		most     int
	}{
		{"one address, one merchant", func(int) string { return four(1) }, func(int) int32 { return 1 }, 10},
		{"one address, many merchants", func(int) string { return four(1) }, func(i int) int32 { return int32(i) }, 100},
		{"one /64, one merchant", host, func(int) int32 { return 1 }, 10},
		{"one /64, many merchants", host, func(i int) int32 { return int32(i) }, 100},
		{"one /48, one merchant", net, func(int) int32 { return 1 }, 19 + 11}, // slowed from the twentieth source on
		{"one /48, many merchants", net, func(i int) int32 { return int32(i) }, 1000},
	} {
		d, got := newDoor(t), 0
		for i := range 1200 {
			before := d.turns.count
			if d.try(c.merchant(i), fmt.Sprint("wrong", i), c.sources(i)); d.turns.count > before {
				got++
			}
		}
		if got != c.most {
			t.Errorf("%s: %d guesses were computed, not %d", c.name, got, c.most)
		}
	}
}

// A merchant that is guessed at from many sources is alarmed of once, further sources have fewer guesses, and the merchant is never
// locked out: neither by what it is known by, from wherever, nor at a first call from a source that guessed nothing. Who guesses at a
// merchant that does not exist sees the same.
func TestSiege(t *testing.T) {
	for _, merchant := range []int32{1, 777} {
		d := newDoor(t)
		if merchant == 1 && !d.try(1, "right", "192.0.2.1") {
			t.Fatal("before")
		}
		for i := range 19 {
			if got := d.guess(merchant, fmt.Sprintf("198.51.100.%d", i)); got != maxFailures {
				t.Fatalf("merchant %d, source %d: %d guesses", merchant, i, got)
			}
		}
		if len(d.alarms) != 0 {
			t.Fatalf("19 sources: %v", d.alarms)
		}
		for i := range 30 {
			if got := d.guess(merchant, fmt.Sprintf("203.0.113.%d", i)); got != maxOfBesieged {
				t.Fatalf("merchant %d, source %d: %d guesses", merchant, i, got)
			}
		}
		d.now = d.now.Add(trustFor + time.Minute) // what was right has to be computed again
		switch {
		case merchant != 1 && len(d.alarms) > 0:
			t.Errorf("alarms of a merchant that does not exist: %v", d.alarms)
		case merchant != 1:
		case fmt.Sprint(d.alarms) != "[1]":
			t.Errorf("alarms: %v", d.alarms)
		case !d.try(1, "right", "198.51.100.1"):
			t.Error("the merchant is locked out where somebody guesses")
		case !d.try(1, "right", "192.0.2.1"), !d.try(1, "right", "192.0.2.2"):
			t.Error("the merchant is locked out")
		}
		d.now = d.now.Add(4 * time.Hour)
		if got := d.guess(merchant, "203.0.113.200"); got != maxFailures {
			t.Errorf("when it is over: %d guesses", got)
		}
	}
}

// A merchant that was never seen gets in at its first call while it is guessed at, from a source that did not guess.
func TestFirstCallDuringASiege(t *testing.T) {
	d := newDoor(t)
	for i := range 500 {
		d.guess(1, fmt.Sprintf("2001:db8:%x::1", i))
	}
	if !d.try(1, "right", "192.0.2.1") || !d.try(2, "right", "192.0.2.2") {
		t.Error("the first call is refused")
	}
	if d.try(1, "right2", "2001:db8:1::2") {
		t.Error("a guess passed")
	}
}

// A flood of other sources, more than are remembered one by one, clears none that guessed.
func TestFloodClearsNoGuesser(t *testing.T) {
	d := newDoor(t)
	d.guess(1, "192.0.2.66")
	for i := range maxSuspects {
		try := attempt{merchant: 2}
		try.near, try.wide = networksOf(fmt.Sprintf("2001:db8:%x:%x::1", i>>16, i&0xffff))
		d.guesses.count(&try, 1, d.now)
	}
	if got := d.guess(1, "192.0.2.66"); got != 0 {
		t.Errorf("%d more guesses", got)
	}
	if len(d.guesses.suspects.own) > maxSuspects {
		t.Errorf("%d remembered", len(d.guesses.suspects.own))
	}
}

// While nothing can be computed for strangers, familiar credentials are: they have a place of their own.
func TestFamiliarCallersAreNotBehindGuesses(t *testing.T) {
	d := newDoor(t)
	if !d.try(1, "right", "192.0.2.1") {
		t.Fatal("before")
	}
	for i := range 500 { // all places of strangers are taken, and the queue is full
		d.turns.enter(&turn{merchant: int32(i)})
	}
	d.now = d.now.Add(trustFor + time.Second)
	if !d.try(1, "right", strings.Repeat("x", 9)) {
		t.Error("the merchant is not served")
	}
	if d.turns.strange != d.turns.strangers {
		t.Errorf("%d strangers are computed", d.turns.strange)
	}
}

// Who calls more often than each minute never waits for a computation, and none is trusted for longer than five minutes.
func TestRenewedBesideCalls(t *testing.T) {
	d := newDoor(t)
	d.try(1, "right", "a")
	for range 30 {
		d.now = d.now.Add(50 * time.Second)
		before := d.recall(d.markOf(1, "right"))
		if before != trusted && before != aging {
			t.Fatalf("%v: %v", d.now, before)
		}
		if before == aging { // the caller that is told so has it computed
			s := d.merchants[1]
			d.renew(&attempt{merchant: 1, mark: d.markOf(1, "right")}, &s, []byte("right"))
			d.close()
		}
	}
	d.now = d.now.Add(trustFor)
	if got := d.recall(d.markOf(1, "right")); got != familiar {
		t.Errorf("after five minutes of silence: %v", got)
	}
	d.now = d.now.Add(knowFor)
	if got := d.recall(d.markOf(1, "right")); got != strange {
		t.Errorf("after a day: %v", got)
	}
}

func (d *door) markOf(merchant int32, password string) [32]byte {
	s := d.merchants[merchant]
	return d.mark(merchant, &s, []byte("shop"), []byte(password))
}
