package pcsim_test

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"settled/internal/money"
	"settled/internal/pcsim"
)

var bankSecret = []byte("0123456789abcdef")

// newBank starts a bank.
func newBank(t *testing.T, change func(*pcsim.BankOptions)) *pcsim.Bank {
	t.Helper()
	o := pcsim.BankOptions{Seed: 1, KeyID: "k", Secret: bankSecret, Unit: pcsim.Kopecks}
	if change != nil {
		change(&o)
	}
	b, err := pcsim.NewBank(o)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.Close() })
	return b
}

// callBank makes a signed request and returns the status and the body.
func callBank(t *testing.T, b *pcsim.Bank, method, path, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, b.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(body))
	stamp, nonce := strconv.FormatInt(time.Now().Unix(), 10), rand.Text()
	mac := hmac.New(sha256.New, bankSecret)
	fmt.Fprintf(mac, "%s\n%s\n%x\n%s\n%s\nk", method, path, sum, stamp, nonce)
	r.Header.Set("X-Key-Id", "k")
	r.Header.Set("X-Timestamp", stamp)
	r.Header.Set("X-Nonce", nonce)
	r.Header.Set("X-Signature", "v1="+hex.EncodeToString(mac.Sum(nil)))
	return do(t, r)
}

func do(t *testing.T, r *http.Request) (int, map[string]any) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	var out map[string]any
	if err := json.NewDecoder(a.Body).Decode(&out); err != nil {
		t.Fatal(err)
	}
	return a.StatusCode, out
}

const bankOrder = `{"id":"a","amount":12345,"currency":"RUB","description":"Two <b>books</b>","ttl_seconds":600,` +
	`"return_url":"https://shop.example/back","subscription":true}`

func TestBankRefusesWhatIsNotItsFormat(t *testing.T) {
	b := newBank(t, nil)
	for name, body := range map[string]string{
		"not JSON":         `id=a`,
		"unknown member":   strings.Replace(bankOrder, `"id"`, `"extra":1,"id"`, 1),
		"repeated member":  strings.Replace(bankOrder, `"id"`, `"id":"a","id"`, 1),
		"trailing":         bankOrder + "1",
		"text for kopecks": strings.Replace(bankOrder, `12345`, `"123.45"`, 1),
		"decimals":         strings.Replace(bankOrder, `12345`, `123.45`, 1),
		"exponent":         strings.Replace(bankOrder, `12345`, `1e3`, 1),
		"negative":         strings.Replace(bankOrder, `12345`, `-1`, 1),
		"nothing":          strings.Replace(bankOrder, `12345`, `0`, 1),
		"no amount":        strings.Replace(bankOrder, `"amount":12345,`, ``, 1),
		"too much":         strings.Replace(bankOrder, `12345`, `1000000000000`, 1),
		"currency":         strings.Replace(bankOrder, `RUB`, `RUR`, 1),
		"id":               strings.Replace(bankOrder, `"a"`, `"a b"`, 1),
		"TTL":              strings.Replace(bankOrder, `600`, `59`, 1),
		"description":      strings.Replace(bankOrder, `Two`, strings.Repeat("ж", 140), 1),
	} {
		if status, answer := callBank(t, b, "POST", "/v1/payments", body); status != http.StatusBadRequest || answer["code"] != "bad_request" {
			t.Errorf("%s: %d %v", name, status, answer)
		}
	}
	if n := len(b.Payments()); n != 0 {
		t.Errorf("%d payments", n)
	}
}

func TestBankSeesThroughSignatures(t *testing.T) {
	b := newBank(t, nil)
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL()+"/v1/payments", strings.NewReader(bankOrder))
	if err != nil {
		t.Fatal(err)
	}
	if status, answer := do(t, r); status != http.StatusUnauthorized || answer["message"] != "unknown key" {
		t.Errorf("without a key: %d %v", status, answer)
	}
}

// TestEqualSeedsGiveEqualBanks: ids, buyers and tokens.
func TestEqualSeedsGiveEqualBanks(t *testing.T) {
	now := time.Now()
	pay := func(seed uint64) pcsim.BankPayment {
		b := newBank(t, func(o *pcsim.BankOptions) { o.Seed, o.Now = seed, func() time.Time { return now } })
		_, p := callBank(t, b, "POST", "/v1/payments", bankOrder)
		paid, err := b.Scan(p["payload"].(string), true, true)
		if err != nil {
			t.Fatal(err)
		}
		return paid
	}
	first, same, other := pay(1), pay(1), pay(2)
	if first != same {
		t.Errorf("one seed, two banks: %+v and %+v", first, same)
	}
	if first.QR == other.QR || first.OperationID == other.OperationID || first.Token == other.Token || first.Token == "" {
		t.Errorf("two seeds, one bank: %+v", other)
	}
}

func TestPayloadChecksum(t *testing.T) {
	b := newBank(t, nil)
	_, p := callBank(t, b, "POST", "/v1/payments", bankOrder)
	text, sum, _ := strings.Cut(p["payload"].(string), "&crc=")
	// The same checksum by another way: division of the text as a polynomial over the bits, first to last.
	register := uint32(0xffff)
	for _, c := range []byte(text) {
		for bit := 7; bit >= 0; bit-- {
			top := register >> 15 & 1
			register = register << 1 & 0xffff
			if top^uint32(c>>bit&1) == 1 {
				register ^= 0x1021
			}
		}
	}
	if want := fmt.Sprintf("%04X", register); sum != want {
		t.Errorf("checksum of %s is %s, want %s", text, sum, want)
	}
}

// TestPersonPaysOnThePage follows the payload to the page, and presses the button.
func TestPersonPaysOnThePage(t *testing.T) {
	b := newBank(t, func(o *pcsim.BankOptions) { o.OwnPayloads = true })
	_, p := callBank(t, b, "POST", "/v1/payments", bankOrder)
	payload := p["payload"].(string)
	page := getPage(t, payload)
	for _, want := range []string{"123.45 RUB", "Two &lt;b&gt;books&lt;/b&gt;", `value="pay"`, `value="decline"`, `name="consent"`, `href="https://shop.example/back"`} {
		if !strings.Contains(page, want) {
			t.Errorf("the page does not have %s:\n%s", want, page)
		}
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.PostForm(payload, url.Values{"do": {"pay"}, "consent": {"1"}})
	if err != nil {
		t.Fatal(err)
	}
	a.Body.Close()
	page = getPage(t, payload)
	if !strings.Contains(page, `id="state">paid<`) || strings.Contains(page, "<form") {
		t.Errorf("the page after the payment:\n%s", page)
	}
	if got := b.Payments()[0]; got.Status != pcsim.BankPaid || got.Token == "" {
		t.Errorf("payment %+v", got)
	}
	if len(b.Subscriptions()) != 1 || b.Books()[money.RUB].Paid != (pcsim.Line{Count: 1, Amount: 12345}) {
		t.Errorf("subscriptions %v, books %+v", b.Subscriptions(), b.Books())
	}
	if page := getPage(t, b.URL()+"/"); !strings.Contains(page, `"amount": 12345`) {
		t.Errorf("the books' page:\n%s", page)
	}
}

func TestPersonDeclinesOnThePage(t *testing.T) {
	b := newBank(t, func(o *pcsim.BankOptions) { o.OwnPayloads = true })
	_, p := callBank(t, b, "POST", "/v1/payments", strings.Replace(bankOrder, "https://shop.example", "javascript:alert", 1))
	payload := p["payload"].(string)
	if page := getPage(t, payload); strings.Contains(page, "javascript") {
		t.Errorf("a script on the page:\n%s", page)
	}
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, do := range []string{"", "decline", "pay"} {
		a, err := client.PostForm(payload, url.Values{"do": {do}})
		if err != nil {
			t.Fatal(err)
		}
		a.Body.Close()
	}
	if got := b.Payments()[0]; got.Status != pcsim.BankRefused || got.Code != "declined_by_payer" {
		t.Errorf("payment %+v", got)
	}
}

func getPage(t *testing.T, address string) string {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	a, err := client.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	if err != nil || a.StatusCode != http.StatusOK {
		t.Fatalf("status %d, %v", a.StatusCode, err)
	}
	return string(text)
}

func TestScanOfNothing(t *testing.T) {
	b := newBank(t, nil)
	for _, ref := range []string{"", "AD0", "https://qr.nspk.example/AD0?type=02", "://", "%"} {
		if _, err := b.Scan(ref, true, false); !errors.Is(err, pcsim.ErrQR) {
			t.Errorf("%q: %v", ref, err)
		}
	}
}

// TestBankBooksBalance: many requests at a time, each three times, and the totals are the sum of what was paid once.
func TestBankBooksBalance(t *testing.T) {
	b := newBank(t, nil)
	var all sync.WaitGroup
	for i := range 20 {
		body := strings.Replace(strings.Replace(bankOrder, `"a"`, fmt.Sprintf(`"p%d"`, i), 1), "12345", strconv.Itoa(1000+i), 1)
		for range 3 {
			all.Go(func() {
				_, p := callBank(t, b, "POST", "/v1/payments", body)
				if _, err := b.Scan(p["qr_id"].(string), true, false); err != nil && !errors.Is(err, pcsim.ErrQRClosed) {
					t.Error(err)
				}
				refund := fmt.Sprintf(`{"id":"r%d","payment_id":"p%d","amount":%d,"currency":"RUB"}`, i, i, 500+i)
				if status, answer := callBank(t, b, "POST", "/v1/refunds", refund); status != http.StatusOK || answer["status"] != "done" {
					t.Errorf("refund %d %v", status, answer)
				}
			})
		}
	}
	all.Wait()
	got := b.Books()[money.RUB]
	want := pcsim.BankTotals{Paid: pcsim.Line{Count: 20, Amount: 20*1000 + 190}, Refunded: pcsim.Line{Count: 20, Amount: 20*500 + 190}}
	if got != want || got.Net() != 20*500 {
		t.Errorf("books %+v, want %+v", got, want)
	}
	var paid, refunded int64
	for _, p := range b.Payments() {
		paid += p.Amount.Minor
		refunded += p.Refunded
	}
	if paid != want.Paid.Amount || refunded != want.Refunded.Amount {
		t.Errorf("payments come to %d and %d", paid, refunded)
	}
}

func TestBankOptions(t *testing.T) {
	for name, o := range map[string]pcsim.BankOptions{
		"no key":     {Secret: bankSecret},
		"no secret":  {KeyID: "k"},
		"short":      {KeyID: "k", Secret: []byte("short")},
		"notify":     {KeyID: "k", Secret: bankSecret, NotifyURL: "ftp://shop.example"},
		"past":       {KeyID: "k", Secret: bankSecret, LateBy: -1},
		"other unit": {KeyID: "k", Secret: bankSecret, Unit: 2},
	} {
		if _, err := pcsim.NewBank(o); !errors.Is(err, pcsim.ErrOptions) {
			t.Errorf("%s: %v", name, err)
		}
	}
	b := newBank(t, nil)
	if err := b.Start(); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("second start: %v", err)
	}
	if err := b.SetNotifyURL("x"); !errors.Is(err, pcsim.ErrOptions) {
		t.Errorf("notify URL: %v", err)
	}
	if err := b.Close(); err != nil {
		t.Error(err)
	}
	if err := b.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
	if err := b.SetDown(true); !errors.Is(err, pcsim.ErrState) {
		t.Errorf("down after the end: %v", err)
	}
}

// TestAmounts checks that the test amounts can be told apart, and that each outcome has one.
func TestAmounts(t *testing.T) {
	amounts, outcomes := map[int64]bool{}, map[pcsim.BankOutcome]bool{}
	for _, a := range pcsim.TestAmounts() {
		if amounts[a.Minor] || outcomes[a.Outcome] || a.Means == "" {
			t.Errorf("amount %+v", a)
		}
		amounts[a.Minor], outcomes[a.Outcome] = true, true
	}
	for o := pcsim.Pays + 1; o <= pcsim.WrongNotice; o++ {
		if !outcomes[o] {
			t.Errorf("outcome %d has no amount", o)
		}
	}
}
