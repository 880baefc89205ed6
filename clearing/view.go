package clearing

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"

	"settled/clearing/delivery"
	"settled/clearing/files"
	"settled/clearing/rows"
	"settled/clearing/store"
	"settled/internal/listing"
	"settled/settle"
	"settled/settle/totals"

	"github.com/jackc/pgx/v5"
)

// BatchView is a batch with what belongs to it.
type BatchView struct {
	Batch
	Totals  []totals.Total `json:"totals"`
	Files   []files.File   `json:"files"`
	Rejects []Reject       `json:"rejects"`
}

// Reject is a record that the center refused, or that was set aside.
type Reject struct {
	Record   int64             `json:"record"`
	Order    int64             `json:"order"`
	Merchant int32             `json:"merchant"`
	Kind     settle.RecordKind `json:"kind"`
	Amount   int64             `json:"amount"`
	Class    string            `json:"class"`
	Code     string            `json:"code"`
	State    string            `json:"state"` // rejected, superseded, abandoned
	Reply    int64             `json:"reply"`
	Line     int32             `json:"line"`
	Reason   string            `json:"reason,omitempty"` // of a record that was set aside
}

// Batch returns a batch with its totals, files and, at most a thousand, rejects.
func (n *Night) Batch(ctx context.Context, id int64) (BatchView, error) {
	b, err := readBatch(ctx, n.Pool, id)
	if err != nil {
		return BatchView{}, err
	}
	v := BatchView{Batch: b}
	if v.Totals, err = totals.Read(ctx, n.Pool, id); err != nil {
		return v, err
	}
	if v.Files, err = rows.Collect[files.File](ctx, n.Pool, files.Select+`WHERE batch_id = $1 ORDER BY build`, id); err != nil {
		return v, err
	}
	v.Rejects, err = rows.Collect[Reject](ctx, n.Pool, `
SELECT record_id, order_id, merchant_id, kind, amount, class, code, state, reply_id, line, reason FROM rejects
WHERE window_id = $1 AND currency = $2 ORDER BY record_id LIMIT $3`, b.Window, int16(b.Currency), listing.DefaultLimit)
	return v, err
}

// Preview is what a seal would make of the open window of a center at this instant.
type Preview struct {
	Window Window    `json:"window"`
	Parts  []Planned `json:"parts"`
}

// Planned is a batch that a seal would make.
type Planned struct {
	Currency string         `json:"currency"`
	Sequence int32          `json:"sequence"` // number that it would get; 0: none is left
	Name     string         `json:"name"`
	Sum      totals.Sum     `json:"sum"`
	Totals   []totals.Total `json:"totals"`
}

const lastNumber = `
SELECT coalesce(max(last), 0), coalesce(max(base), 0) FROM file_sequences WHERE center_id = $1 AND stream = $2 AND scope = $3`

// Preview runs the selection of the seal on the open window of a center, in a read-only snapshot. It changes nothing.
func (n *Night) Preview(ctx context.Context, center int16) (Preview, error) {
	s, err := n.station(center)
	if err != nil {
		return Preview{}, err
	}
	var p Preview
	err = pgx.BeginTxFunc(ctx, n.Pool, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if p.Window, err = rows.One[Window](ctx, tx, nextWindow, s.ID, s.Stream); err != nil {
			return err
		}
		p.Parts, err = previewParts(ctx, tx, s, p.Window)
		return err
	})
	if err != nil {
		return Preview{}, fmt.Errorf("preview %s: %w", s.Name, err)
	}
	return p, nil
}

func previewParts(ctx context.Context, tx pgx.Tx, s *station, w Window) ([]Planned, error) {
	held, err := totals.Of(ctx, tx, w.ID, s.ID)
	if err != nil {
		return nil, err
	}
	var last, base int32
	if err := tx.QueryRow(ctx, lastNumber, s.ID, s.Stream, s.scope(w.BusinessDate)).Scan(&last, &base); err != nil {
		return nil, err
	}
	batches := totals.ByCurrency(held)
	parts := make([]Planned, len(batches))
	for i, b := range batches {
		last++
		parts[i] = Planned{Currency: b[0].Currency.String(), Sum: totals.SumOf(b), Totals: b, Name: waitingName(s.Center, w.BusinessDate, last)}
		if begin, sequence, ok := s.place(last, base); ok {
			base, parts[i].Sequence = begin, sequence
			parts[i].Name = s.fileName(w.BusinessDate, sequence, int16(i+1), int16(len(batches)), 1)
		}
	}
	return parts, nil
}

// FileView is a file with its attempts, replies and resends.
type FileView struct {
	files.File
	Deliveries []delivery.Attempt `json:"deliveries"`
	Answers    []Reply            `json:"answers"`
	SentAgain  []delivery.Resend  `json:"sent_again"`
}

// File returns a file with its attempts and replies.
func (n *Night) File(ctx context.Context, id int64) (FileView, error) {
	f, err := files.One(ctx, n.Pool, files.ByID, id)
	if err != nil {
		return FileView{}, fmt.Errorf("read file %d: %w", id, err)
	}
	v := FileView{File: f}
	if v.Deliveries, v.SentAgain, err = delivery.Of(ctx, n.Pool, id); err != nil {
		return v, err
	}
	v.Answers, err = rows.Collect[Reply](ctx, n.Pool, selectReply+`WHERE file_id = $1 ORDER BY reply_id`, id)
	return v, err
}

// Reply returns a reply.
func (n *Night) Reply(ctx context.Context, id int64) (Reply, error) {
	return rows.One[Reply](ctx, n.Pool, selectReply+`WHERE reply_id = $1`, id)
}

// ReplyBytes writes the bytes of a reply as they came. They hold card numbers: the caller answers for where they go.
func (n *Night) ReplyBytes(ctx context.Context, id int64, w io.Writer) error {
	_, err := io.Copy(w, store.Open(n.Pool, n.Vault, store.Replies, id).Reader(ctx))
	return err
}

// FileBytes writes the bytes of a built file as they are sent. They hold card numbers: the caller answers for where they
// go.
func (n *Night) FileBytes(ctx context.Context, id int64, w io.Writer) error {
	_, err := io.Copy(w, store.Open(n.Pool, n.Vault, store.Files, id).Reader(ctx))
	return err
}

// Verification is what VerifyFile found.
type Verification struct {
	File   string             `json:"file"`
	Totals any                `json:"totals"`        // read from the stored bytes, in the format's own words
	Held   string             `json:"-"`             // the control totals of these, for people
	Stored string             `json:"stored"`        // "ok", or what is wrong with the stored bytes
	Remote string             `json:"at_the_center"` // "ok", "absent", what differs, or empty when it was not looked for
	Center *delivery.AtCenter `json:"center,omitempty"`
}

// VerifyFile reads the stored bytes of a built file again, hashes and totals them, and compares them with its batch. With
// atCenter it also compares what the center has under the file's name.
func (n *Night) VerifyFile(ctx context.Context, id int64, atCenter bool) (Verification, error) {
	f, err := files.Built(ctx, n.Pool, id)
	if err == nil {
		err = f.There()
	}
	if err != nil {
		return Verification{}, fmt.Errorf("verify file %d: %w", id, err)
	}
	s, err := n.station(f.Center)
	if err != nil {
		return Verification{}, fmt.Errorf("verify file %d: %w", id, err)
	}
	b, err := readBatch(ctx, n.Pool, f.Batch)
	if err == nil {
		b, err = b.without(ctx, n.Pool, f.ID)
	}
	if err != nil {
		return Verification{}, err
	}
	v := Verification{File: f.Name, Stored: "ok"}
	hash := sha256.New()
	stored := store.Open(n.Pool, n.Vault, store.Files, f.ID).Reader(ctx)
	contents, err := s.Format.Verify(io.TeeReader(stored, hash))
	v.Totals, v.Held = contents.Detail, contents.Control
	if err == nil && !bytes.Equal(hash.Sum(nil), f.SHA256) {
		err = fmt.Errorf("%w: sha256", files.ErrTotals)
	}
	if err = errors.Join(err, s.compareContents(contents, b, f)); err != nil {
		v.Stored = err.Error()
	}
	if !atCenter {
		return v, nil
	}
	c, err := n.Delivery.LookAtCenter(ctx, f.ID)
	if err != nil {
		return v, err
	}
	v.Center = &c
	switch c.Found {
	case delivery.FoundSame, delivery.FoundSize:
		v.Remote = "ok"
	case delivery.Absent:
		v.Remote = "absent"
	default:
		v.Remote = c.String()
	}
	return v, nil
}
