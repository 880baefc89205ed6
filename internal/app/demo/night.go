package demo

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"settled/clearing/format/ipmfile"
	"settled/fileformats/ipm"
	"settled/internal/config"
	"settled/internal/listing"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/events"
	"settled/settle/read"
)

// pair is a center and a currency: what every total is of.
type pair struct {
	center   string
	currency money.Currency
}

// totals of clearing records; a net amount is sales less credits.
type totals struct {
	sales, credits           int64
	salesAmount, creditsSum  int64
	rejected, rejectedAmount int64 // records, and their net amount
}

func (t totals) net() int64 { return t.salesAmount - t.creditsSum }

// caught is a clearing file as it lay in the center's directory.
type caught struct {
	name    string
	center  string
	id      string // of its header
	refused bool   // whole
	sha256  string
	totals  map[money.Currency]totals
}

// answered is a reply as it lay in the center's directory, in total.
type answered struct {
	center   string
	file     string // id of the file that it answers
	refused  bool   // that file, whole
	verdicts map[money.Currency]totals
}

// night is what was seen of one night in the directories of the centers.
type night struct {
	date    time.Time // business date
	files   []caught
	replies []answered
}

// cutoffOf is the last instant of a business day's window.
func cutoffOf(day time.Time) time.Time {
	return time.Date(day.Year(), day.Month(), day.Day(), 23, 0, 0, 0, day.Location())
}

// scheduleNight puts the night of a business day on the agenda.
func (p *play) scheduleNight(day time.Time) {
	n := &night{date: day}
	p.nights = append(p.nights, n)
	cutoff := cutoffOf(day)
	at := func(after time.Duration, do func(context.Context) error) { p.agenda.add(cutoff.Add(after), do) }
	for _, after := range []time.Duration{5 * time.Second, time.Minute, 2 * time.Minute} {
		at(after, p.core.Step)
	}
	at(10*time.Minute-time.Second, func(context.Context) error { return p.catchFiles(n) })
	at(10*time.Minute, p.process)
	out := 10*time.Minute + replyDelay
	at(out, p.process)
	at(out+time.Second, func(context.Context) error { return p.catchReplies(n) })
	for i := range 4 {
		at(out+time.Duration(i+1)*time.Minute, p.core.Step)
	}
	at(out+20*time.Minute, p.core.RollUp)
	at(out+rebuildAfter, p.rebuild)
	for i := range 3 {
		at(out+rebuildAfter+time.Duration(i+1)*time.Minute, p.core.Step)
	}
	again := out + rebuildAfter + 10*time.Minute
	at(again-time.Second, func(context.Context) error { return p.catchFiles(n) })
	at(again, p.process)
	at(out+repeatAfter, p.process)
	at(out+repeatAfter+time.Minute, p.core.Step)
	at(again+replyDelay, p.process)
	at(again+replyDelay+time.Second, func(context.Context) error { return p.catchReplies(n) })
	for i := range 4 {
		at(again+replyDelay+time.Duration(i+1)*time.Minute, p.core.Step)
	}
	at(again+replyDelay+time.Hour, p.audit)
	at(10*time.Hour, p.presentAgain)
}

// rebuildAfter is when an operator looks at the files that centers refused whole, after the replies.
const rebuildAfter = 30 * time.Minute

// rebuild is the operator who has the files built again that a center refused whole for a fault of its own.
func (p *play) rebuild(ctx context.Context) error {
	refused, err := p.batches(ctx, "nacked")
	if err != nil {
		return err
	}
	for _, b := range slices.Backward(refused) {
		act := p.act(events.BatchRebuild, events.Object{Kind: "batch", ID: strconv.FormatInt(b.ID, 10)}, "the center refused the file whole for a fault of its own")
		if _, err := p.core.Night.Rebuild(act.In(ctx), b.ID); err != nil {
			return fmt.Errorf("build batch %d again: %w", b.ID, err)
		}
	}
	return nil
}

// act is an act of the demo's operator, who leaves an event as a person does.
func (p *play) act(kind events.Kind, on events.Object, why string) *events.Act {
	return events.NewAct(events.Event{At: p.clock.Now(), Actor: events.Actor{Name: "operator of the demo", How: events.ByService}, Source: "demo", Kind: kind, Object: on, Reason: why})
}

// presentAgain is the operator in the morning: what a center refused for a fault of its own is presented again. Everything
// else that was refused waits for a decision that is not the demo's.
func (p *play) presentAgain(ctx context.Context) error {
	technical, err := listing.All(func(r listing.Range) (listing.Part[read.Reject], error) {
		part, _, err := p.core.Read.Rejects(ctx, read.RejectFilter{State: settle.RejectUnresolved, Class: read.RejectTechnical}, r)
		return part, err
	})
	if err != nil {
		return err
	}
	slices.SortFunc(technical, func(a, b read.Reject) int { return cmp.Compare(a.Record, b.Record) })
	for _, j := range technical {
		r := settle.RejectedRecord{Merchant: j.Merchant, Order: j.Order, Window: j.Window, Record: j.Record}
		act := p.act(events.RejectRepresent, events.Object{Kind: "record", ID: fmt.Sprintf("%d/%d", j.Order, j.Record)}, "the center refused it for a fault of its own")
		if _, err := p.core.Books.Represent(act.In(ctx), r); err != nil {
			return fmt.Errorf("present record %d again: %w", r.Record, err)
		}
	}
	return nil
}

// process lets every center read what it was sent and put out the replies that are due.
func (p *play) process(ctx context.Context) error {
	for _, c := range casts {
		if _, err := p.centers[c.name].Process(ctx, p.clock.Now()); err != nil {
			return fmt.Errorf("center %s: %w", c.name, err)
		}
	}
	return nil
}

func (p *play) audit(ctx context.Context) error {
	report, err := p.core.Audit(ctx)
	if err != nil {
		return err
	}
	p.audits = append(p.audits, report)
	return nil
}

// formOf is the form of a center's files, all of which are of the IPM family. The demo reads them with the codec, beside the night.
func formOf(c config.Center) ipm.Profile {
	if f, ok := c.Clearing.Format.(*ipmfile.Format); ok {
		return f.Profile()
	}
	return ipm.Profile{}
}

// catchFiles reads the files that lie in the directories of the centers and counts them from their bytes alone.
func (p *play) catchFiles(n *night) error {
	return p.each(pcsim.InDir, func(c config.Center, name string, data []byte) error {
		sum := sha256.Sum256(data)
		f := caught{name: name, center: c.Name, sha256: hex.EncodeToString(sum[:]), totals: map[money.Currency]totals{}}
		read, err := ipm.Verify(bytes.NewReader(data), formOf(c))
		if err != nil {
			return err
		}
		f.id = read.File.String()
		for _, t := range read.Currencies {
			f.totals[money.Currency(t.Currency)] = totals{sales: t.Sales.Count, credits: t.Refunds.Count,
				salesAmount: t.Sales.Amount - t.SaleReversals.Amount, creditsSum: t.Refunds.Amount - t.RefundReversals.Amount}
		}
		n.files = append(n.files, f)
		return nil
	})
}

// catchReplies reads the replies that lie in the directories of the centers.
func (p *play) catchReplies(n *night) error {
	return p.each(pcsim.OutDir, func(c config.Center, _ string, data []byte) error {
		a := answered{center: c.Name, verdicts: map[money.Currency]totals{}}
		r := ipm.NewReplyReader(bytes.NewReader(data), formOf(c), ipm.Options{})
		for {
			var entry ipm.Reply
			err := r.Read(&entry)
			if errors.Is(err, io.EOF) {
				p.heard(n, a)
				return nil
			}
			if err != nil {
				return err
			}
			if err := a.take(&entry, formOf(c)); err != nil {
				return err
			}
		}
	})
}

// heard notes a verdict, unless it was told before. Of a file that is refused whole nothing was processed: what it holds counts
// in the file that replaces it.
func (p *play) heard(n *night, a answered) {
	verdict := fmt.Sprint(a)
	if p.verdicts[verdict] {
		return
	}
	p.verdicts[verdict] = true
	n.replies = append(n.replies, a)
	if a.refused {
		p.strike(a.center, a.file)
	}
}

// strike notes that the latest file with an id was refused.
func (p *play) strike(center, id string) {
	for _, n := range slices.Backward(p.nights) {
		for i := range slices.Backward(n.files) {
			if f := &n.files[i]; f.center == center && f.id == id {
				f.refused = true
				return
			}
		}
	}
}

// take adds one entry of a reply.
func (a *answered) take(r *ipm.Reply, format ipm.Profile) error {
	switch r.Kind {
	case ipm.FileReject:
		a.file, a.refused = r.Exception.Source.String(), true
	case ipm.PositionDetail:
		a.file = r.Position.Source.String()
		t := a.verdicts[money.Currency(r.Position.Currency)]
		if r.Position.ProcessingCode == "00" {
			t.sales, t.salesAmount = t.sales+r.Position.Count(), t.salesAmount+r.Position.Net()
		} else {
			t.credits, t.creditsSum = t.credits+r.Position.Count(), t.creditsSum-r.Position.Net()
		}
		a.verdicts[money.Currency(r.Position.Currency)] = t
	case ipm.MessageException:
		a.file = r.Exception.Source.String()
		record, ok := r.Exception.Original(format)
		if !ok {
			return fmt.Errorf("the copy of refused message %d cannot be read", r.Exception.SourceMessage)
		}
		t := a.verdicts[money.Currency(record.Currency)]
		t.rejected++
		if record.Kind == ipm.Sale {
			t.rejectedAmount += record.Amount
		} else {
			t.rejectedAmount -= record.Amount
		}
		a.verdicts[money.Currency(record.Currency)] = t
	}
	return nil
}

// each reads every file of a directory of the centers that clear by file, once: names that were seen are skipped.
func (p *play) each(dir string, read func(c config.Center, name string, data []byte) error) error {
	for _, c := range p.core.Config.Centers {
		if c.Clearing == nil {
			continue
		}
		names, err := p.centers[c.Name].List(dir)
		if err != nil {
			return err
		}
		for _, name := range names {
			full := path.Join(dir, name)
			if p.seen[c.Name+full] || strings.HasPrefix(name, ".") {
				continue
			}
			p.seen[c.Name+full] = true
			data, err := p.centers[c.Name].ReadFile(full)
			if err != nil {
				return err
			}
			if err := read(c, name, data); err != nil {
				return fmt.Errorf("read %s of %s: %w", full, c.Name, err)
			}
		}
	}
	return nil
}
