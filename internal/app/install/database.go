package install

import (
	"context"
	"fmt"

	"settled/internal/postgres"
	"settled/internal/postgres/roles"
	"settled/migrations"
	"settled/settle/read"
)

// look finds the database, changes nothing, and refuses one that somebody uses, and one that a live installation would speak to in the clear.
func look(ctx context.Context, a Answers) (at roles.Database, err error) {
	if a.live() {
		if err := postgres.CheckTransport(a.Database); err != nil {
			return at, err
		}
	}
	if at, err = migrations.Roles(ctx, a.Database); err != nil {
		return at, err
	}
	pool, err := postgres.OpenReadOnly(ctx, a.Database)
	if err != nil {
		return at, err
	}
	defer pool.Close()
	begun, err := postgres.HasTable(ctx, pool, migrations.Table)
	if err != nil || !begun {
		return at, err
	}
	used, err := read.New(pool, nil).Used(ctx)
	if used {
		err = fmt.Errorf("%w: the database holds orders or centers of another installation: name an empty one in --database", ErrThere)
	}
	return at, err
}

// bring brings the database to the newest schema, and makes roles and logins where its owner may; else it writes what an administrator runs.
func (d *draft) bring(ctx context.Context) (enrolled bool, err error) {
	if err := migrations.Up(ctx, d.Database); err != nil {
		return false, err
	}
	at, err := migrations.Roles(ctx, d.Database)
	if err != nil {
		return false, err
	}
	var logins []roles.Login
	for _, l := range d.logins {
		logins = append(logins, l.Login)
	}
	if at.May {
		return true, migrations.Enroll(ctx, d.Database, at, logins...)
	}
	return false, d.write(fileAdmin, at.Script()+at.EnrollScript(logins...))
}
