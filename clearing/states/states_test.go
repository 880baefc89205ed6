package states

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// machine is one kind of docs/states.md: its states, and per step from where and into what.
type machine struct {
	states     []string
	from, into map[string][]string
}

var (
	drawnState = regexp.MustCompile(`(?m)^    state "([^"]+)" as s\d+$`)
	tableRow   = regexp.MustCompile(`(?m)^\| ([A-Z]+-\d+[a-z]?) \| ([^|]+) \| ([^|]+) \|`)
)

// documented reads a kind in docs/states.md.
func documented(t *testing.T, name string) machine {
	t.Helper()
	raw, err := os.ReadFile("../../docs/states.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(raw), "\n## "+name+"\n")
	if !found {
		t.Fatalf("docs/states.md has no %s", name)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	m := machine{from: map[string][]string{}, into: map[string][]string{}}
	for _, s := range drawnState.FindAllStringSubmatch(text, -1) {
		m.states = append(m.states, s[1])
	}
	for _, row := range tableRow.FindAllStringSubmatch(text, -1) {
		m.from[row[1]], m.into[row[1]] = strings.Split(row[2], ", "), strings.Split(row[3], ", ")
	}
	return m
}

// same compares states and steps with those of the document: all states, and each step's result and, at least, where it begins.
func same[S ~string](t *testing.T, name string, all []string, steps ...Step[S]) {
	t.Helper()
	m := documented(t, name)
	if !slices.Equal(all, m.states) {
		t.Errorf("%s: states %q, documented %q", name, all, m.states)
	}
	for _, s := range steps {
		if !slices.Contains(m.into[s.id], string(s.Into)) {
			t.Errorf("%s %s: into %s is not documented", name, s.id, s.Into)
		}
		for _, from := range m.from[s.id] {
			if !slices.Contains(s.from, S(from)) {
				t.Errorf("%s %s: from %s is documented and not possible", name, s.id, from)
			}
		}
	}
}

// TestStepsAreThoseOfTheDocument: what the guards of the night's statements allow is drawn in docs/states.md.
func TestStepsAreThoseOfTheDocument(t *testing.T) {
	same(t, "Window", Words(WindowOpen, WindowSealing, WindowSealed, WindowEmpty), ShutWindow, SealWindow, EmptyWindow)
	same(t, "Batch", OfBatches, AnswerBatch, RefuseBatch, ReopenBatch)
	same(t, "File", OfFiles, NumberFile, MakeFile, LetFileGo, TryFile, ProveFile, FailFile, DoubtFile, VouchForFile, SendFileAgain, RefuseFile, AnswerFile)
	same(t, "Reply", OfReplies, RepeatReply, QuarantineReply, TakeReply, ReconsiderReply)
}

func TestGuards(t *testing.T) {
	if got := DoubtFile.Set() + " where " + DoubtFile.May(); got != "state = 'unknown_delivery' where state IN ('released', 'sending')" {
		t.Errorf("got %s", got)
	}
}
