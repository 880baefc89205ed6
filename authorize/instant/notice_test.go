package instant

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"settled/internal/money"
)

var noticeTime = time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)

const goodNotice = `{"id":"N1","type":"payment.paid","payment":{"id":"1.1-7","qr_id":"AD1","payload":"https://qr.nspk.example/AD1?sum=500&cur=RUB",
"status":"paid","amount":"5.00","currency":"RUB","expires_at":"2026-11-20T12:10:00Z","refunded":"0.00",
"paid":{"operation_id":"A1","at":"2026-11-20T12:00:00Z","amount":"5.00","bank_id":"100","bank":"Test Bank","payer":"+7 9** ***-**-42"}}}`

func verifier(t testing.TB) *Client {
	c, err := New(Options{BaseURL: "https://bank.example", KeyID: testKey, Secret: secret(testSecret), Unit: Rubles})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// signed are the headers of a notification as the format says it is signed.
func signed(c *Client, id, body string, at string) http.Header {
	h := http.Header{}
	h.Set("X-Key-Id", testKey)
	h.Set("X-Notice-Id", id)
	h.Set("X-Timestamp", at)
	h.Set("X-Signature", c.keys[0].sign([]byte(at+"."+id+"."+body)))
	return h
}

func TestNotificationIsRead(t *testing.T) {
	c := verifier(t)
	n, err := c.VerifyNotification(signed(c, "N1", goodNotice, "1795176000"), []byte(goodNotice), noticeTime)
	if err != nil {
		t.Fatal(err)
	}
	want := Payment{
		ID: "1.1-7", QR: "AD1", Payload: "https://qr.nspk.example/AD1?sum=500&cur=RUB", Status: Paid, Amount: rub(500),
		ExpiresAt: noticeTime.Add(10 * time.Minute), Refunded: rub(0),
		Receipt: Receipt{OperationID: "A1", At: noticeTime, Amount: rub(500), BankID: "100", Bank: "Test Bank", Buyer: "+7 9** ***-**-42"},
	}
	if n.ID != "N1" || n.Payment != want {
		t.Errorf("got %+v, want %+v", n.Payment, want)
	}
}

func TestForgedNotifications(t *testing.T) {
	c := verifier(t)
	for name, change := range map[string]func(h http.Header, body *string, now *time.Time){
		"body":          func(_ http.Header, body *string, _ *time.Time) { *body = strings.Replace(*body, "5.00", "6.00", 1) },
		"id":            func(h http.Header, _ *string, _ *time.Time) { h.Set("X-Notice-Id", "N2") },
		"timestamp":     func(h http.Header, _ *string, _ *time.Time) { h.Set("X-Timestamp", "1795176001") },
		"key":           func(h http.Header, _ *string, _ *time.Time) { h.Set("X-Key-Id", "other") },
		"no signature":  func(h http.Header, _ *string, _ *time.Time) { h.Del("X-Signature") },
		"two keys":      func(h http.Header, _ *string, _ *time.Time) { h.Add("X-Key-Id", testKey) },
		"old":           func(_ http.Header, _ *string, now *time.Time) { *now = now.Add(5*time.Minute + time.Second) },
		"of the future": func(_ http.Header, _ *string, now *time.Time) { *now = now.Add(-5*time.Minute - time.Second) },
		"long":          func(_ http.Header, body *string, _ *time.Time) { *body += strings.Repeat(" ", MaxNotice) },
	} {
		t.Run(name, func(t *testing.T) {
			h, body, now := signed(c, "N1", goodNotice, "1795176000"), goodNotice, noticeTime
			change(h, &body, &now)
			if _, err := c.VerifyNotification(h, []byte(body), now); !errors.Is(err, ErrForged) {
				t.Errorf("error %v", err)
			}
		})
	}
	for _, later := range []time.Duration{-5 * time.Minute, 5 * time.Minute} {
		if _, err := c.VerifyNotification(signed(c, "N1", goodNotice, "1795176000"), []byte(goodNotice), noticeTime.Add(later)); err != nil {
			t.Errorf("%s later: %v", later, err)
		}
	}
}

// TestMalformedNotifications are signed by the bank and still refused.
func TestMalformedNotifications(t *testing.T) {
	c := verifier(t)
	for name, edit := range map[string][2]string{
		"another id":        {`"id":"N1"`, `"id":"N2"`},
		"another type":      {`payment.paid`, `payment.refused`},
		"not paid":          {`"status":"paid"`, `"status":"active"`},
		"unknown status":    {`"status":"paid"`, `"status":"PAID"`},
		"repeated member":   {`"status":"paid"`, `"status":"paid","status":"paid"`},
		"other case":        {`"operation_id"`, `"Operation_ID"`},
		"no operation":      {`"operation_id":"A1"`, `"operation_id":""`},
		"no time":           {`"at":"2026-11-20T12:00:00Z",`, ``},
		"number":            {`"amount":"5.00","bank_id"`, `"amount":5.00,"bank_id"`},
		"integer":           {`"amount":"5.00","bank_id"`, `"amount":500,"bank_id"`},
		"short":             {`"amount":"5.00","bank_id"`, `"amount":"5","bank_id"`},
		"long":              {`"amount":"5.00","bank_id"`, `"amount":"5.000","bank_id"`},
		"leading zero":      {`"amount":"5.00","bank_id"`, `"amount":"05.00","bank_id"`},
		"escaped":           {`"amount":"5.00","bank_id"`, `"amount":"\u0035.00","bank_id"`},
		"negative":          {`"amount":"5.00","bank_id"`, `"amount":"-5.00","bank_id"`},
		"paid nothing":      {`"amount":"5.00","bank_id"`, `"amount":"0.00","bank_id"`},
		"null":              {`"amount":"5.00","bank_id"`, `"amount":null,"bank_id"`},
		"refunded too much": {`"refunded":"0.00"`, `"refunded":"5.01"`},
		"currency":          {`"currency":"RUB"`, `"currency":"RUR"`},
		"payload's sum":     {`sum=500`, `sum=501`},
		"payload's scheme":  {`https://qr`, `javascript://qr`},
		"payer":             {`+7 9**`, `+7\u00079**`},
		"code":              {`"refunded"`, `"code":"a","refunded"`},
		"our id":            {`"id":"1.1-7"`, `"id":"../7"`},
		"trailing":          {`}}}`, `}}} {}`},
		"truncated":         {`}}}`, `}}`},
		"not UTF-8":         {`Test Bank`, "Test \xff"},
	} {
		t.Run(name, func(t *testing.T) {
			body := strings.Replace(goodNotice, edit[0], edit[1], 1)
			if body == goodNotice {
				t.Fatal("nothing is edited")
			}
			if _, err := c.VerifyNotification(signed(c, "N1", body, "1795176000"), []byte(body), noticeTime); !errors.Is(err, ErrMalformed) {
				t.Errorf("error %v", err)
			}
		})
	}
	more := strings.Replace(goodNotice, `"type"`, `"new_member":{"a":[1]},"type"`, 1)
	if _, err := c.VerifyNotification(signed(c, "N1", more, "1795176000"), []byte(more), noticeTime); err != nil {
		t.Errorf("a member that a bank added: %v", err)
	}
}

// FuzzNotification feeds bodies, as the bank signed them and not: what passes says what the books need.
func FuzzNotification(f *testing.F) {
	f.Add([]byte(goodNotice), true)
	f.Add([]byte(strings.Replace(goodNotice, `"5.00"`, `"0.01"`, 1)), true)
	f.Add([]byte(strings.Replace(goodNotice, `"paid":{`, `"token":"T","paid":{"token":"T1",`, 1)), true)
	f.Add([]byte(`{"id":"N1","type":"payment.paid","payment":{"id":"c","status":"paid","amount":"0.01","currency":"KWD","refunded":"0.000","paid":null}}`), true)
	f.Add([]byte(goodNotice), false)
	f.Fuzz(func(t *testing.T, body []byte, honest bool) {
		c := verifier(t)
		h := signed(c, "N1", string(body), "1795176000")
		if !honest {
			h.Set("X-Signature", "v1="+strings.Repeat("0", 64))
		}
		n, err := c.VerifyNotification(h, body, noticeTime)
		if !honest && !errors.Is(err, ErrForged) {
			t.Fatalf("a forged notification: %v", err)
		}
		if err != nil {
			if n != (Notice{}) {
				t.Fatalf("an error and %+v", n)
			}
			return
		}
		p, r := n.Payment, n.Payment.Receipt
		for _, a := range []money.Amount{p.Amount, r.Amount} {
			if a.Currency != p.Amount.Currency || a.Minor < 1 || a.Minor > MaxMinor || !bytes.Contains(body, []byte(`"`+a.Decimal()+`"`)) {
				t.Fatalf("amount %s of %s", a, body)
			}
		}
		if n.ID != "N1" || p.Status != Paid || !ourID.MatchString(p.ID) || r.OperationID == "" || r.At.IsZero() || p.Refunded.Minor > r.Amount.Minor {
			t.Fatalf("accepted %+v", n)
		}
	})
}
