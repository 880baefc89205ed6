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

// pulseEvery is between an answer and the next question.
const pulseEvery = time.Second

// pulse asks the database again and again whether it answers, on a connection of its own, for those of the pools may all wait.
type pulse struct {
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
	p := &pulse{log: s.Log, refused: prometheus.NewCounter(prometheus.CounterOpts{Name: "settled_api_stalled_total",
		Help: "Requests refused at once because the database did not answer."})}
	s.Registry.MustRegister(p.refused, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "settled_postgres_stalled",
		Help: "1 while the database does not answer within 5 s and requests are refused, else 0."}, p.value))
	stop := repeat(pulseEvery, pool.Ping, p.note)
	s.pulse = p
	s.onStop(func(context.Context) error {
		stop()
		pool.Close()
		return nil
	})
	return nil
}

// note logs when the database stops answering, and when it does again.
func (p *pulse) note(err error) {
	if p.stalled.Swap(err != nil) == (err != nil) {
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
