package online

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"settled/fileformats/iso8583"
	"settled/internal/pcsim"
	"settled/internal/vault"
)

func TestAuthenticationValueIsErasedAndHidden(t *testing.T) {
	seen := make(chan string, 1)
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		seen <- m.String()
		approve(v, m)
	})
	c, _ := connect(t, host, nil)
	r := payment(1)
	r.Authentication = authentication("02")
	if _, err := c.Exchange(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if !r.Authentication.Value.IsZero() {
		t.Error("the request keeps the authentication value")
	}
	shown := <-seen
	if want := "48={42:212 43:<hidden> 66:" + testDSTransID + " 92:<hidden>}"; !strings.Contains(shown, want) {
		t.Errorf("message reads %s, without %s", shown, want)
	}
	if s := fmt.Sprintf("%+v %#v", authentication("02"), authentication("02")); strings.Contains(s, testCAVV) {
		t.Errorf("value is shown: %s", s)
	}
}

// TestNetworkIDOfAnAnswer takes an id as it stands, fill included, and none that could not be sent back.
func TestNetworkIDOfAnAnswer(t *testing.T) {
	host := newCenter(t, func(v *visitor, m *iso8583.Message) {
		a := iso8583.Online.NewMessage("")
		a.Answer(m)
		a.Set(39, "000")
		a.Set(48, map[string]string{"000001": "0063015" + testNetworkID, "000002": "0063003!?$", "000003": "0063016" + testNetworkID + "1"}[m.Text(11)])
		v.send(frameOf(a))
	})
	c, _ := connect(t, host, nil)
	for n, want := range map[int]string{1: testNetworkID, 2: "", 3: ""} {
		got, err := c.Exchange(t.Context(), payment(n))
		if err != nil || got.NetworkID != want {
			t.Errorf("payment %d: %q, %v, want %q", n, got.NetworkID, err, want)
		}
	}
}

// TestCenterTakesEveryUse pays at the simulated center in every manner that a request can have.
func TestCenterTakesEveryUse(t *testing.T) {
	center, err := pcsim.New(pcsim.Options{MemberID: "00000012345", Now: func() time.Time { return testTime }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { center.Close() })
	if err := center.Start(); err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Name: "PC", Address: center.OnlineAddr()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	ready, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := c.Ready(ready); err != nil {
		t.Fatal(err)
	}
	n := 0
	pay := func(use Stored, network, code string) Answer {
		t.Helper()
		n++
		r := payment(n)
		r.Stored, r.NetworkID, r.Card.CVV = use, network, vault.NewSecret([]byte(code))
		a, err := c.Exchange(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	for _, first := range []Stored{SavesCard, AgreesRecurring} {
		a := pay(first, "", "123")
		if !a.Approved() || a.NetworkID == "" {
			t.Fatalf("first payment: %+v", a)
		}
		for _, use := range []Stored{CardOnFile, Recurring, Unscheduled} {
			if got := pay(use, a.NetworkID, ""); !got.Approved() {
				t.Errorf("use %d after %d: %s", use, first, got.ActionCode)
			}
			if got := pay(use, "", ""); got.Approved() {
				t.Errorf("use %d without a first payment: approved", use)
			}
		}
	}
	if a := pay(NotStored, "", "123"); !a.Approved() {
		t.Errorf("ordinary payment: %s", a.ActionCode)
	} else if got := pay(Recurring, a.NetworkID, ""); got.Approved() {
		t.Error("recurring payment after an ordinary one is approved")
	}
	if a := pay(NotStored, "", ""); a.ActionCode != iso8583.ActionVerificationCodeFailed {
		t.Errorf("without a code: %s", a.ActionCode)
	}
}
