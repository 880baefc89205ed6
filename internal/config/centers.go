package config

import (
	"cmp"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"settled/clearing/format"
	"settled/clearing/format/formats"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/order"

	"golang.org/x/crypto/ssh"
)

func (c *checker) center(at place, f CenterFile) Center {
	if f.ID < 1 || f.ID > 32767 {
		c.fail(at.at("id"), "a number from 1 to 32767 is needed")
	}
	center := &settle.Center{
		ID: int16(f.ID), Name: c.text(at.at("name"), f.Name, 40), Zone: c.zone(at.at("zone"), f.Zone),
		Capabilities: c.capabilities(at.at("capabilities"), f.Capabilities), Brands: c.brands(at.at("brands"), f),
		Costs: settle.Costs{InterchangeBPS: c.share(at.at("costs", "interchange_bps"), f.Costs.InterchangeBPS),
			SchemeBPS:  c.share(at.at("costs", "scheme_bps"), f.Costs.SchemeBPS),
			Processing: f.Costs.Processing, Invoiced: f.Costs.Invoiced},
	}
	c.centers[f.Name] = center
	if !f.Capabilities.Instant {
		c.writes[f.Name] = nil
	}
	out := Center{Center: center}
	c.reached(at, f, &out)
	if (f.Clearing != nil) != f.Capabilities.FinancialRecord {
		c.fail(at.at("clearing"), "a center has clearing exactly when it has capabilities.financial_record")
	}
	if f.Clearing != nil {
		out.Clearing = c.clearing(at.at("clearing"), *f.Clearing, format.Center{Zone: center.Zone, Acquirer: f.Online.Acquirer, Test: c.environment == vault.Test})
		center.Stream = out.Clearing.Stream
		if set := out.Clearing.Format; set != nil {
			c.writes[f.Name] = append(c.writes[f.Name], set.WritableRune)
		}
	}
	return out
}

// brands reads the brands of the cards that a center takes; nil when it names none.
func (c *checker) brands(at place, f CenterFile) []settle.Brand {
	if f.Brands != nil && (f.Capabilities.Instant || len(f.Brands) == 0) {
		c.fail(at, "a center for cards names at least one, one with capabilities.instant none: leave the key out")
	}
	var out []settle.Brand
	for i, text := range f.Brands {
		brand := settle.Brand(text)
		if !slices.Contains(settle.Brands, brand) {
			c.fail(at.at(i), "%q is not one of %s", text, list(settle.Brands))
		}
		if slices.Contains(out, brand) {
			c.fail(at.at(i), "%q is named twice", text)
		}
		out = append(out, brand)
	}
	return out
}

// reached reads how a center is reached: an instant one by its bank's API, every other by its online host.
func (c *checker) reached(at place, f CenterFile, out *Center) {
	if !f.Capabilities.Instant {
		out.Online = c.online(at.at("online"), f.Online)
		if f.Instant != nil {
			c.fail(at.at("instant"), "is for centers with capabilities.instant")
		}
		return
	}
	if f.Online != (OnlineFile{}) {
		c.fail(at.at("online"), "a center with capabilities.instant has no online host")
	}
	out.Instant, out.LatePaid = c.instantBank(at.at("instant"), f.Instant)
}

// share checks a number of basis points.
func (c *checker) share(at place, bps int64) int64 {
	if bps < 0 || bps > 10_000 {
		c.fail(at, "%d is not between 0 and 10000 basis points", bps)
	}
	return bps
}

func (c *checker) capabilities(at place, f CapabilitiesFile) order.Capabilities {
	caps := order.Capabilities{
		FinancialRecord: f.FinancialRecord, TwoStage: f.TwoStage, PartialConfirm: f.PartialConfirm, MultiConfirm: f.MultiConfirm,
		ReversalPartial: f.ReversalPartial, Inquiry: f.Inquiry, ReleaseOnFinal: f.ReleaseOnFinal, Instant: f.Instant,
		MaxAmount: f.MaxAmount, Log: oneOf(c, at.at("authorization_log"), f.Log, order.LogNone, order.LogByFile, order.LogByLink),
		Refund: oneOf(c, at.at("refund"), f.Refund, order.RefundByFile, order.RefundByOnline),
	}
	if f.Instant && f.Refund == "" {
		caps.Refund = order.RefundByOnline
	}
	if f.MaxAmount < 0 || f.MaxAmount > order.MaxCarried {
		c.fail(at.at("max_amount"), "%d is not between 1 and %d minor units", f.MaxAmount, int64(order.MaxCarried))
	}
	switch {
	case f.Instant && caps.Log != order.LogNone:
		c.fail(at.at("authorization_log"), "an instant center has none: its payments are polled")
	case caps.Log == order.LogByFile && !f.FinancialRecord:
		c.fail(at.at("authorization_log"), "files need clearing.sftp; a single-message center answers on its link")
	case f.Instant && (f.FinancialRecord || f.TwoStage):
		c.fail(at.at("instant"), "money of an instant payment has moved when it is told: no financial_record and no two_stage")
	case f.MultiConfirm && !f.PartialConfirm:
		c.fail(at.at("multi_confirm"), "several confirmations need partial_confirm")
	case f.TwoStage && !f.FinancialRecord:
		c.fail(at.at("two_stage"), "a single-message center cannot hold: two_stage needs financial_record")
	case caps.Refund == order.RefundByFile && !f.FinancialRecord:
		c.fail(at.at("refund"), "refund by file needs financial_record")
	}
	return caps
}

func (c *checker) online(at place, f OnlineFile) Online {
	if f.Connections < 0 || f.Connections > 64 {
		c.fail(at.at("connections"), "%d is not between 1 and 64", f.Connections)
	}
	c.digits(at.at("acquirer"), f.Acquirer, 1, 11)
	return Online{
		Address: c.address(at.at("address"), f.Address), Acquirer: f.Acquirer, Connections: f.Connections,
		Timeout: c.within(at.at("timeout"), f.Timeout, 30*time.Second, 10*time.Millisecond, 5*time.Minute),
		Echo:    c.within(at.at("echo"), f.Echo, 30*time.Second, time.Second, time.Hour),
	}
}

func (c *checker) clearing(at place, f ClearingFile, center format.Center) *Clearing {
	form := c.format(at, f, center)
	if f.AfterLast == string(WrapAfterLast) && f.Sequence != string(SequenceForever) {
		c.fail(at.at("after_last"), "wrap is for sequence: forever: within a date each number is used once")
	}
	return &Clearing{
		Stream: cmp.Or(f.Stream, formats.Named(f.Format)), Format: form, Reuse: f.Reuse, InOrder: f.InOrder, Plan: c.plan(at, f, center.Zone),
		EmptyFile: oneOf(c, at.at("empty_file"), f.EmptyFile, EmptySkip, EmptySend),
		Release:   oneOf(c, at.at("release"), f.Release, ReleaseAuto, ReleaseManual),
		Sequence:  oneOf(c, at.at("sequence"), f.Sequence, SequencePerDate, SequenceForever),
		Width:     c.width(at.at("sequence_width"), f.Width, form),
		AfterLast: oneOf(c, at.at("after_last"), f.AfterLast, StopAfterLast, WrapAfterLast),
		Rejects:   c.rejects(at.at("reject_classes"), f.Rejects),
		SFTP:      c.sftp(at.at("sftp"), f.SFTP), Replies: c.replies(at.at("replies"), f.Replies, formats.ReplyPattern(f.Format)),
	}
}

// width checks how many digits of a file's number a center takes; 0 stands for all that the format has.
func (c *checker) width(at place, digits int, form format.Format) int {
	if form == nil {
		return digits
	}
	most := form.Limits().SequenceDigits
	if digits < 0 || digits > most {
		c.fail(at, "%d is not between 1 and %d, the digits that a file id has for the number", digits, most)
	}
	if digits == 0 {
		return most
	}
	return digits
}

// format makes the format of a center's files, which owns its settings; nil when one of them is wrong.
func (c *checker) format(at place, f ClearingFile, center format.Center) format.Format {
	form, problems := formats.New(f.Format, format.Settings{Charset: f.Charset, Blocked: f.Blocked, Dialect: f.Dialect, Mode: f.Mode,
		Member: f.Member, Acquirer: f.Acquirer, Forwarder: f.Forwarder, Options: f.Options}, center)
	for _, p := range problems {
		where := at
		for key := range strings.SplitSeq(p.Key, ".") {
			where = where.at(key)
		}
		c.fail(where, "%s", p.Why)
	}
	return form
}

func (c *checker) rejects(at place, list []RejectFile) []RejectClass {
	var out []RejectClass
	for i, r := range list {
		if r.From > r.To {
			c.fail(at.at(i), "codes from %d to %d are none", r.From, r.To)
		}
		class := oneOf(c, at.at(i, "class"), r.Class, "technical", "format", "reference", "timing", "amount", "account", "duplicate", "merchant")
		out = append(out, RejectClass{r.From, r.To, class})
	}
	return out
}

func (c *checker) sftp(at place, f SFTPFile) SFTP {
	if f.KeyFile == "" && f.PasswordFile == "" {
		c.fail(at, "key_file or password_file is needed")
	}
	if len(f.HostKeys) == 0 {
		c.fail(at.at("host_keys"), "at least one host key is needed: a server that shows another is never trusted")
	}
	return SFTP{
		Address: c.address(at.at("address"), f.Address), User: c.required(at.at("user"), f.User),
		HostKeys: c.hostKeys(at.at("host_keys"), f.HostKeys),
		KeyFile:  c.fileThere(at.at("key_file"), f.KeyFile), PasswordFile: c.fileThere(at.at("password_file"), f.PasswordFile),
		UploadDir: c.directory(at.at("upload_dir"), f.UploadDir, "/in"), ReplyDir: c.directory(at.at("reply_dir"), f.ReplyDir, standardReplyDir),
		LogDir:       c.directory(at.at("log_dir"), f.LogDir, "/log"),
		RemovesFiles: f.RemovesFiles, HidesSizes: f.HidesSizes, DedupesFiles: f.DedupesFiles, DuplicateCodes: f.Duplicates,
	}
}

func (c *checker) hostKeys(at place, lines []string) []ssh.PublicKey {
	var keys []ssh.PublicKey
	for i, line := range lines {
		key, _, _, _, err := ssh.ParseAuthorizedKey([]byte(line))
		if err != nil {
			c.fail(at.at(i), "%q is no public key of the form \"ssh-ed25519 AAAA...\"", line)
			continue
		}
		keys = append(keys, key)
	}
	return keys
}

func (c *checker) directory(at place, name, standard string) string {
	if name == "" {
		return standard
	}
	if path.Clean(name) != name || strings.HasPrefix(name, "..") {
		c.fail(at, "%q is no plain directory", name)
	}
	return name
}

func (c *checker) replies(at place, f RepliesFile, standard string) Replies {
	if f.Pattern == "" {
		f.Pattern = standard
	}
	name, err := regexp.Compile(f.Pattern)
	if err != nil {
		c.fail(at.at("pattern"), "%v", err)
	}
	if f.MaxRejects < 0 || f.MaxRejects > 1 {
		c.fail(at.at("max_rejects"), "%v is no share from 0 to 1", f.MaxRejects)
	}
	return Replies{Name: name, Remove: f.Remove, MaxRejects: f.MaxRejects,
		Poll:    c.within(at.at("poll"), f.Poll, 30*time.Second, time.Second, day),
		Timeout: c.within(at.at("timeout"), f.Timeout, 12*time.Hour, time.Second, 240*time.Hour),
		Weak:    c.within(at.at("weak_timeout"), f.Weak, 2*time.Hour, time.Second, 240*time.Hour)}
}
