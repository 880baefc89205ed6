package order

import "testing"

// TestReleaseOfWhatWasNeverPresented decides how the authorization is given back when records stand beside what is
// cancelled, or were to release the rest of it.
func TestReleaseOfWhatWasNeverPresented(t *testing.T) {
	implicit := able
	implicit.ReleaseOnFinal = true
	only := plain
	only.ReleaseOnFinal = true
	deposited := Amounts{Authorized: 100, Confirmed: 60, ReleasedDeposit: 40}
	final := Slice{Operation: 2, Amount: 60, Fate: FateOpen, Implicit: 40}
	rejected := final
	rejected.Fate = FateRejected
	credited := Slice{Operation: 2, Amount: 60, Refunded: 20, Credited: 20, Fate: FateOpen}
	for _, r := range []struct {
		name   string
		center Capabilities
		a      Amounts
		cut    []Slice
		amount int64
		want   Release
		freed  int64
	}{
		{"a credit stands beside the record", plain, Amounts{Authorized: 60, Confirmed: 60, Refunded: 20}, []Slice{credited}, 0, ReleaseLapse, 40},
		{"the same with partial reversals", able, Amounts{Authorized: 60, Confirmed: 60, Refunded: 20}, []Slice{credited}, 0, ReleasePartial, 40},
		{"a credit stands beside the hold", plain, Amounts{Authorized: 100, Confirmed: 60, Refunded: 60},
			[]Slice{{Operation: 2, Amount: 60, Refunded: 60, Credited: 60, Fate: FateRejected}}, 0, ReleaseLapse, 40},
		{"the final record is withdrawn", implicit, deposited, []Slice{final}, 0, ReleaseReversal, 100},
		{"the final record is abandoned", implicit, deposited, []Slice{rejected}, 0, ReleaseReversal, 100},
		{"the final record is only reduced", implicit, deposited, []Slice{final}, 10, ReleasePartial, 10},
		{"the final record is withdrawn, another is sealed", implicit, Amounts{Authorized: 100, Confirmed: 60, ReleasedDeposit: 40},
			[]Slice{{Operation: 2, Amount: 20, Fate: FateSealed}, {Operation: 3, Amount: 40, Fate: FateOpen, Implicit: 40}}, 40, ReleasePartial, 80},
		{"the final record is withdrawn without partial reversals", only, deposited, []Slice{final}, 0, ReleaseReversal, 100},
	} {
		plan, err := PlanCancel(r.a, r.cut, r.center, r.amount)
		if err != nil || plan.Release != r.want || plan.Freed != r.freed {
			t.Errorf("%s: release %d of %d, %v; want %d of %d", r.name, plan.Release, plan.Freed, err, r.want, r.freed)
		}
	}
}
