package clearing

import (
	"context"
	"fmt"
	"time"

	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/breaks"
	"settled/settle/fees"
	"settled/settle/funds"
	"settled/settle/ledger"

	"github.com/jackc/pgx/v5"
)

// verdict is what a reply decides about a batch: everything that it does not reject is accepted.
type verdict struct {
	batch    Batch
	file     File
	content  *content
	rejected []rejected
	unknown  []exception
	sent     []Total
	lost     map[share]Total // of sent, what was rejected
	under    map[settle.ContractKey]settle.Contract
}

// share is one line of a batch's totals.
type share struct {
	settle.ContractKey
	kind settle.RecordKind
}

func (t Total) share() share {
	return share{settle.ContractKey{Merchant: t.Merchant, Contract: t.Contract}, t.Kind}
}

// maxUnknown is how many refusals of messages that we never sent a reply may hold and still be applied.
const maxUnknown = 100

// judge computes the verdict, and refuses a reply whose accepted and rejected records are not together what was sent, to
// the record and to the minor unit.
func (n *Night) judge(ctx context.Context, s *station, b Batch, f File, c *content, forced bool) (*verdict, error) {
	v := &verdict{batch: b, file: f, content: c, lost: map[share]Total{}}
	var err error
	if v.rejected, v.unknown, err = n.resolve(ctx, s, b, f, c); err != nil {
		return nil, err
	}
	if err := v.readSent(ctx, n.Pool); err != nil {
		return nil, err
	}
	if v.under, err = n.Directory.ContractsOf(ctx, n.Pool, b.ID, s.ID); err != nil {
		return nil, err
	}
	lost, err := v.takeOut(v.rejected, v.lost)
	if err != nil {
		return nil, err
	}
	b = v.batch
	trailer := int64(len(c.exceptions) + 2)
	switch rest := b.Sum.minus(lost); {
	case c.currency != 0 && c.currency != b.Currency:
		return nil, refuse(trailer, "accounts in %v, the file was in %v", c.currency, b.Currency)
	case rest != c.accepted:
		return nil, refuse(trailer, "sent %v; rejected %v; accepted should be %v, the reply says %v", b.Sum, lost, rest, c.accepted)
	case len(v.unknown) > maxUnknown:
		return nil, refuse(int64(v.unknown[maxUnknown].line), "refuses %d messages that we never sent", len(v.unknown))
	case !forced && s.MaxRejects > 0 && float64(len(v.rejected)) > s.MaxRejects*float64(b.Records()):
		return nil, refuse(trailer, "rejects %d of %d records: more than usual, a person must agree", len(v.rejected), b.Records())
	}
	return v, nil
}

// leftOut are the records of a batch that were set aside before its file was built.
const leftOut = `
SELECT j.record_id, j.order_id, j.amount, j.merchant_id, r.contract_id, j.kind, j.slice, r.interchange_back, r.mdr_back
FROM rejects j JOIN records r USING (window_id, record_id, merchant_id)
WHERE j.window_id = $1 AND j.currency = $2 AND j.origin = 'build' AND j.file_id <= $3`

// readSent reads what was sent: the totals of the batch without the records that were set aside, and the batch as its file
// has it.
func (v *verdict) readSent(ctx context.Context, q postgres.Querier) (err error) {
	if v.sent, err = readTotals(ctx, q, v.batch.ID); err != nil {
		return err
	}
	rows, err := q.Query(ctx, leftOut, v.batch.Window, int16(v.batch.Currency), v.file.ID)
	if err != nil {
		return fmt.Errorf("read what was left out of %s: %w", v.file.Name, err)
	}
	aside, err := pgx.CollectRows(rows, scanRejected)
	if err != nil {
		return fmt.Errorf("read what was left out of %s: %w", v.file.Name, err)
	}
	out := map[share]Total{}
	sum, err := v.takeOut(aside, out)
	if err != nil {
		return err
	}
	for i, t := range v.sent {
		a := out[t.share()]
		v.sent[i].Count, v.sent[i].Amount = t.Count-a.Count, t.Amount-a.Amount
		v.sent[i].Interchange, v.sent[i].Scheme = t.Interchange-a.Interchange, t.Scheme-a.Scheme
		v.sent[i].Processing, v.sent[i].MDR = t.Processing-a.Processing, t.MDR-a.MDR
	}
	v.batch.Sum = v.batch.minus(sum)
	return nil
}

// takeOut adds records up, by the line of the totals that each is in, with the fees that the seal counted for each.
func (v *verdict) takeOut(records []rejected, out map[share]Total) (Sum, error) {
	prices := make(map[share]fees.Prices, len(v.sent))
	for _, t := range v.sent {
		prices[t.share()] = t.Prices
	}
	var sum Sum
	for _, r := range records {
		k := share{settle.ContractKey{Merchant: r.Merchant, Contract: r.Contract}, r.Kind}
		f, err := r.fees(prices[k])
		if err != nil {
			return sum, fmt.Errorf("record %d: %w", r.Record, err)
		}
		t := out[k]
		t.Count++
		t.Amount += r.Amount
		t.Interchange += f.Interchange
		t.Scheme += f.Scheme
		t.Processing += f.Processing
		t.MDR += f.MDR
		out[k] = t
		sum.add(r.Kind, 1, r.Amount)
	}
	return sum, nil
}

// fees of one record as the seal summed them.
func (r rejected) fees(p fees.Prices) (fees.Fees, error) {
	switch {
	case r.Kind == settle.Sale:
		return p.OfSale(r.Amount)
	case r.Interchange != nil && r.MDR != nil:
		return p.OfCredit(r.Amount, &fees.Back{Interchange: *r.Interchange, MDR: *r.MDR})
	}
	return p.OfCredit(r.Amount, nil)
}

// postings are the books' side of a verdict, one journal per merchant, under the contracts of the records. returned is the MDR that goes back to merchants'
// available funds.
func (n *Night) postings(s *station, reply int64, v *verdict, at time.Time) (postings []ledger.Posting, returned map[int32]int64, err error) {
	returned = map[int32]int64{}
	for _, t := range v.sent {
		contract, ok := v.under[t.share().ContractKey]
		if !ok {
			return nil, nil, fmt.Errorf("%w: merchant %d at %s", ErrContract, t.Merchant, s.Name)
		}
		terms := contract.Route.Terms()
		lost := v.lost[t.share()]
		like := ledger.Posting{Key: ledger.Key{Merchant: t.Merchant, Source: ledger.FromReply, SourceID: reply, Phase: ledger.PhaseVerdict},
			Currency: t.Currency, Center: s.ID, At: at}
		taken := fees.Fees{Interchange: t.Interchange - lost.Interchange, Scheme: t.Scheme - lost.Scheme,
			Processing: t.Processing - lost.Processing, MDR: t.MDR - lost.MDR}
		if t.Kind == settle.Sale {
			postings = append(postings, like.With(ledger.SaleAccepted, t.Amount-lost.Amount), like.With(ledger.SaleRejected, lost.Amount))
			postings = append(postings, terms.OfSale(like, taken)...)
			continue
		}
		postings = append(postings, like.With(ledger.CreditAccepted, t.Amount-lost.Amount), like.With(ledger.CreditRejected, lost.Amount))
		postings = append(postings, terms.OfCredit(like, taken)...)
		if terms.ReturnMDR {
			returned[t.Merchant] += taken.MDR
		}
	}
	return postings, returned, nil
}

const (
	lockSent = selectFile + `
WHERE file_id = $1 AND (attempts > 0 OR proof = 'person' OR EXISTS (SELECT FROM file_resends r WHERE r.file_id = $1))
	AND state IN ('released', 'sending', 'delivered', 'unknown_delivery') FOR NO KEY UPDATE`
	replyBatch = `UPDATE batches SET state = 'replied', replied_at = $2, reply_id = $3 WHERE batch_id = $1 AND state = 'sealed'`
	replyFile  = `
UPDATE files SET state = 'replied', delivered_at = coalesce(delivered_at, $2), proof = CASE proof WHEN '' THEN 'reply' ELSE proof END,
	token = '', frozen = false, unknown_since = NULL, last_error = '', error_class = '' WHERE file_id = $1`
)

// applyVerdict writes a verdict in one transaction: the reply's row is the guard, so it happens once. The center's lock is
// taken last, for the statements that a cancel could race with.
func (n *Night) applyVerdict(ctx context.Context, s *station, reply Reply, v *verdict, hash []byte) error {
	now := n.now()
	d := decision{state: "applied", file: &v.file.ID, logicalID: v.content.header.ID, content: hash,
		accepted: int(v.batch.Records()) - len(v.rejected), rejected: len(v.rejected), unknown: len(v.unknown)}
	var postings []ledger.Posting
	applied := false
	err := postgres.InTx(ctx, n.Pool, key("reply/%d/apply", reply.ID), func(tx pgx.Tx) error {
		applied = false
		if err := long(ctx, tx); err != nil {
			return err
		}
		if mine, err := d.write(ctx, tx, reply.ID, now); !mine || err != nil {
			return err
		}
		if err := n.closeBatch(ctx, tx, v, reply.ID, now); err != nil {
			return err
		}
		if err := v.insertRejects(ctx, tx, reply.ID, now); err != nil {
			return err
		}
		var returned map[int32]int64
		var err error
		if postings, returned, err = n.postings(s, reply.ID, v, now); err != nil {
			return err
		}
		if err := n.Ledger.Post(ctx, tx, postings); err != nil {
			return err
		}
		if err := v.insertUnknown(ctx, tx, s, reply, now); err != nil {
			return err
		}
		applied = true
		return n.finishVerdict(ctx, tx, s, v, reply.ID, returned, now)
	})
	if err == nil && applied {
		n.reportVerdict(ctx, s, reply, v)
	}
	return err
}

func (n *Night) closeBatch(ctx context.Context, tx pgx.Tx, v *verdict, reply int64, now time.Time) error {
	if _, err := oneFile(ctx, tx, lockSent, v.file.ID); isNotFound(err) {
		return errRaced
	} else if err != nil {
		return fmt.Errorf("lock file %s: %w", v.file.Name, err)
	}
	tag, err := tx.Exec(ctx, replyBatch, v.batch.ID, now, reply)
	if err != nil {
		return err
	}
	if tag.RowsAffected() != 1 {
		return errRaced
	}
	if _, err := tx.Exec(ctx, replyFile, v.file.ID, now); err != nil {
		return err
	}
	return breaks.Close(ctx, tx, now, breaks.Where{Under: overdueOf(v.file.ID)}, "")
}

func (v *verdict) insertRejects(ctx context.Context, tx pgx.Tx, reply int64, now time.Time) error {
	columns := []string{"record_id", "order_id", "reply_id", "amount", "rejected_at", "window_id", "merchant_id", "line",
		"currency", "kind", "class", "code", "slice"}
	_, err := tx.CopyFrom(ctx, pgx.Identifier{"rejects"}, columns, pgx.CopyFromSlice(len(v.rejected), func(i int) ([]any, error) {
		r := &v.rejected[i]
		return []any{r.Record, r.Order, reply, r.Amount, now, v.batch.Window, r.Merchant, int32(r.line),
			int16(v.batch.Currency), int16(r.Kind), v.content.classes[r.code], v.content.codes[r.code], r.Slice}, nil
	}))
	if err != nil {
		return fmt.Errorf("insert %d rejects: %w", len(v.rejected), err)
	}
	return nil
}

// insertUnknown opens a break for each refusal of a message that we never sent.
func (v *verdict) insertUnknown(ctx context.Context, tx pgx.Tx, s *station, reply Reply, now time.Time) error {
	all := make([]breaks.Break, len(v.unknown))
	for i, x := range v.unknown {
		note := fmt.Sprintf("line %d of %s refuses message %d of %s (%s), which is no record of ours", x.line, reply.Name, x.message, v.file.Name, v.content.codes[x.code])
		all[i] = breaks.Break{Category: breaks.NotInBooks, Fingerprint: fmt.Sprintf("%s/reply/%d/%d", breaks.NotInBooks, reply.ID, x.line), Center: s.ID, Note: note}
	}
	_, err := breaks.Open(ctx, tx, now, all...)
	return err
}

const (
	// cancelsOfRejected are the parts of cancels, with credits, of slices whose sale this reply rejects. A cancel that
	// committed before us could not know. It names the window of its credits, but the record of the last one only.
	cancelsOfRejected = `
SELECT o.merchant_id, o.order_id, o.operation, j.slice, o.window_id
FROM rejects j JOIN operations o ON o.merchant_id = j.merchant_id AND o.order_id = j.order_id AND o.kind = 300 AND o.record_id IS NOT NULL
WHERE j.window_id = $1 AND j.reply_id = $2 AND j.kind = 1`
	// creditsWithoutSale are the credits of those parts. Records have no index by order, so the windows are read once
	// (readWindowsOnce).
	creditsWithoutSale = `
SELECT $1::text || '/record/' || c.record_id AS fingerprint, $2::smallint AS center_id, c.merchant_id, c.order_id AS order_ref, c.amount, c.currency,
	'credit of slice ' || c.slice || ' whose sale the center rejected: withdraw it if its window is open, else chase the sale' AS note
FROM records c
	JOIN unnest($3::int[], $4::bigint[], $5::smallint[], $6::smallint[], $7::int[]) AS o (merchant_id, order_id, operation, slice, window_id)
	USING (merchant_id, order_id, operation, slice, window_id)
WHERE c.window_id = ANY ($7) AND c.kind = $8`
	readWindowsOnce = `SET LOCAL enable_nestloop = off`
)

// finishVerdict takes the center's lock: every cancel that decided without the rejects has committed, and is found here;
// every later one sees them. The funds rows come after it, as in every other transaction.
func (n *Night) finishVerdict(ctx context.Context, tx pgx.Tx, s *station, v *verdict, reply int64, returned map[int32]int64, now time.Time) error {
	if len(v.rejected) > 0 {
		if err := settle.LockCenter(ctx, tx, s.ID); err != nil {
			return err
		}
		if err := breakCredits(ctx, tx, s, v.batch.Window, reply, now); err != nil {
			return fmt.Errorf("look for credits of rejected sales: %w", err)
		}
	}
	return funds.AddEach(ctx, tx, v.batch.Currency, returned)
}

// canceledSlice is what one cancel gave back of one slice.
type canceledSlice struct {
	Merchant         int32
	Order            int64
	Operation, Slice int16
	Window           int32
}

// breakCredits opens a break for each credit of a sale that the reply rejects.
func breakCredits(ctx context.Context, tx pgx.Tx, s *station, window int32, reply int64, now time.Time) error {
	canceled, err := collect[canceledSlice](ctx, tx, cancelsOfRejected, window, reply)
	if err != nil || len(canceled) == 0 {
		return err
	}
	n := len(canceled)
	merchants, orders, windows := make([]int32, n), make([]int64, n), make([]int32, n)
	operations, parts := make([]int16, n), make([]int16, n)
	for i, c := range canceled {
		merchants[i], orders[i], operations[i], parts[i], windows[i] = c.Merchant, c.Order, c.Operation, c.Slice, c.Window
	}
	if _, err := tx.Exec(ctx, readWindowsOnce); err != nil {
		return err
	}
	_, err = breaks.OpenEach(ctx, tx, breaks.CreditWithoutSale, now, creditsWithoutSale, s.ID, merchants, orders, operations, parts, windows, settle.Credit)
	return err
}

func (n *Night) reportVerdict(ctx context.Context, s *station, reply Reply, v *verdict) {
	accepted := v.batch.Records() - int64(len(v.rejected))
	n.metrics.replies.WithLabelValues(s.Name, "applied").Inc()
	n.metrics.records.WithLabelValues(s.Name, "accepted", "").Add(float64(accepted))
	for _, r := range v.rejected {
		n.metrics.records.WithLabelValues(s.Name, "rejected", v.content.classes[r.code]).Inc()
	}
	if len(v.unknown) > 0 {
		n.page(ctx, s, pageUnknownRecords, "reply", reply.Name, "lines", len(v.unknown))
	}
	n.Log.InfoContext(ctx, "reply applied", "center", s.Name, "name", reply.Name, "file", v.file.Name, "accepted", accepted, "rejected", len(v.rejected))
}
