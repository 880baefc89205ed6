package install

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"settled/internal/app"
	"settled/settle"
)

// Result tells what was written, and what is to be done now.
type Result struct {
	Dir      string   `json:"dir"`   // absolute
	Files    []string `json:"files"` // relative to it
	Handed   Handed   `json:"handed"`
	Enrolled bool     `json:"enrolled"` // roles and logins are there; else an administrator runs admin.sql
	Left     []string `json:"left"`     // what settled config check still refuses, and what nobody else can do; empty: nothing
	Next     []string `json:"next"`     // commands of a shell, in order
}

// ErrThere says that something is there already that an installation would have to change. Nothing was written.
var ErrThere = errors.New("nothing was written")

// Write writes a new installation as of now. The answers are complete. Its files come into being all at once or not at all; before that the database
// is brought to the newest schema, which may be repeated. The errors are ErrAnswers, ErrThere, app.ErrDatabase when the database cannot be had or
// changed, and those of the file system.
func Write(ctx context.Context, a Answers, now time.Time) (*Result, error) {
	if _, err := os.Lstat(a.Dir); !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %s is there already: name another directory in --dir, or take it away", ErrThere, a.Dir)
	}
	at, err := look(ctx, a)
	if errors.Is(err, ErrThere) {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", app.ErrDatabase, err)
	}
	d, err := newDraft(a, at, now)
	if err != nil {
		return nil, err
	}
	if d.dir, err = os.MkdirTemp(filepath.Dir(d.final), "."+filepath.Base(d.final)+"-*"); err != nil {
		return nil, fmt.Errorf("write the installation: %w", err)
	}
	defer func() { _ = os.RemoveAll(d.dir) }() // which is not there when it has its name
	if err := d.fill(at); err != nil {
		return nil, err
	}
	left, err := d.configure()
	if err != nil {
		return nil, err
	}
	enrolled, err := d.bring(ctx)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", app.ErrDatabase, err)
	}
	if err := os.Rename(d.dir, d.final); err != nil {
		return nil, fmt.Errorf("write the installation: %w", err)
	}
	return &Result{Dir: d.final, Files: d.files, Handed: d.Handed, Enrolled: enrolled, Left: append(left, d.left()...), Next: d.next(at.Name, enrolled)}, nil
}

// left is what nobody but the operator can do, whatever the configuration says.
func (d *draft) left() (all []string) {
	if d.clears() && !d.sim() {
		all = append(all, "calendars.center.holidays: write the center's holidays into "+fileConfig, "give the center "+fileKey+".pub, for the login "+d.SFTPUser)
	}
	if d.live() {
		all = append(all, "keep a copy of "+fileKeys+" in a safe place, and one of "+fileKEK+" in another: without them no stored card number can be read")
	}
	return all
}

// next are the commands from here to the first payment.
func (d *draft) next(database string, enrolled bool) (all []string) {
	in := func(name string) string { return word(filepath.Join(d.Dir, name)) }
	if !enrolled {
		all = append(all, "psql -X -v ON_ERROR_STOP=1 -d "+word(database)+" < "+in(fileAdmin)+" # as an administrator of the database")
	}
	all = append(all, "set -a; . "+sourced(in(d.logins[0].file))+"; set +a", "settled config check", "settled doctor")
	if d.sim() {
		all = append(all, "(set -a; . "+sourced(in(fileSim))+"; exec pcsim) > pcsim.log &")
	}
	all = append(all, "settled run 2> settled.log &", "curl -sS --retry 60 --retry-delay 1 --retry-all-errors http://127.0.0.1:9180/readyz", "settled merchant check "+d.Answers.Merchant)
	if d.sim() {
		all = append(all, d.payment(), "settled order show "+d.firstBill())
	}
	return all
}

// payment is the first one, host to host, with a test card that the simulator approves.
func (d *draft) payment() string {
	return fmt.Sprintf("curl -sS %s/pay/silentpay.cfm -d Merchant_ID=%s -d Login=%s -d Password=%s -d Format=5 -d OrderNumber=FIRST-1 -d OrderAmount=10.00 "+
		"-d OrderCurrency=%s -d Cardnumber=4111111111111111 -d Expiremonth=12 -d Expireyear=%d -d Cvc2=123", d.URL, d.Answers.Merchant, d.Login, d.Password, d.Currency, 2035)
}

// firstBill is the bill number of that payment.
func (d *draft) firstBill() string {
	id, _ := strconv.ParseInt(d.Answers.Merchant, 10, 32) // which was checked
	return strconv.FormatInt(settle.Bill(int32(id), 1), 10)
}

// plain are the words that a shell reads as they stand.
var plain = regexp.MustCompile(`^[A-Za-z0-9_@%+=:,./-]+$`)

// word writes a text as one word of a shell.
func word(text string) string {
	if plain.MatchString(text) {
		return text
	}
	return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'"
}

// sourced is a name that the command . does not look for on the PATH.
func sourced(name string) string {
	if strings.Contains(name, "/") {
		return name
	}
	return "./" + name
}
