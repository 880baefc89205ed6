package read

import (
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"settled/internal/listing"
	"settled/internal/money"
	"settled/settle"

	"github.com/jackc/pgx/v5"
)

// RejectStates are the states that a reject may have.
func RejectStates() []settle.RejectState {
	return []settle.RejectState{settle.RejectUnresolved, settle.RejectSuperseded, settle.RejectAbandoned}
}

// RejectClass says what was wrong with a refused record. The words are stored.
type RejectClass string

// rejectClasses are all of them; the center's codes are sorted into them by its profile.
var rejectClasses = []RejectClass{"format", "reference", "timing", "amount", "account", "duplicate", "merchant", RejectTechnical, "unknown", "aside"}

// RejectTechnical is the class of what a center refused for a fault of its own.
const RejectTechnical RejectClass = "technical"

// Reject is a record that a center refused, or that was set aside.
type Reject struct {
	Record     int64 `db:"record_id"`
	Order      int64 `db:"order_id"`
	Merchant   int32 `db:"merchant_id"`
	Window     int32 `db:"window_id"`
	Center     int16 `db:"center_id"`
	Kind       settle.RecordKind
	Amount     int64 // minor units of Currency
	Currency   money.Currency
	Class      RejectClass
	Code       string // as the center sent it
	State      settle.RejectState
	RejectedAt time.Time
}

// RejectFilter chooses rejects; a zero field chooses all.
type RejectFilter struct {
	State settle.RejectState
	Class RejectClass
}

// args are the states and the class that the filter chooses. A word that is none is ErrFilter.
func (f RejectFilter) args() (states []settle.RejectState, class RejectClass, err error) {
	states = RejectStates()
	if f.State != "" {
		if !slices.Contains(states, f.State) {
			return nil, "", fmt.Errorf("%w: no reject has the state %q", ErrFilter, f.State)
		}
		states = []settle.RejectState{f.State}
	}
	if f.Class != "" && !slices.Contains(rejectClasses, f.Class) {
		return nil, "", fmt.Errorf("%w: no reject has the class %q", ErrFilter, f.Class)
	}
	return states, f.Class, nil
}

const rejectColumns = `record_id, order_id, merchant_id, window_id, kind, amount, currency, class, code, state, rejected_at`

// waiting chooses what nobody has decided, in the words of the partial index rejects_waiting: the planner uses it only where it reads
// its predicate in the statement.
const waiting = `state = '` + string(settle.RejectUnresolved) + `'`

// indexed names the predicate of an index that holds all that the filter chooses.
func (f RejectFilter) indexed() string {
	if f.State == settle.RejectUnresolved {
		return ` AND ` + waiting
	}
	return ""
}

// listRejects goes by the primary key, or by the index of those that wait. Identifiers of records are never given twice, so that
// window and record are one place.
const (
	listRejects = `
SELECT ` + rejectColumns + `, center_id FROM rejects JOIN (SELECT window_id, center_id FROM windows) w USING (window_id)
WHERE state = ANY ($1::text[]) AND ($2 = '' OR class = $2) AND (window_id, record_id) < ($3, $4)`
	latestFirst = ` ORDER BY window_id DESC, record_id DESC LIMIT $5`
)

const (
	rejectTotals = `
SELECT kind, currency, count(*) AS rows, sum(amount)::bigint AS amount FROM rejects
WHERE state = ANY ($1::text[]) AND ($2 = '' OR class = $2)`
	byKind = ` GROUP BY kind, currency ORDER BY kind, currency`
)

// rejectList is the name of the list in its keys.
const rejectList = "reject"

// Rejects lists rejects, those of the latest window first and in it the latest record, with the totals of the sales and credits that
// the filter chooses. Errors: ErrFilter, listing.ErrLimit, listing.ErrKey.
func (b *Books) Rejects(ctx context.Context, f RejectFilter, r listing.Range) (part listing.Part[Reject], totals []listing.Total, err error) {
	states, class, err := f.args()
	if err != nil {
		return part, nil, err
	}
	limit, err := r.Rows()
	if err != nil {
		return part, nil, err
	}
	before, record := int32(math.MaxInt32), int64(math.MaxInt64)
	if _, err := listing.ReadKey(r.After, rejectList, &before, &record); err != nil {
		return part, nil, err
	}
	err = b.look(ctx, func(tx pgx.Tx) error {
		found, err := rowsOf[Reject](ctx, tx, listRejects+f.indexed()+latestFirst, states, class, before, record, limit+1)
		if err != nil {
			return err
		}
		part = listing.Cut(found, limit, func(j Reject) string { return listing.Key(rejectList, j.Window, j.Record) })
		totals, err = totalsOf[settle.RecordKind](ctx, tx, rejectTotals+f.indexed()+byKind, states, class)
		return err
	})
	return part, totals, err
}

const oneReject = `
SELECT ` + rejectColumns + `, center_id FROM rejects JOIN (SELECT window_id, center_id FROM windows) w USING (window_id)
WHERE merchant_id = $1 AND order_id = $2 AND record_id = $3`

// Reject returns the reject of a record. settle.ErrNotFound tells that it was not refused.
func (b *Books) Reject(ctx context.Context, n settle.RecordName) (Reject, error) {
	found, err := lookFor[Reject](ctx, b, oneReject, n.Merchant, n.Order, n.Record)
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("%w: record %d of order %d was not refused", settle.ErrNotFound, n.Record, n.Order)
	}
	if err != nil {
		return Reject{}, err
	}
	return found[0], nil
}
