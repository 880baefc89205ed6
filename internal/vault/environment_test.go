package vault

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/internal/pcsim"
)

func TestKeysBelongToAnEnvironment(t *testing.T) {
	for _, want := range []Environment{Test, Live} {
		path := filepath.Join(t.TempDir(), "keys.json")
		if err := GenerateFor(path, want, Place{}); err != nil {
			t.Fatal(err)
		}
		if _, err := Rotate(path); err != nil {
			t.Fatal(err)
		}
		v, err := Open(path)
		if err != nil || v.Environment() != want {
			t.Fatalf("%s: opens as %s, %v", want, v.Environment(), err)
		}
		for _, label := range []Environment{"", Test, Live} {
			edit(t, path, func(f *keyFile) { f.Environment = label })
			var wrong *KeyError
			if _, err := Open(path); (label == want) != (err == nil) || err != nil && !errors.As(err, &wrong) {
				t.Errorf("%s keys labelled %q: %v", want, label, err)
			}
		}
		edit(t, path, func(f *keyFile) { f.Environment = "prod" })
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), `"prod" is neither test nor live`) {
			t.Errorf("unknown label: %v", err)
		}
	}
	if err := GenerateFor(filepath.Join(t.TempDir(), "keys"), "prod", Place{}); err == nil {
		t.Error("keys for no environment were made")
	}
}

// TestOldKeyFileIsForTests opens a file as it was written before keys had labels.
func TestOldKeyFileIsForTests(t *testing.T) {
	v, path := newVault(t)
	pan, _ := ParsePAN(card)
	sealed, err := v.Seal(pan, []byte("row"))
	if err != nil {
		t.Fatal(err)
	}
	unlabel(t, path)
	old, err := Open(path)
	if err != nil || old.Environment() != Test {
		t.Fatalf("opens as %v, %v", old, err)
	}
	if got, err := old.Unseal(sealed, []byte("row")); err != nil || got != pan {
		t.Errorf("what was sealed reads as %v, %v", got, err)
	}
}

// unlabel wraps the keys of a file as older versions did: bound to the key-encrypting key alone.
func unlabel(t *testing.T, path string) {
	t.Helper()
	file, kek, err := readKeyFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := range file.Keys {
		plain, err := file.Keys[i].unwrap(file.bond(), kek)
		if err != nil {
			t.Fatal(err)
		}
		file.Keys[i].wrap(file.KEK.ID, kek, plain)
	}
	file.Environment = ""
	text, err := json.Marshal(file)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(text), "environment") {
		t.Fatal("the old form has a label")
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestTestNumbers(t *testing.T) {
	check := func(number string, isTest bool) {
		t.Helper()
		p, err := ParsePAN(number)
		if err != nil {
			t.Errorf("%s is no card number", number)
		}
		if IsTestPAN(p) != isTest || Test.Accepts(p) != isTest || Live.Accepts(p) == isTest {
			t.Errorf("%s: test number is %v", number, IsTestPAN(p))
		}
	}
	for number := range testNumbers {
		check(number, true)
	}
	for _, c := range pcsim.Cards() {
		check(c.PAN, true)
	}
	// Numbers with a right check digit next to those of the tables.
	for _, live := range []string{"4111110000000004", "4000010000000001", "2200010000000001", "5555555555555557", "4222222222222000001"} {
		p, err := ParsePAN(live)
		for last := byte('0'); err != nil && last <= '9'; last++ {
			live = live[:len(live)-1] + string(last)
			p, err = ParsePAN(live)
		}
		if p.IsZero() {
			t.Fatal("no check digit fits")
		}
		check(live, false)
	}
}
