package pcsim_test

import (
	"errors"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/fileformats/authlog"
	"settled/fileformats/iso8583"
	"settled/internal/money"
	"settled/internal/pcsim"
)

func TestAuthorizationIsApprovedOnce(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardApproved, 12345)
	first := c.wants(s.message(), iso8583.ActionApproved)
	if first.MTI() != iso8583.MTIAuthorizationAnswer || len(first.Text(38)) != 6 || first.Has(2) {
		t.Fatalf("answer %s", first)
	}
	again := c.wants(s.message(), iso8583.ActionApproved)
	if again.Text(38) != first.Text(38) {
		t.Errorf("repeat has approval code %q, first %q", again.Text(38), first.Text(38))
	}
	got := center.Authorizations(s.rrn)
	want := []pcsim.Authorization{{
		RRN: s.rrn, MTI: "1100", Terminal: "TERM0001", Acceptor: acceptor, PAN: "411111****1111",
		Amount: money.Amount{Minor: 12345, Currency: byn}, Action: "000", Approval: first.Text(38),
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	books := center.Books().Currencies[byn]
	if books.Authorized != (pcsim.Line{Count: 1, Amount: 12345}) || books.Held() != 12345 {
		t.Errorf("books %+v", books)
	}
	s.amount++
	c.wants(s.message(), iso8583.ActionSystemMalfunction)
}

func TestTestCardsDoWhatTheySay(t *testing.T) {
	center := start(t, pcsim.Options{Behavior: pcsim.Behavior{Decline: 1, LateBy: 30 * time.Millisecond}})
	for _, card := range pcsim.Cards() {
		t.Run(card.PAN, func(t *testing.T) {
			c := dial(t, center)
			s := c.sale(card.PAN, 1000)
			s.terminal = card.PAN[8:]
			switch card.Outcome {
			case pcsim.SilentBooked, pcsim.SilentLost:
				c.silent(s.message())
			case pcsim.Garbage:
				c.send(s.message())
				frame, err := c.frames.Next()
				if err != nil || iso8583.Online.NewMessage("").Decode(frame) == nil {
					t.Fatalf("answer %q, %v", frame, err)
				}
			case pcsim.Late:
				c.send(s.message())
				if a := c.receiveAfter(c.echo()); a.MTI() != iso8583.MTIAuthorizationAnswer {
					t.Fatalf("late answer is %s", a.MTI())
				}
			case pcsim.Twice:
				c.send(s.message())
				if a, b := c.receive(), c.receive(); a.String() != b.String() || a.Text(39) != card.ActionCode {
					t.Fatalf("answers %s and %s", a, b)
				}
			case pcsim.WrongAmount:
				if a := c.wants(s.message(), card.ActionCode); a.Text(4) != "000000001001" {
					t.Fatalf("echoed amount %s", a.Text(4))
				}
			default:
				c.wants(s.message(), card.ActionCode)
			}
			inquired := card.ActionCode
			switch card.Outcome {
			case pcsim.SilentLost:
				inquired = iso8583.ActionOriginalNotFound
			case pcsim.SilentBooked, pcsim.Garbage:
				inquired = iso8583.ActionApproved
			}
			c.wants(c.inquiry(s), inquired)
		})
	}
}

func TestBadCardDataIsDeclined(t *testing.T) {
	c := dial(t, start(t, pcsim.Options{}))
	for name, tc := range map[string]struct {
		change func(*sale)
		want   string
	}{
		"Luhn":                    {func(s *sale) { s.pan = "4111111111111112" }, iso8583.ActionInvalidCardNumber},
		"expired":                 {func(s *sale) { s.expiry = "2610" }, iso8583.ActionExpiredCard},
		"expires now":             {func(s *sale) { s.expiry = "2611" }, iso8583.ActionApproved},
		"month 13":                {func(s *sale) { s.expiry = "2713" }, iso8583.ActionExpiredCard},
		"no CVV":                  {func(s *sale) { s.cvv = "" }, iso8583.ActionVerificationCodeFailed},
		"short CVV":               {func(s *sale) { s.cvv = "12" }, iso8583.ActionVerificationCodeFailed},
		"recurring only in DE 22": {func(s *sale) { s.cvv, s.pos = "", "000240S1900C" }, iso8583.ActionSystemMalfunction},
		"purchase":                {func(s *sale) { s.mti = iso8583.MTIFinancialRequest }, iso8583.ActionSystemMalfunction},
		"unknown currency":        {func(s *sale) { s.currency = "000" }, iso8583.ActionSystemMalfunction},
		"nothing":                 {func(s *sale) { s.amount = 0 }, iso8583.ActionSystemMalfunction},
	} {
		t.Run(name, func(t *testing.T) {
			c.t = t
			s := c.sale(pcsim.CardApproved, 100)
			tc.change(&s)
			c.wants(s.message(), tc.want)
		})
	}
}

func TestReversal(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardApproved, 1000)
	c.wants(s.message(), iso8583.ActionApproved)

	partial := c.reversal(s, 300)
	c.wants(partial, iso8583.ActionReversalAccepted)
	later := repeated(partial)
	later.Set(12, "261120120500")
	c.wants(later, iso8583.ActionReversalAccepted)
	c.wants(c.reversal(s, 701), iso8583.ActionAmountLimitExceeded)
	if held := center.Books().Currencies[byn].Held(); held != 700 {
		t.Fatalf("held %d after a partial reversal, want 700", held)
	}
	c.wants(c.reversal(s, 0), iso8583.ActionReversalAccepted)
	c.wants(c.reversal(s, 0), iso8583.ActionReversalAccepted)
	books := center.Books().Currencies[byn]
	if books.Held() != 0 || books.Released != (pcsim.Line{Count: 2, Amount: 1000}) {
		t.Errorf("books %+v", books)
	}

	tooLate := c.sale(pcsim.CardReversalTooLate, 500)
	c.wants(tooLate.message(), iso8583.ActionApproved)
	c.wants(c.reversal(tooLate, 0), iso8583.ActionTooLate)

	declined := c.sale(pcsim.CardInsufficientFunds, 500)
	c.wants(declined.message(), iso8583.ActionInsufficientFunds)
	c.wants(c.reversal(declined, 0), iso8583.ActionReversalAccepted)
}

func TestReversalAnswerIsLostOnce(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardReversalAnswerLost, 1000)
	c.wants(s.message(), iso8583.ActionApproved)
	r := c.reversal(s, 0)
	c.silent(r)
	if held := center.Books().Currencies[byn].Held(); held != 0 {
		t.Fatalf("held %d, want 0: the lost answer belongs to an effective reversal", held)
	}
	c.wants(repeated(r), iso8583.ActionReversalAccepted)
}

func TestReversalBeforeItsOriginal(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardApproved, 1000)
	r := c.reversal(s, 0)
	c.wants(r, iso8583.ActionOriginalNotFound)
	c.wants(s.message(), iso8583.ActionDoNotHonor)
	c.wants(repeated(r), iso8583.ActionOriginalNotFound)
	if books := center.Books().Currencies[byn]; books.Authorized.Count != 0 {
		t.Errorf("books %+v", books)
	}

	other := c.sale(pcsim.CardApproved, 1000)
	c.wants(other.message(), iso8583.ActionApproved)
	wrong := c.reversal(other, 0)
	wrong.Set(37, "000000000000")
	c.wants(wrong, iso8583.ActionOriginalNotFound)
	if held := center.Books().Currencies[byn].Held(); held != 1000 {
		t.Errorf("held %d after the reversal of another reference, want 1000", held)
	}
}

func TestSingleMessage(t *testing.T) {
	clock := newClock(noon)
	center := start(t, pcsim.Options{Model: pcsim.SingleMessage, Now: clock.now})
	c := dial(t, center)
	c.wants(c.sale(pcsim.CardApproved, 1000).message(), iso8583.ActionSystemMalfunction)

	s := c.purchase(pcsim.CardApproved, 1000)
	c.wants(s.message(), iso8583.ActionApproved)
	first := c.refund(s, 400)
	a := c.wants(first, iso8583.ActionApproved)
	if b := c.wants(first, iso8583.ActionApproved); a.Text(38) != b.Text(38) {
		t.Errorf("repeat of a refund: approval %q, first %q", b.Text(38), a.Text(38))
	}
	c.wants(c.refund(s, 601), iso8583.ActionAmountLimitExceeded)
	c.wants(c.refund(s, 600), iso8583.ActionApproved)
	c.wants(c.reversal(s, 0), iso8583.ActionTooLate)

	unknown := s
	unknown.stan = 999
	c.wants(c.refund(unknown, 1), iso8583.ActionOriginalNotFound)

	refused := c.purchase(pcsim.CardRefundDeclined, 700)
	c.wants(refused.message(), iso8583.ActionApproved)
	c.wants(c.refund(refused, 700), iso8583.ActionDoNotHonor)
	c.wants(c.reversal(refused, 0), iso8583.ActionReversalAccepted)

	lost := c.purchase(pcsim.CardReversalAnswerLost, 50)
	c.wants(lost.message(), iso8583.ActionApproved)
	r := c.refund(lost, 50)
	c.silent(r)
	c.wants(r, iso8583.ActionApproved)

	next := c.purchase(pcsim.CardApproved, 5)
	c.wants(next.message(), iso8583.ActionApproved)
	clock.set(noon.AddDate(0, 0, 1))
	c.wants(c.reversal(next, 0), iso8583.ActionTooLate)

	books := center.Books().Currencies[byn]
	want := pcsim.Totals{
		Purchased:         pcsim.Line{Count: 4, Amount: 1755},
		PurchasesReversed: pcsim.Line{Count: 1, Amount: 700},
		Refunded:          pcsim.Line{Count: 3, Amount: 1050},
		Declined:          pcsim.Line{Count: 3, Amount: 1302},
	}
	if diff := cmp.Diff(want, books); diff != "" || books.Net() != 5 {
		t.Errorf("net %d, want 5; %s", books.Net(), diff)
	}
}

// TestOneSeedOneOutcome sends the same payments in another order with other trace numbers and wants the same decisions.
func TestOneSeedOneOutcome(t *testing.T) {
	behavior := pcsim.Behavior{Decline: 0.3, Twice: 0.1}
	run := func(seed uint64, shuffle int64) map[int]string {
		c := dial(t, start(t, pcsim.Options{Seed: seed, Behavior: behavior}))
		order := rand.New(rand.NewPCG(1, uint64(shuffle))).Perm(200)
		c.stan = int(shuffle) * 1000
		actions := map[int]string{}
		for _, i := range order {
			s := c.sale(seededCard(i), int64(1000+i))
			a := c.ask(s.message())
			actions[i] = a.Text(39)
			c.drain()
		}
		return actions
	}
	first, second, other := run(7, 1), run(7, 2), run(8, 1)
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("one seed, two outcomes:\n%s", diff)
	}
	if cmp.Equal(first, other) {
		t.Error("two seeds, one outcome")
	}
	declined := 0
	for _, action := range first {
		if action != iso8583.ActionApproved {
			declined++
		}
	}
	if declined < 40 || declined > 80 {
		t.Errorf("%d of 200 declined, want about 60", declined)
	}
}

func TestPipelinedRequestsOnManyConnections(t *testing.T) {
	center := start(t, pcsim.Options{Behavior: pcsim.Behavior{Latency: 20 * time.Millisecond}})
	const links, each = 8, 50
	done := make(chan error, links)
	for link := range links {
		c := dial(t, center)
		c.stan = link * 1000
		go func() { done <- c.pipeline(each) }()
	}
	for range links {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if got := center.Books().Currencies[byn].Authorized.Count; got != links*each {
		t.Errorf("%d authorizations booked, want %d", got, links*each)
	}
}

func TestMalformedBytesDoNotEndTheHost(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	if _, err := c.conn.Write([]byte("\x00\x05hello")); err != nil {
		t.Fatal(err)
	}
	c.wants(c.echo(), iso8583.ActionApproved)
	incomplete := iso8583.Online.NewMessage(iso8583.MTIAuthorizationRequest)
	incomplete.Set(11, "000001")
	c.wants(incomplete, iso8583.ActionSystemMalfunction)
}

func TestHostGoesDownAndComesBack(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardApproved, 1000)
	a := c.wants(s.message(), iso8583.ActionApproved)
	center.SetDown(true)
	if _, err := c.frames.Next(); err == nil {
		t.Error("the connection outlived the outage")
	}
	if frame, err := dial(t, center).frames.Next(); err == nil {
		t.Errorf("a host that is down sent %q", frame)
	}
	center.SetDown(false)
	c = dial(t, center)
	if again := c.wants(s.message(), iso8583.ActionApproved); again.Text(38) != a.Text(38) {
		t.Errorf("approval code %q after the outage, %q before", again.Text(38), a.Text(38))
	}
}

func TestBehaviorChangesWhileRunning(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	c.wants(c.sale(seededCard(1), 1000).message(), iso8583.ActionApproved)
	if err := center.SetBehavior(pcsim.Behavior{Decline: 2}); !errors.Is(err, pcsim.ErrOptions) {
		t.Errorf("a share of 2: %v", err)
	}
	if err := center.SetBehavior(pcsim.Behavior{Decline: 1}); err != nil {
		t.Fatal(err)
	}
	if a := c.ask(c.sale(seededCard(1), 1000).message()); a.Text(39) == iso8583.ActionApproved {
		t.Error("approved by a center that declines everything")
	}
}

func TestStartTwice(t *testing.T) {
	center := start(t, pcsim.Options{})
	if err := center.Start(); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("second start: %v", err)
	}
	if err := center.Close(); err != nil {
		t.Fatal(err)
	}
	if err := center.Start(); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("start after the end: %v", err)
	}
}

// TestSharesOfSilence wants each kind of missing answer near its share, and the books to agree with the answers.
func TestSharesOfSilence(t *testing.T) {
	center := start(t, pcsim.Options{Seed: 5, Behavior: pcsim.Behavior{Silent: 0.4, ReversalLost: 0.5}})
	c := dial(t, center)
	var answered, unanswered []sale
	for i := range 200 {
		s := c.sale(seededCard(i), 1000)
		c.send(s.message())
		e := c.echo()
		c.send(e)
		if a := c.receive(); a.Key() == e.Key() {
			unanswered = append(unanswered, s)
			continue
		}
		answered = append(answered, s)
		c.receive()
	}
	lost := 0
	for _, s := range unanswered {
		if a := c.ask(c.inquiry(s)); a.Text(39) == iso8583.ActionOriginalNotFound {
			lost++
		}
	}
	booked := int(center.Books().Currencies[byn].Authorized.Count)
	if booked != len(answered)+len(unanswered)-lost || len(unanswered) < 60 || len(unanswered) > 100 || lost < 20 {
		t.Errorf("%d answered, %d not, %d of them lost, %d booked", len(answered), len(unanswered), lost, booked)
	}
	silent := 0
	for _, s := range answered {
		r, e := c.reversal(s, 0), c.echo()
		c.send(r)
		c.send(e)
		if a := c.receive(); a.Key() == e.Key() {
			silent++
			c.wants(repeated(r), iso8583.ActionReversalAccepted)
			continue
		}
		c.receive()
	}
	if silent < len(answered)/3 || silent > 2*len(answered)/3 {
		t.Errorf("%d of %d reversals unanswered, want about half", silent, len(answered))
	}
}

func TestBadOptionsAreRefused(t *testing.T) {
	for name, opt := range map[string]pcsim.Options{
		"no member":         {},
		"member of zeros":   {MemberID: "00000000000"},
		"member of letters": {MemberID: "ABCDEFGHIJK"},
		"institution":       {MemberID: member, InstitutionID: "12345"},
		"name":              {MemberID: member, Name: "a/b"},
		"negative share":    {MemberID: member, Behavior: pcsim.Behavior{Decline: -0.1}},
		"shares above one":  {MemberID: member, Behavior: pcsim.Behavior{Silent: 0.6, Late: 0.6}},
		"negative delay":    {MemberID: member, Replies: pcsim.Replies{Delay: -1}},
	} {
		if _, err := pcsim.New(opt); !errors.Is(err, pcsim.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A center that tests its lines and keeps them alive: the other side sees echo tests, and its answers are counted.
func TestCenterTestsTheLine(t *testing.T) {
	center := start(t, pcsim.Options{EchoEvery: time.Millisecond, KeepAliveEvery: time.Millisecond})
	c := dial(t, center)
	asked := c.receive()
	if asked.MTI() != iso8583.MTINetworkRequest || asked.Text(24) != iso8583.FunctionEcho {
		t.Fatalf("the center sent %s", asked)
	}
	answer := iso8583.Online.NewMessage("")
	answer.Answer(asked)
	answer.Set(39, iso8583.ActionApproved)
	c.send(answer)
	c.send(c.echo())
	for c.receive().MTI() != iso8583.MTINetworkAnswer {
	}
	if n := center.Status().Echoed; n != 1 {
		t.Errorf("%d echo tests answered, want 1", n)
	}
}

// The center leaves a log of each period that is over, with what it approved and what became of it.
func TestCenterLeavesItsLog(t *testing.T) {
	now := newClock(noon)
	center := start(t, pcsim.Options{Name: "pc", Now: now.now, LogEvery: time.Hour, LogAfter: 15 * time.Minute})
	c := dial(t, center)
	if _, err := center.Process(t.Context(), now.now()); err != nil {
		t.Fatal(err)
	}
	held, gone := c.sale(pcsim.CardApproved, 700), c.sale(pcsim.CardApproved, 300)
	for _, s := range []sale{held, gone, c.sale(pcsim.CardInsufficientFunds, 100)} {
		c.send(s.message())
		c.receive()
	}
	c.wants(c.reversal(gone, 0), iso8583.ActionReversalAccepted)
	for _, at := range []time.Duration{74 * time.Minute, 75 * time.Minute} {
		now.set(noon.Add(at))
		if _, err := center.Process(t.Context(), now.now()); err != nil {
			t.Fatal(err)
		}
		names, err := center.List(pcsim.LogDir)
		if err != nil || len(names) != int(at/(75*time.Minute)) {
			t.Errorf("after %v: %v, %v", at, names, err)
		}
	}
	data, err := center.ReadFile("/log/AUTH_pc_20261120T120000_20261120T130000.log")
	if err != nil {
		t.Fatal(err)
	}
	l, err := authlog.Parse(data)
	if err != nil || len(l.Entries) != 2 || l.Entries[0].State != authlog.Held || l.Entries[1].State != authlog.Reversed || l.Entries[0].RRN != held.rrn {
		t.Errorf("%+v, %v", l, err)
	}
}
