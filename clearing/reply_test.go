package clearing_test

import (
	"bytes"
	"fmt"
	"path"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/files"
	"settled/clearing/states"
	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
	"settled/settle"
	"settled/settle/settletest"
)

// delivered seals, builds and delivers a night of the given amounts that the center never answers by itself.
func (w *world) delivered(amounts ...int64) files.File {
	w.t.Helper()
	for _, a := range amounts {
		w.number++
		w.Pay(w.t, settletest.Payment{Number: fmt.Sprint("D-", w.number), Amount: byn(a)})
	}
	w.cutoff()
	w.buildAll()
	_, err := w.night.Delivery.DeliverDue(w.t.Context(), settletest.FileCenter, w.Clock.Now())
	check(w.t, err)
	f := w.file()
	if f.State != states.FileDelivered {
		w.t.Fatalf("file is %s: %s", f.State, f.LastError)
	}
	return f
}

// answer is a reply as a test writes it.
type answer struct {
	number uint32 // of the reply
	mode   ipm.Mode
	write  func(*ipm.ReplyWriter) error
}

func (a answer) bytes(t testing.TB, p ipm.Profile) []byte {
	t.Helper()
	var b bytes.Buffer
	p.Mode = a.mode
	rw := ipm.NewReplyWriter(&b, p, ipm.Routing{Destination: "12345", Originator: "999999", Receiving: "12345"})
	check(t, rw.WriteHeader(ipm.FileID{Type: ipm.FromCenter, Date: 260302, Member: 12345, Sequence: a.number}))
	check(t, a.write(rw))
	_, err := rw.Close()
	check(t, err)
	return b.Bytes()
}

func idOf(t testing.TB, f files.File) ipm.FileID {
	t.Helper()
	id, err := ipm.ParseFileID(f.LogicalID)
	check(t, err)
	return id
}

// position accounts for accepted sales.
func position(id ipm.FileID, count, amount int64) *ipm.Position {
	return &ipm.Position{Source: id, MTI: "1240", Function: "200", ProcessingCode: "00", Currency: 933, Credits: ipm.Sum{Count: count, Amount: amount}}
}

func refusalOf(id ipm.FileID, message int64, code uint16, shown []byte) *ipm.Exception {
	return &ipm.Exception{Faults: []ipm.Fault{{Element: 31, Code: code}}, Source: id, SourceMessage: message, Copy: shown}
}

// answers puts a reply to f into the inbox and lets the night take it.
func (w *world) answers(f files.File, name string, data []byte) clearing.Reply {
	w.t.Helper()
	w.put(f, name, data)
	w.take()
	replies, err := w.night.Replies(w.t.Context(), clearing.Query{})
	check(w.t, err)
	for _, r := range replies.Rows {
		if strings.HasSuffix(r.Name, "_"+name+".ipm") {
			return r
		}
	}
	return clearing.Reply{}
}

func (w *world) put(f files.File, name string, data []byte) {
	w.t.Helper()
	check(w.t, w.center.WriteFile(path.Join(pcsim.OutDir, "RPY_"+strings.TrimSuffix(f.Name, ".ipm")+"_"+name+".ipm"), data))
}

// take looks twice and applies.
func (w *world) take() {
	w.t.Helper()
	for range 2 {
		_, err := w.night.Inbox.Fetch(w.t.Context(), settletest.FileCenter)
		check(w.t, err)
	}
	_, err := w.night.ApplyReplies(w.t.Context(), w.Clock.Now())
	check(w.t, err)
}

// rejectOne is the right answer to a night of three sales of which the second was refused.
func rejectOne(id ipm.FileID) func(*ipm.ReplyWriter) error {
	return refusals(position(id, 2, 400), refusalOf(id, 3, 7001, nil))
}

func TestVerdictIsAppliedOnce(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) {
		p.RejectClasses = []clearing.CodeRange{{From: 7000, To: 7999, Class: "technical"}}
	})
	f := w.delivered(100, 200, 300)
	good := answer{number: 1, write: rejectOne(idOf(t, f))}
	if r := w.answers(f, "1", good.bytes(t, ipm.Profile{})); r.State != "applied" || r.Accepted != 2 || r.Rejected != 1 {
		t.Fatalf("%+v", r)
	}
	v, err := w.night.Batch(t.Context(), f.Batch)
	check(t, err)
	if v.State != "replied" || len(v.Rejects) != 1 || v.Rejects[0].Amount != 200 || v.Rejects[0].Class != "technical" || v.Rejects[0].Code != "D0031 7001" {
		t.Errorf("%+v", v)
	}
	after := w.balances()
	t.Log(after)
	if after[1130] != 200 || after[1110] != 0 || after[1100] != 0 {
		t.Errorf("balances %v", after)
	}
	again := answer{number: 2, write: good.write}
	other := answer{number: 3, write: func(rw *ipm.ReplyWriter) error {
		return rw.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 3, 600)})
	}}
	for name, want := range map[string]struct {
		data  []byte
		state string
	}{
		"2": {good.bytes(t, ipm.Profile{}), ""}, // the same bytes are not stored again
		"3": {again.bytes(t, ipm.Profile{}), "duplicate"},
		"4": {other.bytes(t, ipm.Profile{}), "quarantined"},
	} {
		if r := w.answers(f, name, want.data); r.State != states.ReplyState(want.state) {
			t.Errorf("reply %s is %q (%s), want %q", name, r.State, r.Reason, want.state)
		}
	}
	if n := query[int](w, `SELECT count(*) FROM inbox_files WHERE state = 'duplicate'`); n != 1 {
		t.Errorf("%d names known as duplicates", n)
	}
	if got := w.balances(); fmt.Sprint(got) != fmt.Sprint(after) {
		t.Errorf("balances changed from %v to %v", after, got)
	}
}

// impossible is a reply that cannot be applied, and what is to be said of it.
type impossible struct {
	name   string
	line   int64
	reason string
	mode   ipm.Mode
	write  func(*ipm.ReplyWriter) error
}

// positions writes positions, in order.
func positions(all ...*ipm.Position) func(*ipm.ReplyWriter) error {
	return func(r *ipm.ReplyWriter) error {
		for _, p := range all {
			if err := r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *p}); err != nil {
				return err
			}
		}
		return nil
	}
}

// refusals writes exceptions and then a position.
func refusals(p *ipm.Position, all ...*ipm.Exception) func(*ipm.ReplyWriter) error {
	return func(r *ipm.ReplyWriter) error {
		for _, x := range all {
			if err := r.Write(&ipm.Reply{Kind: ipm.MessageException, Exception: *x}); err != nil {
				return err
			}
		}
		return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *p})
	}
}

// impossibleReplies to a night of 1.00, 2.00 and 3.00; shown is the message of the first.
func impossibleReplies(id ipm.FileID, shown []byte) []impossible {
	stranger, euro, reversed, against := id, position(id, 3, 600), position(id, 3, 600), position(id, 0, 0)
	stranger.Sequence = 77
	euro.Currency = 978
	reversed.Reversal = true
	against.Debits = ipm.Sum{Count: 3, Amount: 600}
	return []impossible{
		{"one record short", 2, "accepted should be", 0, positions(position(id, 2, 600))},
		{"one minor unit short", 2, "accepted should be", 0, positions(position(id, 3, 599))},
		{"nothing said", 2, "accepted should be", 0, positions()},
		{"other currency", 2, "the file was in BYN", 0, positions(euro)},
		{"reversals", 2, "do not send", 0, positions(reversed)},
		{"sales against us", 2, "wrong side", 0, positions(against)},
		{"unknown file", 2, "did not send", 0, positions(position(stranger, 3, 600))},
		{"two files", 3, "entries are about", 0, positions(position(id, 3, 600), position(stranger, 1, 1))},
		{"test mode", 1, "processing mode", ipm.Test, positions(position(id, 3, 600))},
		{"copy of another record", 2, "not the one", 0, refusals(position(id, 2, 400), refusalOf(id, 3, 1, shown))},
		{"mostly rejects", 4, "a person must agree", 0, refusals(position(id, 1, 300), refusalOf(id, 2, 1, nil), refusalOf(id, 3, 1, nil))},
	}
}

// TestRepliesThatCannotBe are each quarantined with a line and a reason, and change nothing; then a person lets one through.
func TestRepliesThatCannotBe(t *testing.T) {
	w := newWorld(t, func(p *clearing.Profile, _ *pcsim.Options) { p.MaxRejects = 0.5 })
	f := w.delivered(100, 200, 300)
	before := w.balances()
	for i, tt := range impossibleReplies(idOf(t, f), w.messages(f)[1]) {
		a := answer{number: uint32(i + 1), mode: tt.mode, write: tt.write}
		r := w.answers(f, fmt.Sprint(i+1), a.bytes(t, ipm.Profile{}))
		if r.State != "quarantined" || r.Line != tt.line || !strings.Contains(r.Reason, tt.reason) {
			t.Errorf("%s: %s, line %d: %s", tt.name, r.State, r.Line, r.Reason)
		}
	}
	if got := w.balances(); fmt.Sprint(got) != fmt.Sprint(before) || query[int](w, `SELECT count(*) FROM rejects`) != 0 {
		t.Errorf("balances changed from %v to %v", before, got)
	}
	last, err := w.night.Replies(t.Context(), clearing.Query{})
	check(t, err)
	check(t, w.night.Reconsider(t.Context(), last.Rows[0].ID, true))
	w.take()
	if r, err := w.night.Reply(t.Context(), last.Rows[0].ID); err != nil || r.State != "applied" || r.Rejected != 2 || !r.Forced {
		t.Errorf("forced: %+v, %v", r, err)
	}
}

// messages are the messages of a file as they were sent.
func (w *world) messages(f files.File) [][]byte {
	w.t.Helper()
	var out [][]byte
	data := w.bytesOf(f)
	for {
		size := int(data[0])<<24 | int(data[1])<<16 | int(data[2])<<8 | int(data[3])
		if size == 0 {
			return out
		}
		out = append(out, data[4:4+size])
		data = data[4+size:]
	}
}

// TestReplyCutAnywhere offers every beginning of a good reply. None is applied, and the whole one is.
func TestReplyCutAnywhere(t *testing.T) {
	w := newWorld(t, nil)
	f := w.delivered(100, 200, 300)
	data := answer{number: 1, write: rejectOne(idOf(t, f))}.bytes(t, ipm.Profile{})
	const terminator = 4 // a file without it is whole: its trailer says so
	for k := range data {
		if k != len(data)-terminator {
			w.put(f, fmt.Sprint(k), data[:k])
		}
	}
	w.take()
	if n := query[int](w, `SELECT count(*) FROM replies`); n != 0 {
		t.Errorf("%d half-written replies were taken", n)
	}
	w.Clock.Advance(15 * time.Minute)
	w.take()
	if n := query[int](w, `SELECT count(*) FROM replies WHERE state <> 'quarantined'`); n != 0 {
		t.Errorf("%d cut replies were not quarantined", n)
	}
	if n := query[int](w, `SELECT count(*) FROM replies`); n != len(data)-1 {
		t.Errorf("%d replies of %d", n, len(data)-1)
	}
	if w.file().State != states.FileDelivered {
		t.Error("a cut reply was applied")
	}
	if r := w.answers(f, "9999", data); r.State != "applied" {
		t.Errorf("%+v", r)
	}
}

// TestReplyOfAnUnprovenDelivery: a reply is a proof, and one to a file that was never sent is none.
func TestReplyOfAnUnprovenDelivery(t *testing.T) {
	w := newWorld(t, nil)
	w.Pay(t, settletest.Payment{Number: "1", Amount: byn(100)})
	w.cutoff()
	w.buildAll()
	f := w.file()
	good := func(n uint32) []byte {
		return answer{number: n, write: func(r *ipm.ReplyWriter) error {
			return r.Write(&ipm.Reply{Kind: ipm.PositionDetail, Position: *position(idOf(t, f), 1, 100)})
		}}.bytes(t, ipm.Profile{})
	}
	if r := w.answers(f, "1", good(1)); r.State != "quarantined" || !strings.Contains(r.Reason, "never sent") {
		t.Errorf("%+v", r)
	}
	w.center.SetFaults(pcsim.Faults{CutAfterRename: true})
	_ = w.night.Delivery.Deliver(t.Context(), f.ID)
	w.center.SetFaults(pcsim.Faults{})
	if r := w.answers(f, "2", good(2)); r.State != "applied" {
		t.Errorf("%+v", r)
	}
	if f = w.file(); f.State != states.FileReplied || f.Proof != "reply" {
		t.Errorf("file is %s by %s", f.State, f.Proof)
	}
}

func TestUnknownRecordsBecomeBreaks(t *testing.T) {
	w := newWorld(t, func(_ *clearing.Profile, o *pcsim.Options) { o.Replies.UnknownRecord = true })
	w.pay(byn(100), pcsim.CardApproved)
	w.pay(byn(200), pcsim.CardSaleRefused)
	w.cutoff()
	w.settleDown()
	w.acceptedBooks(1, 1)
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-02'`); n != 1 {
		t.Errorf("%d breaks", n)
	}
}

func (w *world) acceptedBooks(accepted, rejected int) {
	w.t.Helper()
	if a, r := query[int](w, `SELECT coalesce(sum(accepted), 0) FROM replies`), query[int](w, `SELECT count(*) FROM rejects`); a != accepted || r != rejected {
		w.t.Errorf("%d accepted and %d rejected, want %d and %d", a, r, accepted, rejected)
	}
}

// TestTheBooksAreProvenAfterANight: the auditor finds nothing after a night with a reject, a void, and refunds.
func TestTheBooksAreProvenAfterANight(t *testing.T) {
	w := newWorld(t, nil)
	sold := w.pay(byn(10_000), pcsim.CardApproved)
	w.pay(byn(4_000), pcsim.CardSaleRefused)
	void := w.pay(byn(500), pcsim.CardApproved)
	cancel := func(order, back int64) {
		a := byn(back)
		_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: order, Amount: &a, Actor: settle.ByMerchant})
		check(t, err)
	}
	cancel(void, 500)
	w.audited()
	w.cutoff()
	w.buildAll()
	w.audited()
	w.settleDown()
	w.audited()
	cancel(sold, 2_500)
	w.cutoff()
	w.settleDown()
	w.audited()
}

// TestCenterOddities: what pcsim does to its replies changes nothing in the end.
func TestCenterOddities(t *testing.T) {
	for name, odd := range map[string]pcsim.Replies{
		"twice": {Twice: true}, "truncated first": {TruncatedFirst: true}, "reverse": {Reverse: true}, "late": {Delay: 90 * time.Minute},
	} {
		for blocked := range 2 {
			t.Run(fmt.Sprint(name, " blocked ", blocked), func(t *testing.T) {
				t.Parallel()
				w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
					o.Replies, p.Format = odd, inForm(t, ipm.Profile{Blocked: blocked == 1})
				})
				w.pay(byn(100), pcsim.CardApproved)
				w.pay(eur(300), pcsim.CardApproved)
				w.pay(byn(200), pcsim.CardSaleRefused)
				w.cutoff()
				w.settleDown()
				w.heal()
				w.acceptedBooks(2, 1)
			})
		}
	}
}

// TestForms runs a night in each form that centers ask for, with a reject that carries a copy.
func TestForms(t *testing.T) {
	for _, charset := range []*iso8583.Charset{iso8583.ASCII, iso8583.CP500} {
		for _, dialect := range []ipm.Dialect{ipm.Standard, ipm.SmartVista} {
			for _, blocked := range []bool{false, true} {
				t.Run(fmt.Sprintf("%s %d %t", charset.Name(), dialect, blocked), func(t *testing.T) {
					t.Parallel()
					w := newWorld(t, func(p *clearing.Profile, o *pcsim.Options) {
						p.Format = inForm(t, ipm.Profile{Charset: charset, Dialect: dialect, Blocked: blocked})
					})
					w.pay(byn(100), pcsim.CardApproved)
					w.pay(byn(200), pcsim.CardSaleRefused)
					w.cutoff()
					w.settleDown()
					w.acceptedBooks(1, 1)
				})
			}
		}
	}
}

// TestRefundsOfANight: accepted credits give interchange and, where the contract says so, the price back.
func TestRefundsOfANight(t *testing.T) {
	w := newWorld(t, nil)
	m, _ := w.Dir.Merchant(settletest.Merchant)
	m.Routes[0].ReturnMDR = true
	w.Reconfigure(t)
	full := w.pay(byn(10_000), pcsim.CardApproved)
	refused := w.pay(byn(4_000), pcsim.CardCreditRefused)
	w.cutoff()
	w.settleDown()
	for order, back := range map[int64]int64{full: 5_000, refused: 4_000} {
		a := byn(back)
		_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: order, Amount: &a, Actor: settle.ByMerchant})
		check(t, err)
	}
	w.cutoff()
	w.settleDown()
	w.acceptedBooks(3, 1)
	got := w.balances()
	want := map[int]int64{
		1120: 14_000 - 168 - 14 - 10 - 5_000 - 5 + 60, // sales less costs, the credit less its processing, interchange back
		1130: -4_000,                                  // the refused credit
		2010: -(14_000 - 350 - 9_000),
		2020: -125, // half of the price of the first sale
		4010: -(350 - 125),
		5010: 168 - 60, 5020: 14, 5030: 15,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	if n := query[int64](w, `SELECT available FROM funds`); n != 125 {
		t.Errorf("available %d", n)
	}
}

// TestCreditOfARejectedSale: the cancel came before the reject was known.
func TestCreditOfARejectedSale(t *testing.T) {
	w := newWorld(t, func(_ *clearing.Profile, o *pcsim.Options) { o.Replies.Delay = 10 * time.Hour })
	id := w.pay(byn(200), pcsim.CardSaleRefused)
	w.cutoff()
	w.settleDown()
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
	check(t, err)
	w.Clock.Advance(11 * time.Hour)
	w.settleDown()
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-06' AND order_ref = $1`, id); n != 1 {
		t.Errorf("%d breaks", n)
	}
}

func TestOverdueReplyIsABreak(t *testing.T) {
	w := newWorld(t, func(_ *clearing.Profile, o *pcsim.Options) { o.Replies.Withhold = true })
	w.pay(byn(200), pcsim.CardApproved)
	w.cutoff()
	w.settleDown()
	w.Clock.Advance(13 * time.Hour)
	w.settleDown()
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-03' AND closed_at IS NULL`); n != 1 {
		t.Errorf("%d breaks", n)
	}
	w.center.SetReplies(pcsim.Replies{})
	w.heal()
	if n := query[int](w, `SELECT count(*) FROM breaks WHERE category = 'B-03' AND closed_at IS NULL`); n != 0 {
		t.Errorf("%d breaks open after the reply", n)
	}
}

func TestStrangersInTheInbox(t *testing.T) {
	w := newWorld(t, nil)
	for _, name := range []string{"README.txt", "-rf", "RPY_x_1.ipm.exe", strings.Repeat("n", 300)} {
		check(t, w.center.WriteFile(path.Join(pcsim.OutDir, name), []byte("hello")))
	}
	for range 3 {
		w.take()
	}
	if n := query[int](w, `SELECT count(*) FROM inbox_files WHERE state = 'ignored' AND listings = 1`); n != 4 {
		t.Errorf("%d strangers noted once", n)
	}
	if names, _ := w.center.List(pcsim.OutDir); len(names) != 4 {
		t.Errorf("left: %v", names)
	}
}
