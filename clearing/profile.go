package clearing

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"settled/clearing/format"
	"settled/clearing/remote"
	"settled/schedules"
	"settled/settle"
)

// Scope says within what the numbers of a center's files start at 1.
type Scope string

// The scopes: files 1, 2, 3 … of each business date, or for ever.
const (
	PerDate Scope = "date"
	Forever Scope = "forever"
)

// AfterLast says what follows the last number that a center takes.
type AfterLast string

// What follows: files are sealed and wait for a number, or a new round of numbers begins at 1.
const (
	StopAfterLast AfterLast = "stop"
	WrapAfterLast AfterLast = "wrap"
)

// EmptyPolicy says what happens to a window without records.
type EmptyPolicy string

// The policies: no file and no number, or a file of header and trailer.
const (
	SkipEmpty EmptyPolicy = "skip"
	SendEmpty EmptyPolicy = "send"
)

// ReleaseMode says who lets a built file go.
type ReleaseMode string

// The modes: at once, or when a person has called Release.
const (
	AutoRelease   ReleaseMode = "auto"
	ManualRelease ReleaseMode = "manual"
)

// The words that the settings of a profile may have; the first is the default.
var (
	scopes        = []Scope{PerDate, Forever}
	afterLasts    = []AfterLast{StopAfterLast, WrapAfterLast}
	emptyPolicies = []EmptyPolicy{SkipEmpty, SendEmpty}
	releaseModes  = []ReleaseMode{AutoRelease, ManualRelease}
)

// The times of a profile that says nothing else.
const (
	replyTimeout = 12 * time.Hour
	weakTimeout  = 2 * time.Hour
	pollEvery    = 30 * time.Second
)

// Profile is what we agreed on with a center about its files.
type Profile struct {
	Plan     schedules.Plan // of its windows
	Format   format.Format
	Acquirer string // our id in the center's messages, and so in its logs of authorizations

	Sequence Scope // default PerDate
	// SequenceWidth is how many digits the center takes of a file's number, 1 to those that the format has, which is the default.
	SequenceWidth int
	AfterLast     AfterLast // default StopAfterLast

	InOrder     bool // the center takes files in the order of their numbers only: one that cannot be built holds up those after it
	ReuseNumber bool // a file refused whole is replaced under its own number, not the next
	Empty       EmptyPolicy
	Release     ReleaseMode

	SFTP            remote.Config
	Outbox          string        // directory that takes our files
	Inbox           string        // directory of the replies
	LogDir          string        // directory of the logs of authorizations
	RemovesFiles    bool          // the center may take files out of the outbox
	HidesSizes      bool          // the server tells no sizes: where it does not let us read either, a delivery is proven by its writes alone
	DedupesByFileID bool          // contract: the center refuses a file id that it has processed
	DuplicateCodes  []uint16      // error codes of a file reject that say so
	RemoveReplies   bool          // we remove a reply once it is stored and applied
	ReplyTimeout    time.Duration // from delivery to the reply; default 12 h
	WeakTimeout     time.Duration // as ReplyTimeout, of a delivery whose proof is not of our bytes; default 2 h
	PollEvery       time.Duration // how often a step looks into the inbox; default 30 s

	// ReplyName matches the names of replies; others are reported once and left alone. Its group "file", if any, is the
	// name of the file answered, without extension: it tells what an answer without entries is about.
	ReplyName     *regexp.Regexp
	MaxReplyBytes int64 // default 2 GiB
	// RejectClasses sorts the center's error codes into the classes that decide what happens to a rejected record.
	RejectClasses []CodeRange
	// MaxRejects is the share of rejected records, 0 to 1, above which a reply waits for a person; 0: no limit.
	MaxRejects float64
}

// CodeRange gives the error codes From to To of a center a class: format, reference, timing, amount, account, duplicate,
// merchant or technical.
type CodeRange struct {
	From  uint16 `yaml:"from"`
	To    uint16 `yaml:"to"`
	Class string `yaml:"class"`
}

// rejectClass is the class of a code, unknown when the profile does not list it.
func (p Profile) rejectClass(code uint16) string {
	for _, r := range p.RejectClasses {
		if code >= r.From && code <= r.To {
			return r.Class
		}
	}
	return "unknown"
}

// rejectClasses are the classes that a code can have; the first is that of a range that names none.
var rejectClasses = []string{"technical", "format", "reference", "timing", "amount", "account", "duplicate", "merchant"}

// ErrProfile is wrapped by what New says about a profile that cannot work.
var ErrProfile = errors.New("clearing: profile")

// safeName is what may stand in a file name, and so in the name of a center and a stream.
var safeName = regexp.MustCompile(`^[A-Za-z0-9-]+$`)

func (p Profile) withDefaults() Profile {
	p.Sequence = cmp.Or(p.Sequence, scopes[0])
	p.AfterLast = cmp.Or(p.AfterLast, afterLasts[0])
	p.Empty = cmp.Or(p.Empty, emptyPolicies[0])
	p.Release = cmp.Or(p.Release, releaseModes[0])
	if p.SequenceWidth == 0 && p.Format != nil {
		p.SequenceWidth = p.Format.Limits().SequenceDigits
	}
	p.ReplyTimeout = cmp.Or(p.ReplyTimeout, replyTimeout)
	p.WeakTimeout = min(cmp.Or(p.WeakTimeout, weakTimeout), p.ReplyTimeout)
	p.PollEvery = cmp.Or(p.PollEvery, pollEvery)
	if p.MaxReplyBytes == 0 {
		p.MaxReplyBytes = 2 << 30
	}
	return p
}

func (p Profile) check(c *settle.Center) error {
	fault := func(format string, args ...any) error {
		return fmt.Errorf("%w of center %s: %s", ErrProfile, c.Name, fmt.Sprintf(format, args...))
	}
	switch {
	case !safeName.MatchString(c.Name) || !safeName.MatchString(c.Stream):
		return fault("name %q and stream %q must be of letters, digits and hyphens", c.Name, c.Stream)
	case p.Format == nil:
		return fault("no format of files")
	case !slices.Contains(scopes, p.Sequence):
		return fault("sequence scope %q", p.Sequence)
	case p.SequenceWidth < 1 || p.SequenceWidth > p.Format.Limits().SequenceDigits:
		return fault("sequence width %d is not 1 to %d digits", p.SequenceWidth, p.Format.Limits().SequenceDigits)
	case !slices.Contains(afterLasts, p.AfterLast):
		return fault("%q after the last number", p.AfterLast)
	case p.AfterLast == WrapAfterLast && p.Sequence != Forever:
		return fault("numbers that begin again after the last one must count for ever: within a date each is used once")
	case !slices.Contains(emptyPolicies, p.Empty):
		return fault("empty file policy %q", p.Empty)
	case !slices.Contains(releaseModes, p.Release):
		return fault("release mode %q", p.Release)
	case p.ReplyName == nil:
		return fault("no pattern of reply names")
	case !strings.HasPrefix(p.ReplyName.String(), "^") || !strings.HasSuffix(p.ReplyName.String(), "$"):
		return fault("pattern of reply names %q must begin with ^ and end with $", p.ReplyName)
	}
	for _, r := range p.RejectClasses {
		if !slices.Contains(rejectClasses, r.Class) || r.From > r.To {
			return fault("reject class %q of codes %d to %d", r.Class, r.From, r.To)
		}
	}
	if err := p.Plan.Validate(); err != nil {
		return fault("%v", err)
	}
	if err := p.SFTP.Check(); err != nil {
		return fault("%v", err)
	}
	return nil
}

// scope names the counter of a business date.
func (p Profile) scope(businessDate time.Time) string {
	if p.Sequence == Forever {
		return ""
	}
	return businessDate.Format(time.DateOnly)
}

// highest is the last number that the center takes.
func (p Profile) highest() int32 {
	last := int32(1)
	for range p.SequenceWidth {
		last *= 10
	}
	return last - 1
}

// end is highest, or nil where numbers begin again after it.
func (p Profile) end() *int32 {
	if p.AfterLast == WrapAfterLast {
		return nil
	}
	last := p.highest()
	return &last
}

// place is the round and the number of the count-th file, when the round that is open began after base files. ok is false
// where no number is left.
func (p Profile) place(count, base int32) (begin, sequence int32, ok bool) {
	switch {
	case count-base <= p.highest():
		return base, count - base, true
	case p.AfterLast == WrapAfterLast:
		return count - 1, 1, true
	}
	return 0, 0, false
}
