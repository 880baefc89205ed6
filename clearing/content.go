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

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/settle"
)

// content is what a reply says, whatever its form and name.
type content struct {
	id         ipm.FileID // of the reply
	mode       ipm.Mode
	source     ipm.FileID // our file; zero when no entry names one
	reject     *exception // the file was refused whole
	exceptions []exception
	codes      []string // of the exceptions, by index
	classes    []string
	accepted   Sum
	currency   money.Currency // of the positions; 0 when there are none
	copied     *iso8583.Message
}

// exception is the refusal of one message. A reply may have as many as a file has records.
type exception struct {
	message uint32
	line    uint32 // message in the reply
	code    uint32 // index
	raw     uint16 // the code alone
	hasARN  bool
	arn     uint64 // sequence in the reference data of the copy
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
	stored := &chunkReader{ctx: ctx, q: n.Pool, vault: n.Vault, table: replyChunks, owner: reply}
	r := ipm.NewReplyReader(stored, s.Format, ipm.Options{})
	c := &content{}
	index := map[string]uint32{}
	var entry ipm.Reply
	for line := int64(2); ; line++ {
		err := r.Read(&entry)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, unreadable(err, line)
		}
		if err := c.add(&entry, line, s, index); err != nil {
			return nil, err
		}
	}
	c.id, c.mode = r.File()
	return c, nil
}

// unreadable turns an error of the format into a refusal; an error of the database stays one.
func unreadable(err error, line int64) error {
	var at *ipm.Error
	if !errors.As(err, &at) {
		return err
	}
	if errors.Is(err, errStoredBytes) {
		return err
	}
	return refuse(at.Record, "%v", at)
}

func (c *content) add(r *ipm.Reply, line int64, s *station, index map[string]uint32) error {
	switch r.Kind {
	case ipm.FileReject, ipm.MessageException:
		if err := c.from(r.Exception.Source, line); err != nil {
			return err
		}
		x := c.exception(&r.Exception, line, s, index)
		if r.Kind == ipm.FileReject {
			c.reject = &x
			return nil
		}
		c.exceptions = append(c.exceptions, x)
	case ipm.PositionDetail:
		if err := c.from(r.Position.Source, line); err != nil {
			return err
		}
		return c.position(&r.Position, line)
	case ipm.NoData:
	default:
		return refuse(line, "message %s/%s is none that a reply may have", r.MTI, r.Function)
	}
	return nil
}

// from checks that all entries are about one file.
func (c *content) from(source ipm.FileID, line int64) error {
	if c.source == (ipm.FileID{}) {
		c.source = source
	}
	if c.source != source {
		return refuse(line, "entries are about %s and about %s", c.source, source)
	}
	return nil
}

func (c *content) exception(x *ipm.Exception, line int64, s *station, index map[string]uint32) exception {
	fault := x.Faults[0]
	text := fault.String()
	at, known := index[text]
	if !known {
		at = uint32(len(c.codes))
		index[text] = at
		c.codes = append(c.codes, text)
		c.classes = append(c.classes, s.rejectClass(fault.Code))
	}
	out := exception{message: uint32(x.SourceMessage), line: uint32(line), code: at, raw: fault.Code}
	if arn, err := ipm.ParseARN(c.copiedARN(x, s.Format), s.Format.Dialect); err == nil && arn.BIN == s.BIN {
		out.hasARN, out.arn = true, arn.Sequence
	}
	return out
}

// copiedARN is the reference data in the copy of a refused message; nil when there is none to be found. A copy that is a
// whole message needs no more than decoding; the others are mended first.
func (c *content) copiedARN(x *ipm.Exception, p ipm.Profile) []byte {
	if c.copied == nil {
		c.copied = iso8583.IPM(charset(p)).NewMessage("")
	}
	if c.copied.Decode(x.Copy) == nil && c.copied.MTI() == "1240" {
		return c.copied.Bytes(31)
	}
	if original, ok := x.Original(p); ok {
		return original.ARN
	}
	return nil
}

// position adds the center's account of one kind of presentment. We send no reversals, so it may not have accepted any,
// and a sale is in our favor, a credit against us.
func (c *content) position(p *ipm.Position, line int64) error {
	currency := money.Currency(p.Currency)
	switch {
	case p.MTI != "1240" || p.Function != "200" || p.Reversal:
		return refuse(line, "accounts for messages %s/%s that we do not send", p.MTI, p.Function)
	case c.currency != 0 && c.currency != currency:
		return refuse(line, "accounts in %v and in %v", c.currency, currency)
	}
	c.currency = currency
	switch {
	case p.ProcessingCode == "00" && p.Debits == (ipm.Sum{}):
		c.accepted.add(settle.Sale, p.Credits.Count, p.Credits.Amount)
	case p.ProcessingCode == "20" && p.Credits == (ipm.Sum{}):
		c.accepted.add(settle.Credit, p.Debits.Count, p.Debits.Amount)
	default:
		return refuse(line, "accounts for processing code %s on the wrong side", p.ProcessingCode)
	}
	return nil
}

// hash tells whether two replies say the same.
func (c *content) hash() []byte {
	h := sha256.New()
	fmt.Fprintln(h, c.source, c.currency, c.accepted, c.reject != nil)
	sorted := slices.Clone(c.exceptions)
	if c.reject != nil {
		sorted = append(sorted, *c.reject)
	}
	slices.SortStableFunc(sorted, func(a, b exception) int {
		return cmp.Or(cmp.Compare(a.message, b.message), cmp.Compare(c.codes[a.code], c.codes[b.code]))
	})
	var number [4]byte
	for _, x := range sorted {
		binary.BigEndian.PutUint32(number[:], x.message)
		h.Write(number[:])
		_, _ = io.WriteString(h, c.codes[x.code])
	}
	return h.Sum(nil)
}
