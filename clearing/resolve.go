package clearing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"settled/clearing/files"
	"settled/clearing/format"
	"settled/clearing/rows"
	"settled/clearing/store"
	"settled/settle/verdict"

	"github.com/jackc/pgx/v5"
	"golang.org/x/sync/errgroup"
)

// chunkPlace is where a chunk begins.
type chunkPlace struct {
	No           int32
	FirstMessage int32
	Offset       int64
}

const chunkPlaces = `SELECT chunk_no, first_message, plain_offset FROM file_chunks WHERE file_id = $1 ORDER BY chunk_no`

// resolve finds the records that exceptions are about. It opens only the chunks of our file that hold refused messages, and
// trusts the center's message number only when the copy, if there is one, carries the same reference data. What cannot be
// ours is returned as unknown.
func (n *Night) resolve(ctx context.Context, s *station, b Batch, f files.File, c *content) (found []verdict.Record, unknown []exception, err error) {
	exceptions := slices.Clone(c.exceptions)
	slices.SortStableFunc(exceptions, func(a, b exception) int { return cmp.Compare(a.message, b.message) })
	references, err := n.readReferences(ctx, s, f, exceptions)
	if err != nil {
		return nil, nil, err
	}
	base, err := n.firstRecord(ctx, b)
	if err != nil {
		return nil, nil, err
	}
	about, unknown := make([]aboutRecord, 0, len(exceptions)), []exception(nil)
	for i, x := range exceptions {
		reference, ours := references[i], references[i] != format.NoReference
		switch {
		case ours && x.hasReference && x.reference != reference:
			return nil, nil, refuse(int64(x.line), "message %d of %s is not the one that the copy shows", x.message, f.Name)
		case !ours && x.hasReference:
			reference = x.reference
		case !ours:
			unknown = append(unknown, x)
			continue
		}
		about = append(about, aboutRecord{recordOf(reference, s.Format.Limits().References, base), x})
	}
	found, left, err := n.rejectedRecords(ctx, b, c, firstOfEach(about))
	return found, append(unknown, left...), err
}

// aboutRecord is an exception with the record that it is about.
type aboutRecord struct {
	record int64
	exception
}

// firstOfEach orders exceptions by record, and keeps the first of each: a center may refuse a record twice.
func firstOfEach(all []aboutRecord) []aboutRecord {
	slices.SortStableFunc(all, func(a, b aboutRecord) int { return cmp.Compare(a.record, b.record) })
	return slices.CompactFunc(all, func(a, b aboutRecord) bool { return a.record == b.record })
}

// recordOf is the record at or after base whose reference is given, where references tell apart span records in a row.
func recordOf(reference, span uint64, base int64) int64 {
	id := base - base%int64(span) + int64(reference)
	if id < base {
		id += int64(span)
	}
	return id
}

func (n *Night) firstRecord(ctx context.Context, b Batch) (first int64, err error) {
	err = n.Pool.QueryRow(ctx, `SELECT coalesce(min(record_id), 0) FROM records WHERE window_id = $1`, b.Window).Scan(&first)
	return first, err
}

// readReferences returns the reference of each refused message, which are in order, from our bytes.
func (n *Night) readReferences(ctx context.Context, s *station, f files.File, exceptions []exception) ([]uint64, error) {
	places, err := rows.Collect[chunkPlace](ctx, n.Pool, chunkPlaces, f.ID)
	if err != nil {
		return nil, fmt.Errorf("read index of %s: %w", f.Name, err)
	}
	messages := make([]uint32, len(exceptions))
	for i, x := range exceptions {
		messages[i] = x.message
	}
	references := make([]uint64, len(exceptions))
	stored := store.Open(n.Pool, n.Vault, store.Files, f.ID)
	for at := 0; at < len(messages); {
		chunk := chunkOf(places, messages[at])
		end := at + 1
		for end < len(messages) && chunkOf(places, messages[end]) == chunk {
			end++
		}
		plain, err := stored.At(ctx, int64(places[chunk].No))
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", f.Name, err)
		}
		place := format.Place{Message: uint32(places[chunk].FirstMessage), Offset: places[chunk].Offset}
		s.Format.Locate(plain, place, messages[at:end], references[at:end])
		at = end
	}
	return references, nil
}

// chunkOf is the index of the last chunk that begins at or before a message.
func chunkOf(places []chunkPlace, message uint32) int {
	i, found := slices.BinarySearchFunc(places, message, func(p chunkPlace, m uint32) int { return cmp.Compare(uint32(p.FirstMessage), m) })
	if found {
		return i
	}
	return max(i-1, 0)
}

// recordsByID probes the key once per record. OFFSET keeps the planner from reading the whole window instead, which it
// takes for cheaper where nobody has analyzed the table.
const recordsByID = `
SELECT r.* FROM unnest($3::bigint[]) AS u (id), LATERAL (
	SELECT record_id, order_id, amount, merchant_id, contract_id, kind, slice, interchange_back, mdr_back FROM records
	WHERE window_id = $1 AND record_id = u.id AND currency = $2 OFFSET 0) AS r`

// lookUpSize is how many records are looked up with one statement, and lookUps how many statements run at a time.
const (
	lookUpSize = 10_000
	lookUps    = 3
)

// rejectedRecords reads the records of the batch that exceptions are about, which are in order of record, with their amounts as sent.
// What is about no record of the batch is left.
func (n *Night) rejectedRecords(ctx context.Context, b Batch, c *content, about []aboutRecord) (found []verdict.Record, left []exception, err error) {
	remains, err := n.leftAfterChanges(ctx, b.Window)
	if err != nil {
		return nil, nil, err
	}
	if found, err = n.lookUp(ctx, b, about); err != nil {
		return nil, nil, err
	}
	sent := found[:0]
	for _, r := range found {
		if amount, changed := remains[r.ID]; changed {
			r.Amount = amount
		}
		if r.Amount > 0 { // else withdrawn or set aside: it was not in the file
			sent = append(sent, r)
		}
	}
	return sent, match(sent, about, c), nil
}

// match gives each record what the exception about it says. Both are in order of record; what has no record is left.
func match(found []verdict.Record, about []aboutRecord, c *content) (left []exception) {
	at := 0
	for _, x := range about {
		if at == len(found) || found[at].ID != x.record {
			left = append(left, x.exception)
			continue
		}
		found[at].Line, found[at].Class, found[at].Code = int32(x.line), c.classes[x.code], c.codes[x.code]
		at++
	}
	return left
}

// lookUp reads the records that exceptions are about, some statements at a time, in order of record.
func (n *Night) lookUp(ctx context.Context, b Batch, about []aboutRecord) ([]verdict.Record, error) {
	parts := make([][]verdict.Record, (len(about)+lookUpSize-1)/lookUpSize)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookUps)
	for at := range parts {
		part := about[at*lookUpSize : min((at+1)*lookUpSize, len(about))]
		g.Go(func() (err error) {
			parts[at], err = n.lookUpPart(ctx, b, part)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read rejected records: %w", err)
	}
	found := slices.Concat(parts...)
	slices.SortFunc(found, func(a, b verdict.Record) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

func (n *Night) lookUpPart(ctx context.Context, b Batch, about []aboutRecord) ([]verdict.Record, error) {
	ids := make([]int64, len(about))
	for i, x := range about {
		ids[i] = x.record
	}
	asked, err := n.Pool.Query(ctx, recordsByID, b.Window, int16(b.Currency), ids)
	if err != nil {
		return nil, err
	}
	return pgx.AppendRows(make([]verdict.Record, 0, len(ids)), asked, pgx.RowToStructByName[verdict.Record])
}

// leftAfterChanges is what is left of the records of a window that were changed before its seal.
func (n *Night) leftAfterChanges(ctx context.Context, window int32) (map[int64]int64, error) {
	changes, err := store.Changes(ctx, n.Pool, window)
	if err != nil {
		return nil, err
	}
	left := make(map[int64]int64, len(changes))
	for _, c := range changes {
		left[c.Record] = c.Amount
	}
	return left, nil
}
