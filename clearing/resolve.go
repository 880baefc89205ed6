package clearing

import (
	"cmp"
	"context"
	"fmt"
	"slices"

	"settled/clearing/format"
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
func (n *Night) resolve(ctx context.Context, s *station, b Batch, f File, c *content) (found []verdict.Record, unknown []exception, err error) {
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
	byRecord := make(map[int64]exception, len(exceptions))
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
		if id := recordOf(reference, s.Format.Limits().References, base); byRecord[id] == (exception{}) {
			byRecord[id] = x
		}
	}
	found, err = n.rejectedRecords(ctx, b, c, byRecord)
	for _, x := range byRecord { // what rejectedRecords left is not in the batch
		unknown = append(unknown, x)
	}
	return found, unknown, err
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
func (n *Night) readReferences(ctx context.Context, s *station, f File, exceptions []exception) ([]uint64, error) {
	places, err := collect[chunkPlace](ctx, n.Pool, chunkPlaces, f.ID)
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

// rejectedRecords reads the records of the batch that are named, with their amounts as sent, in order of record id. It
// takes what it found out of byRecord.
func (n *Night) rejectedRecords(ctx context.Context, b Batch, c *content, byRecord map[int64]exception) ([]verdict.Record, error) {
	ids := make([]int64, 0, len(byRecord))
	for id := range byRecord {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	left, err := n.leftAfterChanges(ctx, b.Window)
	if err != nil {
		return nil, err
	}
	parts, err := n.lookUp(ctx, b, ids)
	if err != nil {
		return nil, err
	}
	found := make([]verdict.Record, 0, len(ids))
	for _, r := range slices.Concat(parts...) {
		if amount, changed := left[r.ID]; changed {
			r.Amount = amount
		}
		if r.Amount == 0 {
			continue // withdrawn or set aside: it was not in the file
		}
		x := byRecord[r.ID]
		r.Line, r.Class, r.Code = int32(x.line), c.classes[x.code], c.codes[x.code]
		delete(byRecord, r.ID)
		found = append(found, r)
	}
	slices.SortFunc(found, func(a, b verdict.Record) int { return cmp.Compare(a.ID, b.ID) })
	return found, nil
}

// lookUp reads records by id, some statements at a time.
func (n *Night) lookUp(ctx context.Context, b Batch, ids []int64) ([][]verdict.Record, error) {
	parts := make([][]verdict.Record, (len(ids)+lookUpSize-1)/lookUpSize)
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookUps)
	for at := range parts {
		part := ids[at*lookUpSize : min((at+1)*lookUpSize, len(ids))]
		g.Go(func() error {
			rows, err := n.Pool.Query(ctx, recordsByID, b.Window, int16(b.Currency), part)
			if err != nil {
				return err
			}
			parts[at], err = pgx.CollectRows(rows, pgx.RowToStructByName[verdict.Record])
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, fmt.Errorf("read rejected records: %w", err)
	}
	return parts, nil
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
