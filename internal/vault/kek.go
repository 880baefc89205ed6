package vault

import (
	"context"
	"crypto/cipher"
	"encoding/base64"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"settled/internal/secretfile"
)

// ErrNoKEK says that the key-encrypting key is missing, so no data key can be used.
var ErrNoKEK = errors.New("vault: key-encrypting key is missing")

// ErrPlace is returned for a text that names no place of a key-encrypting key.
var ErrPlace = errors.New("vault: not a place of a key: file:PATH, env:NAME or command:PROGRAM")

// Place is where the key-encrypting key is kept, in base64: in a file, in a variable of the environment, or with whoever a program asks,
// such as a key management service. The zero Place is the key file itself, which is for tests.
type Place struct {
	File    string   `json:"file,omitempty"` // relative to the key file
	Env     string   `json:"env,omitempty"`
	Command []string `json:"command,omitempty"` // program and arguments; it prints the key
}

// ParsePlace reads a place as operators write it: "file:kek", "env:SETTLED_KEK", "command:/usr/local/bin/fetch-key settled". Arguments
// are parted by blanks. The error is ErrPlace.
func ParsePlace(text string) (Place, error) {
	kind, rest, _ := strings.Cut(text, ":")
	switch {
	case strings.TrimSpace(rest) == "":
	case kind == "file":
		return Place{File: rest}, nil
	case kind == "env" && !strings.ContainsAny(rest, "= "):
		return Place{Env: rest}, nil
	case kind == "command":
		return Place{Command: strings.Fields(rest)}, nil
	}
	return Place{}, fmt.Errorf("%w: %q", ErrPlace, text)
}

// apart reports whether the key is kept outside of the key file.
func (p Place) apart() bool { return p.File != "" || p.Env != "" || len(p.Command) > 0 }

// kekEntry is the key-encrypting key of a file, or its place. The id belongs to the file for ever: what the keys are known by in a
// database hangs on it.
type kekEntry struct {
	ID  string `json:"id"`
	Key []byte `json:"key,omitempty"`
	Place
}

// open returns the key of the file at path, ready to use. A file of its own is judged as that of an installation that is live, or not.
func (k kekEntry) open(path string, live bool) (cipher.AEAD, error) {
	raw, err := k.read(path, live)
	if err != nil {
		return nil, err
	}
	if k.apart() { // else it is the entry's own, which is written again
		defer clear(raw)
	}
	if len(raw) != keySize {
		return nil, &KeyError{Path: path, Why: fmt.Sprintf("key-encrypting key has %d bytes, not %d", len(raw), keySize)}
	}
	return newGCM(raw)
}

func (k kekEntry) read(path string, live bool) (raw []byte, err error) {
	var text []byte
	switch {
	case k.File != "":
		text, err = secretfile.Read(k.fileBeside(path), live)
	case k.Env != "":
		text = []byte(os.Getenv(k.Env))
	case len(k.Command) > 0:
		text, err = printedBy(k.Command)
	default:
		raw = k.Key
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoKEK, err)
	}
	if k.apart() {
		defer clear(text)
		if raw, err = base64.StdEncoding.DecodeString(strings.TrimSpace(string(text))); err != nil {
			return nil, &KeyError{Path: path, Why: "key-encrypting key is not base64"}
		}
	}
	if len(raw) == 0 {
		return nil, fmt.Errorf("%w: %s holds none and names no place that does", ErrNoKEK, path)
	}
	return raw, nil
}

// programTime bounds how long a program may take to print a key: who opens something sealed may wait for it.
const programTime = 20 * time.Second

func printedBy(program []string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(context.Background(), programTime)
	defer cancel()
	run := exec.CommandContext(ctx, program[0], program[1:]...) //nolint:gosec // the program that the key file names, which is private
	run.WaitDelay = time.Second                                 // a child of it may hold its output
	text, err := run.Output()
	return text, errors.Join(err, ctx.Err())
}

func (p Place) fileBeside(path string) string {
	if filepath.IsAbs(p.File) {
		return p.File
	}
	return filepath.Join(filepath.Dir(path), p.File)
}

// make puts a new key into its place: into the entry, or into a file, which must not exist. What an environment or a program gives has to
// be there already.
func (k *kekEntry) make(path string) error {
	switch {
	case !k.apart():
		k.Key = randomBytes(keySize)
	case k.File != "":
		return writeNew(k.fileBeside(path), []byte(base64.StdEncoding.EncodeToString(randomBytes(keySize))))
	}
	return nil
}

// writeNew writes a file of secrets, readable by its owner only. It fails if the file exists.
func writeNew(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return err
	}
	return finish(f, text)
}

// Apart reports whether the key-encrypting key is kept outside of the key file, so that neither is enough alone.
func (v *Vault) Apart() bool { return v.ring.Load().apart }

// Move seals the data keys of the key file at path anew, under a new key-encrypting key in another place. The data keys stay what they
// are, so that nothing that is stored changes. The file is replaced in one step; the key before stays where it was, and is good for
// nothing but copies of the file from before.
func Move(path string, to Place) error {
	file, old, err := readKeyFile(path)
	if err != nil {
		return fmt.Errorf("move key: %w", err)
	}
	file.KEK = kekEntry{ID: file.KEK.ID, Place: to}
	if err := file.KEK.make(path); err != nil {
		return fmt.Errorf("move key: %w", err)
	}
	kek, err := file.KEK.open(path, file.Environment == Live)
	if err != nil {
		return fmt.Errorf("move key: %w", err)
	}
	for i := range file.Keys {
		plain, err := file.Keys[i].unwrap(file.bond(), old)
		if err != nil {
			return fmt.Errorf("move key: %w", &KeyError{path, file.Keys[i].Number, "does not unwrap"})
		}
		file.Keys[i].wrap(file.bond(), kek, plain)
		clear(plain)
	}
	return replace(path, file)
}
