package clearing_test

import (
	"io"
	"log/slog"
	"regexp"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/format"
	"settled/clearing/format/ipmfile"
	"settled/fileformats/ipm"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres/pgtest"
	"settled/schedules"
	"settled/settle/audit"
	"settled/settle/settletest"

	"golang.org/x/crypto/ssh"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

const member = "00000012345"

// world is the books, the night, and a center that takes its files.
type world struct {
	*settletest.World
	t      *testing.T
	night  *clearing.Night
	center *pcsim.Center
	opt    clearing.Options
	number int
}

// plan has one window a day, every day, at 23:00 in Minsk.
func plan(t testing.TB) schedules.Plan {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Minsk")
	check(t, err)
	calendar, err := schedules.NewCalendar(schedules.CalendarData{Name: "BY-test", Horizon: schedules.NewDate(2027, 12, 31)})
	check(t, err)
	return schedules.Plan{Zone: zone, Calendar: calendar, Windows: []schedules.Window{
		{No: 1, Cutoff: schedules.NewTimeOfDay(23, 0), Deadline: schedules.NewTimeOfDay(23, 45), Days: schedules.AllDays}}}
}

// inForm is the family in the form of a profile, for our center.
func inForm(t testing.TB, p ipm.Profile) format.Format {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Minsk")
	check(t, err)
	f, err := ipmfile.New(ipmfile.Options{Profile: p, Member: member, BIN: 512345, Zone: zone})
	check(t, err)
	return f
}

// newWorld starts a center and a night whose profile the caller may change.
func newWorld(t *testing.T, change func(*clearing.Profile, *pcsim.Options)) *world {
	t.Helper()
	w := &world{World: settletest.New(t), t: t}
	opt := pcsim.Options{Name: "PC-A", MemberID: member, Now: w.Clock.Now, Users: []pcsim.User{{Name: "acq", Password: "secret"}}}
	p := clearing.Profile{
		Plan: plan(t), Format: inForm(t, ipm.Profile{}), Outbox: pcsim.InDir, Inbox: pcsim.OutDir,
		ReplyName: regexp.MustCompile(`^RPY_(?P<file>[A-Za-z0-9_-]+)_\d+\.ipm$`), DuplicateCodes: []uint16{512},
	}
	if change != nil {
		change(&p, &opt)
	}
	var err error
	w.center, err = pcsim.New(opt)
	check(t, err)
	check(t, w.center.Start())
	t.Cleanup(func() { check(t, w.center.Close()) })
	p.SFTP.Address, p.SFTP.User = w.center.SFTPAddr(), "acq"
	p.SFTP.Auth = []ssh.AuthMethod{ssh.Password("secret")}
	if p.SFTP.HostKeys == nil {
		p.SFTP.HostKeys = []ssh.PublicKey{w.center.HostKey()}
	}
	w.opt = clearing.Options{Pool: w.Pool, Directory: w.Dir, Vault: w.Vault, Ledger: w.Books.Ledger(), Now: w.Clock.Now,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Profiles: map[int16]clearing.Profile{settletest.FileCenter: p}}
	w.restart()
	return w
}

// restart makes a new night, as a new process does.
func (w *world) restart() {
	w.t.Helper()
	var err error
	w.night, err = clearing.New(w.opt)
	check(w.t, err)
}

// reconfigure restarts with another profile.
func (w *world) reconfigure(change func(*clearing.Profile)) {
	w.t.Helper()
	p := w.opt.Profiles[settletest.FileCenter]
	change(&p)
	w.opt.Profiles[settletest.FileCenter] = p
	w.restart()
}

func byn(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }
func eur(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.EUR} }

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// audited proves the books of the whole world.
func (w *world) audited() {
	w.t.Helper()
	report, err := audit.Run(w.t.Context(), w.Pool, w.Clock.Now(), audit.Options{})
	check(w.t, err)
	for _, f := range report.Broken() {
		w.t.Errorf("%s: %s: %d violations, such as %v", f.Invariant, f.Title, f.Violations, f.Examples)
	}
}

// query reads one value.
func query[T any](w *world, sql string, args ...any) T {
	w.t.Helper()
	var v T
	check(w.t, w.Pool.QueryRow(w.t.Context(), sql, args...).Scan(&v))
	return v
}

// cutoff moves the clock past the next cut-off at 20:00 UTC.
func (w *world) cutoff() {
	now := w.Clock.Now()
	at := time.Date(now.Year(), now.Month(), now.Day(), 20, 0, 0, 0, time.UTC)
	if !at.After(now) {
		at = at.AddDate(0, 0, 1)
	}
	w.Clock.Set(at)
}

// formOf is the form of the files of a center of the family.
func formOf(p clearing.Profile) ipm.Profile { return p.Format.(*ipmfile.Format).Profile() }
