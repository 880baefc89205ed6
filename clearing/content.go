package clearing

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	"settled/clearing/format"
	"settled/clearing/store"
	"settled/internal/money"
	"settled/settle"
	"settled/settle/totals"
)

// content is what a reply says, whatever its form and name.
type content struct {
	header     format.Header // of the reply
	source     string        // identity of our file; empty when no entry names one
	reject     *exception    // the file was refused whole
	exceptions []exception
	codes      []string // of the exceptions, by index
	classes    []string
	accepted   totals.Sum
	currency   money.Currency // of the positions; 0 when there are none
}

// exception is the refusal of one message. A reply may have as many as a file has records.
type exception struct {
	message      uint32
	line         uint32 // message in the reply
	code         uint32 // index
	raw          uint16 // the code alone
	hasReference bool
	reference    uint64 // of the refused record, as the center repeats it
}

// refusal is why a reply cannot be applied, and where: it is quarantined.
type refusal struct {
	line   int64
	reason string
}

func (r *refusal) Error() string { return fmt.Sprintf("line %d: %s", r.line, r.reason) }

func refuse(line int64, format string, args ...any) error {
	return &refusal{line: line, reason: fmt.Sprintf(format, args...)}
}

// readContent parses a stored reply. It takes all of it or nothing: any entry that cannot be read is a *refusal.
func (n *Night) readContent(ctx context.Context, s *station, reply int64) (*content, error) {
	r := s.Format.NewReplyReader(store.Open(n.Pool, n.Vault, store.Replies, reply).Reader(ctx))
	c := &content{}
	index := map[string]uint32{}
	var entry format.Entry
	for {
		err := r.Read(&entry)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err)
		}
		if err := c.add(&entry, s, index); err != nil {
			return nil, err
		}
	}
	c.header = r.Header()
	return c, nil
}

// unreadable turns an error of the format into a refusal; an error of the database stays one.
func unreadable(err error) error {
	var at *format.SyntaxError
	if !errors.As(err, &at) || errors.Is(err, store.ErrStoredBytes) {
		return err
	}
	return refuse(at.Line, "%v", at)
}

func (c *content) add(e *format.Entry, s *station, index map[string]uint32) error {
	if e.Kind == format.Nothing {
		return nil
	}
	if err := c.from(e); err != nil {
		return err
	}
	switch e.Kind {
	case format.FileRefused:
		x := c.exception(e, s, index)
		c.reject = &x
	case format.RecordRefused:
		c.exceptions = append(c.exceptions, c.exception(e, s, index))
	case format.Accepted:
		return c.accept(e)
	case format.Nothing:
	}
	return nil
}

// from checks that all entries are about one file.
func (c *content) from(e *format.Entry) error {
	if c.source == "" {
		c.source = e.File
	}
	if c.source != e.File {
		return refuse(e.Line, "entries are about %s and about %s", c.source, e.File)
	}
	return nil
}

func (c *content) exception(e *format.Entry, s *station, index map[string]uint32) exception {
	r := &e.Refusal
	at, known := index[r.Text]
	if !known {
		at = uint32(len(c.codes))
		index[r.Text] = at
		c.codes = append(c.codes, r.Text)
		c.classes = append(c.classes, s.rejectClass(r.Code))
	}
	return exception{message: r.Message, line: uint32(e.Line), code: at, raw: r.Code, hasReference: r.HasReference, reference: r.Reference}
}

// accept adds the center's account of one kind of record.
func (c *content) accept(e *format.Entry) error {
	a := e.Accepted
	if c.currency != 0 && c.currency != a.Currency {
		return refuse(e.Line, "accounts in %v and in %v", c.currency, a.Currency)
	}
	c.currency = a.Currency
	c.accepted.Add(settle.RecordKind(a.Kind), a.Count, a.Amount)
	return nil
}

// noFile stands for the file of a reply that names none. It is part of hashes that the books keep, so it never changes.
const noFile = "invalid file id 0/0/0/0"

// hash tells whether two replies say the same.
func (c *content) hash() []byte {
	h := sha256.New()
	fmt.Fprintln(h, cmp.Or(c.source, noFile), c.currency, c.accepted, c.reject != nil)
	sorted := slices.Clone(c.exceptions)
	if c.reject != nil {
		sorted = append(sorted, *c.reject)
	}
	slices.SortStableFunc(sorted, c.before)
	var number [4]byte
	for _, x := range sorted {
		binary.BigEndian.PutUint32(number[:], x.message)
		h.Write(number[:])
		if x.message == 0 && x.hasReference { // a format whose answers name records by their references alone
			_ = binary.Write(h, binary.BigEndian, x.reference)
		}
		_, _ = io.WriteString(h, c.codes[x.code])
	}
	return h.Sum(nil)
}

// before orders exceptions by what they are about: message, or reference where a format names no messages, then code.
func (c *content) before(a, b exception) int {
	order := cmp.Compare(a.message, b.message)
	if a.message == 0 && b.message == 0 {
		order = cmp.Compare(a.reference, b.reference)
	}
	return cmp.Or(order, cmp.Compare(c.codes[a.code], c.codes[b.code]))
}
