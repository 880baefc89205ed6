package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"settled/internal/app"
	"settled/internal/postgres/roles"
	"settled/internal/telemetry"

	"github.com/spf13/cobra"
)

func newServe() *cobra.Command {
	return process("serve", "Serve the merchants' API, with metrics and health", app.Roles{Serve: true}, roles.API)
}

func newWork() *cobra.Command {
	return process("work", "Do recurring work and the steps of the night, with metrics and health", app.Roles{Work: true}, roles.Work)
}

func newRun() *cobra.Command {
	return process("run", "Serve and work in one process", app.Roles{Serve: true, Work: true}, roles.App)
}

// unlessStopped is the error of a start. One that was asked to stop before it was over has nothing to drain, and is in order.
func unlessStopped(ctx context.Context, log *slog.Logger, err error) error {
	if ctx.Err() == nil {
		return err
	}
	log.Info("stopped before it had started", slog.Any("reason", err))
	return nil
}

// process is a command that runs until SIGTERM, then drains.
func process(use, short string, does app.Roles, as roles.Role) *cobra.Command {
	return &cobra.Command{Use: use, Short: short, Args: exactly(0), RunE: func(c *cobra.Command, _ []string) error {
		e, err := environment()
		if err != nil {
			return err
		}
		cfg, err := e.Load()
		if err != nil {
			return err
		}
		hangups := make(chan os.Signal, 1)
		signal.Notify(hangups, syscall.SIGHUP)
		defer signal.Stop(hangups)
		log := telemetry.NewLogger(c.ErrOrStderr(), e.LogLevel)
		slog.SetDefault(log)
		for _, w := range cfg.Warnings {
			log.Warn("the configuration takes a risk", slog.String("setting", w.Place), slog.String("why", w.Why))
		}
		core, err := app.Open(c.Context(), app.Options{Environment: e, Config: cfg, As: as, Log: log})
		if err != nil {
			return unlessStopped(c.Context(), log, err)
		}
		defer core.Close()
		server, err := app.Start(c.Context(), core, does)
		if err != nil {
			return unlessStopped(c.Context(), log, err)
		}
		serve(c.Context(), server, hangups)
		log.Info("stopping", slog.String("drain", e.Drain.String()))
		drain, cancel := context.WithTimeout(context.WithoutCancel(c.Context()), e.Drain)
		defer cancel()
		if err := server.Stop(drain); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return fmt.Errorf("stop: %w", err)
		}
		log.Info("stopped")
		return nil
	}}
}

// serve waits until the process is to stop. At SIGHUP it looks at the configuration at once.
func serve(ctx context.Context, server *app.Server, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			server.Reload(ctx)
		}
	}
}
