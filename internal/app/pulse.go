package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/prometheus/client_golang/prometheus"
)

const (
	pulseEvery   = time.Second     // between an answer and the next question
	pulsePatient = 5 * time.Second // for an answer
)

// pulse asks the database again and again whether it answers, on a connection of its own, for those of the pools may all wait.
type pulse struct {
	pool    *pgxpool.Pool
	log     *slog.Logger
	stalled atomic.Bool
	refused prometheus.Counter
}

// startPulse begins to ask.
func (s *Server) startPulse() error {
	cfg := s.Pool.Config()
	cfg.MaxConns, cfg.MinConns, cfg.MinIdleConns = 1, 0, 0
	pool, err := pgxpool.NewWithConfig(context.Background(), cfg)
	if err != nil {
		return fmt.Errorf("watch the database: %w", err)
	}
	p := &pulse{pool: pool, log: s.Log, refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "settled_api_stalled_total",
		Help: "Requests refused at once because the database did not answer."})}
	s.Registry.MustRegister(p.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "settled_postgres_stalled",
		Help: "1 while the database does not answer within 5 s and requests are refused, else 0."}, p.value))
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		p.watch(ctx)
	}()
	s.pulse = p
	s.onStop(func(context.Context) error {
		stop()
		<-ended
		pool.Close()
		return nil
	})
	return nil
}

// watch asks until ctx ends.
func (p *pulse) watch(ctx context.Context) {
	for ctx.Err() == nil {
		p.note(ctx, p.ask(ctx))
		select {
		case <-ctx.Done():
		case <-time.After(pulseEvery):
		}
	}
}

func (p *pulse) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, pulsePatient)
	defer cancel()
	return p.pool.Ping(ctx)
}

// note logs when the database stops answering, and when it does again.
func (p *pulse) note(ctx context.Context, err error) {
	if ctx.Err() != nil || p.stalled.Swap(err != nil) == (err != nil) {
		return
	}
	if err != nil {
		p.log.Error("the database does not answer; requests are refused", slog.Any("err", err))
		return
	}
	p.log.Info("the database answers again")
}

// refuses tells that a request is not to be begun, and counts it.
func (p *pulse) refuses() bool {
	stalled := p.stalled.Load()
	if stalled {
		p.refused.Inc()
	}
	return stalled
}

func (p *pulse) value() float64 {
	if p.stalled.Load() {
		return 1
	}
	return 0
}
