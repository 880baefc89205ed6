package pcsim_test

import (
	"fmt"
	"net"
	"testing"

	"pgregory.net/rapid"

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/internal/pcsim"
)

// FuzzAnyFileIsAnswered feeds bytes as a clearing file: every one is answered by exactly one reply that our own reader
// takes, and nothing is booked that was not authorized.
func FuzzAnyFileIsAnswered(f *testing.F) {
	seed := newSeedFile(f)
	for _, data := range [][]byte{nil, {0, 0, 0, 0}, seed, seed[:len(seed)-7], append(seed[:len(seed):len(seed)], 1)} {
		f.Add(data)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := pcsim.New(pcsim.Options{MemberID: member, Now: noonClock})
		if err != nil {
			t.Fatal(err)
		}
		defer c.Close()
		if err := c.WriteFile("/in/F.ipm", data); err != nil {
			t.Fatal(err)
		}
		if n, err := c.Process(t.Context(), noon); n != 1 || err != nil {
			t.Fatalf("processed %d, %v", n, err)
		}
		if names, err := c.List(pcsim.OutDir); err != nil || len(names) != 1 {
			t.Fatalf("replies %v, %v", names, err)
		}
		for currency, totals := range c.Books().Currencies {
			if totals.Cleared.Count+totals.Credited.Count > 0 {
				t.Errorf("%s: %+v", currency, totals)
			}
		}
	})
}

func newSeedFile(f *testing.F) []byte {
	n := &night{t: f}
	record := n.record((&client{}).sale(pcsim.CardApproved, 1000), "A1B2C3")
	return n.build(n.fileID(), record)
}

// FuzzAnyFrameIsSurvived feeds bytes to the online host: it goes on answering.
func FuzzAnyFrameIsSurvived(f *testing.F) {
	c, err := pcsim.New(pcsim.Options{MemberID: member, Now: noonClock})
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { c.Close() })
	if err := c.Start(); err != nil {
		f.Fatal(err)
	}
	s := (&client{}).sale(pcsim.CardApproved, 1000)
	for _, m := range []*iso8583.Message{s.message(), (&client{}).reversal(s, 100), (&client{}).refund(s, 5), (&client{}).inquiry(s)} {
		frame, err := iso8583.AppendFrame(nil, m)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(frame)
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		bad, err := net.Dial("tcp", c.OnlineAddr())
		if err != nil {
			t.Fatal(err)
		}
		defer bad.Close()
		if _, err := bad.Write(data); err != nil {
			t.Fatal(err)
		}
		good := dial(t, c)
		good.wants(good.echo(), iso8583.ActionApproved)
	})
}

// TestBooksStayWithinWhatWasAuthorized does random things to payments and checks the books after each.
func TestBooksStayWithinWhatWasAuthorized(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := newNight(t, pcsim.Options{})
		var sales []sale
		var records []ipm.Record
		pick := func() int { return rapid.IntRange(0, len(sales)-1).Draw(rt, "sale") }
		part := func(whole int64) int64 { return rapid.Int64Range(1, whole+1).Draw(rt, "amount") }
		for range rapid.IntRange(1, 30).Draw(rt, "steps") {
			step := rapid.SampledFrom([]string{"pay", "reverse", "release", "present", "credit", "undo"}).Draw(rt, "step")
			if len(sales) == 0 {
				step = "pay"
			}
			switch step {
			case "pay":
				s := n.sale(pcsim.CardApproved, rapid.Int64Range(1, 5000).Draw(rt, "amount"))
				a := n.ask(s.message())
				sales, records = append(sales, s), append(records, n.record(s, a.Text(38)))
			case "reverse":
				n.ask(n.reversal(sales[pick()], 0))
			case "release":
				s := sales[pick()]
				n.ask(n.reversal(s, part(s.amount)))
			case "present":
				r := records[pick()]
				r.ARN, r.Amount = n.credit(r, 1).ARN, part(r.Amount)
				n.present(r)
			case "credit":
				r := records[pick()]
				n.present(n.credit(r, part(r.Amount)))
			case "undo":
				n.present(reversalOf(records[pick()]))
			}
			checkBooks(rt, n.Books())
		}
		if err := n.Center.Close(); err != nil {
			rt.Fatal(err)
		}
	})
}

func (n *night) present(r ipm.Record) {
	id := n.fileID()
	n.upload(fmt.Sprintf("%05d.ipm", id.Sequence), n.build(id, r))
}

func checkBooks(t *rapid.T, s pcsim.Snapshot) {
	sums := map[money.Currency]pcsim.Line{}
	for _, m := range s.Merchants {
		line := sums[m.Currency]
		line.Count += m.Authorized.Count
		line.Amount += m.Held() + m.Net()
		sums[m.Currency] = line
	}
	for currency, b := range s.Currencies {
		if b.Held() < 0 || b.Net() < 0 || b.Held()+b.Net() > b.Authorized.Amount {
			t.Fatalf("%s: held %d, net %d of %d authorized", currency, b.Held(), b.Net(), b.Authorized.Amount)
		}
		if want := (pcsim.Line{Count: b.Authorized.Count, Amount: b.Held() + b.Net()}); sums[currency] != want {
			t.Fatalf("%s: merchants add up to %+v, want %+v", currency, sums[currency], want)
		}
	}
}
