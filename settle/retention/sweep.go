package retention

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// Name is a sweep: what of which class it erases.
type Name struct {
	Class   Class  `json:"class"`
	Subject string `json:"subject"` // "orders", "records", …
}

// Span is what a run looks at: what was last of use before Before, and nothing older than From, because nothing is left there.
type Span struct{ From, Before time.Time }

// Key names a row and its place in the order of a sweep; which of its numbers a sweep uses is its own.
type Key struct {
	At       time.Time // of the row: when it was made
	Window   int32
	Merchant int32
	ID       int64
	Token    uuid.UUID
}

// Why rows are not erased though they are old enough. The empty word: they are erased.
const (
	Erasable = ""
	// Later is for rows that were of use since: they are not due.
	Later = "later"
	// Busy is for rows that somebody had locked.
	Busy = "busy"
)

// Standing is how rows stand: to be erased, or needed for a reason.
type Standing struct {
	Why    string    `json:"why"`
	Rows   int64     `json:"rows"`
	Bytes  int64     `json:"bytes"`
	Oldest time.Time `json:"oldest"`
}

// Batch is what became of the rows of one transaction.
type Batch struct {
	Erased, Bytes int64
	Left          []Standing // that were not erased
	Again         bool       // not everything fitted into one transaction: the same rows once more
}

// Sweep erases one kind of thing. What is of its tables, and what they are needed for, only it knows.
type Sweep interface {
	Name() Name
	// Look tells how everything in the span stands, and changes nothing.
	Look(ctx context.Context, q postgres.Querier, s Span, now time.Time) ([]Standing, error)
	// Next returns up to limit rows of the span behind a key, oldest first.
	Next(ctx context.Context, q postgres.Querier, s Span, after Key, limit int) ([]Key, error)
	// Erase erases those of the rows that are due and not needed, under their locks.
	Erase(ctx context.Context, tx pgx.Tx, s Span, keys []Key, now time.Time) (Batch, error)
}

// Sweeps are those of the books.
func Sweeps() []Sweep {
	return []Sweep{cardsOfDeclined, cardsOfPaid, records{}, unused, people, buyers}
}

// merge adds up standings by their reason.
func merge(into []Standing, more ...Standing) []Standing {
next:
	for _, m := range more {
		for i := range into {
			if s := &into[i]; s.Why == m.Why {
				s.Rows, s.Bytes = s.Rows+m.Rows, s.Bytes+m.Bytes
				if m.Oldest.Before(s.Oldest) {
					s.Oldest = m.Oldest
				}
				continue next
			}
		}
		into = append(into, m)
	}
	return into
}

// look runs a statement that returns why, rows, bytes and oldest.
func look(ctx context.Context, q postgres.Querier, name Name, sql string, args ...any) ([]Standing, error) {
	all, err := postgres.Collect[Standing](ctx, q, sql, args...)
	if err != nil {
		return nil, fmt.Errorf("look at %s %s: %w", name.Class, name.Subject, err)
	}
	return all, nil
}

// judged is a locked row and why it is not erased.
type judged struct {
	Key
	Why string
}

// part parts locked rows into those to erase and how the others stand. Of keys that were not locked somebody has the row.
func part(keys []Key, locked []judged) (erase []Key, left []Standing) {
	for _, j := range locked {
		if j.Why == Erasable {
			erase = append(erase, j.Key)
		} else {
			left = merge(left, Standing{Why: j.Why, Rows: 1, Oldest: j.At})
		}
	}
	if n := len(keys) - len(locked); n > 0 {
		left = merge(left, Standing{Why: Busy, Rows: int64(n), Oldest: keys[0].At})
	}
	return erase, left
}
