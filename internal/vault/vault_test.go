package vault

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"pgregory.net/rapid"

	"settled/internal/secretfile"
)

func newVault(t testing.TB) (*Vault, string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "keys.json")
	if err := Generate(path); err != nil {
		t.Fatal(err)
	}
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return v, path
}

func TestSealUnseal(t *testing.T) {
	v, _ := newVault(t)
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOfN(rapid.Byte(), 0, 300).Draw(t, "plain")
		binding := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "binding")
		sealed, err := v.AppendSeal([]byte("head"), plain, binding)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := len(sealed), 4+len(plain)+Overhead; got != want {
			t.Fatalf("length %d, want %d", got, want)
		}
		got, err := v.AppendUnseal([]byte("tail"), sealed[4:], binding)
		if err != nil || !bytes.Equal(got, append([]byte("tail"), plain...)) {
			t.Fatalf("got %q, %v; want %q", got, err, plain)
		}
		i := rapid.IntRange(4, len(sealed)-1).Draw(t, "damaged byte")
		sealed[i] ^= byte(rapid.IntRange(1, 255).Draw(t, "damage"))
		if _, err := v.AppendUnseal(nil, sealed[4:], binding); !errors.Is(err, ErrSealed) && !errors.Is(err, ErrUnknownKey) {
			t.Fatalf("damaged byte %d opens: %v", i-4, err)
		}
	})
}

func TestSwappedRowsDoNotOpen(t *testing.T) {
	v, _ := newVault(t)
	first, _ := ParsePAN(card)
	second, _ := ParsePAN("5555555555554444")
	rows := [][]byte{CardBinding(nil, 12, 1001), CardBinding(nil, 12, 1002), CardBinding(nil, 121, 2), CardBinding(nil, 1, 212)}
	a, err1 := v.Seal(first, rows[0])
	b, err2 := v.Seal(second, rows[1])
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	if got, err := v.Unseal(a, rows[0]); err != nil || got != first {
		t.Errorf("own row: got %v, %v", got, err)
	}
	if _, err := v.Unseal(b, rows[0]); !errors.Is(err, ErrSealed) {
		t.Errorf("ciphertext of another row: got %v, want ErrSealed", err)
	}
	for _, row := range rows[1:] {
		if _, err := v.Unseal(a, row); !errors.Is(err, ErrSealed) {
			t.Errorf("binding %s: got %v, want ErrSealed", row, err)
		}
	}
	if bytes.Equal(ChunkBinding(nil, 1, 21), ChunkBinding(nil, 12, 1)) {
		t.Error("two chunks share a binding")
	}
	for n := range Overhead {
		if _, err := v.Unseal(a[:n], rows[0]); !errors.Is(err, ErrSealed) {
			t.Errorf("%d bytes: got %v, want ErrSealed", n, err)
		}
	}
}

func TestNoncesDiffer(t *testing.T) {
	v, _ := newVault(t)
	const n = 200_000
	seen := make(map[[nonceSize]byte]bool, n)
	buffer := make([]byte, 0, 64)
	for range n {
		sealed, err := v.AppendSeal(buffer[:0], []byte(card), nil)
		if err != nil {
			t.Fatal(err)
		}
		nonce := [nonceSize]byte(sealed[keyNumberSize:])
		if seen[nonce] {
			t.Fatal("nonce used twice")
		}
		seen[nonce] = true
	}
}

func TestRotationUnderLoad(t *testing.T) {
	v, path := newVault(t)
	other, err := Open(path) // never told to reload
	if err != nil {
		t.Fatal(err)
	}
	binding := CardBinding(nil, 1, 2)
	old, err := v.AppendSeal(nil, []byte(card), binding)
	if err != nil {
		t.Fatal(err)
	}
	var done atomic.Bool
	var workers sync.WaitGroup
	for range 4 {
		workers.Go(func() {
			for !done.Load() {
				sealed, err := v.AppendSeal(nil, []byte(card), binding)
				if err != nil {
					t.Error(err)
				}
				if _, err := other.AppendUnseal(nil, sealed, binding); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for want := uint16(2); want <= 6; want++ {
		added, err := Rotate(path)
		if err != nil || added.Number != want {
			t.Fatalf("rotation: got %+v, %v; want number %d", added, err, want)
		}
		if err := v.Reload(); err != nil {
			t.Fatal(err)
		}
	}
	done.Store(true)
	workers.Wait()
	sealed, err := v.AppendSeal(nil, []byte(card), binding)
	if err != nil || sealed[1] != 6 {
		t.Errorf("sealed under key %d, %v; want 6", sealed[1], err)
	}
	if _, err := v.AppendUnseal(nil, old, binding); err != nil {
		t.Errorf("retired key: %v", err)
	}
	if n := len(v.Keys()); n != 6 || v.Keys()[0].Active || !v.Keys()[5].Active {
		t.Errorf("keys %+v", v.Keys())
	}
}

func TestUnknownKey(t *testing.T) {
	v, _ := newVault(t)
	sealed, err := v.AppendSeal(nil, []byte(card), nil)
	if err != nil {
		t.Fatal(err)
	}
	sealed[0] = 0x7f
	if _, err := v.AppendUnseal(nil, sealed, nil); !errors.Is(err, ErrUnknownKey) {
		t.Errorf("got %v, want ErrUnknownKey", err)
	}
}

// edit changes the key file at path.
func edit(t *testing.T, path string, change func(*keyFile)) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var file keyFile
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	change(&file)
	if text, err = json.Marshal(file); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestChangedKeyFileIsRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(*keyFile)
		is     error
	}{
		{"no key-encrypting key", func(f *keyFile) { f.KEK.Key = nil }, ErrNoKEK},
		{"key-encrypting key's file is missing", func(f *keyFile) { f.KEK = kekEntry{ID: f.KEK.ID, Place: Place{File: "gone"}} }, ErrNoKEK},
		{"another key-encrypting key", func(f *keyFile) { f.KEK.Key[0] ^= 1 }, nil},
		{"short key-encrypting key", func(f *keyFile) { f.KEK.Key = f.KEK.Key[:16] }, nil},
		{"retired key revived", func(f *keyFile) { f.Keys[0].State, f.Keys[2].State = stateActive, stateRetired }, nil},
		{"keys exchanged", func(f *keyFile) { f.Keys[0].Wrapped, f.Keys[2].Wrapped = f.Keys[2].Wrapped, f.Keys[0].Wrapped }, nil},
		{"key renumbered", func(f *keyFile) { f.Keys[0].Number = 7 }, nil},
		{"key given twice", func(f *keyFile) { f.Keys = append(f.Keys, f.Keys[0]) }, nil},
		{"check value changed", func(f *keyFile) { f.Keys[0].Check = "000000" }, nil},
		{"active key removed", func(f *keyFile) { f.Keys = f.Keys[:2] }, nil},
		{"fingerprint key removed", func(f *keyFile) { f.Keys = append(f.Keys[:1], f.Keys[2]) }, nil},
		{"wrapped key cut off", func(f *keyFile) { f.Keys[0].Wrapped = nil }, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v, path := newVault(t)
			if _, err := Rotate(path); err != nil {
				t.Fatal(err)
			}
			edit(t, path, tt.change)
			_, err := Open(path)
			var keyError *KeyError
			if tt.is != nil && !errors.Is(err, tt.is) || tt.is == nil && !errors.As(err, &keyError) {
				t.Errorf("got %v", err)
			}
			if v.Reload() == nil {
				t.Error("a running vault takes it up")
			}
			if _, err := v.AppendSeal(nil, nil, nil); err != nil {
				t.Errorf("a running vault lost its keys: %v", err)
			}
		})
	}
}

// TestPlacesOfTheKeyEncryptingKey makes keys under each place, moves them through all the others, and opens with them what was sealed first.
func TestPlacesOfTheKeyEncryptingKey(t *testing.T) {
	dir := t.TempDir()
	key := base64.StdEncoding.EncodeToString(randomBytes(keySize))
	printed := filepath.Join(dir, "printed")
	if err := os.WriteFile(printed, []byte(key+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("VAULT_TEST_KEK", key)
	places := []string{"file:kek", "env:VAULT_TEST_KEK", "command:cat " + printed, "file:" + filepath.Join(dir, "sub", "kek")}
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "keys")
	if err := GenerateFor(path, Live, Place{}); err != nil {
		t.Fatal(err)
	}
	v := reopened(t, path)
	sealed, marks := mustSeal(t, v), v.Marks()
	for _, text := range places {
		to, err := ParsePlace(text)
		if err != nil {
			t.Fatal(err)
		}
		if err := Move(path, to); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		v := reopened(t, path)
		if _, err := v.Unseal(sealed, nil); err != nil || !v.Apart() || !maps.Equal(v.Marks(), marks) {
			t.Errorf("%s: %v, apart %t", text, err, v.Apart())
		}
		if file, _ := os.ReadFile(path); bytes.Contains(file, []byte(`"key"`)) {
			t.Errorf("%s: the file holds the key itself", text)
		}
	}
	if err := Move(path, Place{File: "kek"}); !errors.Is(err, fs.ErrExist) {
		t.Errorf("onto a key that is there: %v", err)
	}
}

// TestMissingKeyEncryptingKeys: without that key nothing opens, and no key is made under one that is not there.
func TestMissingKeyEncryptingKeys(t *testing.T) {
	for text, want := range map[string]error{"env:VAULT_TEST_NOTHING": ErrNoKEK, "command:false": ErrNoKEK, "command:/nowhere": ErrNoKEK} {
		at, err := ParsePlace(text)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "keys")
		if err := GenerateFor(path, Test, at); !errors.Is(err, want) {
			t.Errorf("%s: %v", text, err)
		}
		if _, err := os.Stat(path); err == nil {
			t.Errorf("%s: a key file was written", text)
		}
	}
	t.Setenv("VAULT_TEST_KEK", "c2hvcnQ=")
	var short *KeyError
	if err := GenerateFor(filepath.Join(t.TempDir(), "keys"), Test, Place{Env: "VAULT_TEST_KEK"}); !errors.As(err, &short) || !strings.Contains(err.Error(), "5 bytes") {
		t.Errorf("a short key: %v", err)
	}
}

func reopened(t *testing.T, path string) *Vault {
	t.Helper()
	v, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func mustSeal(t *testing.T, v *Vault) []byte {
	t.Helper()
	pan, err := ParsePAN([]byte("4111111111111111"))
	if err != nil {
		t.Fatal(err)
	}
	sealed, err := v.Seal(pan, nil)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func TestKeyEncryptingKeyInItsOwnFile(t *testing.T) {
	_, path := newVault(t)
	edit(t, path, func(f *keyFile) {
		text, _ := json.Marshal(f.KEK.Key)
		own := filepath.Join(filepath.Dir(path), "kek")
		if err := os.WriteFile(own, []byte(strings.Trim(string(text), `"`)+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f.KEK.Key, f.KEK.File = nil, "kek"
	})
	if _, err := Rotate(path); err != nil {
		t.Fatal(err)
	}
	v, err := Open(path)
	if err != nil || len(v.Keys()) != 2 {
		t.Fatalf("got %v", err)
	}
	if text, _ := os.ReadFile(path); bytes.Contains(text, []byte(`"key"`)) {
		t.Error("rotation copied the key-encrypting key")
	}
}

func TestKeyFileIsPrivate(t *testing.T) {
	_, path := newVault(t)
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v; want 0600", info.Mode(), err)
	}
	if Generate(path) == nil {
		t.Error("Generate overwrote a key file")
	}
	if err := os.Chmod(path, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(path); !errors.Is(err, secretfile.ErrOpen) {
		t.Errorf("a key file for everybody: got %v, want ErrOpen", err)
	}
}

// TestLiveKeysAreTheirOwners: of live keys the group may read neither of the two files; of keys for tests it may.
func TestLiveKeysAreTheirOwners(t *testing.T) {
	for _, e := range []Environment{Test, Live} {
		path := filepath.Join(t.TempDir(), "keys")
		kek := filepath.Join(filepath.Dir(path), "kek")
		if err := GenerateFor(path, e, Place{File: "kek"}); err != nil {
			t.Fatal(err)
		}
		for _, file := range []string{path, kek} {
			for mode, refused := range map[os.FileMode]bool{0o600: false, 0o400: false, 0o640: e == Live, 0o604: true} {
				if err := os.Chmod(file, mode); err != nil {
					t.Fatal(err)
				}
				if _, err := Open(path); errors.Is(err, secretfile.ErrOpen) != refused || (err != nil) != refused {
					t.Errorf("%s: %s of mode %04o: %v", e, filepath.Base(file), mode, err)
				}
			}
			if err := os.Chmod(file, 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestFastPathDoesNotAllocate(t *testing.T) {
	if raceDetector {
		t.Skip("the race detector makes pools forget")
	}
	v, _ := newVault(t)
	binding := CardBinding(nil, 12, 100000000000345)
	sealed := make([]byte, 0, 64)
	plain, pan := make([]byte, 0, 64), []byte(card)
	allocations := testing.AllocsPerRun(1000, func() {
		var err error
		if sealed, err = v.AppendSeal(sealed[:0], pan, binding); err != nil {
			t.Fatal(err)
		}
		if plain, err = v.AppendUnseal(plain[:0], sealed, binding); err != nil {
			t.Fatal(err)
		}
	})
	if allocations > 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func BenchmarkAppendUnseal(b *testing.B) {
	v, _ := newVault(b)
	binding := CardBinding(nil, 12, 100000000000345)
	sealed, err := v.AppendSeal(nil, []byte(card), binding)
	if err != nil {
		b.Fatal(err)
	}
	plain := make([]byte, 0, 64)
	for b.Loop() {
		if plain, err = v.AppendUnseal(plain[:0], sealed, binding); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkAppendSeal(b *testing.B) {
	v, _ := newVault(b)
	sealed, plain, binding := make([]byte, 0, 64), []byte(card), CardBinding(nil, 12, 100000000000345)
	var err error
	for b.Loop() {
		if sealed, err = v.AppendSeal(sealed[:0], plain, binding); err != nil {
			b.Fatal(err)
		}
	}
}
