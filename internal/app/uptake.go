package app

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"settled/internal/config"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/processes"

	"github.com/jackc/pgx/v5"
)

// uptake is how a process takes up its changed configuration while it works. It is the handler of the merchants' API, which gives each
// request to the server of the moment.
type uptake struct {
	now     atomic.Pointer[generation]
	metrics *configMetrics
	name    string // of the process

	mu      sync.Mutex // one look at a time
	watch   *config.Watch
	judged  config.Sight // what was looked at last, and taken up or refused
	waiting config.Sight // what is to be seen once more before it is looked at
	failing string       // what of the look before failed, and is tried again
}

// generation is a process under one configuration.
type generation struct {
	server *Server
	api    http.Handler
}

// newUptake begins with the configuration of the start.
func newUptake(s *Server) *uptake {
	u := &uptake{metrics: newConfigMetrics(s.Registry), watch: config.NewWatch(s.Config.Path()), name: postgres.Holder()}
	u.now.Store(&generation{s, s.Gateway.Handler()})
	u.metrics.took(ContentName(s.Config, s.Vault), s.Now())
	return u
}

// ServeHTTP serves a request of the merchants' API from beginning to end under one configuration.
func (u *uptake) ServeHTTP(w http.ResponseWriter, r *http.Request) { u.now.Load().api.ServeHTTP(w, r) }

// current is the process under the configuration of the moment.
func (s *Server) current() *Server { return s.uptake.now.Load().server }

// configEvery is between two looks at the configuration, and its files.
const configEvery = 4 * time.Second

// reloadWithin bounds a look that somebody asked for.
const reloadWithin = 30 * time.Second

// watchConfig takes up a changed configuration until the server stops, and tells which one the process has. A change is looked at when it has
// stood for a look: a file that is being written may be valid in the middle.
func (s *Server) watchConfig(ctx context.Context) error {
	if s.Config.Path() == "" {
		return nil
	}
	if err := errors.Join(s.tellStart(ctx), s.noteProcess(ctx)); err != nil {
		return err
	}
	stop := repeat(cmp.Or(s.ConfigEvery, configEvery), func(ctx context.Context) error {
		s.lookAtConfig(ctx, false)
		return s.noteProcess(ctx)
	}, s.uptake.noted(s.Log))
	s.onStop(func(ctx context.Context) error {
		stop()
		return processes.Forget(ctx, s.Pool, s.uptake.name)
	})
	return nil
}

// Reload looks at the configuration at once, as when somebody says that it is written: it is taken up as a whole, or not at all, which the log
// and the metrics tell.
func (s *Server) Reload(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, reloadWithin)
	defer cancel()
	s.lookAtConfig(ctx, true)
}

// lookAtConfig takes up what has changed. Sure is a change that need not be seen twice.
func (s *Server) lookAtConfig(ctx context.Context, sure bool) {
	u := s.uptake
	u.mu.Lock()
	defer u.mu.Unlock()
	sight, text, err := u.watch.Look()
	switch {
	case err != nil:
		u.judged = config.Sight{}
		u.failed(s.Log, err)
		return
	case sight == u.judged && !sure:
		u.waiting = sight
		return
	case sight != u.waiting && !sure:
		u.waiting = sight
		return
	}
	err = s.takeUp(ctx, text, sight)
	switch {
	case errors.Is(err, errUnsure):
		return
	case err != nil && !errors.Is(err, errRefused):
		u.failed(s.Log, err)
		return
	}
	u.judged, u.failing = sight, ""
}

// failed tells of a look that failed for a reason beside the configuration, once for each reason. The next look tries again.
func (u *uptake) failed(log *slog.Logger, err error) {
	if u.failing == err.Error() {
		return
	}
	u.failing = err.Error()
	u.metrics.refused()
	log.Error("the configuration could not be looked at; the one before goes on", slog.Any("error", err))
}

var (
	errUnsure  = errors.New("the configuration is being written")
	errRefused = errors.New("the configuration is not taken up")
)

// takeUp judges a text of the configuration, and takes it up if it may be.
func (s *Server) takeUp(ctx context.Context, text []byte, sight config.Sight) error {
	u, now := s.uptake, s.current()
	cfg, changes, err := s.judge(now.Config, text)
	if again, _, unread := u.watch.Look(); unread != nil || again != sight {
		return errUnsure
	}
	if err != nil {
		return u.refuse(s.Log, err)
	}
	if len(changes) == 0 {
		u.keep(s.Log)
		return nil
	}
	next, err := now.prepare(cfg)
	if err != nil {
		return u.refuse(s.Log, err)
	}
	if err := next.enter(ctx, changes); errors.Is(err, settle.ErrDirectory) {
		return u.refuse(s.Log, err)
	} else if err != nil {
		return err
	}
	s.turn(next, changes)
	return nil
}

// enter writes a configuration into the books, which refuse one that leaves out what they need, and its event.
func (s *Server) enter(ctx context.Context, changes []config.Change) error {
	if err := s.knowBills(ctx); err != nil {
		return err
	}
	return postgres.InTx(ctx, s.Pool, postgres.Key{Name: "take up a configuration"}, func(tx pgx.Tx) error {
		if err := s.Books.Register(ctx, tx); err != nil {
			return err
		}
		return s.appendConfig(ctx, tx, changes)
	})
}

// keep notes that the file says what the process has.
func (u *uptake) keep(log *slog.Logger) {
	if u.metrics.kept() {
		log.Info("the configuration file says what the process has, again")
	}
}

// judge reads a text and finds what keeps it from being taken up: what the check of a configuration refuses, and what needs a restart.
func (s *Server) judge(before *config.Config, text []byte) (*config.Config, []config.Change, error) {
	cfg, err := config.Parse(before.Path(), text)
	if err != nil {
		return nil, nil, err
	}
	changes, err := before.Content().TakesUp(cfg.Content())
	if err != nil || len(changes) == 0 {
		return nil, nil, err
	}
	warnings, err := CheckCalendars(cfg, s.Now())
	if err == nil {
		err = CheckProfiles(cfg)
	}
	if err != nil {
		return nil, nil, err
	}
	for _, w := range append(warnings, cfg.Warnings...) {
		s.Log.Warn("the configuration takes a risk", slog.String("setting", w.Place), slog.String("why", w.Why))
	}
	return cfg, changes, nil
}

// refuse tells why a configuration is not taken up.
func (u *uptake) refuse(log *slog.Logger, why error) error {
	u.metrics.refused()
	log.Error("the configuration was changed and is not taken up; the one before goes on", slog.Any("error", why))
	return errRefused
}

// prepare makes the process under another configuration. Nothing uses it yet.
func (s *Server) prepare(cfg *config.Config) (*Server, error) {
	core, err := s.under(cfg)
	if err != nil {
		return nil, err
	}
	next := *s
	next.Core, next.stops = core, nil
	next.Gateway, err = s.Gateway.Under(core.Books, merchants(cfg))
	return &next, err
}

// turn lets requests and jobs begin under the next configuration from now on.
func (s *Server) turn(next *Server, changes []config.Change) {
	s.epochs.Know(settle.IDNames(next.Config.Directory))
	for _, c := range next.Config.Centers {
		if link := s.links[c.ID]; link != nil {
			link.Trust(c.Online.TLS)
		}
	}
	next.Night.Show()
	s.uptake.now.Store(&generation{next, next.Gateway.Handler()})
	name := ContentName(next.Config, s.Vault)
	s.uptake.metrics.took(name, s.Now())
	s.Log.Info("the configuration was changed and is taken up", slog.String("content", name), slog.Any("changes", words(changes)))
}
