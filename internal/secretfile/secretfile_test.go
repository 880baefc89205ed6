package secretfile_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"settled/internal/secretfile"
)

// TestModes: every mode there is, in both installations; Check and Read never differ.
func TestModes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("kestrel"), 0o600); err != nil {
		t.Fatal(err)
	}
	for mode := range fs.FileMode(0o1000) {
		if mode&0o400 == 0 {
			continue // its owner could not read it either
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		for live, refused := range map[bool]bool{false: mode%8 != 0, true: mode%64 != 0} {
			text, err := secretfile.Read(path, live)
			if errors.Is(err, secretfile.ErrOpen) != refused || (err != nil) != refused || (string(text) == "kestrel") == refused {
				t.Errorf("mode %04o, live %t: %q, %v", mode, live, text, err)
			}
			if checked := secretfile.Check(path, live); errors.Is(checked, secretfile.ErrOpen) != refused {
				t.Errorf("mode %04o, live %t: Check says %v", mode, live, checked)
			}
			if refused && !strings.Contains(err.Error(), fmt.Sprintf("%s has mode %04o: ", path, mode)) {
				t.Errorf("mode %04o: %v", mode, err)
			}
		}
	}
}

func TestMissingFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "none")
	if _, err := secretfile.Read(path, true); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
	if err := secretfile.Check(path, true); !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}
