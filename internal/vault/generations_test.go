package vault

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// sum is the hash under a generation, which must be good.
func sum(t *testing.T, v *Vault, p Purpose, generation uint16, domain, data string) string {
	t.Helper()
	s, ok := v.Sum(p, generation, domain, []byte(data))
	if !ok {
		t.Fatalf("%s: generation %d is not good", p, generation)
	}
	return string(s[:])
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// TestFingerprint: hashes of different things, uses and installations differ, and the keys of cards have nothing to do with them.
func TestFingerprint(t *testing.T) {
	v, path := newVault(t)
	before := sum(t, v, Prints, 0, "order", "x")
	if before == sum(t, v, Prints, 0, "orde", "rx") || before == sum(t, v, Prints, 0, "order", "y") {
		t.Error("fingerprints of different things are equal")
	}
	_, err := Rotate(path)
	must(t, err)
	must(t, v.Reload())
	if sum(t, v, Prints, v.Newest(Prints), "order", "x") != before {
		t.Error("a rotation of the keys of cards changed fingerprints")
	}
	if stranger, _ := newVault(t); sum(t, stranger, Prints, 0, "order", "x") == before {
		t.Error("two key files make equal fingerprints")
	}
}

// TestGenerationsOfHashes: a rotation is of one purpose; what was made before stays good until its generation is revoked, for that purpose alone.
func TestGenerationsOfHashes(t *testing.T) {
	for _, p := range Purposes {
		v, path := newVault(t)
		old := sum(t, v, p, 0, "d", "x")
		added, err := RotateHashes(path, p)
		must(t, err)
		must(t, v.Reload())
		if v.Newest(p) != added.Number || !slices.Equal(v.Accepted(p), []uint16{added.Number, 0}) || sum(t, v, p, added.Number, "d", "x") == old {
			t.Errorf("%s: newest %d, accepted %v, want %d before 0", p, v.Newest(p), v.Accepted(p), added.Number)
		}
		if sum(t, v, p, 0, "d", "x") != old {
			t.Errorf("%s: a rotation changed what the generation before makes", p)
		}
		other := Purposes[1-slices.Index(Purposes, p)]
		if _, ok := v.Sum(other, added.Number, "d", nil); ok || v.Newest(other) != 0 {
			t.Errorf("%s serves %s too", p, other)
		}
		next, err := Revoke(path, p, 0, Revocation{time.Now(), "seen"})
		must(t, err)
		must(t, v.Reload())
		if _, ok := v.Sum(p, 0, "d", []byte("x")); ok || next != nil || sum(t, v, other, 0, "d", "x") == "" {
			t.Errorf("%s: revoked and still good, or %v added, or not good for %s either", p, next, other)
		}
		if len(v.Keys()) != 1 {
			t.Errorf("%s: keys of cards are now %v", p, v.Keys())
		}
	}
}

// TestRevokingTheNewest adds another in the same step, so that there is always one to make hashes under.
func TestRevokingTheNewest(t *testing.T) {
	v, path := newVault(t)
	added, err := Revoke(path, Links, 0, Revocation{time.Now(), "seen in a log"})
	must(t, err)
	must(t, v.Reload())
	if added == nil || !slices.Equal(v.Accepted(Links), []uint16{added.Number}) || v.Newest(Prints) != 0 {
		t.Fatalf("added %+v, links %v, fingerprints %v", added, v.Accepted(Links), v.Accepted(Prints))
	}
	for _, g := range []uint16{0, 1, 77} { // revoked, a key of cards, none
		if _, err := Revoke(path, Links, g, Revocation{time.Now(), "again"}); !errors.As(err, new(*KeyError)) {
			t.Errorf("generation %d: %v", g, err)
		}
	}
	all := v.HashKeys()
	if len(all) != 3 || all[0].Revoked == nil || all[0].Revoked.Reason != "seen in a log" || all[1].Revoked != nil || !all[1].Newest || all[2].Purpose != Prints {
		t.Errorf("%+v", all)
	}
}

// TestRevocationCannotBeTakenBack: a key file whose revocation was edited or cut out does not open.
func TestRevocationCannotBeTakenBack(t *testing.T) {
	for name, change := range map[string]func(*keyEntry){
		"cut out": func(e *keyEntry) { e.Revoked = nil },
		"other reason": func(e *keyEntry) {
			e.Revoked[Links] = Revocation{e.Revoked[Links].At, "another"}
		},
		"for another purpose": func(e *keyEntry) { e.Revoked = map[Purpose]Revocation{Prints: e.Revoked[Links]} },
	} {
		_, path := newVault(t)
		_, err := Revoke(path, Links, 0, Revocation{time.Now(), "seen"})
		must(t, err)
		edit(t, path, func(f *keyFile) {
			i := slices.IndexFunc(f.Keys, func(e keyEntry) bool { return e.Number == 0 })
			change(&f.Keys[i])
		})
		if _, err := Open(path); !errors.As(err, new(*KeyError)) || !strings.Contains(err.Error(), "was changed") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnknownGenerationIsLookedUp: what another process made under a key that it took up first is good here at once.
func TestUnknownGenerationIsLookedUp(t *testing.T) {
	v, path := newVault(t)
	added, err := RotateHashes(path, Links)
	must(t, err)
	if _, ok := v.Sum(Links, added.Number, "d", nil); !ok || v.Newest(Links) != added.Number {
		t.Errorf("generation %d is not known; newest is %d", added.Number, v.Newest(Links))
	}
	if _, ok := v.Sum(Links, added.Number+1, "d", nil); ok {
		t.Error("a generation that nobody made is good")
	}
}

// TestPrints: what is stored says its generation; that of generation 0 has no number, as before there were any.
func TestPrints(t *testing.T) {
	v, path := newVault(t)
	first := v.Print(0, "order", []byte("x"))
	added, err := RotateHashes(path, Prints)
	must(t, err)
	must(t, v.Reload())
	second := v.Print(added.Number, "order", []byte("x"))
	if len(first) != 32 || len(second) != 34 || PrintGeneration(first) != 0 || PrintGeneration(second) != added.Number {
		t.Errorf("%x of %d, %x of %d", first, PrintGeneration(first), second, PrintGeneration(second))
	}
	if v.Print(99, "order", nil) != nil {
		t.Error("a print under no key")
	}
}

// TestRotationOfHashesUnderLoad: hashes that are made and looked at while keys are rotated and revoked are always good until theirs is revoked.
func TestRotationOfHashesUnderLoad(t *testing.T) {
	v, path := newVault(t)
	stop := make(chan struct{})
	var working sync.WaitGroup
	for i := range 4 {
		working.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				data := fmt.Appendf(nil, "%d/%d", i, n)
				g := v.Newest(Links)
				if made, ok := v.Sum(Links, g, "d", data); ok {
					if again, ok := v.Sum(Links, g, "d", data); ok && again != made {
						t.Error("a hash changed")
					}
				} else if g != 0 { // only 0 is revoked
					t.Errorf("generation %d is not good", g)
				}
			}
		})
	}
	for range 5 {
		_, err := RotateHashes(path, Links)
		must(t, err)
		must(t, v.Reload())
	}
	_, err := Revoke(path, Links, 0, Revocation{time.Now(), "seen"})
	must(t, err)
	must(t, v.Reload())
	close(stop)
	working.Wait()
}
