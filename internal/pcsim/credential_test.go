package pcsim_test

import (
	"testing"

	"settled/fileformats/ipm"
	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
)

const (
	posOnFile      = "00025071900C"
	posRecurring   = "00024070900C"
	posUnscheduled = "00021070900C"
)

// networkOf is the network's name of an approved payment.
func networkOf(t *testing.T, m *iso8583.Message) string {
	t.Helper()
	id, ok := m.PDS(iso8583.PDSNetworkID)
	if !ok || len(id) != 15 {
		t.Fatalf("network transaction id %q", id)
	}
	return string(id)
}

// TestStoredCards pays with a stored card in every manner, after a first payment that says so and one that does not.
func TestStoredCards(t *testing.T) {
	c := dial(t, start(t, pcsim.Options{}))
	pay := func(change func(*sale), action string) *iso8583.Message {
		t.Helper()
		s := c.sale(pcsim.CardApproved, 1000)
		change(&s)
		return c.wants(s.message(), action)
	}
	says := func(pos, cvv, initiation, network string) func(*sale) {
		return func(s *sale) {
			s.pos, s.cvv, s.private = pos, cvv, map[int]string{iso8583.PDSInitiation: initiation}
			if network != "" {
				s.private[iso8583.PDSNetworkID] = network
			}
		}
	}
	const typed = "000250S1900C"
	first := networkOf(t, pay(says(typed, "123", "C102", ""), iso8583.ActionApproved))
	saved := networkOf(t, pay(says(typed, "123", "C101", ""), iso8583.ActionApproved))
	ordinary := networkOf(t, pay(func(*sale) {}, iso8583.ActionApproved))
	for name, test := range map[string]struct {
		change func(*sale)
		want   string
	}{
		"recurring":                           {says(posRecurring, "", "M102", first), iso8583.ActionApproved},
		"unscheduled":                         {says(posUnscheduled, "", "M101", saved), iso8583.ActionApproved},
		"customer with the saved card":        {says(posOnFile, "", "C101", saved), iso8583.ActionApproved},
		"customer with saved card and code":   {says(posOnFile, "123", "C101", ""), iso8583.ActionApproved},
		"recurring without its first":         {says(posRecurring, "", "M102", ""), iso8583.ActionDoNotHonor},
		"recurring after an ordinary payment": {says(posRecurring, "", "M102", ordinary), iso8583.ActionDoNotHonor},
		"recurring after nothing":             {says(posRecurring, "", "M102", "S0000000000"+"1120"), iso8583.ActionDoNotHonor},
		"recurring with a code":               {says(posRecurring, "123", "M102", first), iso8583.ActionVerificationCodeFailed},
		"saved card, neither code nor first":  {says(posOnFile, "", "C101", ""), iso8583.ActionVerificationCodeFailed},
		"first payment without a code":        {says(typed, "", "C102", ""), iso8583.ActionVerificationCodeFailed},
		"recurring that looks typed in":       {says(typed, "", "M102", first), iso8583.ActionSystemMalfunction},
		"recurring that looks unscheduled":    {says(posUnscheduled, "", "M102", first), iso8583.ActionSystemMalfunction},
		"unknown initiation":                  {says(posRecurring, "", "M999", first), iso8583.ActionSystemMalfunction},
		"another card": {func(s *sale) {
			says(posRecurring, "", "M102", first)(s)
			s.pan = "5555555555554444"
		}, iso8583.ActionDoNotHonor},
	} {
		t.Run(name, func(t *testing.T) { pay(test.change, test.want) })
	}
}

// TestNetworkIDs holds repeats to the first answer, and declines to none.
func TestNetworkIDs(t *testing.T) {
	center := start(t, pcsim.Options{})
	c := dial(t, center)
	s := c.sale(pcsim.CardApproved, 1000)
	first := networkOf(t, c.wants(s.message(), iso8583.ActionApproved))
	if again := networkOf(t, c.wants(s.message(), iso8583.ActionApproved)); again != first {
		t.Errorf("repeat is %s, first was %s", again, first)
	}
	if asked := networkOf(t, c.wants(c.inquiry(s), iso8583.ActionApproved)); asked != first {
		t.Errorf("inquiry says %s, the first answer was %s", asked, first)
	}
	if other := networkOf(t, c.wants(c.sale(pcsim.CardApproved, 1000).message(), iso8583.ActionApproved)); other == first {
		t.Errorf("two payments are called %s", other)
	}
	declined := c.wants(c.sale(pcsim.CardInsufficientFunds, 1000).message(), iso8583.ActionInsufficientFunds)
	if declined.Has(48) {
		t.Errorf("a decline has DE 48 %q", declined.Text(48))
	}
}

// TestNetworkIDOutlivesTheCenter: a network is more than one of its centers.
func TestNetworkIDOutlivesTheCenter(t *testing.T) {
	c := dial(t, start(t, pcsim.Options{Seed: 1}))
	s := c.sale(pcsim.CardApproved, 1000)
	s.private = map[int]string{iso8583.PDSInitiation: iso8583.InitiationRecurring}
	first := networkOf(t, c.wants(s.message(), iso8583.ActionApproved))
	other := dial(t, start(t, pcsim.Options{Seed: 2}))
	next := other.sale(pcsim.CardApproved, 1000)
	next.cvv, next.pos = "", posRecurring
	next.private = map[int]string{iso8583.PDSInitiation: iso8583.InitiationStanding, iso8583.PDSNetworkID: first}
	other.wants(next.message(), iso8583.ActionApproved)
}

// TestClearingRepeatsTheAuthorization presents sales with the security level and the network transaction id of their
// authorization, and with others.
func TestClearingRepeatsTheAuthorization(t *testing.T) {
	n := newNight(t, pcsim.Options{})
	said := iso8583.SecurityLevelNone
	present := func(change func(*ipm.Record)) ipm.Record {
		s := n.sale(pcsim.CardApproved, 1000)
		if said != "" {
			s.private = map[int]string{iso8583.PDSSecurityLevel: said}
		}
		a := n.wants(s.message(), iso8583.ActionApproved)
		r := n.record(s, a.Text(38))
		var err error
		if r.LifeCycle, err = ipm.AppendLifeCycle(nil, networkOf(t, a)); err != nil {
			t.Fatal(err)
		}
		r.SecurityLevel = []byte(iso8583.SecurityLevelNone)
		change(&r)
		return r
	}
	n.sends(verdict{"685 00 O 933 2 2000"},
		present(func(*ipm.Record) {}),
		present(func(r *ipm.Record) { r.SecurityLevel, r.LifeCycle = nil, nil }))
	said = "" // nothing is as good as 210
	n.sends(verdict{"685 00 O 933 1 1000"}, present(func(*ipm.Record) {}))
	n.sends(verdict{"691 P0052 2005 #2", "691 D0063 2006 #3"},
		present(func(r *ipm.Record) { r.SecurityLevel = []byte(iso8583.SecurityLevelFull) }),
		present(func(r *ipm.Record) { r.LifeCycle = []byte(" MCC1A2B3C1120  ") }))
}
