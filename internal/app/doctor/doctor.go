// Package doctor looks at an installation and says, check by check, what is good, what a person should know, and what is wrong, in
// one sentence each with what to do. It reads only: its transactions cannot write, and nothing is remembered of a look. No secret
// is in what it says.
//
// The checks are the rows of one table, in order: what a later one needs is looked at by an earlier one. docs/doctor.md lists them.
package doctor

import (
	"context"
	"fmt"
	"time"

	"settled/internal/app/clock"
	"settled/internal/config"
	"settled/internal/postgres"

	"github.com/jackc/pgx/v5/pgxpool"
)

// State is what a check or a finding comes to.
type State string

// The states, from the best to the worst. Unchecked is what could not be looked at, because of what another check found or because
// it was not asked for.
const (
	Good      State = "good"
	Unchecked State = "unchecked"
	Warning   State = "warning"
	Bad       State = "bad"
)

// rank orders the states.
var rank = map[State]int{Good: 0, Unchecked: 1, Warning: 2, Bad: 3}

// Finding is one sentence of a check.
type Finding struct {
	State State  `json:"state"`
	Says  string `json:"says"`
}

// Result is what a check found; its state is the worst of its findings.
type Result struct {
	Check    string    `json:"check"`
	State    State     `json:"state"`
	Findings []Finding `json:"findings"`
}

// Report is what all checks found, in the order of the table.
type Report struct {
	At     time.Time     `json:"at"`
	State  State         `json:"state"` // the worst of all, unchecked left out
	Counts map[State]int `json:"counts"`
	Checks []Result      `json:"checks"`
}

// Options of a look.
type Options struct {
	Environment config.Environment
	// Fault is why the environment could not be read; nil: it could.
	Fault error
	// Centers connects to the file servers of the centers, too.
	Centers bool
	// Probe writes a file to the file servers of the centers, as a delivery does, and takes it away.
	Probe bool
	// Without names checks that make no sense here, such as workers where nobody works by schedule.
	Without []string
	// Now is the time of the installation. Default: the database's, or the host's when it does not answer.
	Now func() time.Time
	// Space tells how many bytes the disk of a directory of this host has left, and has. Default: what the host says.
	Space func(directory string) (free, whole uint64, err error)
	// Wall is the clock of this host. Default time.Now.
	Wall func() time.Time
}

// patient is what the checks look at. What could not be had is nil.
type patient struct {
	Options
	config *config.Config
	pool   *pgxpool.Pool
	schema bool // the database has the schema of this program
	now    time.Time
}

// patience bounds a look at what may not answer.
const patience = 15 * time.Second

// Examine runs every check of the table.
func Examine(ctx context.Context, o Options) Report {
	if o.Wall == nil {
		o.Wall = time.Now
	}
	if o.Space == nil {
		o.Space = spaceHere
	}
	p := &patient{Options: o, now: o.Wall()}
	if o.Now != nil {
		p.now = o.Now()
	}
	defer p.close()
	report := Report{State: Good, Counts: map[State]int{}}
	for _, c := range checks {
		r := p.run(ctx, c)
		report.Checks = append(report.Checks, r)
		report.Counts[r.State]++
		if r.State != Unchecked && rank[r.State] > rank[report.State] {
			report.State = r.State
		}
	}
	report.At = p.now.UTC()
	return report
}

func (p *patient) run(ctx context.Context, c check) Result {
	r := Result{Check: c.name, State: Good}
	if why := p.lacks(c); why != "" {
		r.Findings = []Finding{{Unchecked, why}}
	} else {
		ctx, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		r.Findings = c.look(ctx, p)
	}
	for _, f := range r.Findings {
		if rank[f.State] > rank[r.State] {
			r.State = f.State
		}
	}
	return r
}

// lacks says why a check cannot be made; empty when it can.
func (p *patient) lacks(c check) string {
	for _, name := range p.Without {
		if name == c.name {
			return "it is not asked for here"
		}
	}
	switch {
	case p.Fault != nil && c.name != checks[0].name:
		return "it needs a valid environment"
	case c.needs.config && p.config == nil:
		return "it needs a valid configuration"
	case c.needs.database && p.pool == nil:
		return "it needs the database"
	case c.needs.schema && !p.schema:
		return "it needs the schema of this program in the database"
	case c.needs.centers && !p.Centers:
		return "it connects to the centers: ask for it with --centers"
	case c.needs.probe && !p.Probe:
		return "it writes at the centers: ask for it with --probe"
	}
	return ""
}

// connect opens the database for reading, and takes its time.
func (p *patient) connect(ctx context.Context) error {
	pool, err := postgres.OpenReadOnly(ctx, p.Environment.DatabaseURL)
	if err != nil {
		return err
	}
	at, err := clock.Ask(pool)(ctx)
	if err != nil {
		pool.Close()
		return err
	}
	p.pool = pool
	if p.Now == nil {
		p.now = at
	}
	return nil
}

func (p *patient) close() {
	if p.pool != nil {
		p.pool.Close()
	}
}

// found is one finding.
func found(s State, format string, args ...any) []Finding {
	return []Finding{{s, fmt.Sprintf(format, args...)}}
}

// failed says that a look did not come to an end. What the login's role has no right to see is another's to look at; that it has the rights of its role
// is a check of its own.
func failed(err error) []Finding {
	if postgres.Denied(err) {
		return found(Unchecked, "%v: ask with a login of the role app (docs/roles.md)", err)
	}
	return found(Bad, "it could not be looked at: %v", err)
}
