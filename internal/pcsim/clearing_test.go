package pcsim_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

func TestCleanFileIsAccepted(t *testing.T) {
	for _, profile := range []ipm.Profile{
		{}, {Blocked: true}, {Charset: iso8583.CP500}, {Charset: iso8583.CP500, Blocked: true}, {Mode: ipm.Test},
	} {
		n := newNight(t, pcsim.Options{})
		n.profile = profile
		a, b := n.approved(pcsim.CardApproved, 12345), n.approved(seededCard(1), 1000)
		n.sends(verdict{"685 00 O 933 2 13345"}, a, b)
		n.sends(verdict{"685 00 R 933 1 -1000", "685 20 O 933 1 -345"}, n.credit(a, 345), reversalOf(b))
		n.sends(nil)
		books := n.Books().Currencies[byn]
		if books.Net() != 12000 || books.Held() != 1000 || books.Rejected.Count != 0 {
			t.Errorf("net %d, held %d: %+v", books.Net(), books.Held(), books)
		}
	}
}

func TestSaleMustMatchItsAuthorization(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	good := n.approved(pcsim.CardApproved, 1000)
	for name, tc := range map[string]struct {
		change func(*ipm.Record)
		want   string
	}{
		"reference":  {func(r *ipm.Record) { r.RRN = []byte("999999999999") }, "D0037 2001"},
		"approval":   {func(r *ipm.Record) { r.ApprovalCode = []byte("XXXXXX") }, "D0038 2002"},
		"card":       {func(r *ipm.Record) { r.PAN = []byte(seededCard(5)) }, "D0002 2003"},
		"amount":     {func(r *ipm.Record) { r.Amount = 1001 }, "D0004 3001"},
		"nothing":    {func(r *ipm.Record) { r.Amount = 0 }, "D0004 1004"},
		"currency":   {func(r *ipm.Record) { r.Currency = 840 }, "D0049 3002"},
		"merchant":   {func(r *ipm.Record) { r.Acceptor = []byte("ANOTHER") }, "D0042 6001"},
		"Luhn":       {func(r *ipm.Record) { r.PAN = []byte("4111111111111112") }, "D0002 5001"},
		"originator": {func(r *ipm.Record) { r.Originator = []byte("054321") }, "D0094 1003"},
	} {
		t.Run(name, func(t *testing.T) {
			n.t = t
			bad := good
			tc.change(&bad)
			n.sends(verdict{"691 " + tc.want + " #2"}, bad)
		})
	}
	n.t = t
	n.sends(verdict{"685 00 O 933 1 1000"}, good)
	if rejected := n.Books().Currencies[byn].Rejected.Count; rejected != 8 { // the ninth is in another currency
		t.Errorf("%d rejected in BYN, want 8", rejected)
	}
}

func TestDuplicateAndExcess(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	sale := n.approved(pcsim.CardApproved, 1000)
	part := sale
	part.Amount = 600
	n.sends(verdict{"685 00 O 933 1 600"}, part)
	n.sends(verdict{"691 D0031 4001 #2"}, part)
	again := part
	again.ARN = n.credit(sale, 1).ARN
	n.sends(verdict{"691 D0004 3001 #2"}, again)
	again.Amount = 400
	n.sends(verdict{"685 00 O 933 1 400"}, again)
}

func TestReleasedAmountCannotBePresented(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	s := n.sale(pcsim.CardApproved, 1000)
	a := n.wants(s.message(), iso8583.ActionApproved)
	r := n.record(s, a.Text(38))
	n.wants(n.reversal(s, 400), iso8583.ActionReversalAccepted)
	n.sends(verdict{"691 D0004 3001 #2"}, r)
	r.Amount = 600
	n.sends(verdict{"685 00 O 933 1 600"}, r)
	n.wants(n.client.reversal(s, 0), iso8583.ActionTooLate)
}

func TestPresentedSaleCannotBeReversed(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	s := n.sale(pcsim.CardApproved, 1000)
	a := n.wants(s.message(), iso8583.ActionApproved)
	r := n.record(s, a.Text(38))
	r.Amount = 600
	n.sends(verdict{"685 00 O 933 1 600"}, r)
	n.wants(n.reversal(s, 0), iso8583.ActionTooLate)
	n.wants(n.reversal(s, 401), iso8583.ActionTooLate)
	n.wants(n.reversal(s, 400), iso8583.ActionReversalAccepted)
	if held := n.Books().Currencies[byn].Held(); held != 0 {
		t.Errorf("held %d, want 0", held)
	}
}

func TestCreditNeedsASale(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	sale := n.approved(pcsim.CardApproved, 1000)
	n.sends(verdict{"691 D0037 2001 #2"}, n.credit(sale, 1000))
	n.sends(verdict{"685 00 O 933 1 1000"}, sale)
	n.sends(verdict{"691 D0004 3001 #2"}, n.credit(sale, 1001))
	credit := n.credit(sale, 600)
	n.sends(verdict{"685 20 O 933 1 -600"}, credit)
	n.sends(verdict{"691 D0031 4001 #2"}, credit)
	other := n.credit(sale, 500)
	other.RRN = []byte("632599999999") // a refund's own reference: found by card and merchant
	n.sends(verdict{"691 D0004 3001 #2"}, other)
	other.Amount = 400
	n.sends(verdict{"685 20 O 933 1 -400"}, other)
	n.sends(verdict{"685 20 R 933 1 400"}, reversalOf(other))
	n.sends(verdict{"691 D0031 4001 #2"}, reversalOf(other))
	n.sends(verdict{"691 D0031 2004 #2"}, reversalOf(sale))
	if net := n.Books().Currencies[byn].Net(); net != 400 {
		t.Errorf("net %d, want 400", net)
	}
}

func TestClearingCards(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	once := n.approved(pcsim.CardSaleRejected, 100)
	never := n.approved(pcsim.CardSaleRefused, 200)
	closed := n.approved(pcsim.CardCreditRefused, 300)
	n.sends(verdict{"691 D0000 7001 #2", "691 D0042 6001 #3", "685 00 O 933 1 300"}, once, never, closed)
	n.sends(verdict{"691 D0042 6001 #3", "691 D0002 5002 #4", "685 00 O 933 1 100"}, once, never, n.credit(closed, 300))
}

func TestFileIsRefusedWhole(t *testing.T) {
	for name, tc := range map[string]struct {
		id   func(*ipm.FileID)
		data func([]byte) []byte
		want string
	}{
		"gap":         {id: func(id *ipm.FileID) { id.Sequence = 2 }, want: "reject P0105 0511 #1"},
		"type":        {id: func(id *ipm.FileID) { id.Type = ipm.FromCenter }, want: "reject P0105 0510 #1"},
		"member":      {id: func(id *ipm.FileID) { id.Member = 54321 }, want: "reject P0105 0510 #1"},
		"date":        {id: func(id *ipm.FileID) { id.Date = 260101 }, want: "reject P0105 0510 #1"},
		"checksum":    {data: swap("03010160000000000100000", "03010160000000000100001"), want: "reject P0301 0523 #3"},
		"count":       {data: swap("030600800000003", "030600800000004"), want: "reject P0306 0524 #3"},
		"number":      {data: swap("00000002", "00000009"), want: "reject D0071 0522 #9"},
		"no trailer":  {data: cutAt("1644", 2, 4), want: "reject D0024 0521 #2"},
		"half":        {data: func(b []byte) []byte { return b[:len(b)/2] }, want: "reject D0024 0521 #1"},
		"no end":      {data: func(b []byte) []byte { return b[:len(b)-4] }, want: "reject D0000 0530 #3"},
		"extra bytes": {data: func(b []byte) []byte { return append(b, "more"...) }, want: "reject D0000 0530 #3"},
		"bad element": {data: swap("933", "9X3"), want: "reject D0049 0530 #2"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNight(t, pcsim.Options{})
			record := n.approved(pcsim.CardApproved, 100000)
			id := n.fileID()
			if tc.id != nil {
				tc.id(&id)
			}
			data := n.build(id, record)
			if tc.data != nil {
				data = tc.data(bytes.Clone(data))
			}
			n.upload("F.ipm", data)
			if diff := cmp.Diff(verdict{tc.want}, n.reply("RPY_F_1.ipm")); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			if books := n.Books().Currencies[byn]; books.Cleared.Count+books.Rejected.Count != 0 {
				t.Errorf("a refused file was booked: %+v", books)
			}
		})
	}
}

// swap replaces the last occurrence of a text.
func swap(from, to string) func([]byte) []byte {
	return func(b []byte) []byte {
		i := bytes.LastIndex(b, []byte(from))
		if i < 0 || len(from) != len(to) {
			panic("not in the file: " + from)
		}
		copy(b[i:], to)
		return b
	}
}

// cutAt ends the stream before the n-th message type, properly.
func cutAt(mti string, n, back int) func([]byte) []byte {
	return func(b []byte) []byte {
		at := 0
		for range n {
			at += bytes.Index(b[at:], []byte(mti)) + len(mti)
		}
		return append(b[:at-len(mti)-back], 0, 0, 0, 0)
	}
}

func TestSequenceAndDuplicateFiles(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	sale := n.approved(pcsim.CardApproved, 1000)
	first := n.build(n.fileID(), sale)
	third := n.build(ipm.FileID{Type: 2, Date: ipm.DateOf(noon), Member: 12345, Sequence: 3})
	n.upload("1.ipm", first)
	n.upload("3.ipm", third)
	if diff := cmp.Diff(verdict{"reject P0105 0511 #1"}, n.reply("RPY_3_1.ipm")); diff != "" {
		t.Error(diff)
	}
	n.upload("1again.ipm", first)
	if diff := cmp.Diff(verdict{"reject P0105 0512 #1"}, n.reply("RPY_1again_1.ipm")); diff != "" {
		t.Error(diff)
	}
	n.sequence = 0
	n.upload("1other.ipm", n.build(n.fileID()))
	if diff := cmp.Diff(verdict{"reject P0105 0513 #1"}, n.reply("RPY_1other_1.ipm")); diff != "" {
		t.Error(diff)
	}
	n.upload("2.ipm", n.build(n.fileID()))
	n.upload("3b.ipm", third)
	for _, name := range []string{"RPY_2_1.ipm", "RPY_3b_1.ipm"} {
		if v := n.reply(name); v != nil {
			t.Errorf("%s: %v", name, v)
		}
	}
	if cleared := n.Books().Currencies[byn].Cleared; cleared != (pcsim.Line{Count: 1, Amount: 1000}) {
		t.Errorf("cleared %+v", cleared)
	}
}

func TestSequenceScopes(t *testing.T) {
	next := ipm.DateOf(noon.AddDate(0, 0, 1))
	for _, tc := range []struct {
		scope pcsim.SequenceScope
		ids   []ipm.FileID
		want  []string
	}{
		{pcsim.SequencePerDate, []ipm.FileID{{Date: ipm.DateOf(noon), Sequence: 1}, {Date: next, Sequence: 1}, {Date: next, Sequence: 3}}, []string{"", "", "0511"}},
		{pcsim.SequenceForever, []ipm.FileID{{Date: ipm.DateOf(noon), Sequence: 1}, {Date: next, Sequence: 1}, {Date: next, Sequence: 2}}, []string{"", "0511", ""}},
	} {
		n := newNight(t, pcsim.Options{Sequence: tc.scope})
		for i, id := range tc.ids {
			id.Type, id.Member = ipm.FromMember, 12345
			n.upload(fmt.Sprintf("%d.ipm", i), n.build(id))
		}
		var got []string
		for _, r := range n.Reports() {
			got = append(got, r.Reject)
		}
		if diff := cmp.Diff(tc.want, got); diff != "" {
			t.Errorf("scope %d: %s", tc.scope, diff)
		}
	}
}

func TestNumberOfARejectedFile(t *testing.T) {
	for _, reuse := range []bool{false, true} {
		n := newNight(t, pcsim.Options{ReuseRejected: reuse})
		id := n.fileID()
		good := n.build(id)
		n.upload("1.ipm", swap("030600800000002", "030600800000009")(bytes.Clone(good)))
		n.upload("1fixed.ipm", good)
		want := []string{"0524", "0513"}
		if reuse {
			want[1] = ""
		}
		if got := []string{n.Reports()[0].Reject, n.Reports()[1].Reject}; !cmp.Equal(got, want) {
			t.Errorf("reuse %v: rejects %q, want %q", reuse, got, want)
		}
	}
}

func TestCorrectFileIsRefusedOnceAndToldAgain(t *testing.T) {
	n := newNight(t, pcsim.Options{ReuseRejected: true, Behavior: pcsim.Behavior{RefuseFiles: 1}, Replies: pcsim.Replies{AgainAfter: time.Hour}})
	good := n.build(n.fileID(), n.approved(pcsim.CardApproved, 100))
	n.upload("1.ipm", good)
	n.upload("2.ipm", good)
	if got, want := []string{n.Reports()[0].Reject, n.Reports()[1].Reject}, []string{"0599", ""}; !cmp.Equal(got, want) {
		t.Errorf("rejects %q, want %q", got, want)
	}
	n.process(noon.Add(time.Hour))
	first, again := n.reply("RPY_1_1.ipm"), n.reply("RPY_1_2.ipm")
	if diff := cmp.Diff(verdict{"reject D0000 0599 #1"}, first); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(first, again); diff != "" {
		t.Errorf("the repetition says something else (-first +again):\n%s", diff)
	}
	one, err := n.ReadFile("/out/RPY_1_1.ipm")
	two, err2 := n.ReadFile("/out/RPY_1_2.ipm")
	if err != nil || err2 != nil || bytes.Equal(one, two) {
		t.Error("the repetition has the id of the first reply")
	}
}

func TestFilesAreTakenAwayOrNot(t *testing.T) {
	for _, removes := range []bool{false, true} {
		n := newNight(t, pcsim.Options{RemovesFiles: removes})
		data := n.build(n.fileID())
		n.upload("1.ipm", data)
		n.process(noon)
		n.process(noon)
		if got := len(n.Reports()); got != 1 {
			t.Errorf("removes %v: file read %d times", removes, got)
		}
		names, err := n.List(pcsim.InDir)
		if err != nil {
			t.Fatal(err)
		}
		if left := len(names) == 1; left == removes {
			t.Errorf("removes %v: left in in/: %v", removes, names)
		}
	}
}

func TestProcessStopsWithItsContext(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	if err := n.WriteFile("/in/1.ipm", n.build(n.fileID())); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if done, err := n.Process(ctx, noon); done != 0 || !errors.Is(err, context.Canceled) {
		t.Errorf("processed %d, %v", done, err)
	}
	if err := n.Run(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("run: %v", err)
	}
}

func TestConfiguredCharset(t *testing.T) {
	n := newNight(t, pcsim.Options{Charset: iso8583.CP037})
	n.profile = ipm.Profile{Charset: iso8583.CP037, Blocked: true}
	n.sends(verdict{"685 00 O 933 1 1000"}, n.approved(pcsim.CardApproved, 1000))
	n.profile = ipm.Profile{}
	n.upload("ascii.ipm", n.build(n.fileID()))
	if got := n.Reports()[1].Reject; got != "0530" {
		t.Errorf("an ASCII file is refused with %q, want 0530", got)
	}
}

// TestOldestFileFirst wants the order of arrival, not of names.
func TestOldestFileFirst(t *testing.T) {
	clock := newClock(noon)
	n := newNight(t, pcsim.Options{Now: clock.now})
	for _, name := range []string{"9.ipm", "10.ipm"} {
		if err := n.WriteFile("/in/"+name, n.build(n.fileID())); err != nil {
			t.Fatal(err)
		}
		clock.set(clock.now().Add(1))
	}
	n.process(noon)
	if r := n.Reports(); r[0].Name != "9.ipm" || r[0].Reject+r[1].Reject != "" {
		t.Errorf("reports %+v", r)
	}
}
