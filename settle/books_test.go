package settle_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/postgres/pgtest"
	"settled/settle"
	"settled/settle/read"
	"settled/settle/settletest"
)

func TestMain(m *testing.M) { pgtest.Main(m) }

func byn(minor int64) money.Amount { return money.Amount{Minor: minor, Currency: money.BYN} }

func TestDirectoryRefuses(t *testing.T) {
	center := func(id int16) *settle.Center { return &settle.Center{ID: id, Name: "C", Zone: time.UTC} }
	merchant := func(id int32, c *settle.Center) *settle.Merchant {
		return &settle.Merchant{ID: id, Routes: []settle.Route{{Center: c, Currencies: []money.Currency{money.BYN}}}}
	}
	known := center(1)
	for name, d := range map[string]struct {
		centers   []*settle.Center
		merchants []*settle.Merchant
	}{
		"a center without id":             {[]*settle.Center{center(0)}, nil},
		"a center without zone":           {[]*settle.Center{{ID: 1}}, nil},
		"two centers with one id":         {[]*settle.Center{center(1), center(1)}, nil},
		"a merchant without id":           {[]*settle.Center{known}, []*settle.Merchant{merchant(0, known)}},
		"a merchant of seven digits":      {[]*settle.Center{known}, []*settle.Merchant{merchant(1_000_000, known)}},
		"two merchants with one id":       {[]*settle.Center{known}, []*settle.Merchant{merchant(1, known), merchant(1, known)}},
		"a route to no center":            {[]*settle.Center{known}, []*settle.Merchant{merchant(1, nil)}},
		"a route to a center not its own": {[]*settle.Center{known}, []*settle.Merchant{merchant(1, center(1))}},
	} {
		if _, err := settle.NewDirectory(d.centers, d.merchants); !errors.Is(err, settle.ErrDirectory) {
			t.Errorf("%s: %v", name, err)
		}
	}
	m := merchant(1, known)
	if _, err := settle.NewDirectory([]*settle.Center{known}, []*settle.Merchant{m}); err != nil || m.Routes[0].ConfirmWithin != settle.DefaultConfirmWithin {
		t.Errorf("%+v, %v", m.Routes[0], err)
	}
}

// TestCenterKeepsItsID configures another center under an id that is in use.
func TestCenterKeepsItsID(t *testing.T) {
	w := settletest.New(t)
	c, _ := w.Dir.Center(settletest.FileCenter)
	c.Name = "SOMEBODY ELSE"
	if err := w.Books.RegisterCenters(t.Context()); !errors.Is(err, settle.ErrDirectory) {
		t.Errorf("another center took over an id: %v", err)
	}
}

// TestCenterThatWasPaidAtStays leaves out a center before and after a payment there.
func TestCenterThatWasPaidAtStays(t *testing.T) {
	w := settletest.New(t)
	left, _ := w.Dir.Center(settletest.FileCenter)
	without, err := settle.NewDirectory([]*settle.Center{left}, nil)
	check(t, err)
	o := w.Books.Options
	o.Directory = without
	b := settle.New(o)
	defer b.Close()
	check(t, b.RegisterCenters(t.Context()))
	w.Pay(t, settletest.Payment{Number: "elsewhere", Amount: money.Amount{Minor: 100, Currency: money.USD}})
	if err := b.RegisterCenters(t.Context()); !errors.Is(err, settle.ErrDirectory) || !strings.Contains(err.Error(), "is not configured") {
		t.Errorf("a center was left out: %v", err)
	}
	w.Clock.Advance(48 * time.Hour)
	_, err = w.Books.RollUpDue(t.Context())
	check(t, err)
	if err := b.RegisterCenters(t.Context()); !errors.Is(err, settle.ErrDirectory) {
		t.Errorf("a center was left out after the roll-up: %v", err)
	}
}

// TestNoWindow asks for payments at a center whose last planned cut-off has passed.
func TestNoWindow(t *testing.T) {
	w := settletest.New(t)
	last := w.Begin(t, settletest.Payment{Number: "in time", Amount: byn(100)})
	held := w.Pay(t, settletest.Payment{Number: "held", Amount: byn(100), TwoStage: true})
	w.Clock.Advance(14 * 24 * time.Hour)
	if _, _, err := w.TryBegin(t, settletest.Payment{Number: "too late", Amount: byn(100)}); !errors.Is(err, settle.ErrNoWindow) {
		t.Errorf("begun without a window: %v", err)
	}
	if err := w.Books.Finish(t.Context(), last, settle.Result{Approved: true}); !errors.Is(err, settle.ErrNoWindow) {
		t.Errorf("approved without a window: %v", err)
	}
	if _, err := w.Books.Order(t.Context(), settletest.OtherMerchant, held); !errors.Is(err, settle.ErrNotFound) {
		t.Errorf("another merchant's order: %v", err)
	}
}

// TestWindowsThatEndSoonerAreSeen takes the windows to come away, as a replan with other ones does, from books that have seen them: no
// payment is begun that could not be written down.
func TestWindowsThatEndSoonerAreSeen(t *testing.T) {
	w := settletest.New(t)
	w.Pay(t, settletest.Payment{Number: "today", Amount: byn(100)})
	_, err := w.Pool.Exec(t.Context(), `DELETE FROM windows WHERE business_date > '2026-03-02'`)
	check(t, err)
	w.Clock.Advance(24 * time.Hour)
	if _, _, err := w.TryBegin(t, settletest.Payment{Number: "tomorrow", Amount: byn(100)}); !errors.Is(err, settle.ErrNoWindow) || !strings.Contains(err.Error(), "cut off at 2026-03-02T20:00:00Z") {
		t.Errorf("begun without a window: %v", err)
	}
}

// TestManyUnsealedWindows confirms after more cut-offs have passed unsealed than a writer reads at once.
func TestManyUnsealedWindows(t *testing.T) {
	w := settletest.New(t)
	w.Clock.Advance(8 * 24 * time.Hour)
	id := w.Pay(t, settletest.Payment{Number: "after a week", Amount: byn(100)})
	e, err := read.New(w.Pool, w.Dir).Order(t.Context(), id)
	if err != nil || len(e.Records) != 1 || e.Records[0].BusinessDate != "2026-03-10" {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestStuckMessage repeats a reversal for a day, parks it, and has it repeated by a person.
func TestStuckMessage(t *testing.T) {
	w := settletest.New(t)
	id := w.Pay(t, settletest.Payment{Number: "stuck", Amount: byn(100), TwoStage: true})
	_, err := w.Books.Cancel(t.Context(), settle.CancelRequest{Merchant: settletest.Merchant, Order: id, Actor: settle.ByMerchant})
	if err != nil {
		t.Fatal(err)
	}
	attempts := 0
	for began := w.Clock.Now(); w.Clock.Now().Sub(began) < settle.GiveUpAfter+2*time.Hour; w.Clock.Advance(10 * time.Second) {
		due, err := w.Books.Due(t.Context(), 10)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range due {
			attempts++
			if err := w.Books.Unanswered(t.Context(), e, "connection refused"); err != nil {
				t.Fatal(err)
			}
		}
		if attempts > 6 {
			w.Clock.Advance(59 * time.Minute)
		}
	}
	breaks := 0
	if err := w.Pool.QueryRow(t.Context(), `SELECT count(*) FROM breaks WHERE category = 'B-16' AND order_ref = $1`, id).Scan(&breaks); err != nil || breaks != 1 {
		t.Errorf("%d breaks after %d attempts, %v", breaks, attempts, err)
	}
	proven(t, w)
	if err := w.Books.Retry(t.Context(), settletest.Merchant, id, 2); err != nil {
		t.Fatal(err)
	}
	if err := w.Books.Retry(t.Context(), settletest.Merchant, id, 2); !errors.Is(err, settle.ErrOperation) {
		t.Errorf("repeated twice: %v", err)
	}
	due, err := w.Books.Due(t.Context(), 10)
	if err != nil || len(due) != 1 || int(due[0].Attempts) != attempts+1 {
		t.Fatalf("%+v after %d attempts, %v", due, attempts, err)
	}
	if err := w.Books.Answered(t.Context(), due[0], settle.VerdictDone, "400", "", ""); err != nil {
		t.Fatal(err)
	}
	proven(t, w)
}
