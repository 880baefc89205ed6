package settle_test

import (
	"fmt"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres"
	"settled/settle"
	"settled/settle/audit"
	"settled/settle/ledger"
	"settled/settle/order"
	"settled/settle/settletest"

	"github.com/jackc/pgx/v5"
)

// story is the state of a scenario.
type story struct {
	t        *testing.T
	world    *settletest.World
	orders   map[string]int64
	merchant map[string]int32
	payments map[string]*settle.Payment
	batches  []int64
	rejects  map[string]settle.RejectedRecord
	marked   map[string]int64
	manual   int64
}

// commands of scenarios, by name. Amounts are in the order's currency, BYN where none is named.
var commands = map[string]func(*story, arguments) string{
	"world":     (*story).makeWorld, // [costless] [free] [online] [return-mdr] [invoiced] [mdr-invoiced] [release-on-final]
	"reprice":   (*story).reprice,   // BPS: what every center and contract charges from here on
	"pay":       (*story).pay,       // NUMBER AMOUNT [CURRENCY] [two-stage] [declined] [merchant=other]
	"begin":     (*story).begin,     // as pay: the answer is still out
	"finish":    (*story).finish,    // NUMBER [declined]
	"give-up":   (*story).giveUp,    // NUMBER: no answer in time
	"late":      (*story).late,      // NUMBER: an approval after the end
	"confirm":   (*story).confirm,   // NUMBER [AMOUNT] [autodeposit] [key=K]
	"told":      (*story).told,      // NUMBER OPERATION: the merchant is handed the answer
	"cancel":    (*story).cancel,    // NUMBER [AMOUNT] [key=K]
	"answer":    (*story).answer,    // done|refused|too-late|original|nothing: to every message that is due
	"advance":   (*story).advance,   // DURATION
	"expire":    (*story).expire,    // the sweep of holds
	"seal":      (*story).seal,      // [center=plain]: moves the clock to the cut-off
	"accept":    (*story).accept,    // [reject=NUMBER.SLICE[.credit],...]: the verdict on the sealed batches
	"represent": (*story).represent, // NUMBER.SLICE[.credit]
	"abandon":   (*story).abandon,   // NUMBER.SLICE.credit
	"funded":    (*story).funded,    // the money of all sealed windows is available
	"post":      (*story).post,      // RULE AMOUNT [CURRENCY]: a journal by hand, in minor units
	"mark":      (*story).mark,      // balances are counted from here
	"balances":  (*story).balances,  // of all accounts that are not zero, in minor units
	"show":      (*story).show,      // NUMBER: state, amounts, operations, exchanges
	"journals":  (*story).journals,  // NUMBER: the postings of an order
	"explain":   (*story).explain,   // NUMBER: as `settled order show`
	"breaks":    (*story).breaks,    // that are open
	"audit":     (*story).audit,     // every invariant
}

func (s *story) run(line string) string {
	name, a := parseLine(line)
	do, ok := commands[name]
	if !ok {
		s.t.Fatalf("unknown command %q", line)
	}
	if s.world == nil && name != "world" {
		s.makeWorld(arguments{})
	}
	text := do(s, a)
	if text != "" && !strings.HasSuffix(text, "\n") {
		text += "\n"
	}
	return text
}

func (s *story) check(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// makeWorld makes a world whose centers charge nothing (costless), whose merchants pay nothing either (free), whose centers
// take refunds online only or release what is left on a final record, and whose contracts give the MDR of a refund back.
func (s *story) makeWorld(a arguments) string {
	costless, free, online, back := a.flag("costless"), a.flag("free"), a.flag("online"), a.flag("return-mdr")
	final, invoiced, billed := a.flag("release-on-final"), a.flag("invoiced"), a.flag("mdr-invoiced")
	s.world = settletest.New(s.t, func(d *settle.Directory) {
		for _, c := range d.Centers() {
			if costless || free {
				c.Costs = settle.Costs{}
			}
			c.Capabilities.ReleaseOnFinal, c.Costs.Invoiced = final, invoiced
			if online {
				c.Capabilities.Refund = order.RefundByOnline
			}
		}
		for _, m := range d.Merchants() {
			for i := range m.Routes {
				m.Routes[i].ReturnMDR, m.Routes[i].MDRInvoiced = back, billed
				if free {
					m.Routes[i].MDRBPS = 0
				}
			}
		}
	})
	s.merchant, s.payments, s.rejects, s.marked = map[string]int32{}, map[string]*settle.Payment{}, map[string]settle.RejectedRecord{}, map[string]int64{}
	return ""
}

func (s *story) reprice(a arguments) string {
	bps, err := strconv.ParseInt(a.word(0), 10, 64)
	s.check(err)
	for _, c := range s.world.Dir.Centers() {
		c.Costs = settle.Costs{InterchangeBPS: bps, SchemeBPS: bps, Processing: bps}
	}
	for _, m := range s.world.Dir.Merchants() {
		for i := range m.Routes {
			m.Routes[i].MDRBPS = bps
		}
	}
	s.world.Reconfigure(s.t)
	return ""
}

func (s *story) amount(text, currency string) money.Amount {
	s.t.Helper()
	if currency == "" {
		currency = "BYN"
	}
	c, err := money.ParseCurrency(currency)
	s.check(err)
	out, err := money.Parse(text, c)
	s.check(err)
	return out
}

func (s *story) begin(a arguments) string {
	p := settletest.Payment{TwoStage: a.flag("two-stage"), Number: a.word(0), Amount: s.amount(a.word(1), a.word(2)), Merchant: settletest.Merchant}
	if a.named["merchant"] == "other" {
		p.Merchant = settletest.OtherMerchant
	}
	m, _ := s.world.Dir.Merchant(p.Merchant)
	begun, earlier, err := s.world.TryBegin(s.t, p)
	switch {
	case err != nil:
		return "error: " + cause(err)
	case earlier != nil:
		return fmt.Sprintf("repeat of attempt %d: %s", earlier.Attempt, earlier.State())
	}
	s.orders[p.Number], s.merchant[p.Number], s.payments[p.Number] = begun.Order, m.ID, begun
	return s.line(p.Number)
}

func (s *story) finish(a arguments) string {
	r := settle.Result{Approved: true, ActionCode: "000", ApprovalCode: "A1B2C3", Response: "AS000"}
	if a.flag("declined") {
		r = settle.Result{ActionCode: "116", Response: "AS102"}
	}
	if err := s.world.Books.Finish(s.t.Context(), s.payments[a.word(0)], r); err != nil {
		return "error: " + cause(err)
	}
	return s.line(a.word(0))
}

func (s *story) pay(a arguments) string {
	declined := a.flag("declined")
	if text := s.begin(a); !strings.HasPrefix(text, a.plain[0]+":") {
		return text
	}
	end := arguments{plain: []string{a.plain[0]}}
	if declined {
		end.plain = append(end.plain, "declined")
	}
	return s.finish(end)
}

func (s *story) giveUp(a arguments) string {
	s.check(s.world.Books.GiveUp(s.t.Context(), s.merchant[a.word(0)], s.orders[a.word(0)], 1))
	return s.line(a.word(0))
}

func (s *story) late(a arguments) string {
	s.check(s.world.Books.ApprovedLate(s.t.Context(), s.merchant[a.word(0)], s.orders[a.word(0)], "000", "B7B7B7"))
	return s.line(a.word(0))
}

// maybe is the amount of the second word, nil when there is none.
func (s *story) maybe(number, text string) *money.Amount {
	if text == "" {
		return nil
	}
	amount := s.amount(text, s.order(number).Amount.Currency.String())
	return &amount
}

func (s *story) confirm(a arguments) string {
	auto := a.flag("autodeposit")
	n := a.word(0)
	r, err := s.world.Books.Confirm(s.t.Context(), settle.ConfirmRequest{Merchant: s.merchant[n], Order: s.orders[n], Amount: s.maybe(n, a.word(1)),
		AutoDeposit: auto, External: a.named["key"], Actor: settle.ByMerchant})
	return s.result(n, r, err)
}

func (s *story) cancel(a arguments) string {
	n := a.word(0)
	r, err := s.world.Books.Cancel(s.t.Context(), settle.CancelRequest{Merchant: s.merchant[n], Order: s.orders[n], Amount: s.maybe(n, a.word(1)),
		External: a.named["key"], Actor: settle.ByMerchant, Reason: settle.ReasonShop})
	return s.result(n, r, err)
}

// told hands the merchant the answer with an operation.
func (s *story) told(a arguments) string {
	n := a.word(0)
	operation, err := strconv.Atoi(a.word(1))
	s.check(err)
	s.check(s.world.Books.Told(s.t.Context(), s.merchant[n], s.orders[n], int16(operation), s.world.Clock.Now()))
	return s.line(n)
}

func (s *story) result(number string, r settle.OperationResult, err error) string {
	if err != nil {
		return "error: " + cause(err)
	}
	repeat := ""
	if r.Repeat != "" {
		repeat = ", repeated: " + string(r.Repeat)
	} else if r.Again {
		repeat = ", again"
	}
	return fmt.Sprintf("%s.%d %s of %s: %s%s\n%s%s", number, r.Operation.Number, r.Operation.Kind, minor(r.Order, r.Operation.Amount),
		r.Operation.State, repeat, notes(r.Operation), s.line(number))
}

func notes(op *settle.Operation) string {
	var out strings.Builder
	for _, note := range strings.Split(op.Note, "; ") {
		if note != "" {
			fmt.Fprintf(&out, "  %s\n", note)
		}
	}
	return out.String()
}

func minor(o *settle.Order, n int64) string {
	return money.Amount{Minor: n, Currency: o.Amount.Currency}.Decimal()
}

func (s *story) order(number string) *settle.Order {
	s.t.Helper()
	o, err := s.world.Books.Order(s.t.Context(), s.merchant[number], s.orders[number])
	s.check(err)
	return o
}

// line is an order on one line: its state and its amounts.
func (s *story) line(number string) string {
	o := s.order(number)
	a := o.Amounts
	return fmt.Sprintf("%s: %s, A %s C %s X %s R %s H %s", number, o.State(), minor(o, a.Authorized), minor(o, a.Confirmed), minor(o, a.Released()),
		minor(o, a.Refunded), minor(o, a.Hold()))
}

// answer gives the same verdict to every message that is due, or, with only=N, to transaction N, and none to the others.
func (s *story) answer(a arguments) string {
	verdicts := map[string]settle.Verdict{"done": settle.VerdictDone, "refused": settle.VerdictRefused, "too-late": settle.VerdictTooLate, "original": settle.VerdictOriginal}
	due, err := s.world.Books.Due(s.t.Context(), 100)
	s.check(err)
	var out strings.Builder
	for _, e := range due {
		number := s.numberOf(e.Order)
		said := a.word(0)
		if only := a.named["only"]; only != "" && only != strconv.Itoa(int(e.Transaction)) {
			said = "nothing"
		}
		fmt.Fprintf(&out, "%s/%d %s of %s, attempt %d: %s\n", number, e.Transaction, e.Kind, minor(s.order(number), e.Amount), e.Attempts, said)
		if v, ok := verdicts[said]; ok {
			err = s.world.Books.Answered(s.t.Context(), e, v, "400", "C3C3C3", "")
		} else {
			err = s.world.Books.Unanswered(s.t.Context(), e, "no answer")
		}
		s.check(err)
		fmt.Fprintln(&out, "  "+s.line(number))
	}
	return out.String()
}

func (s *story) numberOf(order int64) string {
	for number, id := range s.orders {
		if id == order {
			return number
		}
	}
	return strconv.FormatInt(order, 10)
}

func (s *story) advance(a arguments) string {
	d, err := time.ParseDuration(a.word(0))
	s.check(err)
	s.world.Clock.Advance(d)
	return s.world.Clock.Now().Format(time.RFC3339)
}

func (s *story) expire(arguments) string {
	n, err := s.world.Books.ExpireDue(s.t.Context(), 100)
	s.check(err)
	return fmt.Sprintf("%d holds", n)
}

func (s *story) audit(arguments) string {
	report, err := audit.Run(s.t.Context(), s.world.Pool, s.world.Clock.Now(), audit.Options{})
	s.check(err)
	var out strings.Builder
	for _, f := range report.Broken() {
		fmt.Fprintf(&out, "%s %s: %v\n", f.Invariant, f.Title, f.Examples)
	}
	if out.Len() == 0 {
		return "no violations"
	}
	return out.String()
}

func (s *story) show(a arguments) string {
	o := s.order(a.word(0))
	var out strings.Builder
	fmt.Fprintln(&out, s.line(a.word(0)))
	for i := range o.Operations {
		op := &o.Operations[i]
		fmt.Fprintf(&out, ".%d %s of %s by %s: %s\n%s", op.Number, op.Kind, minor(o, op.Amount), op.Actor, op.State, notes(op))
	}
	for _, t := range o.Transactions {
		fmt.Fprintf(&out, "/%d %s of %s: %s\n", t.Number, t.Kind, minor(o, t.Amount), t.State)
	}
	for _, e := range o.Owed {
		fmt.Fprintf(&out, "owed: %s of %s, %d attempts\n", e.Kind, minor(o, e.Amount), e.Attempts)
	}
	return out.String()
}

// journalLine is a posting as the specification lists it.
type journalLine struct {
	Rule          ledger.Rule
	Debit, Credit ledger.Code
	Amount        int64
}

func (s *story) journals(a arguments) string {
	rows, err := s.world.Pool.Query(s.t.Context(), `SELECT rule, debit, credit, amount FROM postings
		WHERE source = 1 AND source_id = $1 ORDER BY at, seq, phase, line`, s.orders[a.word(0)])
	s.check(err)
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[journalLine])
	s.check(err)
	var out strings.Builder
	for _, p := range all {
		fmt.Fprintf(&out, "%s %d %d %d\n", p.Rule, p.Debit, p.Credit, p.Amount)
	}
	return out.String()
}

func (s *story) sums() map[string]int64 {
	all, err := ledger.TrialBalance(s.t.Context(), s.world.Pool, s.world.Clock.Now().AddDate(1, 0, 0), 0)
	s.check(err)
	out := map[string]int64{}
	for _, b := range all {
		name := strconv.Itoa(int(b.Code))
		if b.Currency != money.BYN {
			name += "." + b.Currency.String()
		}
		out[name] = b.Net()
	}
	return out
}

func (s *story) mark(arguments) string { s.marked = s.sums(); return "" }

func (s *story) balances(arguments) string {
	now := s.sums()
	names := make([]string, 0, len(now))
	for name := range now {
		names = append(names, name)
	}
	sort.Strings(names)
	var out []string
	for _, name := range names {
		switch net := now[name] - s.marked[name]; {
		case net > 0:
			out = append(out, fmt.Sprintf("%s D %d", name, net))
		case net < 0:
			out = append(out, fmt.Sprintf("%s C %d", name, -net))
		}
	}
	if len(out) == 0 {
		return "none"
	}
	return strings.Join(out, "; ")
}

// ruleNamed is the posting rule that documents print under a name, 0 for none.
func ruleNamed(name string) ledger.Rule {
	at := slices.IndexFunc(ledger.Rules, func(r ledger.RuleSpec) bool { return r.Name == name })
	return ledger.Rule(at + 1)
}

func (s *story) post(a arguments) string {
	rule := ruleNamed(a.word(0))
	amount, err := strconv.ParseInt(a.word(1), 10, 64)
	s.check(err)
	currency := s.amount("0", a.word(2)).Currency
	s.manual++
	p := ledger.Posting{Key: ledger.Key{Merchant: settletest.Merchant, Source: ledger.FromManual, SourceID: s.manual}, Rule: rule, Amount: amount,
		Currency: currency, At: s.world.Clock.Now()}
	err = postgres.InTx(s.t.Context(), s.world.Pool, postgres.Key{Name: "by hand"}, func(tx pgx.Tx) error {
		change := int64(0)
		switch ledger.Available {
		case rule.Spec().Credit:
			change = amount
		case rule.Spec().Debit:
			change = -amount
		}
		if _, err := tx.Exec(s.t.Context(), `INSERT INTO funds (merchant_id, currency, available) VALUES ($1, $2, greatest($3, 0))
			ON CONFLICT (merchant_id, currency) DO UPDATE SET available = funds.available + $3`, settletest.Merchant, int16(currency), change); err != nil {
			return err
		}
		return s.world.Books.Ledger().Post(s.t.Context(), tx, []ledger.Posting{p})
	})
	s.check(err)
	return fmt.Sprintf("%d to %d, %s", rule.Spec().Debit, rule.Spec().Credit, rule.Spec().Event)
}
