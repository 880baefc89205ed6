package demo

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"settled/internal/pcsim"
)

// Options of a demo.
type Options struct {
	Orders      int    // default 1500
	Seed        uint64 // default 1
	Report      string // file that the report is written to; empty: none
	Keep        bool   // go on after the nights, on the real clock, until ctx ends
	DatabaseURL string // an empty database; empty: one is started
	Out         io.Writer
	Progress    io.Writer // nil: none is shown
}

// DefaultOrders is how many orders are made unless Options say otherwise.
const DefaultOrders = 1500

// tailDays is how many days the clock runs on after the second night: holds of the last day end after 48 hours, and
// records that were refused once are presented again.
const tailDays = 2

// keptReplyDelay is how long a center takes over a file once the demo goes on in real time.
const keptReplyDelay = 2 * time.Second

type run struct {
	Options
	progress *Progress
}

// Run plays the demo and prints its story. ok says that every difference is zero and the audit found nothing; an error that
// the demo could not be played to its end. Nothing is left behind, after an error or an interrupt too.
func Run(ctx context.Context, o Options) (ok bool, err error) {
	if o.Orders == 0 {
		o.Orders = DefaultOrders
	}
	location, err := time.LoadLocation(zone)
	if err != nil {
		return false, err
	}
	from := time.Date(firstDay.year, firstDay.month, firstDay.day, 0, 0, 0, 0, location)
	s := &stage{run: run{o, NewProgress(o.Progress)}, clock: NewClock(from), shops: shops()}
	defer func() {
		s.progress.Clear()
		if down := s.takeDown(); down != nil && ctx.Err() == nil {
			err = errors.Join(err, down)
		}
	}()
	if err := s.setUp(ctx); err != nil {
		return false, err
	}
	return s.perform(ctx, from)
}

// perform plays the days, tells the story, and goes on if it is to be kept.
func (s *stage) perform(ctx context.Context, from time.Time) (bool, error) {
	secondCutoff := cutoffOf(from.AddDate(0, 0, 1))
	p := &play{stage: s, plan: NewPlan(s.Seed, s.Orders, s.shops, from, secondCutoff), terminal: newTerminal("http://" + s.server.APIAddr),
		browser: newBrowser(), byPlan: map[*Purchase]*sale{}, told: map[string]int{}, seen: map[string]bool{}, verdicts: map[string]bool{}}
	defer p.terminal.client.CloseIdleConnections()
	defer p.browser.client.CloseIdleConnections()
	began := time.Now()
	p.agenda.add(from, func(ctx context.Context) error { return s.server.Jobs().PlanWindows(ctx) })
	p.schedule()
	end := secondCutoff.AddDate(0, 0, tailDays).Add(8 * time.Hour)
	p.deafHour(from)
	p.recurring(from, secondCutoff.Add(time.Hour), end)
	for day := range 2 + tailDays {
		p.scheduleNight(from.AddDate(0, 0, day))
	}
	if err := p.run(ctx); err != nil {
		return false, fmt.Errorf("%w%s", err, s.log.tail())
	}
	if err := p.ask(ctx); err != nil {
		return false, err
	}
	report, money, err := p.report(ctx)
	if err != nil {
		return false, err
	}
	s.progress.Clear()
	p.tell(s.Out, report, money, time.Since(began))
	if s.Report != "" {
		if err := report.write(s.Report); err != nil {
			return false, fmt.Errorf("write report: %w", err)
		}
	}
	if s.Keep {
		return report.OK, s.keep(ctx, report)
	}
	return report.OK, nil
}

// recurring puts on the agenda what workers, the bank and its clients do all the time: often until the shops close, then as
// often as the tail of the days needs.
func (p *play) recurring(from, quiet, end time.Time) {
	p.agenda.every(from.Add(time.Minute), quiet, 2*time.Minute, p.server.Send)
	p.agenda.every(quiet, end, 30*time.Minute, p.server.Send)
	p.agenda.every(from.Add(10*time.Minute), end, 10*time.Minute, p.core.Expire)
	p.agenda.every(from.Add(10*time.Minute), end, 10*time.Minute, p.server.Timeout)
	p.agenda.every(from.Add(5*time.Minute), end, 10*time.Minute, p.server.Notify)
	p.agenda.every(from.Add(time.Hour+30*time.Minute), end, time.Hour, p.server.Reconcile)
	p.agenda.every(from.Add(2*time.Minute), end, 10*time.Minute, func(ctx context.Context) error {
		_, err := p.bank.Process(ctx, p.clock.Now())
		return err
	})
}

// keep lets the clock run and the workers work until ctx ends.
func (s *stage) keep(ctx context.Context, r *Report) error {
	s.clock.Release()
	if err := s.core.Step(ctx); err != nil { // the windows that the jump to the present has passed
		return err
	}
	running, cancel := context.WithCancel(ctx)
	var world sync.WaitGroup
	for _, c := range s.centers {
		c.SetReplies(pcsim.Replies{Delay: keptReplyDelay})
		world.Go(func() { _ = c.Run(running) })
	}
	world.Go(func() { _ = s.bank.Run(running) })
	s.onTakeDown(func() error { cancel(); world.Wait(); return nil })
	if err := s.server.StartWork(ctx); err != nil {
		return err
	}
	tellDoors(s.Out, r)
	<-ctx.Done()
	return nil
}
