package doctor

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"time"

	"settled/internal/app"
	"settled/internal/config"
	"settled/internal/postgres"
	"settled/internal/postgres/roles"
	"settled/internal/vault"
	"settled/migrations"
	"settled/settle/epoch"

	"github.com/jackc/pgx/v5/pgconn"
)

func configuration(_ context.Context, p *patient) []Finding {
	if p.Fault != nil {
		return found(Bad, "the environment is wrong: %v; settled config environment lists the variables", p.Fault)
	}
	cfg, err := p.Environment.Load()
	if err == nil {
		err = app.CheckProfiles(cfg)
	}
	if err != nil {
		first, more, _ := strings.Cut(err.Error(), "\n")
		if more != "" {
			first += fmt.Sprintf(", and %d more", strings.Count(more, "\n")+1)
		}
		return found(Bad, "%s: correct the file, settled config check lists everything that is wrong", first)
	}
	p.config = cfg
	return found(Good, "%s is valid: %s, %d centers, %d merchants", p.Environment.Config, cfg.Environment, len(cfg.Centers), len(cfg.Merchants))
}

func calendars(_ context.Context, p *patient) (all []Finding) {
	for _, c := range app.Calendars(p.config, p.now) {
		switch {
		case c.Bad:
			all = append(all, found(Bad, "calendar %s: %s", c.Name, c.Says)...)
		case c.Says != "":
			all = append(all, found(Warning, "calendar %s: %s", c.Name, c.Says)...)
		default:
			all = append(all, found(Good, "calendar %s covers %d more days", c.Name, c.Days)...)
		}
	}
	if len(all) == 0 {
		return found(Good, "no center clears by file")
	}
	return all
}

func database(ctx context.Context, p *patient) []Finding {
	if p.Environment.DatabaseURL == "" {
		return found(Bad, "DATABASE_URL is not set: name the database in it")
	}
	if p.config != nil {
		if err := app.CheckDatabase(p.config, p.Environment.DatabaseURL); err != nil {
			return found(Bad, "%s", withoutSecrets(p.Environment.DatabaseURL, err))
		}
	}
	err := p.connect(ctx)
	if err != nil {
		return found(Bad, "the database does not answer (%s): start it, or correct DATABASE_URL", withoutSecrets(p.Environment.DatabaseURL, err))
	}
	return found(Good, "the database answers")
}

// withoutSecrets is an error of the connection without the password that its connection string may hold.
func withoutSecrets(database string, err error) string {
	text := err.Error()
	var wrong *pgconn.ParseConfigError
	if errors.As(err, &wrong) {
		return "the connection string cannot be read"
	}
	if cfg, err := pgconn.ParseConfig(database); err == nil && cfg.Password != "" {
		text = strings.NewReplacer(cfg.Password, "***", url.QueryEscape(cfg.Password), "***").Replace(text)
	}
	return strings.Join(strings.Fields(text), " ") // the driver's own lines say why
}

func server(ctx context.Context, p *patient) (all []Finding) {
	weak, notes, err := postgres.Weaknesses(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	for _, w := range weak {
		all = append(all, found(Bad, "%s = %s: %s; change it in the server's configuration, settled refuses to start with it", w.Setting, w.Value, w.Why)...)
	}
	for _, note := range notes {
		all = append(all, found(Warning, "%s; pg_checksums --enable turns them on", note)...)
	}
	version, err := postgres.Version(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	if len(all) == 0 {
		return found(Good, "PostgreSQL %s keeps what it acknowledges", version)
	}
	return all
}

// readOnly makes the sessions of a connection string unable to write.
const readOnly = "default_transaction_read_only"

func schema(ctx context.Context, p *patient) []Finding {
	database, err := app.WithSettings(p.Environment.DatabaseURL, map[string]string{readOnly: "on"})
	if err != nil {
		return failed(err)
	}
	there, err := postgres.HasTable(ctx, p.pool, migrations.Table)
	if err != nil {
		return failed(err)
	}
	if !there {
		return found(Bad, "the database is empty: run settled migrate")
	}
	pending, err := migrations.Pending(ctx, database)
	if err != nil {
		return failed(err)
	}
	version, err := migrations.Version(ctx, database)
	if err != nil {
		return failed(err)
	}
	newest, err := migrations.Newest()
	if err != nil {
		return failed(err)
	}
	switch {
	case len(pending) > 0:
		return found(Bad, "migrations are missing (%s): run settled migrate", strings.Join(pending, ", "))
	case version > newest:
		p.schema = true
		return found(Warning, "the database has migration %d, this program knows %d: it is older than the database, use the newer one", version, newest)
	}
	p.schema = true
	return found(Good, "the schema is that of migration %d", version)
}

// rights compares what the sessions may with docs/roles.md.
func rights(ctx context.Context, p *patient) (all []Finding) {
	d, err := roles.Look(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	role, login, err := postgres.Roles(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	if err := postgres.CheckLogin(ctx, p.pool); errors.Is(err, postgres.ErrLogin) {
		state := Warning
		if p.config != nil && p.config.Environment == vault.Live {
			state = Bad
		}
		all = append(all, found(state, "%v; a live installation does not start with it", err)...)
	} else if err != nil {
		return failed(err)
	}
	kind := d.Kind(role)
	if kind == "" {
		return append(all, found(Bad, "%s is a member of no role of the database and works as %s: GRANT %s TO it; settled migrate --print-grants prints what makes the roles", login, role, d.Named(roles.App))...)
	}
	more, less, err := roles.Compare(ctx, p.pool, role, kind)
	if err != nil {
		return failed(err)
	}
	if len(less) > 0 {
		all = append(all, found(Bad, "%s may not %s: run settled migrate as the owner of the schema", role, some(less))...)
	}
	if len(more) > 0 {
		all = append(all, found(Bad, "%s may %s, more than docs/roles.md says: run settled migrate as the owner of the schema, or REVOKE it", role, some(more))...)
	}
	if len(more)+len(less) == 0 {
		return append(all, found(Good, "%s works as %s, which may what docs/roles.md says and no more", login, role)...)
	}
	return all
}

// some are the first of many words.
func some(all []string) string {
	if len(all) > 5 {
		return fmt.Sprintf("%s and %d more", strings.Join(all[:5], ", "), len(all)-5)
	}
	return strings.Join(all, ", ")
}

func keys(ctx context.Context, p *patient) []Finding {
	known, err := app.CheckKeys(ctx, p.pool, p.config, p.Environment.Keys)
	switch {
	case errors.Is(err, app.ErrEnvironment):
		return found(Bad, "%v: name the keys of this installation in SETTLED_KEYS, or its configuration in SETTLED_CONFIG; do not make new ones", err)
	case errors.Is(err, app.ErrKeys), errors.Is(err, config.ErrInvalid):
		return found(Bad, "%v", err)
	case err != nil:
		return found(Bad, "the key file cannot be read (%v): put its copy back from the safe place", err)
	case known == 0:
		return found(Good, "the keys open; the database has not been used with any yet")
	}
	return found(Good, "the keys are those of the database, %d of them", known)
}

// epochOf tells what is held after a restore.
func epochOf(ctx context.Context, p *patient) (all []Finding) {
	why, err := epoch.Why(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	if why != "" {
		return found(Bad, "nothing is taken, numbered or sent, because %s: settled resume --after-restore --dry-run", why)
	}
	held, err := epoch.HeldCenters(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	for _, c := range held {
		if !c.Looked {
			all = append(all, found(Warning, "nothing is sent to %s, because %s: a worker does, as soon as the center can be reached", c.Name, c.Why)...)
			continue
		}
		all = append(all, found(Bad, "nothing is sent to %s, because %s: settled resume --after-restore --dry-run", c.Name, c.Why)...)
	}
	if len(all) == 0 {
		return found(Good, "the database is the one that the books were kept in")
	}
	return all
}

// The offsets of a host's clock that are told of, and that stop cut-offs (package clock).
const (
	offsetTold  = time.Second
	offsetStops = time.Minute
)

func hostClock(ctx context.Context, p *patient) []Finding {
	before := p.Wall()
	at, err := postgres.Now(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	after := p.Wall()
	offset := before.Add(after.Sub(before) / 2).Sub(at).Round(time.Millisecond)
	switch {
	case offset.Abs() > offsetStops:
		return found(Bad, "the clock of this host is ahead of the database's by %s: set it, or correct the server's; over a minute nothing is sealed", offset)
	case offset.Abs() > offsetTold:
		return found(Warning, "the clock of this host is ahead of the database's by %s: see to its time service", offset)
	}
	return found(Good, "the clocks of host and database are %s apart", offset.Abs())
}
