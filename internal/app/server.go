package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"

	"settled/authorize"
	"settled/authorize/instant"
	"settled/authorize/online"
	"settled/authorize/payment"
	"settled/authorize/threeds"
	"settled/internal/app/edge"
	"settled/internal/config"
	"settled/internal/vault"
	"settled/internal/work"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Roles say what a process does.
type Roles struct {
	Serve bool // the merchants' API
	Work  bool // recurring work and the steps of the night
}

// Server is a running process of an installation under one configuration. When the process takes up another one, that makes another Server
// of the same process, which serves requests and does jobs from then on; what began under the one before ends under it.
type Server struct {
	*Core
	Gateway    *authorize.Gateway
	APIAddr    string // of the merchants' API; empty when it is not served
	MetricAddr string // of metrics and health
	pulse      *pulse
	edge       *edgeMetrics
	hosts      []*online.Client
	links      map[int16]*online.Client // the hosts by their centers
	uptake     *uptake
	stops      []func(context.Context) error // in order of the starts
}

// Start makes a server of the core in the given roles. On error everything that was started is stopped. The caller stops
// the server, then closes the core.
func Start(ctx context.Context, core *Core, roles Roles) (*Server, error) {
	s := &Server{Core: core, links: map[int16]*online.Client{}}
	err := s.start(ctx, roles)
	if err != nil {
		return nil, errors.Join(err, s.Stop(ctx))
	}
	return s, nil
}

func (s *Server) start(ctx context.Context, roles Roles) error {
	listeners := s.Environment.Listeners(s.Config.Environment)
	if !roles.Serve {
		listeners = slices.DeleteFunc(listeners, func(l config.Listener) bool { return l.Name == config.ListenerAPI })
	}
	if err := checkListeners(s.Environment, s.Config.Environment, listeners, s.Now); err != nil {
		return err
	}
	s.edge = newEdgeMetrics(s.Registry)
	if err := s.startPulse(); err != nil {
		return err
	}
	s.watchEpochs()
	s.watchKeys()
	if err := s.startGateway(); err != nil {
		return err
	}
	s.uptake = newUptake(s)
	if roles.Work {
		if err := s.StartWork(ctx); err != nil {
			return err
		}
	}
	for _, l := range listeners {
		if err := s.listenOn(l); err != nil {
			return fmt.Errorf("serve the listener %s (%s): %w", l.Name, l.Variable, err)
		}
	}
	if err := s.watchConfig(ctx); err != nil {
		return err
	}
	s.Log.Info("started", slog.Bool("serve", roles.Serve), slog.Bool("work", roles.Work), slog.String("api", s.APIAddr),
		slog.String("metrics", s.MetricAddr))
	return nil
}

// listenOn serves what belongs to a listener.
func (s *Server) listenOn(l config.Listener) (err error) {
	if l.Name == config.ListenerAPI {
		s.APIAddr, err = s.listen(l, s.uptake, edge.ForMerchants(s.Now))
		return err
	}
	s.MetricAddr, err = s.listen(l, s.operations(), edge.Plain)
	return err
}

// Stop ends the server in the opposite order of its start: no new requests, no new jobs, then the connections to centers.
// ctx bounds how long what is in process may take.
func (s *Server) Stop(ctx context.Context) error {
	var all []error
	for len(s.stops) > 0 {
		last := len(s.stops) - 1
		all = append(all, s.stops[last](ctx))
		s.stops = s.stops[:last]
	}
	return errors.Join(all...)
}

// Ready waits until the switch has a connection to every center, and returns the error of ctx when that ends first.
func (s *Server) Ready(ctx context.Context) error {
	for _, h := range s.hosts {
		if err := h.Ready(ctx); err != nil {
			return fmt.Errorf("await connections to centers: %w", err)
		}
	}
	return nil
}

func (s *Server) onStop(f func(context.Context) error) { s.stops = append(s.stops, f) }

// startGateway connects to the centers and makes the API, which also sends what is owed to them.
func (s *Server) startGateway() error {
	metrics := online.NewMetrics(s.Registry)
	var gateway atomic.Pointer[authorize.Gateway]
	late := func(a online.LateAnswer) {
		if g := gateway.Load(); g != nil {
			g.OnLate(a)
		}
	}
	centers := map[int16]payment.Center{}
	for _, c := range s.Config.Centers {
		if c.Instant != nil {
			continue
		}
		o, err := c.Online.Options()
		if err != nil {
			return fmt.Errorf("center %s: %w", c.Name, err)
		}
		o.Name, o.MaxBackoff, o.OnLate, o.Now, o.Logger, o.Metrics = c.Name, s.MaxBackoff, late, s.Now, s.Log, metrics
		host, err := online.New(o)
		if err != nil {
			return fmt.Errorf("center %s: %w", c.Name, err)
		}
		s.hosts, s.links[c.ID] = append(s.hosts, host), host
		s.onStop(func(context.Context) error { host.Close(); return nil })
		centers[c.ID] = payment.Center{Host: host, Acquirer: c.Online.Acquirer}
	}
	banks, err := s.banks()
	if err != nil {
		return err
	}
	secure, err := s.threeDS()
	if err != nil {
		return err
	}
	s.Gateway, err = authorize.New(authorize.Options{Books: s.Books, Directory: s.Config.Directory, Vault: s.Vault, Centers: centers, Banks: banks,
		Merchants: merchants(s.Config), Source: sourceBehind(s.Environment.Proxies), Secure: secureBehind(s.Environment.Proxies), Now: s.Now, Log: s.Log, Registerer: s.Registry, InlineBudget: s.InlineBudget,
		PublicURL: s.Config.PublicURL, SigningKey: s.Config.SigningKey, ThreeDS: secure, Stalled: s.refuses})
	if err != nil {
		return err
	}
	gateway.Store(s.Gateway)
	s.onStop(func(context.Context) error { s.Gateway.Close(); return nil })
	return nil
}

// threeDS is the client of the 3-D Secure server, nil when there is none.
func (s *Server) threeDS() (payment.ThreeDS, error) {
	c := s.Config.ThreeDS
	if c == nil {
		return nil, nil
	}
	client, err := threeds.New(threeds.Options{BaseURL: c.URL, AllowHTTP: s.Config.Environment == vault.Test, KeyID: c.KeyID, Secret: c.Secret.Reveal(),
		Timeout: c.Timeout, Now: s.Now, Log: s.Log})
	if err != nil {
		return nil, err
	}
	s.onStop(func(context.Context) error { client.Close(); return nil })
	return client, nil
}

// banks are the clients of the partner banks of instant centers.
func (s *Server) banks() (map[int16]payment.Bank, error) {
	metrics := instant.NewMetrics(s.Registry)
	out := map[int16]payment.Bank{}
	for _, c := range s.Config.Centers {
		if c.Instant == nil {
			continue
		}
		client, err := s.bank(&c, metrics)
		if err != nil {
			return nil, err
		}
		s.onStop(func(context.Context) error { client.Close(); return nil })
		out[c.ID] = payment.Bank{Client: client, QRLife: c.Instant.QRTTL}
	}
	return out, nil
}

// StartWork starts recurring work and the steps of the night on a server that has not done so.
func (s *Server) StartWork(ctx context.Context) error {
	runner, err := work.New(work.Options{Pool: s.Pool, Schedules: s.Config.Schedules, Zone: s.Config.Zone, Jobs: s.Jobs(), Now: s.Now, Instant: s.instant, Log: s.Log,
		Workers: workersFor(s.Environment.MaxConns)})
	if err != nil {
		return err
	}
	if err := s.Registry.Register(runner); err != nil {
		return fmt.Errorf("register metrics of the queue: %w", err)
	}
	s.queued.enqueue, s.queued.wake = runner.Enqueue, runner.Wake
	if _, err := s.Night.PlanWindows(ctx, s.Now()); err != nil {
		s.Log.Error("windows were not all planned", slog.Any("err", err))
	}
	if err := runner.Start(ctx); err != nil {
		return err
	}
	s.onStop(runner.Stop)
	return nil
}

// connsPerJob is how many connections of the pool a job holds at most: its lock, a lock of the center, and a transaction.
// connsBesides are those of the queue itself.
const (
	connsPerJob  = 3
	connsBesides = 2
)

// workersFor is how many jobs may run at a time, so that none waits for a connection that another one waits with.
func workersFor(maxConns int32) int { return max(1, int(maxConns-connsBesides)/connsPerJob) }

// operations serves what operators' tools ask for: /metrics, /healthz (the process lives), /readyz (it can work).
func (s *Server) operations() http.Handler {
	mux := http.NewServeMux()
	metrics := promhttp.HandlerFor(s.Registry, promhttp.HandlerOpts{ErrorLog: slog.NewLogLogger(s.Log.Handler(), slog.LevelWarn)})
	mux.Handle("GET /metrics", edge.Bearer(s.Environment.MetricsToken, s.Config.Environment, s.Log, metrics))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.serveReady)
	return mux
}
