package clearing

import (
	"regexp"
	"slices"
	"time"

	"settled/clearing/format"
	"settled/clearing/remote"
	"settled/internal/settings"
	"settled/schedules"

	"golang.org/x/crypto/ssh"
)

// Settings is the section of a configuration that says how a center takes clearing files: its keys, as a person writes them. What
// they come to, with their defaults, is a [Profile].
type Settings struct {
	Stream    string            `yaml:"stream,omitempty"`
	Format    string            `yaml:"format,omitempty"`
	Charset   string            `yaml:"charset,omitempty"`
	Blocked   bool              `yaml:"blocked,omitempty"`
	Dialect   string            `yaml:"dialect,omitempty"`
	Mode      string            `yaml:"mode,omitempty"`
	Member    string            `yaml:"member"`
	Acquirer  string            `yaml:"acquirer_bin"`
	Forwarder string            `yaml:"forwarder,omitempty"`
	Options   map[string]string `yaml:"format_options,omitempty"`
	Calendar  string            `yaml:"calendar"`
	Windows   []WindowSettings  `yaml:"windows"`
	EmptyFile EmptyPolicy       `yaml:"empty_file,omitempty"`
	Release   ReleaseMode       `yaml:"release,omitempty"`
	Sequence  Scope             `yaml:"sequence,omitempty"`
	Width     int               `yaml:"sequence_width,omitempty"`
	AfterLast AfterLast         `yaml:"after_last,omitempty"`
	Reuse     bool              `yaml:"reuse_number,omitempty"`
	InOrder   bool              `yaml:"in_order,omitempty"`
	Rejects   []CodeRange       `yaml:"reject_classes,omitempty"`
	SFTP      SFTPSettings      `yaml:"sftp"`
	Replies   ReplySettings     `yaml:"replies,omitempty"`
}

// WindowSettings are one cut-off of a business date.
type WindowSettings struct {
	No        int    `yaml:"no"`
	Cutoff    string `yaml:"cutoff"`
	Deadline  string `yaml:"deadline"`
	DayOffset int    `yaml:"day_offset,omitempty"`
	Days      string `yaml:"days,omitempty"`
}

// SFTPSettings say where clearing files go and replies come from.
type SFTPSettings struct {
	Address      string   `yaml:"address"`
	User         string   `yaml:"user"`
	KeyFile      string   `yaml:"key_file,omitempty"`
	Passphrase   string   `yaml:"passphrase_file,omitempty"`
	PasswordFile string   `yaml:"password_file,omitempty"`
	HostKeys     []string `yaml:"host_keys"`
	LogDir       string   `yaml:"log_dir,omitempty"`
	UploadDir    string   `yaml:"upload_dir,omitempty"`
	ReplyDir     string   `yaml:"reply_dir,omitempty"`
	RemovesFiles bool     `yaml:"removes_files,omitempty"`
	HidesSizes   bool     `yaml:"hides_sizes,omitempty"`
	DedupesFiles bool     `yaml:"dedupes_files,omitempty"`
	Duplicates   []uint16 `yaml:"duplicate_codes,omitempty,flow"`
}

// Inbox is the directory that replies come from.
func (s SFTPSettings) Inbox() string {
	if s.ReplyDir == "" {
		return standardInbox
	}
	return s.ReplyDir
}

// ReplySettings say what is known about a center's replies.
type ReplySettings struct {
	Pattern    string        `yaml:"pattern,omitempty"`
	Timeout    time.Duration `yaml:"timeout,omitempty"`
	Weak       time.Duration `yaml:"weak_timeout,omitempty"`
	Poll       time.Duration `yaml:"poll,omitempty"`
	Remove     bool          `yaml:"remove,omitempty"`
	MaxRejects float64       `yaml:"max_rejects,omitempty"`
}

// Agreed is what a profile needs that is made of other sections, or of files: whoever read those has said what was wrong with them.
type Agreed struct {
	Format       format.Format // nil: wrong
	Plan         schedules.Plan
	Acquirer     string
	ReplyPattern string // of the format, where the center has no other
	KeyFile      string // absolute; empty: none, or wrong
	Passphrase   string // absolute name of the file that opens KeyFile; empty: none, or wrong
	PasswordFile string // absolute; empty: none, or wrong
}

// The directories at a center whose configuration names no others.
const (
	standardOutbox = "/in"
	standardInbox  = "/out"
	standardLogs   = "/log"
)

// longest is how long one may wait for a reply.
const longest = 240 * time.Hour

// Profile is what the settings come to. With problems it is not to be used.
func (s Settings) Profile(a Agreed) (Profile, []settings.Problem) {
	var c settings.Checker
	p := Profile{Plan: a.Plan, Format: a.Format, Acquirer: a.Acquirer, InOrder: s.InOrder, ReuseNumber: s.Reuse,
		Sequence:  settings.Word(&c, "sequence", string(s.Sequence), scopes...),
		AfterLast: settings.Word(&c, "after_last", string(s.AfterLast), afterLasts...),
		Empty:     settings.Word(&c, "empty_file", string(s.EmptyFile), emptyPolicies...),
		Release:   settings.Word(&c, "release", string(s.Release), releaseModes...)}
	if p.AfterLast == WrapAfterLast && p.Sequence != Forever {
		c.Fail("after_last", "wrap is for sequence: forever: within a date each number is used once")
	}
	s.width(&c, &p)
	s.classes(&c, &p)
	s.SFTP.into(&c, &p, a)
	s.Replies.into(&c, &p, a)
	return p.withDefaults(), c.Problems
}

// width is how many digits of a file's number the center takes.
func (s Settings) width(c *settings.Checker, p *Profile) {
	p.SequenceWidth = s.Width
	if p.Format == nil {
		return
	}
	if most := p.Format.Limits().SequenceDigits; s.Width < 0 || s.Width > most {
		c.Fail("sequence_width", "%d is not between 1 and %d, the digits that a file id has for the number", s.Width, most)
	}
}

func (s Settings) classes(c *settings.Checker, p *Profile) {
	for i, r := range s.Rejects {
		at := settings.At("reject_classes", i)
		if r.From > r.To {
			c.Fail(at, "codes from %d to %d are none", r.From, r.To)
		}
		r.Class = c.Word(at+".class", r.Class, rejectClasses...)
		p.RejectClasses = append(p.RejectClasses, r)
	}
}

func (s SFTPSettings) into(c *settings.Checker, p *Profile, a Agreed) {
	if s.KeyFile == "" && s.PasswordFile == "" {
		c.Fail("sftp", "key_file or password_file is needed")
	}
	if len(s.HostKeys) == 0 {
		c.Fail("sftp.host_keys", "at least one host key is needed: a server that shows another is never trusted")
	}
	p.SFTP = remote.Config{Address: c.Address("sftp.address", s.Address), User: c.Required("sftp.user", s.User), KeyFile: a.KeyFile,
		PassphraseFile: a.Passphrase, PasswordFile: a.PasswordFile, HostKeys: s.hostKeys(c)}
	s.ownKey(c, p.SFTP)
	p.Outbox = c.Directory("sftp.upload_dir", s.UploadDir, standardOutbox)
	p.Inbox = c.Directory("sftp.reply_dir", s.ReplyDir, standardInbox)
	p.LogDir = c.Directory("sftp.log_dir", s.LogDir, standardLogs)
	p.RemovesFiles, p.HidesSizes, p.DedupesByFileID, p.DuplicateCodes = s.RemovesFiles, s.HidesSizes, s.DedupesFiles, slices.Clone(s.Duplicates)
}

// ownKey checks our private key, where it could be read.
func (s SFTPSettings) ownKey(c *settings.Checker, r remote.Config) {
	switch {
	case s.Passphrase != "" && s.KeyFile == "":
		c.Fail("sftp.passphrase_file", "opens key_file, and there is none")
	case r.KeyFile == "" || s.Passphrase != "" && r.PassphraseFile == "":
		return // told of by who looked for the files
	}
	if err := r.CheckKey(); r.KeyFile != "" && err != nil {
		c.Fail("sftp.key_file", "%v", err)
	}
}

func (s SFTPSettings) hostKeys(c *settings.Checker) (keys []ssh.PublicKey) {
	for i, line := range s.HostKeys {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			c.Fail(settings.At("sftp.host_keys", i), "%q is no public key of the form \"ssh-ed25519 AAAA...\"", line)
			continue
		}
		if err := remote.CheckHostKey(key); err != nil {
			c.Fail(settings.At("sftp.host_keys", i), "%v", err)
		}
		keys = append(keys, key)
	}
	return keys
}

func (s ReplySettings) into(c *settings.Checker, p *Profile, a Agreed) {
	if s.Pattern == "" {
		s.Pattern = a.ReplyPattern
	}
	var err error
	if p.ReplyName, err = regexp.Compile(s.Pattern); err != nil {
		c.Fail("replies.pattern", "%v", err)
	}
	if s.MaxRejects < 0 || s.MaxRejects > 1 {
		c.Fail("replies.max_rejects", "%v is no share from 0 to 1", s.MaxRejects)
	}
	p.RemoveReplies, p.MaxRejects = s.Remove, s.MaxRejects
	p.PollEvery = c.Within("replies.poll", s.Poll, pollEvery, time.Second, 24*time.Hour)
	p.ReplyTimeout = c.Within("replies.timeout", s.Timeout, replyTimeout, time.Second, longest)
	p.WeakTimeout = c.Within("replies.weak_timeout", s.Weak, weakTimeout, time.Second, longest)
}
