package doctor

import (
	"context"
	"strings"
	"time"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/internal/app"
	"settled/internal/work"
	"settled/settle/processes"
)

func workers(ctx context.Context, p *patient) []Finding {
	living, err := work.Living(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	if living == 0 && p.untouched(ctx) {
		return found(Warning, "no worker has ever begun here: start settled run or settled work")
	}
	if living == 0 {
		return found(Bad, "no worker lives: nothing is sealed, sent, fetched or given up; start settled run or settled work")
	}
	return found(Good, "%d workers live", living)
}

// untouched tells that no worker has ever begun: the installation is new, and what workers make is not there yet.
func (p *patient) untouched(ctx context.Context) bool {
	jobs, err := work.Schedules(ctx, p.pool)
	return err == nil && len(jobs) == 0
}

// runningProcesses compares the configuration of the file with what each running process has.
func runningProcesses(ctx context.Context, p *patient) (all []Finding) {
	working, err := processes.Working(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	keys, err := app.OpenVault(p.config, p.Environment.Keys)
	if err != nil {
		return found(Unchecked, "it needs the keys, which cannot be opened")
	}
	content := app.ContentName(p.config, keys)
	for _, one := range working {
		switch {
		case one.Content == content:
		case one.Refused:
			all = append(all, found(Warning, "process %s has the configuration of %s and does not take up what the file says: its log says why; mend the file, or restart the process",
				one.Name, one.Since.UTC().Format(time.DateTime))...)
		default:
			all = append(all, found(Warning, "process %s has another configuration than the file, since %s: one that changed is taken up within 10 seconds; is its file this one?",
				one.Name, one.Since.UTC().Format(time.DateTime))...)
		}
	}
	if len(all) == 0 {
		return found(Good, "%d processes run, with the configuration of the file", len(working))
	}
	return all
}

// slotsMissed is after how many intervals without a good end a job is late.
const slotsMissed = 3

func recurring(ctx context.Context, p *patient) (all []Finding) {
	jobs, err := work.Schedules(ctx, p.pool)
	if err != nil {
		return failed(err)
	}
	if len(jobs) == 0 {
		return found(Warning, "no job has ever been begun: a worker begins them")
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
		all = append(all, judgeJob(j, p.now, second.At.Sub(first.At))...)
	}
	if len(all) == 0 {
		return found(Good, "%d jobs ended well in their last slots", len(jobs))
	}
	return all
}

// judgeJob says whether a job is late: its slot came and nobody took it, or it ended well for the last time too long ago. A minute is
// what any job may take.
func judgeJob(j work.Standing, now time.Time, every time.Duration) []Finding {
	fault, _, _ := strings.Cut(j.Fault, "\n")
	if fault != "" {
		fault = " (" + fault + ")"
	}
	late := slotsMissed*every + time.Minute
	switch {
	case now.Sub(j.NextAt) > late:
		return found(Bad, "job %s has been due since %s and nobody has taken it: start settled run or settled work", j.Name, j.NextAt.UTC().Format(time.RFC3339))
	case j.LastOK == nil:
		return found(Warning, "job %s has not ended well yet%s: see the log of the workers if that stays", j.Name, fault)
	case now.Sub(*j.LastOK) > late:
		return found(Bad, "job %s ended well for the last time at %s%s: see the log of the workers", j.Name, j.LastOK.UTC().Format(time.RFC3339), fault)
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
	untouched := p.untouched(ctx)
	for _, s := range states {
		if untouched && s.Last.IsZero() {
			all = append(all, found(Warning, "%s has no window yet: a worker plans them as it begins; card payments are refused until then", s.Center)...)
			continue
		}
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
	for _, s := range night.Delivery.LookAround(ctx) {
		all = append(all, judgeSight(s)...)
	}
	if len(all) == 0 {
		return found(Good, "no center clears by file")
	}
	return all
}

func judgeSight(s delivery.Sight) (all []Finding) {
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
