package settle_test

import (
	"errors"
	"testing"
	"time"

	"settled/internal/money"
	"settled/settle"
	"settled/settle/order"
)

func rate(t *testing.T, from, to money.Currency, text, source string, days ...time.Time) settle.RateEntry {
	t.Helper()
	r, err := money.ParseRate(text)
	if err != nil {
		t.Fatal(err)
	}
	e := settle.RateEntry{From: from, To: to, Rate: r, Source: source}
	for i, d := range days {
		*[...]*time.Time{&e.ValidFrom, &e.ValidTo}[i] = d
	}
	return e
}

// quoting is a merchant with cards in BYN and EUR and instant payments in RUB and BYN, and its directory.
func quoting(t *testing.T, rates ...settle.RateEntry) (*settle.Directory, *settle.Merchant) {
	t.Helper()
	cards := &settle.Center{ID: 1, Name: "CARDS", Zone: time.UTC, Capabilities: order.Capabilities{FinancialRecord: true}}
	bank := &settle.Center{ID: 2, Name: "BANK", Zone: time.UTC, Capabilities: order.Capabilities{Instant: true, Refund: order.RefundByOnline, MaxAmount: 50_000}}
	m := &settle.Merchant{ID: 7, Default: money.BYN, Routes: []settle.Route{
		{Center: bank, Currencies: []money.Currency{money.RUB}, ConfirmWithin: time.Hour},
		{Center: cards, Currencies: []money.Currency{money.BYN, money.EUR}, ConfirmWithin: 240 * time.Hour},
	}}
	d, err := settle.NewDirectory([]*settle.Center{cards, bank}, []*settle.Merchant{m})
	if err != nil {
		t.Fatal(err)
	}
	return d.WithRates(rates), m
}

func TestQuote(t *testing.T) {
	june, july := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)
	d, m := quoting(t, rate(t, money.USD, money.BYN, "3.20", "old", june, july), rate(t, money.USD, money.BYN, "3.3333", "new", july),
		rate(t, money.KZT, money.BYN, "0.00000001", "tiny"), rate(t, money.RUB, money.BYN, "0.04", "central bank"))
	amount := func(minor int64, c money.Currency) money.Amount { return money.Amount{Minor: minor, Currency: c} }
	for name, tt := range map[string]struct {
		means    order.Means
		original money.Amount
		at       time.Time
		center   int16
		want     money.Amount
		rate     string
		source   string
		err      error
	}{
		"own currency":             {order.MeansCard, amount(100, money.BYN), july, 1, amount(100, money.BYN), "1", "", nil},
		"routed currency":          {order.MeansCard, amount(100, money.EUR), july, 1, amount(100, money.EUR), "1", "", nil},
		"converted":                {order.MeansCard, amount(150, money.USD), july, 1, amount(500, money.BYN), "3.3333", "new", nil},
		"the last instant before":  {order.MeansCard, amount(150, money.USD), july.Add(-1), 1, amount(480, money.BYN), "3.20", "old", nil},
		"cards skip instant":       {order.MeansCard, amount(1000, money.RUB), july, 1, amount(40, money.BYN), "0.04", "central bank", nil},
		"instant":                  {order.MeansInstant, amount(50_000, money.RUB), july, 2, amount(50_000, money.RUB), "1", "", nil},
		"before any rate":          {order.MeansCard, amount(150, money.USD), june.Add(-1), 0, money.Amount{}, "", "", settle.ErrNoRate},
		"no rate":                  {order.MeansCard, amount(150, money.PLN), july, 0, money.Amount{}, "", "", settle.ErrNoRate},
		"as much as DE 4 holds":    {order.MeansCard, amount(999_999_999_999, money.EUR), july, 1, amount(999_999_999_999, money.EUR), "1", "", nil},
		"more than DE 4 holds":     {order.MeansCard, amount(1_000_000_000_000, money.EUR), july, 0, money.Amount{}, "", "", order.ErrAmountTooLarge},
		"too much when converted":  {order.MeansCard, amount(300_030_000_000, money.USD), july, 0, money.Amount{}, "", "", order.ErrAmountTooLarge},
		"beyond any number":        {order.MeansCard, amount(9_000_000_000_000_000_000, money.USD), july, 0, money.Amount{}, "", "", order.ErrAmountTooLarge},
		"more than the bank takes": {order.MeansInstant, amount(50_001, money.RUB), july, 0, money.Amount{}, "", "", order.ErrAmountTooLarge},
		"nothing left":             {order.MeansCard, amount(1, money.KZT), july, 0, money.Amount{}, "", "", order.ErrAmountNotPositive},
		"instant not in the own":   {order.MeansInstant, amount(1000, money.BYN), july, 0, money.Amount{}, "", "", settle.ErrNoRoute},
		"instant has no route too": {order.MeansInstant, amount(1000, money.USD), july, 0, money.Amount{}, "", "", settle.ErrNoRoute},
		"no means":                 {0, amount(1000, money.BYN), july, 0, money.Amount{}, "", "", settle.ErrNoRoute},
	} {
		q, err := d.Quote(m, tt.means, tt.original, tt.at)
		if !errors.Is(err, tt.err) || (err == nil) != (tt.err == nil) || q.Amount != tt.want || q.Rate != tt.rate || q.Source != tt.source {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
		if err == nil && q.Route.Center.ID != tt.center {
			t.Errorf("%s: goes to center %d", name, q.Route.Center.ID)
		}
	}
}

func TestRatesOverlap(t *testing.T) {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	one := rate(t, money.USD, money.BYN, "1", "", day(3), day(5))
	for name, tt := range map[string]struct {
		other settle.RateEntry
		want  bool
	}{
		"same":              {one, true},
		"before":            {rate(t, money.USD, money.BYN, "2", "", day(1), day(3)), false},
		"after":             {rate(t, money.USD, money.BYN, "2", "", day(5)), false},
		"last day":          {rate(t, money.USD, money.BYN, "2", "", day(4)), true},
		"open at both ends": {rate(t, money.USD, money.BYN, "2", ""), true},
		"other pair":        {rate(t, money.BYN, money.USD, "2", "", day(3), day(5)), false},
	} {
		if one.Overlaps(&tt.other) != tt.want || tt.other.Overlaps(&one) != tt.want {
			t.Errorf("%s: overlaps is not %v", name, tt.want)
		}
	}
}

func TestMeansFollowTheCenter(t *testing.T) {
	_, m := quoting(t)
	if got := m.Means(); len(got) != 2 || got[0].String() != "card" || got[1].String() != "instant" || order.Means(0).String() != "" {
		t.Errorf("means are %v", got)
	}
	if _, ok := m.Route(money.RUB); ok {
		t.Error("a card payment would go to the partner bank")
	}
}

// TestMITWindow checks the default: the window to confirm, but five days at most.
func TestMITWindow(t *testing.T) {
	_, m := quoting(t)
	if m.Routes[0].MITConfirmWithin != time.Hour || m.Routes[1].MITConfirmWithin != 120*time.Hour {
		t.Errorf("windows are %v and %v", m.Routes[0].MITConfirmWithin, m.Routes[1].MITConfirmWithin)
	}
}
