package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"settled/clearing"
	"settled/internal/app"

	"github.com/jackc/pgx/v5"
)

const livingWorkers = `SELECT count(*) FROM leases WHERE name LIKE 'worker/%' AND until > clock_timestamp()`

func workers(ctx context.Context, p *patient) []Finding {
	var living int
	if err := p.pool.QueryRow(ctx, livingWorkers).Scan(&living); err != nil {
		return failed(err)
	}
	if living == 0 {
		return found(Bad, "no worker lives: nothing is sealed, sent, fetched or given up; start settled run or settled work")
	}
	return found(Good, "%d workers live", living)
}

// slotsMissed is after how many intervals without a good end a job is late.
const slotsMissed = 3

const schedulesNow = `SELECT name, next_at, last_ok_at, coalesce((SELECT error FROM schedule_runs r WHERE r.name = s.name AND finished_at IS NOT NULL
	ORDER BY due_at DESC LIMIT 1), '') FROM schedules s`

// job is how a recurring job stands in the rows.
type job struct {
	next  time.Time
	ended *time.Time
	fault string
}

func recurring(ctx context.Context, p *patient) (all []Finding) {
	jobs, err := readJobs(ctx, p)
	if err != nil {
		return failed(err)
	}
	for _, s := range p.config.Schedules {
		j, known := jobs[s.Name]
		if !known {
			all = append(all, found(Bad, "job %s has never been begun: start settled run or settled work", s.Name)...)
			continue
		}
		first, ok := s.Spec.Next(p.now)
		second, more := s.Spec.Next(first.At)
		if !ok || !more {
			continue
		}
		all = append(all, j.judge(s.Name, p.now, second.At.Sub(first.At))...)
	}
	if len(all) == 0 {
		return found(Good, "%d jobs ended well in their last slots", len(jobs))
	}
	return all
}

func readJobs(ctx context.Context, p *patient) (map[string]job, error) {
	rows, err := p.pool.Query(ctx, schedulesNow)
	if err != nil {
		return nil, err
	}
	jobs := map[string]job{}
	var name string
	var j job
	_, err = pgx.ForEachRow(rows, []any{&name, &j.next, &j.ended, &j.fault}, func() error { jobs[name] = j; return nil })
	return jobs, err
}

// judge says whether a job is late: its slot came and nobody took it, or it ended well for the last time too long ago. A minute is
// what any job may take.
func (j job) judge(name string, now time.Time, every time.Duration) []Finding {
	fault, _, _ := strings.Cut(j.fault, "\n")
	if fault != "" {
		fault = " (" + fault + ")"
	}
	late := slotsMissed*every + time.Minute
	switch {
	case now.Sub(j.next) > late:
		return found(Bad, "job %s has been due since %s and nobody has taken it: start settled run or settled work", name, j.next.UTC().Format(time.RFC3339))
	case j.ended == nil:
		return found(Warning, "job %s has not ended well yet%s: see the log of the workers if that stays", name, fault)
	case now.Sub(*j.ended) > late:
		return found(Bad, "job %s ended well for the last time at %s%s: see the log of the workers", name, j.ended.UTC().Format(time.RFC3339), fault)
	}
	return nil
}

func windows(ctx context.Context, p *patient) (all []Finding) {
	night, err := app.NightToLookAt(p.config, p.pool, p.at)
	if err != nil {
		return failed(err)
	}
	states, err := night.PlanStates(ctx, p.now)
	if err != nil {
		return failed(err)
	}
	for _, s := range states {
		all = append(all, judgePlan(s, p.now)...)
	}
	if len(all) == 0 {
		return found(Good, "no center clears by file")
	}
	return all
}

func (p *patient) at() time.Time { return p.now }

func judgePlan(s clearing.PlanState, now time.Time) (all []Finding) {
	until := s.Last.UTC().Format(time.RFC3339)
	switch left := s.Last.Sub(now); {
	case s.Last.IsZero():
		all = found(Bad, "%s has no window: card payments are refused; start a worker, and see the calendar %s", s.Center, s.Calendar)
	case left <= 0:
		all = found(Bad, "%s has no window since %s: card payments are refused; start a worker, and see the calendar %s", s.Center, until, s.Calendar)
	case left < clearing.RunOut:
		all = found(Bad, "%s has windows until %s only, then card payments are refused: start a worker, and see the calendar %s", s.Center, until, s.Calendar)
	}
	if s.Differing > 0 {
		all = append(all, found(Warning, "%s has planned windows that differ from the configuration, %d to remove or make (%s): %s", s.Center, s.Differing, s.First, s.Mend)...)
	}
	if len(all) == 0 {
		return found(Good, "%s has windows as configured until %s", s.Center, until)
	}
	return all
}

func centers(ctx context.Context, p *patient) (all []Finding) {
	night, err := app.NightToLookAt(p.config, p.pool, p.at)
	if err != nil {
		return failed(err)
	}
	for _, s := range night.LookAround(ctx) {
		all = append(all, judgeSight(s)...)
	}
	if len(all) == 0 {
		return found(Good, "no center clears by file")
	}
	return all
}

func judgeSight(s clearing.Sight) (all []Finding) {
	if s.Err != nil {
		return found(Bad, "%s cannot be worked with: %v; %s", s.Center, s.Err, remedy(s.Err))
	}
	for _, dir := range s.Unread {
		all = append(all, found(Bad, "%s does not let us list %s: correct clearing.sftp, or ask the center", s.Center, dir)...)
	}
	if n := len(s.Temporary); n > 0 {
		all = append(all, found(Warning, "%s has %d names left over of deliveries, such as %s: unless one goes at this moment, ask the center to remove them", s.Center, n, s.Temporary[0])...)
	}
	if len(all) == 0 {
		return found(Good, "%s at %s takes our log-in, and its directories can be listed", s.Center, s.Address)
	}
	return all
}

// count is a condition with what it says of a number of rows.
type count struct {
	state State
	sql   string // gives a number and an example
	says  string // with the number and the example
}

// counted says what is there of each.
func counted(ctx context.Context, p *patient, good string, counts []count) (all []Finding) {
	for _, c := range counts {
		var n int
		var example string
		if err := p.pool.QueryRow(ctx, c.sql, p.now).Scan(&n, &example); err != nil {
			return failed(err)
		}
		if n > 0 {
			all = append(all, Finding{c.state, fmt.Sprintf(c.says, n, example)})
		}
	}
	if len(all) == 0 {
		return found(Good, "%s", good)
	}
	return all
}
