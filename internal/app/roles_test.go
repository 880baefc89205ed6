package app

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"testing"
	"time"

	"settled/authorize/tenants"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/internal/postgres/roles"
	"settled/internal/vault"
	"settled/settle"
	"settled/settle/audit"
)

// as opens another process of the installation, with a login of its own.
func (r *restorable) as(role roles.Role) *Core {
	r.t.Helper()
	o := r.o
	o.As, o.Environment.DatabaseURL = role, pgtest.Login(r.t, r.url(r.db), role)
	core, err := Open(r.t.Context(), o)
	must(r.t, err)
	r.t.Cleanup(core.Close)
	role2, _, err := postgres.Roles(r.t.Context(), core.Pool)
	if err != nil || !strings.HasSuffix(role2, "_"+string(role)) {
		r.t.Errorf("the process for %s works as %s, %v", role, role2, err)
	}
	return core
}

// TestNightUnderItsOwnRoles lets one process take payments and cancels as api, and another one do the nights as work; a person looks as app, and an
// auditor proves the books.
func TestNightUnderItsOwnRoles(t *testing.T) {
	r := newRestorable(t, false)
	api, worker := r.as(roles.API), r.as(roles.Work)
	r.core = api
	numbers := r.pay(3)
	r.core = worker
	r.night()
	r.clock.Advance(12 * time.Hour)
	r.core = api
	numbers = append(numbers, r.pay(2)...)
	for _, i := range []int{0, len(numbers) - 2} { // a refund of what was cleared, and the way back of what was not
		_, err := api.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: 7, Order: numbers[i], Actor: settle.ByMerchant})
		must(t, err)
	}
	r.core = worker
	r.night()
	for _, job := range []func(context.Context) error{worker.Expire, worker.RollUp} {
		must(t, job(t.Context()))
	}
	r.wantClean(r.as(roles.App))
	pool, err := postgres.Open(t.Context(), postgres.Config{URL: pgtest.Login(t, r.url(r.db), roles.Auditor), Role: roles.Auditor, ThrowAway: true, Log: r.o.Log})
	must(t, err)
	defer pool.Close()
	report, err := audit.Run(t.Context(), pool, r.clock.Now(), audit.Options{})
	if err != nil || report.Violations() > 0 {
		t.Errorf("the auditor found %+v, %v", report.Broken(), err)
	}
	if log := r.log.String(); strings.Contains(log, "permission denied") {
		t.Error(log)
	}
}

// wantClean finds the sealed batches of both nights answered.
func (r *restorable) wantClean(core *Core) {
	r.t.Helper()
	var batches, replied int
	must(r.t, core.Pool.QueryRow(r.t.Context(), `SELECT count(*), count(*) FILTER (WHERE state = 'replied') FROM batches`).Scan(&batches, &replied))
	if batches < 2 || replied != batches {
		r.t.Errorf("%d batches, %d answered\n%s", batches, replied, r.log)
	}
}

// TestServersUnderTheirOwnRoles serves merchants as api while the work runs by schedule as work, each with its login, and looks for rights that they lack.
func TestServersUnderTheirOwnRoles(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{Name: "PC-C", MemberID: "00000123456", Model: pcsim.SingleMessage})
	must(t, err)
	must(t, center.Start())
	t.Cleanup(func() { _ = center.Close() })
	owner := pgtest.URL(t)
	var log strings.Builder
	o := options(t, "", center.OnlineAddr())
	o.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.Config.Merchants[0].PasswordHash = tenants.HashPassword("password1")
	start := func(role roles.Role, does Roles) *Server {
		o.As, o.Environment.DatabaseURL = role, pgtest.Login(t, owner, role)
		core, err := Open(t.Context(), o)
		must(t, err)
		t.Cleanup(core.Close)
		s, err := Start(t.Context(), core, does)
		must(t, err)
		t.Cleanup(func() { _ = s.Stop(context.Background()) })
		return s
	}
	server := start(roles.API, Roles{Serve: true})
	worker := start(roles.Work, Roles{Work: true})
	must(t, server.Ready(t.Context()))
	s := &shop{api: "http://" + server.APIAddr, told: map[string]string{}}
	for _, number := range []string{"1", "2"} {
		s.pay(number)
	}
	s.judge(t, server, 2)
	again(t, func() error {
		var ran int
		if err := worker.Pool.QueryRow(t.Context(), `SELECT count(*) FROM schedules WHERE last_ok_at IS NOT NULL`).Scan(&ran); err != nil || ran < 1 { // the first is due within ten seconds
			return errors.Join(err, errors.New("no schedule has run"))
		}
		return nil
	})
	must(t, errors.Join(server.Stop(t.Context()), worker.Stop(t.Context())))
	if text := log.String(); strings.Contains(text, "permission denied") {
		t.Error(text)
	}
}

// TestLiveRefusesLoginsThatMayDoAnything: by name, with what to do; a test installation starts.
func TestLiveRefusesLoginsThatMayDoAnything(t *testing.T) {
	owner := pgtest.URL(t)
	u, err := url.Parse(owner)
	must(t, err)
	app := pgtest.Login(t, owner, roles.App)
	for _, tt := range []struct{ environment, database, want string }{
		{"live", owner, u.User.Username() + " is a superuser: name a login in DATABASE_URL"},
		{"live", app, ""},
		{"test", owner, ""},
	} {
		o := options(t, tt.database, "127.0.0.1:1")
		o.Config.Environment = vault.Environment(tt.environment)
		err := CheckLogin(t.Context(), o.Config, tt.database)
		if errors.Is(err, postgres.ErrLogin) != (tt.want != "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v", tt.environment, err)
		}
		if tt.want != "" {
			if _, err := Open(t.Context(), o); !errors.Is(err, postgres.ErrLogin) || !errors.Is(err, ErrDatabase) {
				t.Errorf("%s starts: %v", tt.environment, err)
			}
		}
	}
}
