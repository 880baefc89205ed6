// Command pcsim runs a processing center alone: an online host, an SFTP server and a JSON status page; a partner bank of
// instant payments; a 3-D Secure server; and, if asked for, a shop that sells through the gateway. See docs/pcsim.md.
package main

import (
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"
	_ "time/tzdata" // for an empty image

	"golang.org/x/crypto/ssh"

	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Getenv, os.Stdout); err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "pcsim:", err)
		os.Exit(1)
	}
}

// settings are the flags that are not options of a center as they stand.
type settings struct {
	pcsim.Options
	model, sequence, charset, files  string
	user, password, key, hostKeyFile string
	status                           string
	bank                             bankSettings
	acs                              acsSettings
	shop                             shopSettings
	link                             linkSettings
}

func flags(s *settings) *flag.FlagSet {
	f := flag.NewFlagSet("pcsim", flag.ContinueOnError)
	f.StringVar(&s.Name, "name", "pc-a", "name of the center")
	f.StringVar(&s.MemberID, "member", "00000012345", "our member id at the center, 11 digits")
	f.Uint64Var(&s.Seed, "seed", 1, "seed of every share, and of the host key")
	f.StringVar(&s.model, "model", "dual-message", "dual-message (holds and clearing files) or single-message")
	f.StringVar(&s.OnlineAddr, "online", "127.0.0.1:7583", "listen address of the online host")
	f.StringVar(&s.SFTPAddr, "sftp", "127.0.0.1:7022", "listen address of the SFTP server")
	f.StringVar(&s.status, "status", "127.0.0.1:7080", "listen address of the status page; empty for none")
	f.StringVar(&s.Root, "root", "", "directory to serve over SFTP; empty keeps files in memory")
	f.StringVar(&s.user, "user", "acquirer", "SFTP user")
	f.StringVar(&s.password, "password", "", "SFTP password; without it and without -authorized-key one is made and printed")
	f.StringVar(&s.key, "authorized-key", "", "file with the SFTP user's public key")
	f.StringVar(&s.hostKeyFile, "host-key", "", "file with an ed25519 private key (PEM); empty derives one from name and seed")
	f.StringVar(&s.files, "files", "ipm", "format of clearing files: ipm or delimited")
	f.StringVar(&s.charset, "charset", "", "character set of clearing files: ascii, latin1, cp037, cp500; empty finds out")
	f.StringVar(&s.sequence, "sequence", "date", "scope of file numbers: date or forever")
	f.BoolVar(&s.RemovesFiles, "removes-files", false, "take files out of in/ when they were read")
	f.IntVar(&s.LastSequence, "last-sequence", 99_999, "number after which files begin again at 1")
	f.BoolVar(&s.ReuseRejected, "reuse-rejected", false, "free the number of a file that was rejected whole")
	f.DurationVar(&s.Replies.Delay, "reply-delay", 0, "time between a file and its reply")
	f.DurationVar(&s.LogEvery, "log-every", 0, "length of the periods for which a log of authorizations is left; 0 for none")
	f.DurationVar(&s.LogAfter, "log-after", 15*time.Minute, "time from the end of a period to its log")
	f.DurationVar(&s.Replies.AgainAfter, "again-after", 0, "time between a reply and its repetition under another id; 0 for none")
	f.DurationVar(&s.EchoEvery, "echo-every", 0, "time between echo tests of the center on each connection; 0 for none")
	f.DurationVar(&s.KeepAliveEvery, "keepalive-every", 0, "time between frames without a message on each connection; 0 for none")
	b := &s.Behavior
	f.Float64Var(&b.Decline, "decline", 0, "share of payments declined")
	f.Float64Var(&b.Silent, "silent", 0, "share of approved payments not answered")
	f.Float64Var(&b.Late, "late", 0, "share of approved payments answered late")
	f.Float64Var(&b.Twice, "twice", 0, "share of approved payments answered twice")
	f.Float64Var(&b.ReversalLost, "reversal-lost", 0, "share of payments whose first reversal or refund is not answered")
	f.Float64Var(&b.RejectRecords, "reject", 0, "share of correct clearing records rejected at first")
	f.IntVar(&b.RefuseFiles, "refuse-files", 0, "how many correct files, the first ones, are refused whole")
	f.DurationVar(&b.LateBy, "late-by", 2*time.Second, "how late a late answer is")
	f.DurationVar(&b.Latency, "latency", 0, "longest ordinary answer time")
	linkFlags(f, s)
	bankFlags(f, &s.bank)
	acsFlags(f, &s.acs)
	shopFlags(f, &s.shop)
	return f
}

// parse reads flags, and PCSIM_… from the environment for those not given: PCSIM_REPLY_DELAY is -reply-delay.
func parse(args []string, env func(string) string, out io.Writer) (settings, error) {
	var s settings
	f := flags(&s)
	f.SetOutput(out)
	if err := f.Parse(args); err != nil {
		return s, err
	}
	if f.NArg() > 0 {
		return s, fmt.Errorf("unexpected argument %q", f.Arg(0))
	}
	given := map[string]bool{}
	f.Visit(func(g *flag.Flag) { given[g.Name] = true })
	var err error
	f.VisitAll(func(g *flag.Flag) {
		name := "PCSIM_" + strings.ToUpper(strings.ReplaceAll(g.Name, "-", "_"))
		if v := env(name); v != "" && !given[g.Name] {
			if e := g.Value.Set(v); e != nil {
				err = errors.Join(err, fmt.Errorf("%s: %w", name, e))
			}
		}
	})
	return s, errors.Join(err, s.resolve())
}

// resolve turns names and files into options.
func (s *settings) resolve() error {
	switch s.model {
	case "dual-message":
	case "single-message":
		s.Model = pcsim.SingleMessage
	default:
		return fmt.Errorf("model %q is neither dual-message nor single-message", s.model)
	}
	switch s.sequence {
	case "date":
	case "forever":
		s.Sequence = pcsim.SequenceForever
	default:
		return fmt.Errorf("sequence %q is neither date nor forever", s.sequence)
	}
	switch s.files {
	case "ipm":
	case "delimited":
		s.Delimited = &pcsim.Delimited{}
	default:
		return fmt.Errorf("files %q are neither ipm nor delimited", s.files)
	}
	if s.charset != "" {
		if s.Charset = iso8583.CharsetByName(s.charset); s.Charset == nil {
			return fmt.Errorf("charset %q is none of ascii, latin1, cp037, cp500", s.charset)
		}
	}
	s.acs.resolve(s.Seed)
	return errors.Join(s.readHostKey(), s.readUser(), s.link.resolve(&s.Options), s.bank.resolve(s.Seed), s.shop.resolve())
}

func (s *settings) readHostKey() error {
	if s.hostKeyFile == "" {
		return nil
	}
	data, err := os.ReadFile(s.hostKeyFile)
	if err != nil {
		return err
	}
	key, err := ssh.ParseRawPrivateKey(data)
	if err != nil {
		return fmt.Errorf("host key %s: %w", s.hostKeyFile, err)
	}
	ed, ok := key.(*ed25519.PrivateKey)
	if !ok {
		return fmt.Errorf("host key %s is not ed25519", s.hostKeyFile)
	}
	s.HostKey = *ed
	return nil
}

func (s *settings) readUser() error {
	u := pcsim.User{Name: s.user, Password: s.password}
	if s.key != "" {
		data, err := os.ReadFile(s.key)
		if err != nil {
			return err
		}
		if u.Key, _, _, _, err = ssh.ParseAuthorizedKey(data); err != nil {
			return fmt.Errorf("authorized key %s: %w", s.key, err)
		}
	}
	if u.Password == "" && u.Key == nil {
		u.Password = rand.Text()
	}
	s.Users = []pcsim.User{u}
	return nil
}

// run serves until ctx ends.
func run(ctx context.Context, args []string, env func(string) string, out io.Writer) (err error) {
	s, err := parse(args, env, out)
	if err != nil {
		return err
	}
	center, err := pcsim.New(s.Options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, center.Close()) }()
	if err := s.link.keep(center); err != nil {
		return err
	}
	if err := center.Start(); err != nil {
		return err
	}
	bank, stopBank, err := serveBank(ctx, s.bank)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopBank()) }()
	acs, stopACS, err := serveACS(s.acs)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopACS()) }()
	shop, stopShop, err := serveShop(s.shop, bank)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stopShop()) }()
	page, stop, err := serveStatus(s.status, doors{center: center, bank: bank, acs: acs})
	if err != nil {
		return err
	}
	defer stop()
	if err := introduce(out, s, doors{center, bank, acs, shop, page}); err != nil {
		return err
	}
	if err := center.Run(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	_, err = fmt.Fprintln(out, "stopped")
	return err
}

// doors are what runs; nil and empty: it does not.
type doors struct {
	center *pcsim.Center
	bank   *pcsim.Bank
	acs    *pcsim.ACS
	shop   *pcsim.Shop
	page   string
}

// introduce prints what a client needs to know.
func introduce(out io.Writer, s settings, d doors) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	status := d.center.Status()
	fmt.Fprintf(w, "center\t%s, %s, seed %d, member %s\n", s.Name, s.Model, s.Seed, s.MemberID)
	fmt.Fprintf(w, "online\t%s%s\n", status.OnlineAddr, s.link.introduce(s.Options))
	fmt.Fprintf(w, "sftp\t%s, upload to %s, replies in %s\n", status.SFTPAddr, pcsim.InDir, pcsim.OutDir)
	fmt.Fprintf(w, "host key\t%s\n", status.HostKey)
	fmt.Fprintf(w, "login\t%s\n", credentials(s))
	if d.page != "" {
		fmt.Fprintf(w, "status\t%s\n", d.page)
	}
	introduceBank(w, s.bank, d.bank)
	introduceACS(w, s.acs, d.acs)
	introduceShop(w, d.shop)
	fmt.Fprintf(w, "\ntest card\taction\tmerchant\toutcome\n")
	for _, c := range pcsim.Cards() {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", c.PAN, cmp.Or(c.ActionCode, "-"), cmp.Or(c.Response, "-"), c.Means)
	}
	printACSCards(w, d.acs)
	printAmounts(w, d.bank)
	return w.Flush()
}

// credentials shows a password only when it was made here.
func credentials(s settings) string {
	u := s.Users[0]
	how := "password as given"
	switch {
	case s.password == "" && u.Password != "":
		how = "password " + u.Password
	case s.password == "":
		how = "key " + ssh.FingerprintSHA256(u.Key)
	case u.Key != nil:
		how += " or key " + ssh.FingerprintSHA256(u.Key)
	}
	return "user " + u.Name + ", " + how
}
