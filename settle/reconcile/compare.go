package reconcile

import (
	"context"
	"fmt"
	"slices"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/breaks"

	"github.com/jackc/pgx/v5"
)

// LogGrace is how long after the end of its range a center's log is compared with the books, and how uncertain the time is
// at which it was made: longer than any payment waits for its outcome.
const LogGrace = 15 * time.Minute

// CenterLog is a center's log of what it approved of the messages that were transmitted in a range of time.
type CenterLog struct {
	ID        int64 // that breaks name
	Center    int16
	From      time.Time
	Until     time.Time // exclusive
	Sure      time.Time // what was true before shows in the log
	Approvals []CenterApproval
	Forced    bool // a person let it through the limit of unknown approvals
}

// Reconciled is what a comparison found that was not found before.
type Reconciled struct {
	Differences int // breaks that were opened
	Unknown     int // of these, approvals whose reversal is owed now
}

// ErrTooManyUnknown means that a log has so many approvals that our books do not know that a wrong log, or a restored
// database, is likelier than so many losses. Nothing was changed; a person may let it through.
var ErrTooManyUnknown = fmt.Errorf("reconcile: too many approvals that the books do not know")

// maxUnknown is how many approvals of a log may be reversed without a person: some, and one in twenty.
func maxUnknown(approvals int) int { return 20 + approvals/20 }

var (
	selectKnown = words.In(`
SELECT t.exchange_id AS exchange, t.merchant_id AS merchant, t.order_id AS "order", t.transaction, t.kind, t.state, t.amount, o.currency,
	o.center_id AS center, t.transmitted_at AS sent, t.transaction = o.payment_transaction AS last, coalesce(x.reversed, 0)::bigint AS reversed,
	coalesce(x.refunded, 0)::bigint AS refunded, coalesce(x.pending, false) AS pending, greatest(t.answered_at, x.answered_at) AS changed
FROM transactions t JOIN orders o USING (merchant_id, order_id)
	LEFT JOIN LATERAL (SELECT sum(amount) FILTER (WHERE kind IN (@Reversal, @PartialReversal) AND state = @TransactionApproved) AS reversed, sum(amount) FILTER (WHERE kind = @Refund AND state = @TransactionApproved) AS refunded,
		bool_or(state IN (@TransactionSent, @TransactionStuck)) AS pending, max(answered_at) AS answered_at
		FROM transactions x WHERE x.merchant_id = t.merchant_id AND x.order_id = t.order_id AND x.original = t.transaction) x ON true
WHERE t.kind IN (@Authorization, @Purchase, @Refund) AND `)
	selectWaiting = words.In(`
SELECT e.exchange_id, e.merchant_id, e.order_id, e.transaction, e.kind, 1::smallint, e.amount, o.currency, e.center_id, e.transmitted_at,
	true, 0::bigint, 0::bigint, false, NULL::timestamptz
FROM owed_exchanges e JOIN orders o USING (merchant_id, order_id)
WHERE e.kind IN (@Authorization, @Purchase) AND `)
	knownWithin = selectKnown + `t.transmitted_at >= $1 AND t.transmitted_at < $2
UNION ALL` + selectWaiting + `e.transmitted_at >= $1 AND e.transmitted_at < $2`
	knownByNumber = selectKnown + `t.exchange_id = ANY ($1)
UNION ALL` + selectWaiting + `e.exchange_id = ANY ($1)`
	handledApprovals = words.In(`
SELECT exchange_id, CASE WHEN state = @UnknownReversed AND settled_at >= $2 THEN @UnknownOwed ELSE state END FROM unknown_approvals WHERE center_id = $1 AND sent_at >= $3 AND sent_at < $4`)
	jumpedNumbers = `SELECT next_before AS first, next_after AS end FROM id_jumps WHERE name = $1`
	givenNumbers  = `SELECT coalesce((SELECT next FROM id_blocks WHERE name = $1), 0)`
)

// comparison is a log beside what our books have of its range.
type comparison struct {
	log      *CenterLog
	ours     map[int64]knownExchange
	handled  map[int64]UnknownState
	given    [2]int64     // by lane: the first exchange of it that was not given out
	jumps    [2][]idRange // by lane: what was passed over, because an older life of the database may have given it out
	terminal func(center int16, terminal, acceptor string) (merchant int32, ours bool)
}

// found is a difference with its two sides.
type found struct {
	difference
	number   int64 // 0: not from our numbering
	merchant int32
	theirs   *CenterApproval
	ours     *knownExchange
}

// Compare compares a center's log with the books, in a transaction of the caller: for each difference it opens a break, once,
// and for approvals that the books do not know, or have as ended, it makes the reversal owed. A second call with the same log
// changes nothing. It must not be called before LogGrace is over after the end of the log's range. Errors:
// ErrTooManyUnknown.
func Compare(ctx context.Context, tx pgx.Tx, b *settle.Books, l *CenterLog) (Reconciled, error) {
	c, err := compare(ctx, tx, b, l)
	if err != nil {
		return Reconciled{}, fmt.Errorf("read exchanges of log %d: %w", l.ID, err)
	}
	all := c.differences()
	reversals := 0
	for _, f := range all {
		if f.reverses() {
			reversals++
		}
	}
	if reversals > maxUnknown(len(l.Approvals)) && !l.Forced {
		return Reconciled{}, fmt.Errorf("%w: %d of %d in log %d", ErrTooManyUnknown, reversals, len(l.Approvals), l.ID)
	}
	return recordDifferences(ctx, tx, b, l, all)
}

const insertUnknown = `
INSERT INTO unknown_approvals (center_id, exchange_id, reversal_id, kind, amount, currency, terminal, acceptor, merchant_id, order_ref, approval_code,
	sent_at, found_at, transmitted_at, due_at, log_id, break_id)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $13, $13, $14, $15)
ON CONFLICT (center_id, exchange_id) DO NOTHING`

// recordDifferences opens a break for each difference that has none yet, and owes the reversals.
func recordDifferences(ctx context.Context, tx pgx.Tx, b *settle.Books, l *CenterLog, all []found) (Reconciled, error) {
	opened, err := openBreaks(ctx, tx, b, l, all)
	if err != nil {
		return Reconciled{}, fmt.Errorf("open breaks of log %d: %w", l.ID, err)
	}
	r := Reconciled{Differences: len(opened)}
	for i := range all {
		f := &all[i]
		id, fresh := opened[f.fingerprint(l.Center)]
		if !fresh || !f.reverses() {
			continue
		}
		if err := oweUnknown(ctx, tx, b, l, f, id); err != nil {
			return r, fmt.Errorf("owe the reversal of exchange %d: %w", f.number, err)
		}
		r.Unknown++
	}
	return r, nil
}

// openBreaks returns the ids of the breaks that were opened now, by their fingerprints.
func openBreaks(ctx context.Context, tx pgx.Tx, b *settle.Books, l *CenterLog, all []found) (map[string]int64, error) {
	found := make([]breaks.Break, len(all))
	for i := range all {
		f := &all[i]
		found[i] = breaks.Break{Category: differences[f.difference].category, Fingerprint: f.fingerprint(l.Center), Center: l.Center,
			Merchant: f.merchant, Order: f.order(), Amount: f.amount(), Note: f.note(l)}
	}
	opened, err := breaks.Open(ctx, tx, b.Now(), found...)
	ids := map[string]int64{}
	for _, o := range opened {
		ids[o.Fingerprint] = o.ID
	}
	return ids, err
}

func oweUnknown(ctx context.Context, tx pgx.Tx, b *settle.Books, l *CenterLog, f *found, breakID int64) error {
	reversal, err := b.NextExchange(ctx)
	if err != nil {
		return err
	}
	a := f.theirs
	_, err = tx.Exec(ctx, insertUnknown, l.Center, f.number, reversal, a.Kind, a.Amount.Minor, int16(a.Amount.Currency), a.Terminal, a.Acceptor,
		f.merchant, f.order(), a.Approval, a.Sent, b.Now(), l.ID, breakID)
	return err
}

// compare reads what the books have of the log's range, and of each of its numbers that they do not have there: a center
// that tells another time of an exchange must not make it unknown.
func compare(ctx context.Context, tx pgx.Tx, b *settle.Books, l *CenterLog) (*comparison, error) {
	c := &comparison{log: l, ours: map[int64]knownExchange{}, handled: map[int64]UnknownState{}, terminal: b.Directory.TerminalOf}
	if err := c.read(ctx, tx, knownWithin, l.From, l.Until); err != nil {
		return nil, err
	}
	var elsewhere []int64
	for i := range l.Approvals {
		if n, ok := l.Approvals[i].exchange(); ok {
			if _, here := c.ours[n]; !here {
				elsewhere = append(elsewhere, n)
			}
		}
	}
	if len(elsewhere) > 0 {
		if err := c.read(ctx, tx, knownByNumber, elsewhere); err != nil {
			return nil, err
		}
	}
	return c, c.readNumbers(ctx, tx)
}

func (c *comparison) read(ctx context.Context, tx pgx.Tx, sql string, args ...any) error {
	all, err := postgres.Collect[knownExchange](ctx, tx, sql, args...)
	for _, k := range all {
		c.ours[k.Exchange] = k
	}
	return err
}

// readNumbers reads how far numbers were given out, and what was found as unknown before.
func (c *comparison) readNumbers(ctx context.Context, tx pgx.Tx) error {
	for lane := range c.given {
		name := settle.ExchangeName(int64(lane))
		if err := tx.QueryRow(ctx, givenNumbers, name).Scan(&c.given[lane]); err != nil {
			return err
		}
		var err error
		if c.jumps[lane], err = postgres.Collect[idRange](ctx, tx, jumpedNumbers, name); err != nil {
			return err
		}
	}
	rows, err := tx.Query(ctx, handledApprovals, c.log.Center, c.log.Sure, c.log.From, c.log.Until)
	if err != nil {
		return err
	}
	var n int64
	var state UnknownState
	_, err = pgx.ForEachRow(rows, []any{&n, &state}, func() error {
		c.handled[n] = state
		return nil
	})
	return err
}

// idRange are identifiers from First on and less than End.
type idRange struct{ First, End int64 }

// gave tells that this life of the database has given the number of an exchange out. What it passed over, an earlier life may have.
func (c *comparison) gave(exchange int64) bool {
	n, lane := exchange/2, exchange%2
	return n < c.given[lane] && !slices.ContainsFunc(c.jumps[lane], func(r idRange) bool { return n >= r.First && n < r.End })
}

// differences goes through both sides once.
func (c *comparison) differences() []found {
	var out []found
	told := map[int64]bool{}
	for i := range c.log.Approvals {
		a := &c.log.Approvals[i]
		f := c.judge(a)
		told[f.number] = true
		if f.difference != agree {
			out = append(out, f)
		}
	}
	for n, k := range c.ours {
		if told[n] || !c.expects(&k) {
			continue
		}
		about := facts{Sure: c.log.Sure, Handled: c.handled[n]}
		if d := judge(nil, &k, about); d != agree {
			out = append(out, found{difference: d, number: n, merchant: k.Merchant, ours: &k})
		}
	}
	return out
}

// expects tells that an exchange of ours belongs into the log.
func (c *comparison) expects(k *knownExchange) bool {
	return k.Center == c.log.Center && !k.Sent.Before(c.log.From) && k.Sent.Before(c.log.Until)
}

func (c *comparison) judge(a *CenterApproval) found {
	f := found{theirs: a}
	about := facts{Sure: c.log.Sure}
	f.number, about.Numbered = a.exchange()
	f.merchant, about.Terminal = c.terminal(c.log.Center, a.Terminal, a.Acceptor)
	if !about.Numbered {
		f.number = 0
	} else {
		about.Given, about.Handled = c.gave(f.number), c.handled[f.number]
		if k, ok := c.ours[f.number]; ok {
			f.ours, f.merchant = &k, k.Merchant
		}
	}
	f.difference = judge(a, f.ours, about)
	if f.difference == agree && f.ours != nil && f.ours.Last && f.ours.State == settle.TransactionApproved && f.ours.Center != c.log.Center {
		f.difference = otherExchange
	}
	return f
}

// fingerprint is the same whenever the same difference is found.
func (f *found) fingerprint(center int16) string {
	if f.number == 0 {
		a := f.theirs
		return fmt.Sprintf("L0/%d/%d/%s/%s/%s/%s", f.difference, center, a.Terminal, a.STAN, a.RRN, a.Sent.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("L0/%d/%d/%d", f.difference, center, f.number)
}

func (f *found) order() int64 {
	if f.ours == nil {
		return 0
	}
	return f.ours.Order
}

func (f *found) amount() money.Amount {
	if f.theirs != nil {
		return f.theirs.Amount
	}
	return money.Amount{Minor: f.ours.Amount, Currency: money.Currency(f.ours.Currency)}
}

// note tells a person which exchange it is, and what each side has of it.
func (f *found) note(l *CenterLog) string {
	note := differences[f.difference].words
	if a := f.theirs; a != nil {
		note += fmt.Sprintf("; center: %s of %s, %d reversed, approval %q, terminal %s, trace %s, reference %s, sent %s", a.Kind, a.Amount, a.Reversed,
			a.Approval, a.Terminal, a.STAN, a.RRN, a.Sent.UTC().Format(time.RFC3339))
	}
	if k := f.ours; k != nil {
		note += fmt.Sprintf("; books: %s of %d minor units, %s, %d reversed, exchange %d, sent %s", k.Kind, k.Amount, k.State, k.Reversed, k.Exchange,
			k.Sent.UTC().Format(time.RFC3339))
	}
	return fmt.Sprintf("%s; log %d", note, l.ID)
}
