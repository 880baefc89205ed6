package app

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"settled/clearing"
	"settled/internal/app/clock"
	"settled/internal/config"
	"settled/internal/postgres"
	"settled/internal/postgres/roles"
	"settled/internal/secretfile"
	"settled/internal/telemetry"
	"settled/internal/vault"
	"settled/migrations"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/epoch"
	"settled/settle/events"
	"settled/settle/gauges"
	"settled/settle/notification"
	"settled/settle/read"
	"settled/settle/reconcile"
	"settled/settle/retention"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

// Options say what to run on. Environment and Config are required.
type Options struct {
	Environment config.Environment
	Config      *config.Config
	Now         func() time.Time // default: the clock of the database (package clock)
	Log         *slog.Logger     // default slog.Default
	// InlineBudget is how long a merchant's cancel waits for a center before it is told as in process. Default 10 s.
	InlineBudget time.Duration
	// MaxBackoff bounds the pause before a lost connection to a center is dialed again. Default 15 s.
	MaxBackoff time.Duration
	// Limits of the connections that are served.
	Limits Limits
	// ConfigEvery is between two looks at the configuration file while a server runs. Default 4 s.
	ConfigEvery time.Duration
	// As is the role that sessions take in the database: that of what the process does. Default roles.App.
	As roles.Role
	// ThrowAway accepts a database that may lose commits. For tests.
	ThrowAway bool
}

// Core is what every command of an installation stands on.
type Core struct {
	Options
	Pool          *pgxpool.Pool
	Vault         *vault.Vault
	Books         *settle.Books
	Notifications *notification.Queue // what merchants' servers are to be told
	Unknown       *reconcile.Unknown  // approvals of centers that the books do not know
	Read          *read.Books         // the books for those who only look
	Night         *clearing.Night
	Retention     *retention.Keeper // erases what is kept longer than its time
	Registry      *prometheus.Registry
	Clock         *clock.Clock // nil where Options.Now tells the time
	epochs        *epoch.Keeper
	looked        *atomic.Pointer[time.Time] // when a job last looked at the epoch
	audits        *audit.Metrics
	queued        *queued
	closers       []func()
}

// queued is how work comes into the queue, once there is one (StartWork).
type queued struct {
	wake    func()
	enqueue func(ctx context.Context, tx pgx.Tx, kind clearing.JobKind, id int64) error
}

// ErrDatabase is wrapped when there is no usable database.
var ErrDatabase = errors.New("app: database")

// Open connects to the database and makes books and night. The caller closes the core.
func Open(ctx context.Context, o Options) (*Core, error) {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	c := &Core{Options: o, Registry: telemetry.NewRegistry(), looked: &atomic.Pointer[time.Time]{}, audits: &audit.Metrics{}, queued: &queued{wake: func() {}}}
	c.Registry.MustRegister(c.audits)
	if err := c.open(ctx); err != nil {
		c.Close()
		return nil, err
	}
	return c, nil
}

func (c *Core) open(ctx context.Context) error {
	lanes, err := c.connect(ctx)
	if err != nil {
		return err
	}
	if err := c.startClock(ctx); err != nil {
		return err
	}
	if err := c.startEpochs(ctx); err != nil {
		return err
	}
	if err := c.openKeys(ctx); err != nil {
		return err
	}
	c.Books = settle.New(settle.Options{Pool: c.Pool, Lanes: lanes, LaneCount: c.Environment.Lanes, Directory: c.Config.Directory,
		Vault: c.Vault, Zone: c.Config.Zone, Now: c.Now, Log: c.Log, Wake: func() { c.queued.wake() }})
	c.onClose(c.Books.Close)
	c.readers()
	c.Registry.MustRegister(gauges.Metrics{Books: c.Books}, events.Metrics{Pool: c.Pool, Log: c.Log}, retention.Metrics{Pool: c.Pool, Log: c.Log})
	if err := c.Books.RegisterCenters(ctx); err != nil {
		return err
	}
	if err := c.Books.RegisterContracts(ctx); err != nil {
		return err
	}
	if err := c.knowBills(ctx); err != nil {
		return err
	}
	c.Night, err = clearing.New(clearing.Options{Pool: c.Pool, Directory: c.Config.Directory, Vault: c.Vault, Ledger: c.Books.Ledger(),
		Profiles: profiles(c.Config), Now: c.Now, Log: c.Log, Registerer: c.Registry, Enqueue: c.queue,
		Reached: c.reached, Reconcile: c.reconcile})
	if err != nil {
		return err
	}
	c.keep()
	return nil
}

// readers makes what reads the books, and knows the merchants.
func (c *Core) readers() {
	c.Notifications = notification.NewQueue(c.Pool, c.Books.Now, c.Config.Directory.MerchantIDs())
	c.Unknown = reconcile.NewUnknown(c.Books)
	c.Read = read.New(c.Pool, c.Config.Directory)
}

// under makes a core that stands on the same database, keys and counters as c, under another configuration of the same centers. Only c
// is closed.
func (c *Core) under(cfg *config.Config) (*Core, error) {
	other := *c
	other.Config, other.Books = cfg, c.Books.Under(cfg.Directory)
	other.readers()
	night, err := c.Night.Under(clearing.Changed{Directory: cfg.Directory, Profiles: profiles(cfg), Reconcile: other.reconcile, Enqueue: other.queue})
	if err != nil {
		return nil, err
	}
	other.Night = night
	other.keep()
	return &other, nil
}

// reconcile compares a center's log with the books in the night's transaction.
func (c *Core) reconcile(ctx context.Context, tx pgx.Tx, l *reconcile.CenterLog) (reconcile.Reconciled, error) {
	return reconcile.Compare(ctx, tx, c.Books, l)
}

// queue queues a step of the night where there is a queue; without one the rows say what is next.
func (c *Core) queue(ctx context.Context, tx pgx.Tx, kind clearing.JobKind, id int64) error {
	if c.queued.enqueue == nil {
		return nil
	}
	return c.queued.enqueue(ctx, tx, kind, id)
}

// connect opens the pools: one for everything, and one for the lanes of the group commit.
func (c *Core) connect(ctx context.Context) (lanes *pgxpool.Pool, err error) {
	e := c.Environment
	if e.DatabaseURL == "" {
		return nil, fmt.Errorf("%w: DATABASE_URL is not set", ErrDatabase)
	}
	if err := CheckDatabase(c.Config, e.DatabaseURL); err != nil {
		return nil, err
	}
	pending, err := migrations.Pending(ctx, e.DatabaseURL)
	if postgres.Denied(err) {
		return nil, fmt.Errorf("%w: %w: make the login a member of a role of the database (docs/roles.md)", ErrDatabase, err)
	} else if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	} else if len(pending) > 0 {
		return nil, fmt.Errorf("%w: migrations are missing (%s): run settled migrate", ErrDatabase, strings.Join(pending, ", "))
	}
	if err := CheckLogin(ctx, c.Config, e.DatabaseURL); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.Pool, err = postgres.Open(ctx, postgres.Config{URL: e.DatabaseURL, MaxConns: e.MaxConns, Role: c.As, ThrowAway: c.ThrowAway, Log: c.Log})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.onClose(c.Pool.Close)
	url, err := WithSettings(e.DatabaseURL, settle.LaneSettings)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	lanes, err = postgres.Open(ctx, postgres.Config{URL: url, Application: "settled lanes", MaxConns: int32(e.Lanes), Role: c.As, ThrowAway: c.ThrowAway, Log: c.Log})
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	c.onClose(lanes.Close)
	c.Registry.MustRegister(telemetry.NewPoolCollector("main", c.Pool), telemetry.NewPoolCollector("lanes", lanes))
	return lanes, nil
}

// CheckDatabase refuses a connection string with which a live installation could speak to a database on another machine in the clear, or
// to one that has not proven who it is; an empty one has nothing wrong. The error wraps ErrDatabase and postgres.ErrTransport.
func CheckDatabase(cfg *config.Config, url string) error {
	if cfg.Environment != vault.Live || url == "" {
		return nil
	}
	if err := postgres.CheckTransport(url); err != nil {
		return fmt.Errorf("%w: %w", ErrDatabase, err)
	}
	return nil
}

// WithSettings adds session parameters, by name, to a connection string in either of its forms.
func WithSettings(database string, settings map[string]string) (string, error) {
	if !strings.HasPrefix(database, "postgres://") && !strings.HasPrefix(database, "postgresql://") {
		for name, value := range settings {
			database += " " + name + "=" + value
		}
		return database, nil
	}
	u, err := url.Parse(database)
	if err != nil {
		return "", errors.New("DATABASE_URL is not a URL") // the URL itself may hold a password
	}
	q := u.Query()
	for name, value := range settings {
		q.Set(name, value)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// ErrEnvironment is wrapped when the keys are for another environment than the configuration.
var ErrEnvironment = fmt.Errorf("%w: test and live are mixed", config.ErrInvalid)

// OpenVault opens the key file at path for an installation. Keys that are for another environment are refused
// (ErrEnvironment): what is sealed with them belongs to another installation.
func OpenVault(cfg *config.Config, path string) (*vault.Vault, error) {
	v, err := vault.Open(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%w: key file %s does not exist: make one with settled keys new, or name another in SETTLED_KEYS: %w", config.ErrInvalid, path, err)
	case errors.Is(err, secretfile.ErrOpen):
		return nil, fmt.Errorf("%w: %w", config.ErrInvalid, err)
	case err != nil:
		return nil, err
	case v.Environment() != cfg.Environment:
		return nil, fmt.Errorf("%w: key file %s is for %s, the configuration for %s", ErrEnvironment, path, v.Environment(), cfg.Environment)
	case cfg.Environment == vault.Live && !v.Apart():
		return nil, fmt.Errorf("%w: key file %s holds the key that seals its keys: whoever has it has them all; move that key with settled keys move", config.ErrInvalid, path)
	}
	return v, nil
}

func (c *Core) onClose(f func()) { c.closers = append(c.closers, f) }

// Close closes everything that Open opened, the last first.
func (c *Core) Close() {
	for len(c.closers) > 0 {
		last := len(c.closers) - 1
		c.closers[last]()
		c.closers = c.closers[:last]
	}
}

// profiles are the clearing profiles of the centers that clear by file.
func profiles(cfg *config.Config) map[int16]clearing.Profile {
	out := map[int16]clearing.Profile{}
	for _, center := range cfg.Centers {
		if center.Clearing != nil {
			out[center.ID] = *center.Clearing
		}
	}
	return out
}
