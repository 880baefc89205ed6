package app

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"settled/internal/config"
	"settled/internal/postgres"
	"settled/internal/vault"
	"settled/settle/events"
	"settled/settle/processes"

	"github.com/jackc/pgx/v5"
)

// noteProcess writes that the process works, and which configuration it has.
func (s *Server) noteProcess(ctx context.Context) error {
	content, since, refused := s.has()
	return processes.Note(ctx, s.Pool, processes.Process{Name: s.uptake.name, Content: content, Since: since, Refused: refused})
}

// has is which configuration the process has, since when, and whether the file says something that it does not take up.
func (s *Server) has() (content string, since time.Time, refused bool) {
	u := s.uptake
	u.mu.Lock()
	defer u.mu.Unlock()
	now := s.current()
	u.metrics.named(ContentName(now.Config, now.Vault)) // keys may have got another generation
	return u.metrics.now()
}

// noted tells once that a process cannot write of itself.
func (u *uptake) noted(log *slog.Logger) func(error) {
	failing := false
	return func(err error) {
		if err != nil && !failing {
			log.Warn("the process could not write which configuration it has", slog.Any("error", err))
		}
		failing = err != nil
	}
}

// tellStart writes the event that a process began with its configuration.
func (s *Server) tellStart(ctx context.Context) error {
	return postgres.InTx(ctx, s.Pool, postgres.Key{Name: "tell of a configuration"}, func(tx pgx.Tx) error { return s.appendConfig(ctx, tx, nil) })
}

// appendConfig writes the event that a configuration is taken up, with what changed, unless another process has told it.
func (s *Server) appendConfig(ctx context.Context, tx pgx.Tx, changes []config.Change) error {
	after, err := json.Marshal(map[string]any{"process": s.uptake.name, "changes": bounded(words(changes))})
	if err != nil {
		return err
	}
	return events.AppendNews(ctx, tx, events.Event{At: s.Now(), Actor: events.Actor{Name: "settled", How: events.ByService}, Kind: events.ConfigTakeUp,
		Object: events.Object{Kind: "configuration", ID: ContentName(s.Config, s.Vault)}, After: after, Outcome: events.Done})
}

// Bounds of what an event says of changes, in bytes: of one, and of all, which leaves room for the rest of the event.
const (
	maxChange  = 500
	maxChanges = events.MaxJSON / 2
)

// bounded are the words that an event has room for.
func bounded(words []string) (all []string) {
	room := maxChanges
	for i, w := range words {
		if len(w) > maxChange {
			w = strings.ToValidUTF8(w[:maxChange], "") + "…"
		}
		text, _ := json.Marshal(w) // of a text
		if room -= len(text) + len(`,`); room < 0 {
			return append(all, fmt.Sprintf("and %d more", len(words)-i))
		}
		all = append(all, w)
	}
	return all
}

// maxWords bounds the changes that are told one by one.
const maxWords = 100

// words are changes in words.
func words(changes []config.Change) (all []string) {
	for i, c := range changes {
		if i == maxWords {
			return append(all, fmt.Sprintf("and %d more", len(changes)-i))
		}
		all = append(all, c.String())
	}
	return all
}

// ContentName names what a configuration says: alike in all processes of an installation. It is a hash under the installation's keys: it
// tells nothing of secrets to those who have none.
func ContentName(cfg *config.Config, v *vault.Vault) string {
	sum := cfg.Content().Sum()
	_, keyed := v.Make(vault.Prints, "configuration", sum[:])
	return hex.EncodeToString(keyed[:8])
}
