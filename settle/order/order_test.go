package order

import (
	"errors"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func drawCapabilities(t *rapid.T) Capabilities {
	flag := func(name string) bool { return rapid.Bool().Draw(t, name) }
	c := Capabilities{FinancialRecord: flag("file"), TwoStage: true, PartialConfirm: flag("partial"), MultiConfirm: flag("multi"),
		ReversalPartial: flag("reversal partial"), Refund: RefundByOnline, ReleaseOnFinal: flag("release on final")}
	if c.FinancialRecord && flag("refund by file") {
		c.Refund = RefundByFile
	}
	c.Instant = !c.FinancialRecord && flag("instant")
	return c
}

// life is one order as the books keep it: its amounts, its slices, and what it could do at its center.
type life struct {
	c      Capabilities
	a      Amounts
	slices []Slice
	status Status
}

func (l *life) state() State { return StateOf(l.status, l.a) }

// born draws an order that was paid, and checks that the step to it is listed.
func born(t *rapid.T) *life {
	l := &life{c: drawCapabilities(t), status: Paid}
	l.a.Authorized = rapid.Int64Range(1, 1000).Draw(t, "authorized")
	trigger := TriggerHold
	if !l.c.FinancialRecord || rapid.Bool().Draw(t, "one stage") {
		l.a.Confirmed = l.a.Authorized
		l.slices = []Slice{l.slice(1, l.a.Authorized)}
		trigger = TriggerApprove
		if !l.c.FinancialRecord {
			trigger = TriggerPurchase
		}
	}
	mustCheck(t, trigger, StateInProcess, l.state())
	return l
}

func (l *life) slice(operation int, amount int64) Slice {
	s := Slice{Operation: operation, Amount: amount, Fate: FateOpen, BankDay: true}
	if !l.c.FinancialRecord {
		s.Fate = FateNone
	}
	return s
}

func mustCheck(t *rapid.T, trigger Trigger, from, to State) {
	t.Helper()
	if err := Check(trigger, from, to); err != nil {
		t.Fatal(err)
	}
}

func (l *life) confirm(t *rapid.T) {
	before := l.state()
	auto := rapid.Bool().Draw(t, "autodeposit")
	plan, err := PlanConfirm(l.a, l.c, rapid.Int64Range(0, 1200).Draw(t, "confirm"), auto, len(l.slices), false)
	if err != nil {
		return
	}
	if plan.Amount <= 0 || plan.Released > 0 && !auto || plan.Amount+plan.Released > l.a.Hold() {
		t.Fatalf("%+v of %+v", plan, l.a)
	}
	l.a.Confirmed += plan.Amount
	s := l.slice(len(l.slices)+2, plan.Amount)
	if plan.Release == ReleaseImplicit {
		s.Implicit = plan.Released
	}
	l.slices = append(l.slices, s)
	trigger := TriggerConfirm
	if plan.Released > 0 {
		trigger = TriggerAutoDeposit
		l.a.ReleasedDeposit += plan.Released
	}
	mustCheck(t, trigger, before, l.state())
}

func (l *life) expire(t *rapid.T) {
	if l.a.Hold() == 0 {
		return
	}
	before := l.state()
	if PlanExpiry(l.a, l.c) == ReleaseNone {
		t.Fatal("expiry releases nothing")
	}
	l.a.ReleasedExpiry += l.a.Hold()
	mustCheck(t, TriggerExpire, before, l.state())
}

// carryOut applies the parts of a cancel, and returns the trigger that says most about it.
func (l *life) carryOut(t *rapid.T, parts []Part) Trigger {
	trigger := TriggerCancelHold
	for _, p := range parts {
		if p.Action == ActionRelease {
			l.a.ReleasedCancel += p.Amount
			continue
		}
		s := &l.slices[slices.IndexFunc(l.slices, func(s Slice) bool { return s.Operation == p.Slice })]
		if p.Amount <= 0 || p.Amount > s.Left() {
			t.Fatalf("%+v of %+v", p, *s)
		}
		s.Refunded += p.Amount
		l.a.Refunded += p.Amount
		switch p.Action {
		case ActionVoid, ActionReduce, ActionAbandon:
			if trigger != TriggerRefund {
				trigger = TriggerVoid
			}
		default:
			trigger = TriggerRefund
			s.Credited += p.Amount
		}
	}
	return trigger
}

func (l *life) cancel(t *rapid.T) {
	before, amount := l.state(), rapid.Int64Range(0, 1200).Draw(t, "cancel")
	plan, err := PlanCancel(l.a, l.slices, l.c, amount)
	if err != nil {
		return
	}
	if amount == 0 {
		amount = l.a.Cancellable()
	}
	l.checkPlan(t, plan, amount)
	mustCheck(t, l.carryOut(t, plan.Parts), before, l.state())
}

// checkPlan checks what every plan of a cancel must keep to.
func (l *life) checkPlan(t *rapid.T, plan Cancellation, amount int64) {
	var sum, freed int64
	for i, p := range plan.Parts {
		sum += p.Amount
		if p.Slice == 0 && i > 0 {
			t.Fatalf("the hold is not first: %+v", plan.Parts)
		}
		switch p.Action {
		case ActionRelease, ActionVoid, ActionReduce, ActionAbandon:
			freed += p.Amount + l.implicit(p)
		case ActionPurchaseReverse:
			if l.c.Instant || p.Amount != l.a.Confirmed {
				t.Fatalf("reversal of %d of an instant or partial purchase: %+v", p.Amount, l.a)
			}
		}
	}
	if sum != amount || freed != plan.Freed || (plan.Release == ReleaseNone) != (freed == 0) {
		t.Fatalf("%+v for %d of %+v", plan, amount, l.a)
	}
	if plan.Release == ReleaseReversal && plan.Freed != l.a.Authorized && (l.c.ReversalPartial || l.presented()) {
		t.Fatalf("all of an authorization in use is reversed: %+v of %+v", plan, l.a)
	}
}

// implicit is what the center would have released on the record that the part takes away as a whole.
func (l *life) implicit(p Part) int64 {
	for _, s := range l.slices {
		if s.Operation == p.Slice && s.Credited == 0 && s.Left() == p.Amount {
			return s.Implicit
		}
	}
	return 0
}

func (l *life) presented() bool {
	return slices.ContainsFunc(l.slices, func(s Slice) bool { return s.Fate == FateSealed || s.Fate == FateNone || s.Credited > 0 })
}

// night moves the records of open slices on; a sealed one may be rejected.
func (l *life) night(t *rapid.T) {
	for i := range l.slices {
		s := &l.slices[i]
		s.BankDay = false
		switch s.Fate {
		case FateOpen:
			s.Fate = FateSealed
		case FateSealed:
			if rapid.IntRange(0, 4).Draw(t, "verdict") == 0 {
				s.Fate = FateRejected
			}
		}
	}
}

// refuse takes back a refund that a center refused for good.
func (l *life) refuse(t *rapid.T) {
	for i := range l.slices {
		if s := &l.slices[i]; s.Credited > 0 {
			before := l.state()
			k := rapid.Int64Range(1, s.Credited).Draw(t, "refused")
			s.Credited -= k
			s.Refunded -= k
			l.a.Refunded -= k
			mustCheck(t, TriggerRefundFail, before, l.state())
			return
		}
	}
}

// TestAnyLife draws sequences of events and checks that amounts stay valid, that the state is always one that merchants
// know, that every step is listed, and that the amounts are the sums of the slices.
func TestAnyLife(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := born(t)
		step := func(do func(*rapid.T)) func(*rapid.T) {
			return func(t *rapid.T) { do(t) }
		}
		t.Repeat(map[string]func(*rapid.T){
			"confirm": step(l.confirm), "cancel": step(l.cancel), "expire": step(l.expire), "night": step(l.night), "refuse": step(l.refuse),
			"": func(t *rapid.T) { l.check(t) },
		})
	})
}

func (l *life) check(t *rapid.T) {
	if err := l.a.Valid(); err != nil {
		t.Fatal(err)
	}
	var confirmed, refunded int64
	for _, s := range l.slices {
		confirmed += s.Amount
		refunded += s.Refunded
	}
	if confirmed != l.a.Confirmed || refunded != l.a.Refunded {
		t.Fatalf("slices %+v of %+v", l.slices, l.a)
	}
	known := []State{StateDelayed, StateApproved, StatePartialDelayed, StateCanceled, StatePartialCanceled}
	if !slices.Contains(known, l.state()) {
		t.Fatalf("state %q of %+v", l.state(), l.a)
	}
	if l.a.Cancellable() == 0 != (l.state() == StateCanceled) {
		t.Fatalf("%s with %d left to cancel: %+v", l.state(), l.a.Cancellable(), l.a)
	}
}

// TestCancelInPartsIsCancelInFull checks that a cancel of a part and then of everything takes from each slice what a cancel
// of everything takes at once.
func TestCancelInPartsIsCancelInFull(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		l := born(t)
		for range rapid.IntRange(0, 4).Draw(t, "steps") {
			l.confirm(t)
		}
		full, errFull := PlanCancel(l.a, l.slices, l.c, 0)
		if errFull != nil {
			t.Fatal(errFull)
		}
		want := taken(full.Parts)
		first, err := PlanCancel(l.a, l.slices, l.c, rapid.Int64Range(1, l.a.Cancellable()).Draw(t, "part"))
		if errors.Is(err, ErrReleaseUnsupported) {
			return
		}
		l.carryOut(t, first.Parts)
		have := taken(first.Parts)
		if rest, err := PlanCancel(l.a, l.slices, l.c, 0); err == nil {
			l.carryOut(t, rest.Parts)
			for slice, amount := range taken(rest.Parts) {
				have[slice] += amount
			}
		} else if !errors.Is(err, ErrNothingToCancel) {
			t.Fatal(err)
		}
		for slice, amount := range want {
			if have[slice] != amount {
				t.Fatalf("slice %d: %d in parts, %d in full", slice, have[slice], amount)
			}
		}
		if l.state() != StateCanceled {
			t.Fatalf("%s after everything was cancelled", l.state())
		}
	})
}

func taken(parts []Part) map[int]int64 {
	out := map[int]int64{}
	for _, p := range parts {
		out[p.Slice] += p.Amount
	}
	return out
}

func TestRefusals(t *testing.T) {
	held := Amounts{Authorized: 100}
	sold := Amounts{Authorized: 100, Confirmed: 100}
	part := Amounts{Authorized: 100, Confirmed: 60}
	all := Capabilities{FinancialRecord: true, PartialConfirm: true, MultiConfirm: true, ReversalPartial: true, Refund: RefundByFile}
	none := Capabilities{FinancialRecord: true, Refund: RefundByFile}
	confirm := func(a Amounts, c Capabilities, amount int64, earlier int, expired bool) error {
		_, err := PlanConfirm(a, c, amount, false, earlier, expired)
		return err
	}
	cancel := func(a Amounts, c Capabilities, amount int64) error {
		_, err := PlanCancel(a, []Slice{{Operation: 2, Amount: a.Confirmed, Fate: FateOpen}}, c, amount)
		return err
	}
	for _, r := range []struct {
		name      string
		have, err error
	}{
		{"nothing held", confirm(sold, all, 0, 1, false), ErrNotHeld},
		{"expired", confirm(held, all, 0, 0, true), ErrHoldExpired},
		{"negative", confirm(held, all, -1, 0, false), ErrAmountNotPositive},
		{"too much", confirm(held, all, 101, 0, false), ErrOverHold},
		{"a part where none is taken", confirm(held, none, 50, 0, false), ErrPartialConfirm},
		{"a second where one is taken", confirm(part, none, 0, 1, false), ErrSecondConfirm},
		{"cancel of nothing", cancel(Amounts{Authorized: 100, ReleasedCancel: 100}, all, 0), ErrNothingToCancel},
		{"negative cancel", cancel(held, all, -1), ErrAmountNotPositive},
		{"cancel of too much", cancel(part, all, 101), ErrOverCancel},
		{"cancel of a part that cannot be released", cancel(part, none, 30), ErrReleaseUnsupported},
		{"cancel of the whole hold", cancel(part, none, 40), nil},
		{"unlisted step", Check(TriggerConfirm, StateDeclined, StateApproved), ErrTransition},
		{"released beyond authorized", Amounts{Authorized: 1, ReleasedExpiry: 2}.Valid(), ErrAmounts},
		{"refunded beyond confirmed", Amounts{Authorized: 2, Confirmed: 1, Refunded: 2}.Valid(), ErrAmounts},
		{"pending beyond refunded", Amounts{Authorized: 2, Confirmed: 2, Refunded: 1, RefundPending: 2}.Valid(), ErrAmounts},
		{"negative amount", Amounts{Authorized: -1}.Valid(), ErrAmounts},
	} {
		if !errors.Is(r.have, r.err) || (r.err == nil) != (r.have == nil) {
			t.Errorf("%s: %v, want %v", r.name, r.have, r.err)
		}
	}
}

// TestTransitionsAreReachable checks that the table lists only states that exist, and each state with a way in.
func TestTransitionsAreReachable(t *testing.T) {
	reached := map[State]bool{StateNone: true}
	for range Transitions {
		for _, tr := range Transitions {
			if slices.ContainsFunc(tr.From, func(s State) bool { return reached[s] }) {
				for _, s := range tr.To {
					reached[s] = true
				}
			}
		}
	}
	for _, tr := range Transitions {
		for _, s := range append(slices.Clone(tr.From), tr.To...) {
			if !reached[s] {
				t.Errorf("%s: state %q is never reached", tr.ID, s)
			}
		}
	}
}
