package demo

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"settled/authorize/online"
	"settled/clearing"
	"settled/fileformats/iso8583"
	"settled/internal/app"
	"settled/internal/config"
	"settled/internal/pcsim"
	"settled/internal/postgres/local"
	"settled/internal/postgres/roles"
	"settled/internal/telemetry"
	"settled/internal/vault"
	"settled/migrations"
	"settled/settle/order"
	"settled/settle/read"

	"github.com/jackc/pgx/v5"
	"go.yaml.in/yaml/v3"
	"golang.org/x/crypto/ssh"
)

// How long things take on the wire, in real time. A card that a center never answers costs one centerTimeout.
const (
	centerTimeout = 700 * time.Millisecond
	lateBy        = time.Second
	patience      = 10 * time.Second                    // of those that always answer: a busy machine is no reason for another outcome
	inlineBudget  = centerTimeout + 50*time.Millisecond // one try: the demo repeats owed messages at their virtual times
)

// replyDelay is how long a center takes over a file, in virtual time.
const replyDelay = 3*time.Hour + 30*time.Minute

// repeatAfter is when a clumsy center tells a verdict again: a file that replaces a refused one has been delivered by then, and has
// no reply yet.
const repeatAfter = 2 * time.Hour

// stage is everything that the demo sets up, real as in production but for the clock.
type stage struct {
	run
	clock    *Clock
	dir      string // keys, configuration, credentials
	database string // URL: of the owner until logIn, then of a login as a proper installation has one
	centers  map[string]*pcsim.Center
	shops    []*Shop
	fronts   map[*Shop]*pcsim.Shop // what buyers and notifications reach
	bank     *pcsim.Bank
	acs      *pcsim.ACS
	statuses map[string]string // addresses of the centers' status pages
	core     *app.Core
	server   *app.Server
	log      *logFile
	closers  []func() error
}

// logFile is the server's log: the demo's screen is for its story.
type logFile struct {
	*slog.Logger
	path string
}

// tailBytes is how much of the server's log a failure shows.
const tailBytes = 2 << 10

// tail is the end of the log, to be shown after an error: the file itself is about to be removed.
func (l *logFile) tail() string {
	text, err := os.ReadFile(l.path)
	if err != nil || len(text) == 0 {
		return ""
	}
	return "\nthe server's log ended with\n" + string(text[max(0, len(text)-tailBytes):])
}

// setUp sets the stage. The caller takes it down, after an error too.
func (s *stage) setUp(ctx context.Context) error {
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"keys and configuration", s.makeDir},
		{"database", s.startDatabase},
		{"schema", s.migrate},
		{"login", s.logIn},
		{"processing centers", s.startCenters},
		{"partner bank, 3-D Secure and shops", s.startWorld},
		{"server", s.startServer},
	}
	for i, step := range steps {
		s.progress.Set("setting up: "+step.what, i, len(steps))
		if err := step.do(ctx); err != nil {
			return err
		}
	}
	s.progress.Set("set up", len(steps), len(steps))
	return nil
}

// takeDown ends everything, the last first, and leaves nothing behind.
func (s *stage) takeDown() error {
	var all []error
	for i := len(s.closers) - 1; i >= 0; i-- {
		all = append(all, s.closers[i]())
	}
	s.closers = nil
	return errors.Join(all...)
}

func (s *stage) onTakeDown(f func() error) { s.closers = append(s.closers, f) }

func (s *stage) makeDir(context.Context) error {
	dir, err := os.MkdirTemp("", "settled-demo-")
	if err != nil {
		return err
	}
	s.dir = dir
	s.onTakeDown(func() error { return os.RemoveAll(dir) })
	out := io.Discard
	path := filepath.Join(dir, "settled.log")
	if f, err := os.Create(path); err == nil {
		out = f
		s.onTakeDown(f.Close)
	}
	s.log = &logFile{telemetry.NewLogger(out, slog.LevelInfo), path}
	return vault.Generate(filepath.Join(dir, "keys.json"))
}

// startDatabase uses DATABASE_URL, else starts a server of its own with the durable settings that money needs.
func (s *stage) startDatabase(ctx context.Context) error {
	if s.database = s.DatabaseURL; s.database != "" {
		return nil
	}
	server, err := local.Start(ctx, local.Config{})
	if err != nil {
		return err
	}
	s.onTakeDown(server.Stop)
	s.database = server.URL("postgres")
	return nil
}

// ErrNotEmpty says that the demo was given a database that somebody uses.
var ErrNotEmpty = errors.New("demo: database is not empty")

func (s *stage) migrate(ctx context.Context) error {
	if err := migrations.Up(ctx, s.database); err != nil {
		return err
	}
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	used, err := read.New(conn, nil).Used(ctx)
	if err != nil {
		return err
	}
	if used {
		return fmt.Errorf("%w: DATABASE_URL names one with orders or centers in it; create another, or unset it", ErrNotEmpty)
	}
	return nil
}

// logIn makes a login for everything that follows, a member of the role of the application, where the one that was given may make roles; else
// that one goes on.
func (s *stage) logIn(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, s.database)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	d, err := roles.Look(ctx, conn)
	if err != nil || !d.May {
		return err
	}
	login, owner := d.NewLogin(roles.App, "demo"), s.database
	s.database = login.Address(owner)
	if s.DatabaseURL != "" {
		s.onTakeDown(func() error { return dismiss(owner, login) })
	}
	return roles.Enroll(ctx, conn, d, login)
}

// dismiss takes the login away from a server that is not ours.
func dismiss(owner string, login roles.Login) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, err := pgx.Connect(ctx, owner)
	if err != nil {
		return err
	}
	defer conn.Close(ctx)
	return roles.Dismiss(ctx, conn, login)
}

func (s *stage) startCenters(context.Context) error {
	key, err := s.makeClientKey()
	if err != nil {
		return err
	}
	s.centers = map[string]*pcsim.Center{}
	for _, c := range casts {
		mac, err := c.mac()
		if err != nil {
			return err
		}
		center, err := pcsim.New(pcsim.Options{Name: c.name, MemberID: c.member, Seed: s.Seed, Model: c.model(), Location: s.location(),
			Now: s.clock.Now, Behavior: c.behavior(), Replies: c.replies(), TLS: c.secured, MAC: mac,
			Users: []pcsim.User{{Name: "settled", Key: key}}, RemovesFiles: c.removes, ReuseRejected: c.clumsy,
			LogEvery: c.logEvery(), LogAfter: logAfter, EchoEvery: chatter, KeepAliveEvery: chatter})
		if err != nil {
			return err
		}
		if err := center.Start(); err != nil {
			return fmt.Errorf("start center %s: %w", c.name, err)
		}
		s.onTakeDown(center.Close)
		s.centers[c.name] = center
		if err := s.keepSecrets(c); err != nil {
			return err
		}
	}
	return nil
}

// A center that logs what it approved does so every hour, a while later; all of them test their lines and keep them alive.
const (
	logPeriod = time.Hour
	logAfter  = 15 * time.Minute
	chatter   = time.Second
)

// logEvery is the period of the center's logs in files; zero: it leaves none.
func (c cast) logEvery() time.Duration {
	if c.caps.Log == order.LogByFile {
		return logPeriod
	}
	return 0
}

// behavior of the center's online host and of its clearing.
func (c cast) behavior() pcsim.Behavior {
	b := pcsim.Behavior{LateBy: lateBy}
	if c.clumsy {
		b.RefuseFiles = 1
	}
	return b
}

// replies says how the center gives its replies out.
func (c cast) replies() pcsim.Replies {
	r := pcsim.Replies{Delay: replyDelay}
	if c.clumsy {
		r.AgainAfter = repeatAfter
	}
	return r
}

// makeClientKey makes the key that we show to the centers' SFTP servers.
func (s *stage) makeClientKey() (ssh.PublicKey, error) {
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		return nil, err
	}
	block, err := ssh.MarshalPrivateKey(private, "settled demo")
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(s.dir, "sftp.key"), pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, err
	}
	return ssh.NewPublicKey(public)
}

func (s *stage) location() *time.Location { return s.clock.Now().Location() }

// configuration is what an operator would write for this cast.
func (s *stage) configuration() config.File {
	f := config.File{Ledger: config.LedgerFile{Zone: zone}, Merchants: merchants(s.shops, s.fronts), Environment: "test", Rates: rates(),
		ThreeDS:   &config.ThreeDSFile{URL: s.acs.URL(), KeyID: worldKey, SecretFile: secretFile, Timeout: patience},
		Calendars: map[string]config.CalendarFile{"every-day": {Horizon: "2099-12-31"}},
		Schedules: map[string]string{"send": "@every 5s", "fetch-replies": "@every 5s"}}
	for _, c := range casts {
		f.Centers = append(f.Centers, s.centerFile(c))
	}
	f.Centers = append(f.Centers, s.instantFile())
	return f
}

func (s *stage) centerFile(c cast) config.CenterFile {
	center := s.centers[c.name]
	f := config.CenterFile{ID: c.id, Name: c.name, Zone: zone, Costs: c.costs,
		Online:       online.Settings{Address: center.OnlineAddr(), Acquirer: c.member, Connections: 1, Timeout: centerTimeout},
		Capabilities: c.capabilities()}
	if c.secured {
		f.Online.TLS = &online.TLS{CAFile: c.name + ".pem"}
		f.Online.MAC = &online.MACSettings{Algorithm: iso8583.AESCMAC, KeyFile: c.name + ".mac"}
	}
	if !c.caps.FinancialRecord {
		return f
	}
	f.Clearing = &clearing.Settings{Charset: c.charset, Blocked: c.blocked, Member: c.member,
		Acquirer: fmt.Sprintf("41%04d", c.id), Calendar: "every-day",
		Windows: []clearing.WindowSettings{{No: 1, Cutoff: c.cutoff, Deadline: c.until, Days: "all"}},
		Reuse:   c.clumsy, Rejects: rejectClasses(), Replies: clearing.ReplySettings{Poll: 2 * time.Second, Remove: c.clumsy},
		SFTP: clearing.SFTPSettings{Address: center.SFTPAddr(), User: "settled", KeyFile: "sftp.key", RemovesFiles: c.removes, DedupesFiles: true,
			Duplicates: []uint16{512}, HostKeys: []string{strings.TrimSpace(string(ssh.MarshalAuthorizedKey(center.HostKey())))}}}
	return f
}

// capabilities are those of the center as an operator would write them.
func (c cast) capabilities() config.CapabilitiesFile {
	return config.CapabilitiesFile{FinancialRecord: c.caps.FinancialRecord, TwoStage: c.caps.TwoStage, PartialConfirm: c.caps.PartialConfirm,
		MultiConfirm: c.caps.MultiConfirm, ReversalPartial: c.caps.ReversalPartial, Refund: string(c.caps.Refund), Inquiry: c.caps.Inquiry,
		ReleaseOnFinal: c.caps.ReleaseOnFinal, Log: string(c.caps.Log), MaxAmount: c.caps.MaxAmount, Instant: c.caps.Instant}
}

// rejectClasses sorts the codes of the simulated center, as its description does.
func rejectClasses() []clearing.CodeRange {
	var out []clearing.CodeRange
	for _, r := range pcsim.RejectCodes() {
		if code, err := strconv.ParseUint(r.Code, 10, 16); err == nil && r.Class != "file" {
			out = append(out, clearing.CodeRange{From: uint16(code), To: uint16(code), Class: r.Class})
		}
	}
	return out
}

// startServer writes the configuration, loads it as any process would, and starts the real server. Its work is stepped by
// the demo, so it serves only.
func (s *stage) startServer(ctx context.Context) error {
	text, err := yaml.Marshal(s.configuration())
	if err != nil {
		return err
	}
	path := filepath.Join(s.dir, "settled.yaml")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		return err
	}
	cfg, err := config.Load(path)
	if err != nil {
		return err
	}
	environment := config.Environment{DatabaseURL: s.database, Config: path, Keys: filepath.Join(s.dir, "keys.json"),
		Listen: "127.0.0.1:0", MetricsListen: "127.0.0.1:0", MaxConns: 8, Lanes: 1}
	s.core, err = app.Open(ctx, app.Options{Environment: environment, Config: cfg, Now: s.clock.Now, Log: s.log.Logger,
		InlineBudget: inlineBudget, MaxBackoff: time.Second})
	if err != nil {
		return err
	}
	s.onTakeDown(func() error { s.core.Close(); return nil })
	if s.server, err = app.Start(ctx, s.core, app.Roles{Serve: true}); err != nil {
		return err
	}
	s.onTakeDown(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		return s.server.Stop(ctx)
	})
	if err := s.introduceWorld(); err != nil {
		return err
	}
	return s.awaitCenters(ctx)
}

// awaitCenters waits until the switch has a connection to every center.
func (s *stage) awaitCenters(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	return s.server.Ready(ctx)
}
