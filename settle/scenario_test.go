package settle_test

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the expected output of scenarios and the generated parts of documents")

// TestScenarios runs the files of testdata. A file is a story: commands, each on its line, followed by ---- and by what
// the command prints, up to an empty line. Lines that begin with # are for the reader. scenario_commands_test.go lists the
// commands. Each file has a world of its own. What a file announces as "# Closing: …" must be printed by a balances
// command, with -update too.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := string(text)
			have := runScenario(t, want)
			if _, rest, ok := strings.Cut(want, "# Closing: "); ok {
				closing, _, _ := strings.Cut(rest, "\n")
				if !strings.Contains(have, "\nbalances\n----\n"+closing+"\n") {
					t.Errorf("%s: no balances are the closing ones, %s", file, closing)
				}
			}
			if *update {
				if err := os.WriteFile(file, []byte(have), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(have, "\n")); diff != "" {
				t.Errorf("%s (-want +have):\n%s", file, diff)
			}
		})
	}
}

// runScenario returns the text with what the commands print now.
func runScenario(t *testing.T, text string) string {
	s := &story{t: t, orders: map[string]int64{}}
	var out strings.Builder
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	for i := 0; i < len(lines); i++ {
		line := lines[i]
		fmt.Fprintln(&out, line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		printed := s.run(line)
		for i+1 < len(lines) && lines[i+1] != "" {
			i++
		}
		fmt.Fprintf(&out, "----\n%s", printed)
	}
	return out.String()
}

// arguments are the words after a command: key=value pairs, flags, and plain words in order.
type arguments struct {
	plain []string
	named map[string]string
}

func parseLine(line string) (command string, a arguments) {
	a.named = map[string]string{}
	for i, word := range strings.Fields(line) {
		key, value, named := strings.Cut(word, "=")
		switch {
		case i == 0:
			command = word
		case named:
			a.named[key] = value
		default:
			a.plain = append(a.plain, word)
		}
	}
	return command, a
}

// flag tells whether the plain words contain the flag, and removes it.
func (a *arguments) flag(name string) bool {
	for i, word := range a.plain {
		if word == name {
			a.plain = append(a.plain[:i:i], a.plain[i+1:]...)
			return true
		}
	}
	return false
}

// word is the i-th plain word, or empty.
func (a arguments) word(i int) string {
	if i < len(a.plain) {
		return a.plain[i]
	}
	return ""
}

// cause is the innermost error: the sentinel without what was attempted and without numbers.
func cause(err error) string {
	for {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			err = joined.Unwrap()[0]
			continue
		}
		inner := errors.Unwrap(err)
		if inner == nil {
			return err.Error()
		}
		err = inner
	}
}
