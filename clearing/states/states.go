// Package states says where windows, batches, files, replies and logs stand: their states, the one table of the steps between them, and
// why a step is not possible. It is below everything else of the night, and writes nothing.
package states

import (
	"strings"

	"settled/settle"
)

// WindowState is where a window stands.
type WindowState string

// The states of windows.
const (
	WindowOpen    WindowState = settle.WindowOpen    // takes records
	WindowSealing WindowState = settle.WindowSealing // writers are shut out; totals, batches and numbers are still to be written
	WindowSealed  WindowState = "sealed"             // has batches; final
	WindowEmpty   WindowState = "empty"              // nothing was in it; final
)

// BatchState is where a batch stands.
type BatchState string

// The states of batches.
const (
	BatchSealed  BatchState = "sealed"            // waits for its verdict
	BatchReplied BatchState = settle.BatchReplied // has it; final
	BatchNacked  BatchState = "nacked"            // its file was refused whole: a person has it built or sent again
)

// FileState is where a file stands; docs/delivery.md draws the transitions.
type FileState string

// The states of files.
const (
	FileWaiting   FileState = "unnumbered"       // waits for a number: those of the center are at their end
	FilePlanned   FileState = settle.FilePlanned // numbered, no bytes yet
	FileBuilt     FileState = "built"            // bytes stored and proven against the batch
	FileReleased  FileState = "released"         // may be sent
	FileSending   FileState = "sending"          // an attempt is under way, or was interrupted
	FileDelivered FileState = "delivered"        // proven to be at the center
	FileUnknown   FileState = "unknown_delivery" // may be at the center: nobody can tell yet
	FileReplied   FileState = "replied"          // the center gave its verdict on every record
	FileRejected  FileState = "rejected"         // the center refused it whole: nothing of it was processed
)

// ReplyState is where a reply stands.
type ReplyState string

// The states of replies.
const (
	ReplyFetched     ReplyState = "fetched"     // stored, not decided
	ReplyApplied     ReplyState = "applied"     // did what it says; final
	ReplyDuplicate   ReplyState = "duplicate"   // says what was said before; final
	ReplyQuarantined ReplyState = "quarantined" // changes nothing, and waits for a person
)

// LogState is where a center's log of authorizations stands.
type LogState string

// The states of logs of authorizations.
const (
	LogWanted  LogState = "wanted"          // to be asked for on the link
	LogFetched LogState = "fetched"         // stored, not compared
	LogApplied LogState = settle.LogApplied // compared with the books; final
	LogHeld    LogState = settle.LogHeld    // shows more than the books may lack without a person's word
)

// LookState is what a look at a center found in an epoch.
type LookState string

// The states of looks.
const (
	LookClear LookState = "clear" // the center has nothing that the books lack
	LookOpen  LookState = "open"  // a person decides
)

// Step is one legal change of a state: from where, and into what. Every UPDATE of a state is made of one. Its guard is the step's,
// or the row was locked and looked at before in the same transaction.
type Step[S ~string] struct {
	id   string // in docs/states.md
	from []S
	Into S // where the row stands after it
}

// The steps of the night; docs/states.md has them with the same ids.
var (
	ShutWindow  = Step[WindowState]{"F-2a", []WindowState{WindowOpen}, WindowSealing}
	SealWindow  = Step[WindowState]{"F-2b", []WindowState{WindowSealing}, WindowSealed}
	EmptyWindow = Step[WindowState]{"F-15", []WindowState{WindowSealing}, WindowEmpty}

	AnswerBatch = Step[BatchState]{"F-10", []BatchState{BatchSealed}, BatchReplied}
	RefuseBatch = Step[BatchState]{"F-8", []BatchState{BatchSealed}, BatchNacked}
	ReopenBatch = Step[BatchState]{"F-8b", []BatchState{BatchNacked}, BatchSealed}

	NumberFile    = Step[FileState]{"F-3m", []FileState{FileWaiting}, FilePlanned}
	MakeFile      = Step[FileState]{"F-3", []FileState{FilePlanned}, FileBuilt}
	LetFileGo     = Step[FileState]{"F-4", []FileState{FileBuilt}, FileReleased}
	TryFile       = Step[FileState]{"F-5a", []FileState{FileReleased, FileSending}, FileSending}
	ProveFile     = Step[FileState]{"F-5", []FileState{FileSending}, FileDelivered}
	FailFile      = Step[FileState]{"F-5b", []FileState{FileSending}, FileReleased}
	DoubtFile     = Step[FileState]{"F-6", []FileState{FileReleased, FileSending}, FileUnknown}
	VouchForFile  = Step[FileState]{"F-6b", []FileState{FileReleased, FileSending, FileUnknown}, FileDelivered}
	SendFileAgain = Step[FileState]{"F-7", []FileState{FileReleased, FileSending, FileDelivered, FileUnknown, FileReplied, FileRejected}, FileReleased}
	RefuseFile    = Step[FileState]{"F-8", []FileState{FileReleased, FileSending, FileDelivered, FileUnknown}, FileRejected}
	AnswerFile    = Step[FileState]{"F-10", []FileState{FileReleased, FileSending, FileDelivered, FileUnknown}, FileReplied}

	RepeatReply     = Step[ReplyState]{"I-3", []ReplyState{ReplyFetched}, ReplyDuplicate}
	QuarantineReply = Step[ReplyState]{"I-4", []ReplyState{ReplyFetched}, ReplyQuarantined}
	TakeReply       = Step[ReplyState]{"I-9", []ReplyState{ReplyFetched}, ReplyApplied}
	ReconsiderReply = Step[ReplyState]{"I-11", []ReplyState{ReplyQuarantined}, ReplyFetched}
)

// The states by which lists may be asked for, in words.
var (
	OfBatches = Words(BatchSealed, BatchReplied, BatchNacked)
	OfFiles   = Words(FileWaiting, FilePlanned, FileBuilt, FileReleased, FileSending, FileDelivered, FileUnknown, FileReplied, FileRejected)
	OfReplies = Words(ReplyFetched, ReplyApplied, ReplyDuplicate, ReplyQuarantined)
)

// Words are states as text.
func Words[S ~string](states ...S) (out []string) {
	for _, s := range states {
		out = append(out, string(s))
	}
	return out
}

// Set is the assignment of a statement that makes the step.
func (s Step[S]) Set() string { return "state = " + Quoted(s.Into) }

// May is the guard of a statement that makes the step.
func (s Step[S]) May() string { return "state IN " + In(s.from...) }

// In is a list of states in a statement. States are no parameters there, because the queues of the night are partial indexes (migrations 1,
// 2 and 11), which the planner uses only where a statement names the very states; their text is made of the typed states alone.
func In[S ~string](states ...S) string {
	var b strings.Builder
	for i, s := range states {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(Quoted(s))
	}
	return "(" + b.String() + ")"
}

// Quoted is a state as a statement spells it.
func Quoted[S ~string](s S) string { return "'" + string(s) + "'" }

// Sets of states that several statements ask for.
var (
	NotSealed   = In(WindowOpen, WindowSealing)
	NightIsOver = In(WindowSealed, WindowEmpty)
	Undelivered = In(FilePlanned, FileBuilt, FileReleased, FileSending, FileUnknown)
	OnItsWay    = In(FileReleased, FileSending)
)
