package config

import (
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"slices"
)

// Watch tells when a configuration file, or a file that it names, is not what it was. It is not safe for concurrent use.
type Watch struct {
	path  string
	text  [sha256.Size]byte // of the configuration file when its names were read
	names []string          // of other files, absolute
}

// Sight is what a look saw: two are equal when nothing has changed between them.
type Sight [sha256.Size]byte

// NewWatch watches the configuration file at path.
func NewWatch(path string) *Watch { return &Watch{path: path} }

// Look reads the file and the files that it names. What cannot be read is seen, too: it is an error only of the configuration file.
func (w *Watch) Look() (s Sight, text []byte, err error) {
	if text, err = os.ReadFile(w.path); err != nil {
		return s, nil, fmt.Errorf("read configuration: %w", err)
	}
	if sum := sha256.Sum256(text); sum != w.text {
		w.text, w.names = sum, namesIn(w.path, text)
	}
	all := sha256.New()
	all.Write(w.text[:])
	for _, name := range w.names {
		see(all, name)
	}
	all.Sum(s[:0])
	return s, text, nil
}

// see notes what stands in a file, and who may read it.
func see(into hash.Hash, name string) {
	fmt.Fprintf(into, "\n%q ", name)
	f, err := os.Open(name)
	if err != nil {
		fmt.Fprint(into, "is not there")
		return
	}
	defer func() { _ = f.Close() }()
	if info, err := f.Stat(); err == nil {
		fmt.Fprint(into, info.Mode().Perm(), " ")
	}
	_, _ = io.Copy(into, f)
}

// namesIn are the files that a text names, each once; none when it cannot be understood.
func namesIn(path string, text []byte) (names []string) {
	var file File
	if _, problems := decode(path, text, &file); len(problems) > 0 {
		return nil
	}
	c := &checker{dir: filepath.Dir(path)}
	for _, s := range contentOf(&file, func(string) string { return "" }).settings {
		if namesFile(s.key) && s.value != "" {
			names = append(names, c.resolve(s.value))
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}
