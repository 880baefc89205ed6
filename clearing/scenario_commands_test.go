package clearing_test

import (
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/clearing"
	"settled/clearing/delivery"
	"settled/clearing/dial"
	"settled/clearing/states"
	"settled/internal/money"
	"settled/internal/pcsim"
	"settled/internal/postgres"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/epoch"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// story is a scenario that is being told.
type story struct {
	t      *testing.T
	w      *world
	orders map[string]int64
	read   int // reports of the center that were told
}

// commands of scenarios; each returns what it prints.
var commands = map[string]func(*story, []string) string{
	"center":       (*story).makeCenter, // [delimited] [removes-files] [dedupes] [reuses-numbers] [refuse-files=N] [withholds]
	"pay":          (*story).pay,        // NAME AMOUNT[CURRENCY] [sale-refused|sale-rejected|credit-refused]
	"cancel":       (*story).cancel,     // NAME [AMOUNT]
	"again":        (*story).again,      // NAME: presents a rejected record again
	"spoil":        (*story).spoil,      // NAME: its card does not open any more
	"advance":      (*story).advance,    // DURATION
	"cut-off":      (*story).cutOff,
	"seal":         (*story).seal,
	"build":        (*story).build,
	"fault":        (*story).fault,   // cut-after-rename|cut-before-rename|rename-lies|disk-full|refuse-login|none
	"deliver":      (*story).deliver, // one attempt for the file that is next
	"center-reads": (*story).centerReads,
	"replies":      (*story).replies, // withheld|given|twice|reversed
	"take":         (*story).take,    // fetches and applies
	"night":        (*story).night,   // steps night and center until nothing moves
	"step":         (*story).step,    // one step of the night
	"lose":         (*story).lose,    // FILE: the center loses it
	"resend":       (*story).resend,  // FILE REASON
	"rebuild":      (*story).rebuild,
	"mark":         (*story).mark,  // FILE EVIDENCE
	"doubt":        (*story).doubt, // the books may lack the last hour
	"resume":       (*story).resume,
	"history":      (*story).history, // FILE
	"show":         (*story).show,    // files
	"books":        (*story).books,
}

func (s *story) run(line string) string {
	words := strings.Fields(line)
	command := commands[words[0]]
	if command == nil {
		s.t.Fatalf("no command %q", words[0])
	}
	if s.w == nil && words[0] != "center" {
		s.makeCenter(nil)
	}
	return command(s, words[1:])
}

// said is the innermost error, empty for none.
func said(err error) string {
	if err == nil {
		return ""
	}
	for _, known := range []error{states.ErrState, states.ErrOrder, states.ErrNotDue, states.ErrHeld, dial.ErrParked, delivery.ErrReason} {
		if errors.Is(err, known) {
			return known.Error() + "\n"
		}
	}
	return "failed\n"
}

func (s *story) makeCenter(words []string) string {
	has := func(word string) bool { return slices.Contains(words, word) }
	s.w = newWorld(s.t, func(p *clearing.Profile, o *pcsim.Options) {
		if has("delimited") {
			delimited(s.t, nil, pcsim.Delimited{})(p, o)
		}
		p.RemovesFiles, o.RemovesFiles = has("removes-files"), has("removes-files")
		p.ReuseNumber, o.ReuseRejected = has("reuses-numbers"), has("reuses-numbers")
		p.DedupesByFileID, o.Replies.Withhold = has("dedupes"), has("withholds")
		if has("refuses-the-first-file") {
			o.Behavior.RefuseFiles = 1
		}
	})
	return ""
}

// amount reads 12.34 or 12.34EUR.
func (s *story) amount(text string) money.Amount {
	currency := "BYN"
	if i := strings.IndexFunc(text, func(r rune) bool { return r >= 'A' && r <= 'Z' }); i > 0 {
		text, currency = text[:i], text[i:]
	}
	c, err := money.ParseCurrency(currency)
	check(s.t, err)
	minor, err := strconv.ParseInt(strings.Replace(text, ".", "", 1), 10, 64)
	check(s.t, err)
	return money.Amount{Minor: minor, Currency: c}
}

var cards = map[string]string{"sale-refused": pcsim.CardSaleRefused, "sale-rejected": pcsim.CardSaleRejected, "credit-refused": pcsim.CardCreditRefused}

func (s *story) pay(words []string) string {
	card := pcsim.CardApproved
	if len(words) > 2 {
		card = cards[words[2]]
	}
	s.orders[words[0]] = s.w.pay(s.amount(words[1]), card)
	return ""
}

func (s *story) cancel(words []string) string {
	r := settle.CancelRequest{Merchant: settletest.Merchant, Order: s.orders[words[0]], Actor: settle.ByMerchant}
	if len(words) > 1 {
		a := s.amount(words[1])
		r.Amount = &a
	}
	_, err := s.w.Books.Cancel(s.t.Context(), r)
	check(s.t, err)
	return ""
}

func (s *story) again(words []string) string {
	_, err := s.w.Books.Represent(s.t.Context(), s.w.rejectOf(s.orders[words[0]]))
	check(s.t, err)
	return ""
}

func (s *story) spoil(words []string) string {
	_, err := pgtest.Owner(s.t, s.w.Pool).Exec(s.t.Context(),
		`UPDATE records SET card = (SELECT card FROM records WHERE order_id <> $1 LIMIT 1) WHERE order_id = $1`, s.orders[words[0]])
	check(s.t, err)
	return ""
}

func (s *story) advance(words []string) string {
	d, err := time.ParseDuration(words[0])
	check(s.t, err)
	s.w.Clock.Advance(d)
	return s.w.Clock.Now().UTC().Format(time.RFC3339) + "\n"
}

func (s *story) cutOff([]string) string {
	s.w.cutoff()
	return s.w.Clock.Now().UTC().Format(time.RFC3339) + "\n"
}

func (s *story) seal([]string) string {
	n, err := s.w.night.SealDue(s.t.Context(), s.w.Clock.Now())
	out := fmt.Sprintf("%d windows\n%s", n, said(err))
	batches, _, err := s.w.night.Batches(s.t.Context(), clearing.Query{State: string(states.BatchSealed)})
	check(s.t, err)
	slices.Reverse(batches.Rows)
	for _, b := range batches.Rows {
		out += fmt.Sprintf("batch %d of %d in %s: %v\n", b.Part, b.Parts, b.CurrencyCode, b.Sum)
	}
	return out
}

func (s *story) build([]string) string {
	n, err := s.w.night.BuildDue(s.t.Context(), s.w.Clock.Now())
	return fmt.Sprintf("%d files\n%s", n, said(err)) + s.show(nil)
}

var faults = map[string]pcsim.Faults{"none": {}, "cut-after-rename": {CutAfterRename: true}, "cut-before-rename": {CutBeforeRename: true},
	"rename-lies": {RenameLies: true}, "disk-full": {DiskFullAt: 100}, "refuse-login": {RefuseLogin: true}, "list-denied": {ListDenied: true}}

func (s *story) fault(words []string) string {
	f, known := faults[words[0]]
	if !known {
		s.t.Fatalf("no fault %q", words[0])
	}
	s.w.center.SetFaults(f)
	return ""
}

// deliver makes one attempt for each file that the night says is due, as a queue does.
func (s *story) deliver([]string) string {
	due, err := s.w.night.Due(s.t.Context(), s.w.Clock.Now())
	check(s.t, err)
	out := fmt.Sprintf("%d due\n", len(due.Deliver))
	for _, id := range due.Deliver {
		if err := s.w.night.Delivery.Deliver(s.t.Context(), id); err != nil {
			f, unread := s.w.night.File(s.t.Context(), id)
			check(s.t, unread)
			out += fmt.Sprintf("failed: %s\n", f.ErrorClass)
		}
	}
	return out + s.show(nil)
}

func (s *story) centerReads([]string) string {
	_, err := s.w.center.Process(s.t.Context(), s.w.Clock.Now())
	check(s.t, err)
	return s.reports()
}

// reports tells what the center did with files since it was last told.
func (s *story) reports() (out string) {
	all := s.w.center.Reports()
	for _, r := range all[s.read:] {
		if r.Reject != "" {
			out += fmt.Sprintf("center refuses %s: %s\n", r.Name, r.Reject)
			continue
		}
		out += fmt.Sprintf("center takes %s: %d accepted, %d refused\n", r.Name, r.Accepted, r.Rejected)
	}
	s.read = len(all)
	return out
}

func (s *story) replies(words []string) string {
	s.w.center.SetReplies(map[string]pcsim.Replies{"withheld": {Withhold: true}, "given": {}, "twice": {Twice: true}, "reversed": {Reverse: true}}[words[0]])
	return ""
}

func (s *story) take([]string) string {
	before := query[int64](s.w, `SELECT coalesce(max(reply_id), 0) FROM replies`)
	s.w.take()
	return s.decided(before)
}

// decided tells of the replies after one.
func (s *story) decided(before int64) (out string) {
	all, err := s.w.night.Replies(s.t.Context(), clearing.Query{})
	check(s.t, err)
	slices.Reverse(all.Rows)
	for _, r := range all.Rows {
		if r.ID <= before {
			continue
		}
		out += fmt.Sprintf("%s: %s, %d accepted, %d rejected", r.Name, r.State, r.Accepted, r.Rejected)
		if r.Reason != "" {
			out += ", " + r.Reason
		}
		out += "\n"
	}
	return out
}

func (s *story) night([]string) string {
	before := query[int64](s.w, `SELECT coalesce(max(reply_id), 0) FROM replies`)
	s.w.settleDown()
	return s.reports() + s.decided(before) + s.show(nil)
}

func (s *story) step([]string) string {
	before := query[int64](s.w, `SELECT coalesce(max(reply_id), 0) FROM replies`)
	_, err := s.w.night.Step(s.t.Context())
	return said(err) + s.decided(before) + s.show(nil)
}

func (s *story) lose(words []string) string {
	check(s.t, s.w.center.Remove(path.Join(pcsim.InDir, s.w.fileNamed(words[0]).Name)))
	return ""
}

func (s *story) resend(words []string) string {
	found, err := s.w.night.Delivery.Resend(s.t.Context(), s.w.fileNamed(words[0]).ID, strings.Join(words[1:], " "))
	return fmt.Sprintf("at the center: %s\n%s", found.Found, said(err)) + s.show(nil)
}

func (s *story) rebuild([]string) string {
	_, err := s.w.night.Rebuild(s.t.Context(), s.w.file().Batch)
	return said(err) + s.show(nil)
}

func (s *story) mark(words []string) string {
	return said(s.w.night.Delivery.MarkDelivered(s.t.Context(), s.w.fileNamed(words[0]).ID, strings.Join(words[1:], " "))) + s.show(nil)
}

// doubt begins an epoch in which the books may lack the last hour, as after a fail-over.
func (s *story) doubt([]string) string {
	now := s.w.Clock.Now()
	_, err := pgtest.Owner(s.t, s.w.Pool).Exec(s.t.Context(), `INSERT INTO epochs (epoch, begun_at, since, alive_at, looks, identity, cause, state)
		VALUES (1, $1, $2, $1, true, server_identity(), 'promoted', 'running')`, now, now.Add(-time.Hour))
	check(s.t, err)
	s.w.Clock.Advance(time.Second)
	return ""
}

// resume is a person who looked, and lets the night go on.
func (s *story) resume([]string) string {
	v, err := s.w.night.Survey(s.t.Context(), settletest.FileCenter)
	check(s.t, err)
	check(s.t, postgres.InTx(s.t.Context(), s.w.Pool, postgres.Key{Name: "resume"}, func(tx pgx.Tx) error {
		if err := epoch.Resume(s.t.Context(), tx, 1, "a person looked"); err != nil {
			return err
		}
		return s.w.night.AfterRestore(s.t.Context(), tx, v, nil)
	}))
	return fmt.Sprintf("%d lost, blind: %s\n", len(v.Lost), v.Blind)
}

// show tells where every file stands.
func (s *story) show([]string) (out string) {
	all, err := s.w.night.Files(s.t.Context(), clearing.Query{})
	check(s.t, err)
	slices.Reverse(all.Rows)
	for _, f := range all.Rows {
		out += fmt.Sprintf("%s %s: %s", f.Name, f.LogicalID, f.State)
		if f.Messages != nil {
			out += fmt.Sprintf(", %d messages", *f.Messages)
		}
		if f.Proof != "" {
			out += ", by " + f.Proof
		}
		if f.Attempts > 1 || f.Resends > 0 {
			out += fmt.Sprintf(", attempts %d, sent again %d", f.Attempts, f.Resends)
		}
		if f.Frozen {
			out += ", frozen"
		}
		out += "\n"
	}
	return out
}

// history tells how often a file was tried, and why it was sent again.
func (s *story) history(words []string) string {
	v, err := s.w.night.File(s.t.Context(), s.w.fileNamed(words[0]).ID)
	check(s.t, err)
	out := fmt.Sprintf("%d attempts\n", len(v.Deliveries))
	for _, r := range v.SentAgain {
		out += fmt.Sprintf("sent again from %s by %s: %s\n", r.FromState, r.Proof, r.Reason)
	}
	return out
}

// books tells the balances in BYN, what was rejected, and the breaks that are open.
func (s *story) books([]string) (out string) {
	balances := s.w.balances()
	for _, code := range slices.Sorted(maps.Keys(balances)) {
		out += fmt.Sprintf("%d %s\n", code, byn(balances[code]).Decimal())
	}
	rows, err := s.w.Pool.Query(s.t.Context(), `SELECT format('%s: %s %s', class, code, state) FROM rejects ORDER BY record_id`)
	check(s.t, err)
	rejects, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(s.t, err)
	rows, err = s.w.Pool.Query(s.t.Context(), `SELECT format('break %s', category) FROM breaks WHERE closed_at IS NULL ORDER BY break_id`)
	check(s.t, err)
	breaks, err := pgx.CollectRows(rows, pgx.RowTo[string])
	check(s.t, err)
	for _, line := range append(rejects, breaks...) {
		out += line + "\n"
	}
	return out
}
