package ledger

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"settled/internal/money"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Source says what kind of event a journal belongs to, and so what its SourceID numbers.
type Source int16

// The sources of journals. The numbers are stored.
const (
	FromOrder  Source = 1 // SourceID is the order, Seq its operation
	FromBatch  Source = 2 // SourceID is the batch
	FromReply  Source = 3 // SourceID is the reply
	FromManual Source = 4 // SourceID is the number of a manual journal
	FromRecord Source = 5 // SourceID is the clearing record, Seq the operation that made it: presented again, or given up
)

// Phase tells the events of one operation, batch or reply apart: a digit for the event, and before it, for the events of
// an operation that may have several exchanges, the number of the transaction (For).
type Phase int16

// The phases. Within one (source, id, seq) each happens at most once.
const (
	PhaseDone     Phase = 0 // the operation or seal took effect
	PhaseUnknown  Phase = 1 // the outcome became unknown
	PhaseResolved Phase = 2 // the unknown outcome was resolved
	PhaseAnswered Phase = 3 // the center confirmed a refund or reversal (For)
	PhaseRefused  Phase = 4 // the center refused a refund for good (For)
	PhaseVerdict  Phase = 5 // a reply gave its verdict
	PhaseRelease  Phase = 6 // the remainder of a hold was released

	// An exchange with a center is one of many on an operation: For tells their events apart.
	exchangeStep Phase = 10
)

// For returns the phase of an event that a particular exchange brought: the number of its transaction comes before the
// digit of the event, so that refunds of two slices by one cancellation are two journals. Transactions go up to 3275.
func (p Phase) For(transaction int16) Phase { return p%exchangeStep + Phase(transaction)*exchangeStep }

// Event is the phase without the exchange.
func (p Phase) Event() Phase { return p % exchangeStep }

// Transaction is the number of the exchange that the phase belongs to, 0 for none.
func (p Phase) Transaction() int16 { return int16(p / exchangeStep) }

// String names the event, and the exchange that brought it: "answered (transaction 3)".
func (p Phase) String() string {
	name := "phase " + strconv.Itoa(int(p.Event()))
	if int(p.Event()) < len(phaseNames) {
		name = phaseNames[p.Event()]
	}
	if n := p.Transaction(); n > 0 {
		name += fmt.Sprintf(" (transaction %d)", n)
	}
	return name
}

var phaseNames = [...]string{"done", "unknown", "resolved", "answered", "refused", "verdict", "release"}

// Key is the business key of a journal.
type Key struct {
	Merchant int32
	Source   Source
	SourceID int64
	Seq      int16
	Phase    Phase
}

// Posting is one line of a journal. Amount is positive, in minor units of Currency. Center is 0 when no center is
// involved. Undo posts the rule with debit and credit swapped.
type Posting struct {
	Key
	Line     int16
	Rule     Rule
	Amount   int64
	Currency money.Currency
	Center   int16
	At       time.Time
	Undo     bool
}

// With is the posting with another rule and amount.
func (p Posting) With(rule Rule, amount int64) Posting {
	p.Rule, p.Amount = rule, amount
	return p
}

// ErrAlreadyPosted is returned when a journal with the same business key exists; nothing was changed.
var ErrAlreadyPosted = errors.New("ledger: journal already posted")

// Book is a ledger in a time zone: the zone in which an accounting date starts and ends.
type Book struct {
	Zone *time.Location
	// Posted is told how many lines were written by a rule, before their transaction commits; nil: nobody is told.
	Posted func(rule Rule, lines int)
}

// Count tells Posted of lines. Who writes postings by a statement of its own calls it.
func (b Book) Count(rule Rule, lines int) {
	if b.Posted != nil && lines > 0 {
		b.Posted(rule, lines)
	}
}

// Date returns the accounting date of an instant, as a UTC midnight.
func (b Book) Date(at time.Time) time.Time {
	y, m, d := at.In(b.Zone).Date()
	return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
}

// Columns holds postings by column, the shape in which a set-based statement takes them.
type Columns struct {
	Merchant, SourceID                    []int64
	Source, Seq, Phase, Line              []int16
	Rule, Debit, Credit, Center, Currency []int16
	Amount                                []int64
	At, AccountingDate                    []time.Time
	Undo                                  []bool
}

// Columns turns postings into columns, numbering the lines of each journal in order. Postings without an amount are left out.
func (b Book) Columns(postings []Posting) Columns {
	var c Columns
	lines := make(map[Key]int16, len(postings))
	for _, p := range postings {
		if p.Amount == 0 {
			continue
		}
		p.Line = lines[p.Key]
		lines[p.Key]++
		b.add(&c, p)
	}
	return c
}

func (b Book) add(c *Columns, p Posting) {
	spec := p.Rule.Spec()
	debit, credit := spec.Debit, spec.Credit
	if p.Undo {
		debit, credit = credit, debit
	}
	c.Merchant = append(c.Merchant, int64(p.Merchant))
	c.SourceID = append(c.SourceID, p.SourceID)
	c.Source = append(c.Source, int16(p.Source))
	c.Seq = append(c.Seq, p.Seq)
	c.Phase = append(c.Phase, int16(p.Phase))
	c.Line = append(c.Line, p.Line)
	c.Rule = append(c.Rule, int16(p.Rule))
	c.Debit = append(c.Debit, int16(debit))
	c.Credit = append(c.Credit, int16(credit))
	c.Center = append(c.Center, p.Center)
	c.Currency = append(c.Currency, int16(p.Currency))
	c.Amount = append(c.Amount, p.Amount)
	c.At = append(c.At, p.At)
	c.AccountingDate = append(c.AccountingDate, b.Date(p.At))
	c.Undo = append(c.Undo, p.Undo)
}

// Args returns the columns in the order in which the insert statement takes them.
func (c Columns) Args() []any {
	return []any{c.Merchant, c.Source, c.SourceID, c.Seq, c.Phase, c.Line, c.Rule, c.Debit, c.Credit,
		c.Center, c.Currency, c.Amount, c.At, c.AccountingDate, c.Undo}
}

const insertPostings = `
INSERT INTO postings (merchant_id, source, source_id, seq, phase, line, rule, debit, credit, center_id, currency, amount, at, accounting_date, undo)
SELECT * FROM unnest($1::int[], $2::smallint[], $3::bigint[], $4::smallint[], $5::smallint[], $6::smallint[], $7::smallint[],
	$8::smallint[], $9::smallint[], $10::smallint[], $11::smallint[], $12::bigint[], $13::timestamptz[], $14::date[], $15::boolean[])`

// Post writes postings within the caller's transaction. A business key that exists is ErrAlreadyPosted, and the
// transaction must be rolled back.
func (b Book) Post(ctx context.Context, tx pgx.Tx, postings []Posting) error {
	for _, p := range postings {
		if err := p.valid(); err != nil {
			return err
		}
	}
	c := b.Columns(postings)
	if len(c.Amount) == 0 {
		return nil
	}
	_, err := tx.Exec(ctx, insertPostings, c.Args()...)
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.ConstraintName == "postings_pkey" {
		return fmt.Errorf("%w: %s", ErrAlreadyPosted, pg.Detail)
	}
	if err != nil {
		return fmt.Errorf("post %d lines: %w", len(c.Amount), err)
	}
	for _, rule := range c.Rule {
		b.Count(Rule(rule), 1)
	}
	return nil
}

func (p Posting) valid() error {
	switch {
	case p.Rule.Spec().Name == "":
		return fmt.Errorf("ledger: posting without a rule (%d)", p.Rule)
	case p.Amount < 0:
		return fmt.Errorf("ledger: negative amount %d by %v", p.Amount, p.Rule)
	case p.Merchant <= 0 || p.At.IsZero():
		return fmt.Errorf("ledger: posting by %v without merchant or instant", p.Rule)
	}
	return nil
}
