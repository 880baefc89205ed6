package instant

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"settled/internal/money"
	"settled/internal/pcsim"
)

func TestPaymentFromQRToNotification(t *testing.T) {
	both(t, func(t *testing.T, unit Unit) {
		w := newWorld(t, unit, nil)
		p := w.register(registration("1.1-7", 25000))
		if p.Status != Active || !strings.HasPrefix(p.Payload, "https://qr.nspk.example/AD") || !strings.Contains(p.Payload, "type=02") ||
			!strings.Contains(p.Payload, "&sum=25000&cur=RUB&crc=") || !p.ExpiresAt.Equal(w.clock.Now().Add(10*time.Minute)) {
			t.Fatalf("registered %+v", p)
		}
		w.scan(p.Payload, false)
		notices := w.process()
		asked := w.status("1.1-7", Paid)
		if len(notices) != 1 {
			t.Fatalf("%d notifications", len(notices))
		}
		if diff := cmp.Diff(asked, notices[0].Payment); diff != "" {
			t.Errorf("notified of another payment than asked for: %s", diff)
		}
		r := asked.Receipt
		if r.Amount != rub(25000) || !r.At.Equal(w.clock.Now()) || len(r.OperationID) != 32 || r.Token != "" || !strings.Contains(r.Buyer, "***") || r.Bank == "" {
			t.Errorf("receipt %+v", r)
		}
		w.books(25000, 0)
	})
}

func TestRegistrationIsIdempotent(t *testing.T) {
	w := newWorld(t, Kopecks, nil)
	first := w.register(registration("a", 500))
	w.clock.add(time.Minute)
	if again := w.register(registration("a", 500)); again != first {
		t.Errorf("a repeat gives %+v, first %+v", again, first)
	}
	for name, other := range map[string]Registration{
		"amount": registration("a", 501),
		"TTL":    {ID: "a", Amount: rub(500), Description: "Заказ a", TTL: time.Hour, ReturnURL: "https://shop.example/back"},
	} {
		_, err := w.client.Register(t.Context(), other)
		wantKind(t, err, ErrRefused)
		if e := new(RefusedError); !asRefused(err, &e) || e.Code != "conflict" || e.Status != http.StatusConflict {
			t.Errorf("another %s: %v", name, err)
		}
	}
	w.scan(first.QR, false)
	if again := w.register(registration("a", 500)); again.Status != Paid {
		t.Errorf("a repeat after the payment is %s", again.Status)
	}
	w.books(500, 0)
}

func TestBuyerDeclines(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	p := w.register(registration("a", 500))
	if _, err := w.bank.Scan(p.QR, false, false); err != nil {
		t.Fatal(err)
	}
	if got := w.status("a", Refused); got.Code != "declined_by_payer" {
		t.Errorf("code %q", got.Code)
	}
	if _, err := w.bank.Scan(p.QR, true, false); !errors.Is(err, pcsim.ErrQRClosed) {
		t.Errorf("scanned again: %v", err)
	}
	w.books(0, 0)
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	p := w.register(registration("a", 500))
	w.clock.add(10*time.Minute - time.Second)
	w.status("a", Active)
	w.clock.add(time.Second)
	w.status("a", Expired)
	if _, err := w.bank.Scan(p.QR, true, false); !errors.Is(err, pcsim.ErrQRClosed) {
		t.Errorf("an expired QR is scanned: %v", err)
	}
}

// TestIDsInPaths: every character that an id may have survives the way to the bank and back.
func TestIDsInPaths(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	for _, id := range []string{"1:2.a_b-C", "0..", "v1", "a:b"} {
		w.paid(id, 500)
		w.refund("r"+id, id, 500, Done)
		w.status(id, Paid)
	}
}

func TestUnknownPayment(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	_, err := w.client.Payment(t.Context(), "nobody")
	wantKind(t, err, ErrRefused, ErrNotFound)
	wantKind(t, w.client.CancelSubscription(t.Context(), "T0"), ErrRefused, ErrNotFound)
}

func TestSubscription(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	r := registration("first", 500)
	r.Subscribe = true
	w.scan(w.register(r).QR, true)
	first := w.status("first", Paid)
	token := first.Receipt.Token
	if token == "" {
		t.Fatal("no token although the payer consented")
	}
	charge := ChargeRequest{ID: "second", Token: token, Amount: rub(700), Description: "Month 2"}
	for range 2 {
		p, err := w.client.Charge(t.Context(), charge)
		if err != nil || p.Status != Paid || p.Receipt.Amount != rub(700) || p.Receipt.Buyer != first.Receipt.Buyer {
			t.Fatalf("charge %+v, %v", p, err)
		}
	}
	w.books(1200, 0)
	if got := len(w.process()); got != 2 {
		t.Errorf("%d notifications of two payments", got)
	}
	for range 2 {
		if err := w.client.CancelSubscription(t.Context(), token); err != nil {
			t.Fatal(err)
		}
	}
	charge.ID = "third"
	p, err := w.client.Charge(t.Context(), charge)
	if err != nil || p.Status != Refused || p.Code != "token_canceled" {
		t.Errorf("charge after the cancel: %+v, %v", p, err)
	}
	charge.ID, charge.Token = "fourth", "T0"
	if p, err := w.client.Charge(t.Context(), charge); err != nil || p.Code != "token_unknown" {
		t.Errorf("charge of a stranger: %+v, %v", p, err)
	}
	w.books(1200, 0)
}

func TestConsentIsTheirsToGive(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	asked := registration("asked", 500)
	asked.Subscribe = true
	w.scan(w.register(asked).QR, false)
	w.scan(w.register(registration("not asked", 500).named("not-asked")).QR, true)
	for _, id := range []string{"asked", "not-asked"} {
		if p := w.status(id, Paid); p.Receipt.Token != "" {
			t.Errorf("%s has a token", id)
		}
	}
}

func (r Registration) named(id string) Registration {
	r.ID = id
	return r
}

func TestOneClick(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	r := registration("first", 500)
	r.Subscribe = true
	w.scan(w.register(r).QR, true)
	first := w.status("first", Paid)
	next := registration("next", 900)
	next.Token = first.Receipt.Token
	w.scan(w.register(next).QR, false)
	if p := w.status("next", Paid); p.Receipt.Buyer != first.Receipt.Buyer || p.Receipt.Token != first.Receipt.Token {
		t.Errorf("another payer: %+v", p.Receipt)
	}
	next.ID, next.Token = "stranger", "T0"
	_, err := w.client.Register(t.Context(), next)
	wantKind(t, err, ErrRefused)
}

func TestBanks(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	banks, err := w.client.Banks(t.Context())
	if err != nil || len(banks) < 3 {
		t.Fatalf("%d banks, %v", len(banks), err)
	}
	p := w.register(registration("a", 500))
	b := banks[1]
	link := b.AppLink(p.Payload)
	if !strings.HasPrefix(link, "bank100000000901://qr.nspk.example/AD") || b.NameRU == "" || b.NameEN == "" {
		t.Errorf("bank %+v, link %s", b, link)
	}
	if _, err := w.bank.Scan(link, true, false); err != nil {
		t.Errorf("the app link leads nowhere: %v", err)
	}
	if got := b.WebLink(p.QR); got != w.bank.URL()+"/qr/"+p.QR {
		t.Errorf("web link %s", got)
	}
}

func TestInvalidArgumentsDoNotLeave(t *testing.T) {
	w := newWorld(t, Rubles, nil)
	good := registration("a", 500)
	for name, change := range map[string]func(*Registration){
		"no id":            func(r *Registration) { r.ID = "" },
		"path in the id":   func(r *Registration) { r.ID = "../banks" },
		"long id":          func(r *Registration) { r.ID = strings.Repeat("a", 65) },
		"nothing":          func(r *Registration) { r.Amount.Minor = 0 },
		"negative":         func(r *Registration) { r.Amount.Minor = -1 },
		"too much":         func(r *Registration) { r.Amount.Minor = MaxMinor + 1 },
		"no currency":      func(r *Registration) { r.Amount.Currency = 0 },
		"short TTL":        func(r *Registration) { r.TTL = time.Second },
		"part of a second": func(r *Registration) { r.TTL += time.Millisecond },
		"long description": func(r *Registration) { r.Description = strings.Repeat("ж", 141) },
		"not UTF-8":        func(r *Registration) { r.Description = "\xff" },
		"script":           func(r *Registration) { r.ReturnURL = "javascript:alert(1)" },
		"token":            func(r *Registration) { r.Token = "a b" },
	} {
		r := good
		change(&r)
		if _, err := w.client.Register(t.Context(), r); err == nil {
			t.Errorf("%s: accepted", name)
		} else {
			wantKind(t, err, ErrNotSent, ErrInvalid)
		}
	}
	if n := len(w.bank.Payments()); n != 0 {
		t.Errorf("%d payments reached the bank", n)
	}
	longest := good
	longest.ID, longest.Description, longest.Amount = strings.Repeat("a", 64), strings.Repeat("ж", 140), money.Amount{Minor: MaxMinor, Currency: money.RUB}
	w.register(longest)
}

// TestOneAmountInOtherCurrencies: the exponent is that of the currency.
func TestOneAmountInOtherCurrencies(t *testing.T) {
	both(t, func(t *testing.T, unit Unit) {
		w := newWorld(t, unit, nil)
		for _, currency := range []money.Currency{money.BYN, money.JPY, money.KWD} {
			r := registration("in-"+currency.String(), 12345)
			r.Amount.Currency = currency
			w.scan(w.register(r).Payload, false)
			if p := w.status(r.ID, Paid); p.Receipt.Amount != r.Amount {
				t.Errorf("paid %s of %s", p.Receipt.Amount, r.Amount)
			}
			if got := w.bank.Books()[currency].Paid.Amount; got != 12345 {
				t.Errorf("the bank booked %d", got)
			}
		}
	})
}
