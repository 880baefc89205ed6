package read

import (
	"context"
	"fmt"
	"math"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// Break is a difference that a person must look at, as it stands.
type Break struct {
	ID          int64 `db:"break_id"`
	Category    breaks.Category
	Fingerprint string
	Center      int16          `db:"center_id"`
	Merchant    int32          `db:"merchant_id"` // 0: of none
	Order       int64          `db:"order_ref"`   // 0: of none
	Amount      int64          // minor units of Currency; 0 where it is of no money
	Currency    money.Currency // 0: none
	OpenedAt    time.Time
	ClosedAt    *time.Time
	Note        string // what each side says, and how it ended
	Owner       string // who looks after it; empty: nobody
	Notes       int32  // how many people said of it
}

// BreakNote is what a person said of a break.
type BreakNote struct {
	No    int32
	At    time.Time
	Actor string
	Kind  breaks.NoteKind
	Words string
}

// BreakFilter chooses breaks; a zero field chooses all.
type BreakFilter struct {
	Open     bool // those that have not ended
	Category breaks.Category
	Center   int16
	Merchant int32
	Owner    string
}

// checked refuses a category that is none.
func (f BreakFilter) checked() error {
	if _, known := breaks.KindOf(f.Category); f.Category != "" && !known {
		return fmt.Errorf("%w: no break has the category %q", ErrFilter, f.Category)
	}
	return nil
}

const breakColumns = `break_id, category, fingerprint, center_id, merchant_id, order_ref, amount, currency, opened_at, closed_at, note, owner, notes`

// breaksWithNotes are breaks beside what people said of them.
const breaksWithNotes = ` FROM breaks b CROSS JOIN LATERAL (SELECT count(*)::int AS notes, coalesce((array_agg(words ORDER BY no DESC) FILTER (WHERE kind = $1))[1], '') AS owner
	FROM break_notes n WHERE n.break_id = b.break_id) n`

// chosen is what a filter says, of breaks with notes.
const chosen = ` WHERE ($2 = '' OR category = $2) AND ($3 = 0 OR center_id = $3) AND ($4 = 0 OR merchant_id = $4) AND ($5 = '' OR owner = $5)`

// The list goes by the primary key, or by the index of those that are open.
const (
	listBreaks      = `SELECT ` + breakColumns + breaksWithNotes + chosen + ` AND break_id < $6`
	youngestFirst   = ` ORDER BY break_id DESC LIMIT $7`
	sumBreaks       = `SELECT category AS kind, currency, count(*) AS rows, sum(abs(amount))::bigint AS amount` + breaksWithNotes + chosen
	byCategory      = ` GROUP BY category, currency ORDER BY category, currency`
	stillOpen       = ` AND closed_at IS NULL`
	oneBreak        = `SELECT ` + breakColumns + breaksWithNotes + ` WHERE break_id = $2`
	notesOfOneBreak = `SELECT no, at, actor, kind, words FROM break_notes WHERE break_id = $1 ORDER BY no`
	breakList       = "break"
)

// Breaks lists breaks, the youngest first, with what the chosen ones come to by category and currency: gross, so that what is too much does not hide what is
// too little. Errors: ErrFilter, listing.ErrLimit, listing.ErrKey.
func (b *Books) Breaks(ctx context.Context, f BreakFilter, r listing.Range) (part listing.Part[Break], totals []listing.Total, err error) {
	limit, err := r.Rows()
	if err != nil {
		return part, nil, err
	}
	if err := f.checked(); err != nil {
		return part, nil, err
	}
	before, open := int64(math.MaxInt64), ""
	if _, err := listing.ReadKey(r.After, breakList, &before); err != nil {
		return part, nil, err
	}
	if f.Open {
		open = stillOpen
	}
	args := []any{breaks.Assign, f.Category, f.Center, f.Merchant, f.Owner}
	err = b.look(ctx, func(tx pgx.Tx) error {
		found, err := rowsOf[Break](ctx, tx, listBreaks+open+youngestFirst, append(args, before, limit+1)...)
		if err != nil {
			return err
		}
		part = listing.Cut(found, limit, func(b Break) string { return listing.Key(breakList, b.ID) })
		totals, err = totalsOf[breaks.Category](ctx, tx, sumBreaks+open+byCategory, args...)
		return err
	})
	return part, totals, err
}

// Break reads a break and what people said of it. breaks.ErrNone: there is none of that number.
func (b *Books) Break(ctx context.Context, id int64) (one Break, notes []BreakNote, err error) {
	err = b.look(ctx, func(tx pgx.Tx) error {
		found, err := rowsOf[Break](ctx, tx, oneBreak, breaks.Assign, id)
		if err != nil {
			return err
		}
		if len(found) == 0 {
			return fmt.Errorf("%w: %d", breaks.ErrNone, id)
		}
		one = found[0]
		notes, err = rowsOf[BreakNote](ctx, tx, notesOfOneBreak, id)
		return err
	})
	return one, notes, err
}
