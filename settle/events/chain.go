package events

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"settled/internal/postgres"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Stored is an event as it stands in the chain.
type Stored struct {
	Day      time.Time // of the chain, UTC
	No       int32     // 1, 2, 3 … within the day
	OfKind   int64     // the how manieth of its kind
	At       time.Time
	Kind     Kind
	Outcome  Outcome
	Actor    string
	How      How
	Role     string
	Factor   string
	Login    string // who was logged in to the database
	Source   string
	ObjectOf string // kind of the object
	Object   string
	Reason   string
	Approval *string
	Before   json.RawMessage
	After    json.RawMessage
	Previous []byte // hash of the event before; zeros before the first
	Hash     []byte
}

// Columns are the columns of a Stored in the table events.
const Columns = `day, no, of_kind, at, kind, outcome, actor, how, role, factor, login, source, object_of, object, reason, approval, before, after, previous, hash`

// Name is how an event is called: its day and number.
func (s *Stored) Name() string { return name(s.Day, s.No) }

func name(day time.Time, no int32) string { return fmt.Sprintf("%s/%d", day.Format(time.DateOnly), no) }

// form names the form of the bytes that are hashed.
const form = "settled event 1"

// Bytes are what the hash of an event covers after the hash of the one before: each field as the decimal number of its bytes, a colon, its bytes
// and a comma (netstrings). docs/events.md lists the fields.
func (s *Stored) Bytes() []byte {
	approval := ""
	if s.Approval != nil {
		approval = *s.Approval
	}
	var b bytes.Buffer
	for _, field := range []string{form, s.Day.Format(time.DateOnly), strconv.Itoa(int(s.No)), strconv.FormatInt(s.OfKind, 10),
		s.At.UTC().Format("2006-01-02T15:04:05.000000Z"), string(s.Kind), string(s.Outcome), s.Actor, string(s.How), s.Role, s.Factor, s.Login, s.Source,
		s.ObjectOf, s.Object, s.Reason, approval, string(s.Before), string(s.After)} {
		fmt.Fprintf(&b, "%d:%s,", len(field), field)
	}
	return b.Bytes()
}

// sum is the hash that the event must have.
func (s *Stored) sum() []byte {
	h := sha256.New()
	h.Write(s.Previous)
	h.Write(s.Bytes())
	return h.Sum(nil)
}

// chainLock is the advisory lock under which events are appended.
const chainLock = 0x5e77e7e

const (
	lockChain = `SELECT pg_advisory_xact_lock($1)`
	lastEvent = `SELECT day, no, hash FROM events ORDER BY day DESC, no DESC LIMIT 1`
	ofKind    = `SELECT session_user::text, coalesce((SELECT of_kind FROM events WHERE kind = $1 ORDER BY day DESC, no DESC LIMIT 1), 0)`
	insert    = `INSERT INTO events (` + Columns + `) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)`
)

// Append writes an event at the end of the chain, in the transaction of the act, which is READ COMMITTED. It holds the chain's lock until the
// transaction ends: call it last. Errors: ErrEvent for what is no event; else nothing can be said of the transaction but that it must end.
func Append(ctx context.Context, tx pgx.Tx, e Event) error {
	e, err := e.checked()
	if err != nil {
		return err
	}
	s, err := next(ctx, tx, e)
	if err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	_, err = tx.Exec(ctx, insert, s.Day, s.No, s.OfKind, s.At, s.Kind, s.Outcome, s.Actor, s.How, s.Role, s.Factor, s.Login, s.Source, s.ObjectOf, s.Object,
		s.Reason, s.Approval, text(s.Before), text(s.After), s.Previous, s.Hash)
	if err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	return nil
}

const newest = `SELECT object_of = $2 AND object = $3 FROM events WHERE kind = $1 ORDER BY day DESC, no DESC LIMIT 1`

// AppendNews is Append, unless the newest event of the kind is of the same object: of several processes that learn of one change, one tells it.
func AppendNews(ctx context.Context, tx pgx.Tx, e Event) error {
	if _, err := tx.Exec(ctx, lockChain, chainLock); err != nil {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	var told bool
	err := tx.QueryRow(ctx, newest, e.Kind, e.Object.Kind, e.Object.ID).Scan(&told)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return fmt.Errorf("append event %s: %w", e.Kind, err)
	}
	if told {
		return nil
	}
	return Append(ctx, tx, e)
}

// text is JSON as a parameter; nil is NULL.
func text(part json.RawMessage) *string {
	if part == nil {
		return nil
	}
	s := string(part)
	return &s
}

// next is the event in its place, behind the last one.
func next(ctx context.Context, tx pgx.Tx, e Event) (*Stored, error) {
	if _, err := tx.Exec(ctx, lockChain, chainLock); err != nil {
		return nil, err
	}
	s := &Stored{At: e.At, Kind: e.Kind, Outcome: e.Outcome, Actor: e.Actor.Name, How: e.Actor.How, Role: e.Actor.Role, Factor: e.Actor.Factor, Source: e.Source,
		ObjectOf: e.Object.Kind, Object: e.Object.ID, Reason: e.Reason, Before: e.Before, After: e.After}
	if e.Approval != "" {
		s.Approval = &e.Approval
	}
	if err := tx.QueryRow(ctx, ofKind, e.Kind).Scan(&s.Login, &s.OfKind); err != nil {
		return nil, err
	}
	last, err := Last(ctx, tx)
	if err != nil {
		return nil, err
	}
	s.OfKind++
	s.Day, s.No, s.Previous = e.At.Truncate(24*time.Hour), 1, last.hash()
	if last != nil && !s.Day.After(last.Day) {
		s.Day, s.No = last.Day, last.No+1
	}
	s.Hash = s.sum()
	return s, nil
}

// Head is the end of the chain at some time: who keeps it elsewhere can tell later that nothing before it was changed.
type Head struct {
	Day  time.Time // UTC
	No   int32
	Hash []byte
}

// hash is what the next event is bound to.
func (h *Head) hash() []byte {
	if h == nil {
		return make([]byte, sha256.Size)
	}
	return h.Hash
}

// Last is the head of the chain; nil: there is no event yet.
func Last(ctx context.Context, q postgres.Querier) (*Head, error) {
	rows, err := q.Query(ctx, lastEvent)
	if err != nil {
		return nil, fmt.Errorf("read the head of the events: %w", err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToAddrOfStructByPos[Head])
	if err != nil || len(all) == 0 {
		return nil, err
	}
	return all[0], nil
}

// Write appends an event in a transaction of its own.
func Write(ctx context.Context, pool *pgxpool.Pool, e Event) error {
	return postgres.InTx(ctx, pool, postgres.Key{Name: "event " + string(e.Kind)}, func(tx pgx.Tx) error { return Append(ctx, tx, e) })
}
