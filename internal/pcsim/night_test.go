package pcsim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

// night is a center with a client of its online host and what clearing needs.
type night struct {
	*pcsim.Center
	*client
	t        testing.TB
	profile  ipm.Profile
	sequence uint32
	arns     uint64
}

func newNight(t *testing.T, opt pcsim.Options) *night {
	t.Helper()
	center := start(t, opt)
	return &night{Center: center, client: dial(t, center), t: t}
}

// approved authorizes and returns the record that presents all of it.
func (n *night) approved(pan string, amount int64) ipm.Record {
	n.t.Helper()
	s := n.sale(pan, amount)
	a := n.wants(s.message(), iso8583.ActionApproved)
	return n.record(s, a.Text(38))
}

func (n *night) record(s sale, approval string) ipm.Record {
	n.t.Helper()
	n.arns++
	arn, err := ipm.NewARN(512345, noon, n.arns).Append(nil, ipm.Standard)
	if err != nil {
		n.t.Fatal(err)
	}
	location, err := ipm.Location{Name: "ACME BOOKS", Street: "1 HIGH STREET", City: "MINSK", Country: "BLR"}.Append(nil)
	if err != nil {
		n.t.Fatal(err)
	}
	return ipm.Record{
		Kind: ipm.Sale, PAN: []byte(s.pan), Amount: s.amount, Currency: 933, Exponent: 2, LocalTime: noon,
		POSData: []byte(s.pos), MCC: []byte("5999"), ARN: arn, Forwarder: []byte("012345"), RRN: []byte(s.rrn),
		ApprovalCode: []byte(approval), Terminal: []byte(s.terminal), Acceptor: []byte(acceptor), Location: location,
		TerminalType: []byte("CT6"), Settlement: 'M', Originator: []byte("012345"),
	}
}

// credit gives amount of a sale back, under its own reference data.
func (n *night) credit(r ipm.Record, amount int64) ipm.Record {
	n.arns++
	r.ARN, _ = ipm.NewARN(512345, noon, n.arns).Append(nil, ipm.Standard)
	r.Kind, r.Amount, r.ApprovalCode = ipm.Refund, amount, nil
	return r
}

func reversalOf(r ipm.Record) ipm.Record {
	r.Reversal, r.ReversalDate = true, ipm.DateOf(noon)
	return r
}

func (n *night) fileID() ipm.FileID {
	n.sequence++
	return ipm.FileID{Type: ipm.FromMember, Date: ipm.DateOf(noon), Member: 12345, Sequence: n.sequence}
}

func (n *night) build(id ipm.FileID, records ...ipm.Record) []byte {
	n.t.Helper()
	var out bytes.Buffer
	w := ipm.NewWriter(&out, n.profile)
	err := w.WriteHeader(id)
	for _, r := range records {
		err = errors.Join(err, w.Write(&r))
	}
	_, closing := w.Close()
	if err = errors.Join(err, closing); err != nil {
		n.t.Fatal(err)
	}
	return out.Bytes()
}

// upload puts a file into in/ and runs the center once.
func (n *night) upload(name string, data []byte) {
	n.t.Helper()
	if err := n.WriteFile(path.Join(pcsim.InDir, name), data); err != nil {
		n.t.Fatal(err)
	}
	n.process(noon)
}

func (n *night) process(now time.Time) {
	n.t.Helper()
	if _, err := n.Process(context.Background(), now); err != nil {
		n.t.Fatal(err)
	}
}

// verdict is a reply in short: "reject 0512 P0105 #1", "691 2001 D0037 #2", "685 00 O 933 1 1000".
type verdict []string

// reply reads one reply file by our own reader.
func (n *night) reply(name string) verdict {
	n.t.Helper()
	data, err := n.ReadFile(path.Join(pcsim.OutDir, name))
	if err != nil {
		n.t.Fatal(err)
	}
	return readReply(n.t, data, n.profile)
}

func readReply(t testing.TB, data []byte, profile ipm.Profile) verdict {
	t.Helper()
	var v verdict
	reader := ipm.NewReplyReader(bytes.NewReader(data), profile, ipm.Options{Strict: true})
	for {
		var reply ipm.Reply
		err := reader.Read(&reply)
		if errors.Is(err, io.EOF) {
			if _, mode := reader.File(); (mode == ipm.Test) != (profile.Mode == ipm.Test) {
				t.Fatalf("the reply is in mode %c", mode)
			}
			return v
		}
		if err != nil {
			t.Fatal(err)
		}
		x, p := reply.Exception, reply.Position
		switch reply.Kind {
		case ipm.FileReject:
			v = append(v, fmt.Sprintf("reject %s #%d", x.Faults[0], x.SourceMessage))
		case ipm.MessageException:
			v = append(v, fmt.Sprintf("691 %s #%d", x.Faults[0], x.SourceMessage))
		case ipm.PositionDetail:
			mark := "O"
			if p.Reversal {
				mark = "R"
			}
			v = append(v, fmt.Sprintf("685 %s %s %d %d %d", p.ProcessingCode, mark, p.Currency, p.Count(), p.Net()))
		default:
			t.Fatalf("unexpected message %+v", reply)
		}
	}
}

// sends uploads records as the next file and wants this reply.
func (n *night) sends(want verdict, records ...ipm.Record) {
	n.t.Helper()
	id := n.fileID()
	name := fmt.Sprintf("ACQ_%05d", id.Sequence)
	n.upload(name+".ipm", n.build(id, records...))
	if diff := cmp.Diff(want, n.reply("RPY_"+name+"_1.ipm")); diff != "" {
		n.t.Errorf("reply to %s (-want +got):\n%s", name, diff)
	}
}
