package breaks

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"settled/internal/postgres"
	"settled/internal/vault"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The refusals of a note.
var (
	ErrNone  = errors.New("breaks: no such break")
	ErrEnded = errors.New("breaks: the break is closed")
	ErrWords = errors.New("breaks: not what can be said of a break")
)

// NoteKind says what a note does. The words are stored.
type NoteKind string

// The kinds of notes.
const (
	Comment NoteKind = "comment" // what somebody found out, or wants known
	Assign  NoteKind = "assign"  // to whom the break is given
)

// Note is what a person says of a break.
type Note struct {
	At    time.Time
	Actor string // who says it
	Kind  NoteKind
	Words string // of a comment what it says, of an assignment the name of who looks after the break now; empty: nobody does
}

// MaxWords bounds what one note says, in bytes.
const MaxWords = 2000

// checked is the note as it is kept: without spaces around it, and without card data.
func (n Note) checked() (Note, error) {
	n.Words = strings.TrimSpace(n.Words)
	switch {
	case n.Kind != Comment && n.Kind != Assign:
		return n, fmt.Errorf("%w: %q is no kind of note", ErrWords, n.Kind)
	case n.Actor == "" || n.At.IsZero():
		return n, fmt.Errorf("%w: nobody says it, or at no time", ErrWords)
	case n.Kind == Comment && n.Words == "":
		return n, fmt.Errorf("%w: a comment without words", ErrWords)
	case len(n.Words) > MaxWords || !utf8.ValidString(n.Words) || strings.ContainsRune(n.Words, 0):
		return n, fmt.Errorf("%w: %d bytes of text, of which %d may be", ErrWords, len(n.Words), MaxWords)
	}
	n.Words = vault.Words(n.Words)
	return n, nil
}

const (
	lockBreak = `SELECT closed_at IS NOT NULL FROM breaks WHERE break_id = $1 FOR UPDATE`
	addNote   = `INSERT INTO break_notes (break_id, no, at, actor, kind, words)
		SELECT $1, coalesce(max(no), 0) + 1, $2, $3, $4, $5 FROM break_notes WHERE break_id = $1`
)

// Write adds a note to a break. A closed one can still be commented on, but is given to nobody. Errors: ErrNone, ErrEnded, ErrWords; each leaves
// everything as it was.
func Write(ctx context.Context, pool *pgxpool.Pool, id int64, n Note) error {
	n, err := n.checked()
	if err != nil {
		return err
	}
	return postgres.InTx(ctx, pool, postgres.Key{Name: fmt.Sprintf("break/%d/%s", id, n.Kind)}, func(tx pgx.Tx) error {
		var closed bool
		err := tx.QueryRow(ctx, lockBreak, id).Scan(&closed)
		switch {
		case errors.Is(err, pgx.ErrNoRows):
			return fmt.Errorf("%w: %d", ErrNone, id)
		case err != nil:
			return fmt.Errorf("lock break %d: %w", id, err)
		case closed && n.Kind == Assign:
			return fmt.Errorf("%w: %d", ErrEnded, id)
		}
		if _, err := tx.Exec(ctx, addNote, id, n.At, n.Actor, n.Kind, n.Words); err != nil {
			return fmt.Errorf("write a note to break %d: %w", id, err)
		}
		return nil
	})
}
