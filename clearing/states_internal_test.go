package clearing

import (
	"slices"
	"testing"

	"settled/settle/states"
)

// documented are the states and steps of one kind in docs/states.md.
func documented(t *testing.T, name string) states.Machine {
	t.Helper()
	i := slices.IndexFunc(states.Machines, func(m states.Machine) bool { return m.Name == name })
	if i < 0 {
		t.Fatalf("no machine %q", name)
	}
	return states.Machines[i]
}

// same compares states and steps with those of the document: all states, and each step's result and, at least, where it begins.
func same[S ~string](t *testing.T, name string, all []S, steps ...step[S]) {
	t.Helper()
	m := documented(t, name)
	var have []string
	for _, s := range all {
		have = append(have, string(s))
	}
	if !slices.Equal(have, m.States) {
		t.Errorf("%s: states %q, documented %q", name, have, m.States)
	}
	for _, s := range steps {
		i := slices.IndexFunc(m.Steps, func(d states.Step) bool { return d.ID == s.id })
		if i < 0 || !slices.Contains(m.Steps[i].To, string(s.into)) {
			t.Errorf("%s %s: into %s is not documented", name, s.id, s.into)
			continue
		}
		for _, from := range m.Steps[i].From {
			if !slices.Contains(s.from, S(from)) {
				t.Errorf("%s %s: from %s is documented and not possible", name, s.id, from)
			}
		}
	}
}

// TestStepsAreThoseOfTheDocument: what the guards of the night's statements allow is drawn in docs/states.md.
func TestStepsAreThoseOfTheDocument(t *testing.T) {
	same(t, "Window", []WindowState{WindowOpen, WindowSealing, WindowSealed, WindowEmpty}, windowShutOut, windowSealed, windowEmptied)
	same(t, "Batch", []BatchState{BatchSealed, BatchReplied, BatchNacked}, batchReplied, batchNacked, batchReopened)
	same(t, "File", []FileState{FileWaiting, FilePlanned, FileBuilt, FileReleased, FileSending, FileDelivered, FileUnknown, FileReplied, FileRejected},
		fileNumbered, fileMade, fileLetGo, fileTried, fileProven, fileFailed, fileDoubted, fileVouched, fileSentOver, fileRefused, fileAnswered)
	same(t, "Reply", []ReplyState{ReplyFetched, ReplyApplied, ReplyDuplicate, ReplyQuarantined}, replyRepeated, replyRefused, replyTaken, replyReconsider)
}

func TestGuards(t *testing.T) {
	if got := fileDoubted.set() + " where " + fileDoubted.may(); got != "state = 'unknown_delivery' where state IN ('released', 'sending')" {
		t.Errorf("got %s", got)
	}
}
