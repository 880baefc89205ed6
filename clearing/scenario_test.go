package clearing_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestScenarios runs the files of testdata: stories of nights, against a real database and a real center. A file is commands, each on
// its line, followed by ---- and by what the command prints, up to an empty line. Lines that begin with # are for the reader.
// scenario_commands_test.go lists the commands. Each file has a world of its own; every story ends with an audit of it.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			check(t, err)
			s := &story{t: t, orders: map[string]int64{}}
			have := s.tell(string(text))
			if s.w != nil {
				s.w.audited()
			}
			if *update {
				check(t, os.WriteFile(file, []byte(have), 0o644))
				return
			}
			if diff := cmp.Diff(strings.Split(string(text), "\n"), strings.Split(have, "\n")); diff != "" {
				t.Errorf("%s (-want +have):\n%s", file, diff)
			}
		})
	}
}

// tell returns the text with what the commands print now.
func (s *story) tell(text string) string {
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
